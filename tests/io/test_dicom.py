"""Reading DICOM: every class, transfer syntax and colour space, against other encoders."""

from __future__ import annotations

import io
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydicom import FileDataset, dcmread, dcmwrite, uid

from cofenet.errors import UnreadableError
from cofenet.io import Photograph, read_frames, read_photograph
from cofenet.io.dicom import gather, spread
from raster_files import encoded, scene


def picture(dtype: type = np.uint8, bits: int | None = None, channels: int = 3) -> np.ndarray:
    """(H, W, 3) or (H, W)."""
    pixels = scene(dtype=dtype, bits=bits)
    return pixels if channels == 3 else pixels[..., 0].copy()


def only(path: Path) -> Photograph:
    photograph = read_photograph(path)
    assert photograph.format == "dicom"
    return photograph


def grey_of(photograph: Photograph) -> np.ndarray:
    assert photograph.metadata.grey
    assert (photograph.pixels == photograph.pixels[..., :1]).all()
    return photograph.pixels[..., 0]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("kind", "dtype"),
    [("OP8", np.uint8), ("OP16", np.uint16), ("CAPTURE", np.uint8), ("CAPTURE", np.uint16), ("VISIBLE", np.uint8)],
)
def test_every_class_gives_its_samples(
    files: ModuleType, tmp_path: Path, kind: str, dtype: type, channels: int
) -> None:
    pixels = picture(dtype, channels=channels)
    photograph = only(files.save(files.photograph(pixels, getattr(files, kind)), tmp_path / "IM0001"))
    np.testing.assert_array_equal(grey_of(photograph) if channels == 1 else photograph.pixels, pixels)
    assert photograph.pixels.dtype == dtype


@pytest.mark.parametrize("channels", [1, 3])
def test_several_frames_are_read_in_their_order(files: ModuleType, tmp_path: Path, channels: int) -> None:
    frames = np.stack([picture(channels=channels), picture(channels=channels)[::-1], 255 - picture(channels=channels)])
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
    pixels = picture(np.uint8 if bits == 8 else np.uint16, bits, channels)
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
    file.LossyImageCompression = stated
    read = only(files.save(file, tmp_path / "a"))
    np.testing.assert_allclose(read.pixels.astype(int), pixels, atol=6)
    assert read.metadata.dicom.LossyImageCompression == "01"


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
    coded = encoded(picture(channels=channels), "JPEG", quality=95, **options)
    file = files.photograph(picture(channels=channels))
    files.encapsulated(file, uid.JPEGBaseline8Bit, [coded], PhotometricInterpretation=said)
    read = only(files.save(file, tmp_path / "a"))
    seen = np.asarray(Image.open(io.BytesIO(coded)).convert("RGB"))
    np.testing.assert_allclose(read.pixels.astype(int), seen, atol=2)
    header = read.metadata.dicom
    assert header.LossyImageCompression == "01"
    assert header.LossyImageCompressionMethod == "ISO_10918_1"
    assert header.LossyImageCompressionRatio == pytest.approx(picture(channels=channels).size / len(coded), rel=0.01)


def test_what_was_lost_before_stays_said(files: ModuleType, tmp_path: Path) -> None:
    told = {"LossyImageCompression": "01", "LossyImageCompressionRatio": ["20", "8"]}
    told["LossyImageCompressionMethod"] = ["ISO_10918_1", "ISO_15444_1"]
    header = only(files.save(files.photograph(scene(), **told), tmp_path / "a")).metadata.dicom
    assert header.LossyImageCompressionRatio == [20, 8]
    assert header.LossyImageCompressionMethod == ["ISO_10918_1", "ISO_15444_1"]


def test_a_lossless_step_adds_no_loss(files: ModuleType, tmp_path: Path) -> None:
    told = {"LossyImageCompression": "01", "LossyImageCompressionRatio": "12"}
    told["LossyImageCompressionMethod"] = "ISO_10918_1"
    file = files.photograph(scene(), **told)
    file.compress(uid.JPEG2000Lossless, generate_instance_uid=False)
    file.file_meta.TransferSyntaxUID = uid.JPEG2000  # which may hold a lossless image, too
    header = only(files.save(file, tmp_path / "a")).metadata.dicom
    assert header.LossyImageCompressionMethod == "ISO_10918_1"
    assert header.LossyImageCompressionRatio == 12


@pytest.mark.parametrize(("before", "ratios"), [((), 1), (("ISO_15444_1",), 2)])
def test_what_the_file_itself_lost_is_added_to_it(
    files: ModuleType, tmp_path: Path, before: tuple[str, ...], ratios: int
) -> None:
    file = files.photograph(picture(), LossyImageCompression="01")
    if before:
        file.LossyImageCompressionMethod, file.LossyImageCompressionRatio = list(before), "8"
    files.encapsulated(
        file, uid.JPEGBaseline8Bit, [encoded(picture(), "JPEG")], PhotometricInterpretation="YBR_FULL_422"
    )
    header = only(files.save(file, tmp_path / "a")).metadata.dicom
    methods, told = (header[f"LossyImageCompression{name}"] for name in ("Method", "Ratio"))
    assert (ratios, ratios) == (methods.VM, told.VM)
    assert header.LossyImageCompressionMethod == ([*before, "ISO_10918_1"] if before else "ISO_10918_1")


def to_ybr(pixels: np.ndarray) -> np.ndarray:
    """YBR_FULL of PS3.3, C.7.6.3.1.2."""
    matrix = np.array([[0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]])
    return np.clip(np.rint(pixels @ matrix.T + [0, 128, 128]), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("colours", "planar", "tolerance"), [("RGB", 1, 0), ("YBR_FULL", 0, 2), ("YBR_FULL", 1, 2)])
def test_uncompressed_pixels_and_planes(
    files: ModuleType, tmp_path: Path, colours: str, planar: int, tolerance: int
) -> None:
    pixels = scene() if colours == "RGB" else to_ybr(scene())
    file = files.photograph(scene(), PhotometricInterpretation=colours, PlanarConfiguration=planar)
    file.PixelData = (pixels.transpose(2, 0, 1) if planar else pixels).tobytes()
    np.testing.assert_allclose(only(files.save(file, tmp_path / "a")).pixels.astype(int), scene(), atol=tolerance)


def test_uncompressed_halved_colour_differences(files: ModuleType, tmp_path: Path) -> None:
    pixels = np.repeat(scene()[:, ::2], 2, axis=1)  # nothing is lost when two neighbours share their colour
    luminance, blue, red = np.moveaxis(to_ybr(pixels), -1, 0)
    stored = np.stack([luminance[:, ::2], luminance[:, 1::2], blue[:, ::2], red[:, ::2]], axis=-1)
    file = files.photograph(pixels, PhotometricInterpretation="YBR_FULL_422")
    file.PixelData = stored.tobytes()
    np.testing.assert_allclose(only(files.save(file, tmp_path / "a")).pixels.astype(int), pixels, atol=2)


def test_bits_above_the_stored_ones_are_ignored(files: ModuleType, tmp_path: Path) -> None:
    pixels = scene(dtype=np.uint16, bits=12)
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
