"""Reading DICOM: every class, transfer syntax and colour space, against other encoders; and files that are bad."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydicom import FileDataset, dcmread, dcmwrite, uid
from pydicom.encaps import encapsulate

from cofenet.errors import TooLargeError, UnreadableError
from cofenet.io import Photograph, read_frames, read_photograph
from cofenet.io.dicom import gather, spread


def scene(dtype: type = np.uint8, bits: int | None = None, channels: int = 3) -> np.ndarray:
    """A smooth picture over the whole range of `bits`: (H, W, 3) or (H, W)."""
    y, x = np.mgrid[0:64, 0:80] / 80
    colours = np.stack([x + y * y, 0.2 + 0.6 * y, 0.9 * x * (1 - y)], axis=-1)
    top = 2 ** (bits or np.iinfo(dtype).bits) - 1
    pixels = np.rint(colours / colours.max() * top).astype(dtype)
    return pixels if channels == 3 else pixels[..., 0].copy()


def only(path: Path) -> Photograph:
    photograph = read_photograph(path)
    assert photograph.format == "dicom"
    return photograph


def grey_of(photograph: Photograph) -> np.ndarray:
    assert photograph.metadata.grey
    assert (photograph.pixels == photograph.pixels[..., :1]).all()
    return photograph.pixels[..., 0]


# What is read


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("kind", "dtype"),
    [("OP8", np.uint8), ("OP16", np.uint16), ("CAPTURE", np.uint8), ("CAPTURE", np.uint16), ("VISIBLE", np.uint8)],
)
def test_every_class_gives_its_samples(
    files: ModuleType, tmp_path: Path, kind: str, dtype: type, channels: int
) -> None:
    pixels = scene(dtype, channels=channels)
    photograph = only(files.save(files.photograph(pixels, getattr(files, kind)), tmp_path / "IM0001"))
    np.testing.assert_array_equal(grey_of(photograph) if channels == 1 else photograph.pixels, pixels)
    assert photograph.pixels.dtype == dtype


@pytest.mark.parametrize("channels", [1, 3])
def test_several_frames_are_read_in_their_order(files: ModuleType, tmp_path: Path, channels: int) -> None:
    frames = np.stack([scene(channels=channels), scene(channels=channels)[::-1], 255 - scene(channels=channels)])
    path = files.save(files.photograph(frames, files.CAPTURES if channels == 3 else files.BYTES), tmp_path / "a")
    read = read_frames(path)
    assert len(read) == 3
    for frame, photograph in zip(frames, read, strict=True):
        np.testing.assert_array_equal(photograph.pixels[..., :channels].squeeze(), frame)
    with pytest.raises(UnreadableError, match=r"a: has 3 frames"):
        read_photograph(path)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    "syntax",
    [
        uid.ImplicitVRLittleEndian,
        uid.ExplicitVRBigEndian,
        uid.DeflatedExplicitVRLittleEndian,
        uid.RLELossless,
        uid.JPEGLSLossless,
        uid.JPEG2000Lossless,
    ],
)
@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_lossless_syntaxes_give_every_sample(
    files: ModuleType, tmp_path: Path, syntax: uid.UID, bits: int, channels: int
) -> None:
    pixels = scene(np.uint8 if bits == 8 else np.uint16, bits, channels)
    file = files.photograph(pixels, files.OP8 if bits == 8 else files.OP16, bits)
    if syntax.is_encapsulated:
        file.compress(syntax, generate_instance_uid=False)
        path = files.save(file, tmp_path / "a")
    else:
        path = recoded(file, syntax, tmp_path / "a")
    assert dcmread(path).file_meta.TransferSyntaxUID == syntax
    read = only(path)
    seen = grey_of(read) if channels == 1 else read.pixels
    np.testing.assert_array_equal(gather(seen, bits), pixels)
    assert seen.max() == np.iinfo(seen.dtype).max


def recoded(file: FileDataset, syntax: uid.UID, path: Path) -> Path:
    if syntax == uid.ExplicitVRBigEndian and file.BitsAllocated == 16:
        file.PixelData = np.frombuffer(file.PixelData, "<u2").astype(">u2").tobytes()
    file.file_meta.TransferSyntaxUID = syntax
    dcmwrite(path, file, enforce_file_format=True)
    return path


@pytest.mark.parametrize("stated", ["00", None])
@pytest.mark.parametrize("syntax", [uid.JPEG2000, uid.JPEGLSNearLossless])
def test_lossy_syntaxes_are_close_and_say_so(
    files: ModuleType, tmp_path: Path, syntax: uid.UID, stated: str | None
) -> None:
    pixels = scene()
    file = files.photograph(pixels)
    options = {"j2k_cr": [20]} if syntax == uid.JPEG2000 else {"jls_error": 2}
    file.compress(syntax, generate_instance_uid=False, **options)
    file.LossyImageCompression = "01" if syntax == uid.JPEGLSNearLossless and stated else stated
    read = only(files.save(file, tmp_path / "a"))
    np.testing.assert_allclose(read.pixels.astype(int), pixels, atol=6)
    assert read.metadata.dicom.LossyImageCompression == "01"


def jpeg(pixels: np.ndarray, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=95, **options)
    return stream.getvalue() + b"\0" * (stream.tell() % 2)


@pytest.mark.parametrize(
    ("said", "options", "channels"),
    [
        ("YBR_FULL_422", {"subsampling": 1}, 3),
        ("YBR_FULL", {"subsampling": 0}, 3),
        ("RGB", {"keep_rgb": True}, 3),
        ("RGB", {"subsampling": 0}, 3),  # the file lies; its JFIF header tells
        ("MONOCHROME2", {}, 1),
    ],
)
def test_jpeg_baseline_has_the_colours_that_others_see(
    files: ModuleType, tmp_path: Path, said: str, options: dict[str, object], channels: int
) -> None:
    coded = jpeg(scene(channels=channels), **options)
    file = files.photograph(scene(channels=channels))
    files.encapsulated(file, uid.JPEGBaseline8Bit, [coded], PhotometricInterpretation=said)
    read = only(files.save(file, tmp_path / "a"))
    seen = np.asarray(Image.open(io.BytesIO(coded)).convert("RGB"))
    np.testing.assert_allclose(read.pixels.astype(int), seen, atol=2)
    header = read.metadata.dicom
    assert header.LossyImageCompression == "01"
    assert header.LossyImageCompressionMethod == "ISO_10918_1"
    assert header.LossyImageCompressionRatio == pytest.approx(scene(channels=channels).size / len(coded), rel=0.01)


def test_what_was_lost_before_stays_said(files: ModuleType, tmp_path: Path) -> None:
    told = {"LossyImageCompression": "01", "LossyImageCompressionRatio": ["20", "8"]}
    told["LossyImageCompressionMethod"] = ["ISO_10918_1", "ISO_15444_1"]
    header = only(files.save(files.photograph(scene(), **told), tmp_path / "a")).metadata.dicom
    assert header.LossyImageCompressionRatio == [20, 8]
    assert header.LossyImageCompressionMethod == ["ISO_10918_1", "ISO_15444_1"]


def to_ybr(pixels: np.ndarray) -> np.ndarray:
    """YBR_FULL of PS3.3, C.7.6.3.1.2."""
    matrix = np.array([[0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]])
    return np.clip(np.rint(pixels @ matrix.T + [0, 128, 128]), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("planar", [0, 1])
def test_uncompressed_luminance_and_colour_differences(files: ModuleType, tmp_path: Path, planar: int) -> None:
    stored = to_ybr(scene()).transpose(2, 0, 1) if planar else to_ybr(scene())
    file = files.photograph(scene(), PhotometricInterpretation="YBR_FULL", PlanarConfiguration=planar)
    file.PixelData = stored.tobytes()
    np.testing.assert_allclose(only(files.save(file, tmp_path / "a")).pixels.astype(int), scene(), atol=2)


def test_uncompressed_halved_colour_differences(files: ModuleType, tmp_path: Path) -> None:
    pixels = np.repeat(scene()[:, ::2], 2, axis=1)  # nothing is lost when two neighbours share their colour
    luminance, blue, red = np.moveaxis(to_ybr(pixels), -1, 0)
    stored = np.stack([luminance[:, ::2], luminance[:, 1::2], blue[:, ::2], red[:, ::2]], axis=-1)
    file = files.photograph(pixels, PhotometricInterpretation="YBR_FULL_422")
    file.PixelData = stored.tobytes()
    np.testing.assert_allclose(only(files.save(file, tmp_path / "a")).pixels.astype(int), pixels, atol=2)


def test_colour_planes_one_after_another(files: ModuleType, tmp_path: Path) -> None:
    file = files.photograph(scene(), PlanarConfiguration=1)
    file.PixelData = scene().transpose(2, 0, 1).tobytes()
    np.testing.assert_array_equal(only(files.save(file, tmp_path / "a")).pixels, scene())


def test_bits_above_the_stored_ones_are_ignored(files: ModuleType, tmp_path: Path) -> None:
    pixels = scene(np.uint16, 12)
    file = files.photograph(pixels, files.OP16, 12)
    file.PixelData = (pixels | 0xA000).tobytes()
    read = only(files.save(file, tmp_path / "a")).pixels
    np.testing.assert_array_equal(gather(read, 12), pixels)


@given(bits=st.integers(2, 16), seed=st.integers(0, 2**32 - 1))
def test_spreading_keeps_ends_order_and_every_value(bits: int, seed: int) -> None:
    samples = np.random.default_rng(seed).integers(0, 2**bits, 500).astype(np.uint8 if bits <= 8 else np.uint16)
    samples[:2] = 0, 2**bits - 1
    wide = spread(samples, bits)
    assert wide.dtype == samples.dtype
    assert wide[0] == 0
    assert wide[1] == np.iinfo(wide.dtype).max
    np.testing.assert_array_equal(gather(wide, bits), samples)
    np.testing.assert_allclose(wide / np.iinfo(wide.dtype).max, samples / (2**bits - 1), atol=0.51 / 255)


# What is not


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
    "no rows": ({"Rows": None}, "Rows"),
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
        where = file.file_meta if keyword == "TransferSyntaxUID" else file
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
        return files.encapsulated(file, syntax, [jpeg(scene())], PhotometricInterpretation="YBR_FULL_422")
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
