"""DICOM files that are no photograph, or a damaged one: one clear line that names the file."""

from __future__ import annotations

import struct
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from pydicom import FileDataset, dcmwrite, uid
from pydicom.encaps import encapsulate

from cofenet.errors import TooLargeError, UnreadableError
from cofenet.io import read_photograph
from raster_files import encoded, scene

BAD: dict[str, tuple[dict[str, object], str]] = {
    "no pixels": ({"PixelData": None}, "holds no pixels"),
    "palette": ({"PhotometricInterpretation": "PALETTE COLOR"}, "3 samples a pixel as PALETTE"),
    "white is zero": ({"SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME1"}, "as MONOCHROME1"),
    "grey of three": ({"PhotometricInterpretation": "MONOCHROME2"}, "3 samples a pixel as MONOCHROME2"),
    "colour of one": ({"SamplesPerPixel": 1}, "1 samples a pixel as RGB"),
    "no colour space": ({"PhotometricInterpretation": None}, "PhotometricInterpretation"),
    "signed": ({"PixelRepresentation": 1}, "signed"),
    "32 bits": ({"BitsAllocated": 32}, "32"),
    "high bit": ({"HighBit": 5}, "below bit 6"),
    "rows": ({"Rows": 65}, "cut short"),
    "frames": ({"NumberOfFrames": 2}, "cut short"),
    "no frame": ({"NumberOfFrames": -1}, "cut short"),
    "small": ({"Rows": 31}, "too few"),
    "no rows": ({"Rows": None}, "Rows is missing"),
    "directory": ({"MediaStorageSOPClassUID": uid.MediaStorageDirectoryStorage}, "directory of DICOM files"),
    "report": ({"SOPClassUID": uid.BasicTextSRStorage}, "Basic Text SR"),
    "no study": ({"StudyInstanceUID": None}, "StudyInstanceUID is missing"),
    "private": ({"TransferSyntaxUID": uid.UID("1.2.840.113619.5.2")}, "not read: 1.2.840.113619.5.2"),
    "unread": ({"TransferSyntaxUID": uid.MPEG4HP41, "PixelData": encapsulate([bytes(100)])}, "MPEG-4"),
    "no syntax": ({"TransferSyntaxUID": None}, "not read: none"),
    "deep luminance": (
        {"BitsAllocated": 16, "BitsStored": 16, "HighBit": 15, "PhotometricInterpretation": "YBR_FULL"},
        "16-bit colours",
    ),
}
"""What is changed in a good file, None for what is taken out; and what is said then."""


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_one_clear_line(files: ModuleType, tmp_path: Path, name: str) -> None:
    changes, words = BAD[name]
    file = files.photograph(scene())
    for keyword, value in changes.items():
        where = file.file_meta if keyword in ("TransferSyntaxUID", "MediaStorageSOPClassUID") else file
        if value is None:
            delattr(where, keyword)
        else:
            setattr(where, keyword, value)
    path = tmp_path / "bad.dcm"
    dcmwrite(path, file, implicit_vr=False, little_endian=True)
    with pytest.raises(UnreadableError) as caught:
        read_photograph(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert words in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_value_of_no_known_kind_is_found_when_the_file_is_read(files: ModuleType, tmp_path: Path) -> None:
    path = files.save(files.photograph(scene(), BurnedInAnnotation="NO"), tmp_path / "bad.dcm")
    path.write_bytes(path.read_bytes().replace(b"\x28\x00\x01\x03CS", b"\x28\x00\x01\x03GL", 1))
    with pytest.raises(UnreadableError, match="damaged"):
        read_photograph(path)


def test_too_many_pixels_are_refused_before_decoding(files: ModuleType, tmp_path: Path) -> None:
    file = files.photograph(scene(), Rows=60000, Columns=60000)
    with pytest.raises(TooLargeError, match="3600 megapixels"):
        read_photograph(files.save(file, tmp_path / "a"))


SYNTAXES = [
    uid.ExplicitVRLittleEndian,
    uid.RLELossless,
    uid.JPEGLSLossless,
    uid.JPEG2000Lossless,
    uid.JPEGBaseline8Bit,
]


def stored(files: ModuleType, syntax: uid.UID) -> FileDataset:
    file = files.photograph(scene())
    if syntax == uid.JPEGBaseline8Bit:
        return files.encapsulated(
            file, syntax, [encoded(scene(), "JPEG", quality=95)], PhotometricInterpretation="YBR_FULL_422"
        )
    if syntax.is_encapsulated:
        file.compress(syntax, generate_instance_uid=False)
    return file


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_file_that_is_cut_anywhere_is_refused(files: ModuleType, tmp_path: Path, syntax: uid.UID) -> None:
    path = files.save(stored(files, syntax), tmp_path / "a")
    content = path.read_bytes()
    for end in np.linspace(132, len(content) - 9, 60).astype(int):
        path.write_bytes(content[:end])
        with pytest.raises(UnreadableError, match="a: "):
            read_photograph(path)


@pytest.mark.parametrize("syntax", [syntax for syntax in SYNTAXES if syntax.is_encapsulated])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.9])
def test_encapsulated_garbage_is_refused(files: ModuleType, tmp_path: Path, syntax: uid.UID, share: float) -> None:
    """The frame is cut or wholly random, in an object that is otherwise sound."""
    file = stored(files, syntax)
    start = file.PixelData.index(b"\xfe\xff\x00\xe0", 8) + 8
    (length,) = struct.unpack_from("<I", file.PixelData, start - 4)
    coded = file.PixelData[start : start + length]
    garbage = np.random.default_rng(0).integers(0, 256, 4000, np.uint8).tobytes()
    cut = coded[: int(share * length / 2) * 2] if share else garbage
    files.encapsulated(file, syntax, [cut], PhotometricInterpretation=file.PhotometricInterpretation)
    with pytest.raises(UnreadableError, match="a: cannot be decoded"):
        read_photograph(files.save(file, tmp_path / "a"))
