"""Derived DICOM objects: what they keep, what they say, and what they must not say any more."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset, FileDataset, dcmread, dcmwrite, uid

from cofenet.errors import UnwritableError
from cofenet.io import Photograph, read_frames, read_photograph, write_frames, write_photograph
from cofenet.io import read_text as cofenet_text
from cofenet.io.dicom_text import read_text

MADE = {
    "version": "0.1.0", "operation": "correct", "model": "light", "model_sha256": "ab" * 32,
    "settings": {"strength": 0.5}, "circle": {"x": 1.5},
}  # fmt: skip
TEXT = {"cofenet": json.dumps(MADE)}
KEPT = (
    "PatientName", "PatientID", "PatientBirthDate", "StudyInstanceUID", "StudyDate", "AccessionNumber", "Modality",
    "ImageLaterality", "PixelSpacing", "HorizontalFieldOfView", "BurnedInAnnotation", "LossyImageCompression",
    "AcquisitionDateTime", "DeviceSerialNumber", "AnatomicRegionSequence", "SpecificCharacterSet", "InstanceNumber",
    "PatientOrientation",
)  # fmt: skip


def noise(*shape: int, bits: int = 8, dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(sum(shape)).integers(0, 2**bits, shape).astype(dtype)


def corrected(source: Path, target: Path) -> tuple[Dataset, FileDataset]:
    """Source and result, of pixels turned upside down."""
    photograph = read_photograph(source)
    write_photograph(target, replace(photograph, pixels=photograph.pixels[::-1].copy()), text=TEXT)
    return dcmread(source), dcmread(target)


def test_what_holds_is_kept_and_what_is_new_is_said(files: ModuleType, tmp_path: Path) -> None:
    source, result = corrected(files.save(files.photograph(noise(40, 50, 3)), tmp_path / "a"), tmp_path / "b")
    assert {keyword for keyword in KEPT if result[keyword] != source[keyword]} == set()
    assert result.file_meta.TransferSyntaxUID == uid.ExplicitVRLittleEndian
    assert result.SOPClassUID == source.SOPClassUID == result.file_meta.MediaStorageSOPClassUID
    assert result.SOPInstanceUID == result.file_meta.MediaStorageSOPInstanceUID
    assert len({source.SOPInstanceUID, result.SOPInstanceUID, source.SeriesInstanceUID, result.SeriesInstanceUID}) == 4
    assert result.ImageType[0] == "DERIVED"
    assert result.SeriesNumber == 1003
    assert result.SeriesDescription == "corrected Right eye"
    (origin,) = result.SourceImageSequence
    assert origin.ReferencedSOPInstanceUID == source.SOPInstanceUID
    assert origin.ReferencedSOPClassUID == source.SOPClassUID
    assert origin.PurposeOfReferenceCodeSequence[0].CodeValue == "121322"
    assert "strength 0.5" in result.DerivationDescription
    assert result.DerivationCodeSequence[0].CodeMeaning == "Image Processing"
    camera, ours = result.ContributingEquipmentSequence
    assert camera == source.ContributingEquipmentSequence[0]
    assert ours.PurposeOfReferenceCodeSequence[0].CodeMeaning == "Processing Equipment"
    assert ours.SoftwareVersions == ["0.1.0", "ab" * 32]
    assert ours.Manufacturer == "cofenet"
    assert json.loads(read_text(result) or "") == MADE
    assert read_text(source) is None
    assert result.ContentDate + result.ContentTime > source.ContentDate + source.ContentTime


def test_what_was_told_survives_a_syntax_without_types(files: ModuleType, tmp_path: Path) -> None:
    _, result = corrected(files.save(files.photograph(noise(40, 50, 3)), tmp_path / "a"), tmp_path / "b")
    result.file_meta.TransferSyntaxUID = uid.ImplicitVRLittleEndian
    dcmwrite(tmp_path / "sent", result, enforce_file_format=True, implicit_vr=True, little_endian=True)
    assert json.loads(cofenet_text(tmp_path / "sent") or "") == MADE


def test_what_the_source_says_in_its_own_letters_is_kept(files: ModuleType, tmp_path: Path) -> None:
    file = files.photograph(noise(40, 50, 3), SeriesDescription="Übersicht, 眼底", SeriesNumber=2**31 - 5)
    _, result = corrected(files.save(file, tmp_path / "a"), tmp_path / "b")
    assert result.SeriesDescription == "corrected Übersicht, 眼底"
    assert result.SeriesNumber == 2**31 - 1


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
@pytest.mark.parametrize("number", [None, [1, 2]])
def test_zones_and_numbers_that_are_none_do_not_hinder(
    files: ModuleType, tmp_path: Path, number: list[int] | None
) -> None:
    file = files.photograph(noise(40, 50, 3), TimezoneOffsetFromUTC="CET")
    del file.SeriesNumber
    if number:
        file.SeriesNumber = number
    _, result = corrected(files.save(file, tmp_path / "a"), tmp_path / "b")
    assert result.SeriesNumber == 1000
    assert result.ContentDate > file.ContentDate


@pytest.mark.parametrize("said", ["YES", "NO", None])
def test_burned_in_annotation_is_untouched(files: ModuleType, tmp_path: Path, said: str | None) -> None:
    file = files.photograph(noise(40, 50, 3), files.CAPTURE, BurnedInAnnotation=said or "")
    if said is None:
        del file.BurnedInAnnotation
    _, result = corrected(files.save(file, tmp_path / "a"), tmp_path / "b")
    assert result.get("BurnedInAnnotation") == said


def test_what_is_no_longer_true_is_gone(files: ModuleType, tmp_path: Path) -> None:
    stale = {"SmallestImagePixelValue": 0, "LargestImagePixelValue": 255, "IconImageSequence": [Dataset()]}
    file = files.photograph(noise(40, 50, 3), **stale, DigitalSignaturesSequence=[Dataset()])
    _, result = corrected(files.save(file, tmp_path / "a"), tmp_path / "b")
    assert {*stale, "DigitalSignaturesSequence", "SeriesDate", "SeriesTime"} & set(result.dir()) == set()


def test_lossy_history_stays_and_grows_by_that_of_the_file(files: ModuleType, tmp_path: Path) -> None:
    file = files.photograph(noise(40, 50, 3))
    file.compress(uid.JPEGLSNearLossless, jls_error=2, generate_instance_uid=False)
    file.LossyImageCompression = ""
    _, result = corrected(files.save(file, tmp_path / "a"), tmp_path / "b")
    assert result.LossyImageCompression == "01"
    assert result.LossyImageCompressionMethod == "ISO_14495_1"
    assert result.LossyImageCompressionRatio > 1


@settings(max_examples=30)
@given(bits=st.integers(2, 16), seed=st.integers(0, 99), channels=st.sampled_from([1, 3]), frames=st.integers(1, 3))
def test_every_sample_survives(
    files: ModuleType, tmp_path_factory: pytest.TempPathFactory, bits: int, seed: int, channels: int, frames: int
) -> None:
    folder = tmp_path_factory.mktemp("dicom")
    dtype = np.uint8 if bits <= 8 else np.uint16
    shape = (frames, 33, 37, 3)[: 3 if channels == 1 else 4]
    pixels = np.random.default_rng(seed).integers(0, 2**bits, shape).astype(dtype)
    source = files.save(files.photograph(pixels, files.OP8 if bits <= 8 else files.OP16, bits), folder / "a")
    target = write_frames(folder / "b", read_frames(source), text=TEXT)
    result = dcmread(target)
    np.testing.assert_array_equal(result.pixel_array, pixels.squeeze())
    assert (result.BitsStored, result.HighBit, result.BitsAllocated) == (bits, bits - 1, 8 * pixels.itemsize)
    for before, after in zip(read_frames(source), read_frames(target), strict=True):
        np.testing.assert_array_equal(before.pixels, after.pixels)


@pytest.mark.parametrize("kind", ["OP8", "CAPTURE", "VISIBLE", "BYTES"])
def test_grey_that_becomes_coloured_is_stored_in_colours(files: ModuleType, tmp_path: Path, kind: str) -> None:
    grey = noise(2, 40, 50) if kind == "BYTES" else noise(40, 50)
    shown = {} if kind == "BYTES" else {"WindowCenter": 100, "WindowWidth": 50}
    path = files.save(files.photograph(grey, getattr(files, kind), **shown), tmp_path / "a")
    frames = [replace(frame, pixels=frame.pixels ^ np.uint8([1, 2, 3])) for frame in read_frames(path)]
    result = dcmread(write_frames(tmp_path / "b", frames, text=TEXT))
    assert (result.SamplesPerPixel, result.PhotometricInterpretation, result.PlanarConfiguration) == (3, "RGB", 0)
    np.testing.assert_array_equal(result.pixel_array, np.stack([frame.pixels for frame in frames]).squeeze())
    assert {"PresentationLUTShape", "WindowCenter", "RescaleSlope"} & set(result.dir()) == set()
    assert result.SOPClassUID == (files.CAPTURES if kind == "BYTES" else getattr(files, kind))


def test_results_of_a_series_by_the_same_means_share_a_series(files: ModuleType, tmp_path: Path) -> None:
    series = uid.generate_uid()
    paths = [files.save(files.photograph(noise(40, 50, 3), SeriesInstanceUID=series), tmp_path / n) for n in "ab"]
    one, two = (corrected(path, tmp_path / f"{path.name}.result")[1] for path in paths)
    assert one.SeriesInstanceUID == two.SeriesInstanceUID
    assert one.SOPInstanceUID != two.SOPInstanceUID
    other = TEXT["cofenet"].replace("0.5", "1.0")
    write_photograph(tmp_path / "c", read_photograph(paths[0]), text={"cofenet": other})
    assert dcmread(tmp_path / "c").SeriesInstanceUID != one.SeriesInstanceUID


@pytest.mark.parametrize("syntax", [uid.ImplicitVRLittleEndian, uid.ExplicitVRBigEndian])
def test_a_header_in_another_encoding_says_the_same(files: ModuleType, tmp_path: Path, syntax: uid.UID) -> None:
    file = files.photograph(noise(40, 50, 3))
    file.file_meta.TransferSyntaxUID = syntax
    dcmwrite(tmp_path / "a", file, enforce_file_format=True)
    source, result = corrected(tmp_path / "a", tmp_path / "b")
    assert {keyword for keyword in KEPT if result[keyword].value != source[keyword].value} == set()
    assert result.FrameTimeVector == source.FrameTimeVector


def test_invalid_values_of_the_source_do_not_hinder(files: ModuleType, tmp_path: Path) -> None:
    path = files.save(files.photograph(noise(40, 50, 3), StudyDate="20260102"), tmp_path / "a")
    path.write_bytes(path.read_bytes().replace(b"20260102", b"02.01.26").replace(b"19520314", b"whenever"))
    _, result = corrected(path, tmp_path / "b")
    assert result.PatientName == files.PATIENT


def test_times_are_told_in_the_zone_of_the_header(files: ModuleType, tmp_path: Path) -> None:
    file = files.photograph(noise(40, 50, 3), TimezoneOffsetFromUTC="+1345")
    _, result = corrected(files.save(file, tmp_path / "a"), tmp_path / "b")
    when = result.ContributingEquipmentSequence[-1].ContributionDateTime
    assert when.endswith("+1345")
    assert when[:8] == result.ContentDate


def test_a_header_is_not_changed_by_writing(files: ModuleType, tmp_path: Path) -> None:
    photograph = read_photograph(files.save(files.photograph(noise(40, 50, 3)), tmp_path / "a"))
    before = photograph.metadata.dicom.to_json()
    write_photograph(tmp_path / "b", photograph, text=TEXT)
    assert photograph.metadata.dicom.to_json() == before


def test_other_formats_keep_nothing_but_colours(files: ModuleType, tmp_path: Path) -> None:
    pixels = noise(40, 50, 3)
    photograph = read_photograph(files.save(files.photograph(pixels), tmp_path / "a"))
    target = write_photograph(tmp_path / "b", photograph, format="png", text=TEXT)
    np.testing.assert_array_equal(read_photograph(target).pixels, pixels)
    assert target.name == "b.png"
    assert "Müller".encode() not in target.read_bytes()
    assert b"MRN-4711" not in target.read_bytes()


@pytest.mark.parametrize("name", ["a.dcm", "a", "1.2.840.3"])
def test_names_of_dicom_files_stay(files: ModuleType, tmp_path: Path, name: str) -> None:
    photograph = read_photograph(files.save(files.photograph(noise(40, 50, 3)), tmp_path / "source"))
    assert write_photograph(tmp_path / name, photograph, text=TEXT).name == name


def test_a_name_that_would_lie_gets_the_right_ending(files: ModuleType, tmp_path: Path) -> None:
    photograph = read_photograph(files.save(files.photograph(noise(40, 50, 3)), tmp_path / "source"))
    assert write_photograph(tmp_path / "a.jpg", photograph, text=TEXT).name == "a.jpg.dcm"


def test_what_cannot_be_written_is_named(files: ModuleType, tmp_path: Path) -> None:
    pixels = noise(40, 50, 3)
    with pytest.raises(UnwritableError, match=r"b\.dcm: cannot be written as DICOM: it came from no DICOM file"):
        write_photograph(tmp_path / "b.dcm", Photograph(pixels), format="dicom", text=TEXT)
    several = read_frames(files.save(files.photograph(noise(2, 40, 50, 3)), tmp_path / "a"))
    with pytest.raises(UnwritableError, match="2 frames"):
        write_frames(tmp_path / "b", several, format="png")
    with pytest.raises(UnwritableError, match="version and operation"):
        write_frames(tmp_path / "b", several)
    words = files.photograph(noise(2, 40, 50, bits=16, dtype=np.uint16), files.WORDS)
    coloured = [
        replace(f, pixels=f.pixels ^ np.uint16([1, 2, 3])) for f in read_frames(files.save(words, tmp_path / "w"))
    ]
    with pytest.raises(UnwritableError, match="16-bit colours"):
        write_frames(tmp_path / "b", coloured, text=TEXT)
    assert not list(tmp_path.glob("b*"))
