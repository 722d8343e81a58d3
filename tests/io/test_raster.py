"""Reading and writing photographs, checked against Pillow, OpenCV, tifffile and files laid out by hand."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import threading
import warnings
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from cofenet.errors import PhotographError, TooLargeError, UnreadableError, UnwritableError, UsageError
from cofenet.io import Metadata, Photograph, read_photograph, suffix_for, write_photograph
from cofenet.io.png import SIGNATURE, chunk

FORMATS = ["png", "jpeg", "tiff"]
LOSSLESS = ["png", "tiff"]
DEPTHS = [np.uint8, np.uint16]
MAKER_NOTE = bytes(range(200))


def scene(height: int = 48, width: int = 64, dtype: type = np.uint8) -> np.ndarray:
    """A smooth colour picture without any symmetry, over the whole range: (H, W, 3)."""
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    channels = np.stack([x + y * y, 0.2 + 0.6 * y, 0.9 * x * (1 - y)], axis=-1)
    return np.rint(channels / channels.max() * np.iinfo(dtype).max).astype(dtype)


def noise(seed: int, height: int, width: int, dtype: type, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, (height, width, channels), dtype, endpoint=True)


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def exif(orientation: int = 1) -> bytes:
    tags = Image.Exif()
    tags[0x010F] = "Topcon"
    tags[0x0112] = orientation
    tags[0x8769] = {0x9003: "2024:05:06 07:08:09", 0x927C: MAKER_NOTE, 0x829A: 0.008}
    return tags.tobytes()


def stored_as(upright: np.ndarray, orientation: int) -> np.ndarray:
    """The stored rows and columns which, turned as EXIF 2.32 table 6 says, show `upright`."""
    undo = {
        1: lambda a: a,
        2: np.fliplr,
        3: lambda a: np.rot90(a, 2),
        4: np.flipud,
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
        8: lambda a: np.rot90(a, -1),
    }
    return np.ascontiguousarray(undo[orientation](upright))


def encoded(pixels: np.ndarray, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


def plain_tiff(samples: np.ndarray, photometric: int, tags: dict[int, tuple[str, list[int]]] | None = None) -> bytes:
    """An uncompressed one-strip TIFF, independent of the writer under test; `tags`: tag to (struct code, values)."""
    order = "<"
    height, width = samples.shape[:2]
    channels = 1 if samples.ndim == 2 else samples.shape[2]
    data = samples.astype(samples.dtype.newbyteorder(order)).tobytes()
    fields = {
        256: ("I", [width]),
        257: ("I", [height]),
        258: ("H", [8 * samples.itemsize] * channels),
        259: ("H", [1]),
        262: ("H", [photometric]),
        273: ("I", [8]),
        277: ("H", [channels]),
        278: ("I", [height]),
        279: ("I", [len(data)]),
        **(tags or {}),
    }
    body, entries = bytearray(b"II*\0\0\0\0\0" + data), b""
    for tag, (code, values) in sorted(fields.items()):
        packed = struct.pack(f"<{len(values)}{code}", *values)
        if len(packed) > 4:
            packed, body = struct.pack("<I", len(body)), body + packed
        entries += struct.pack("<HHI", tag, {"H": 3, "I": 4}[code], len(values)) + packed.ljust(4, b"\0")
    struct.pack_into("<I", body, 4, len(body))
    return bytes(body) + struct.pack("<H", len(fields)) + entries + bytes(4)


def save(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


# Pixels


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    height=st.integers(32, 75),
    width=st.integers(32, 75),
    dtype=st.sampled_from(DEPTHS),
    form=st.sampled_from(LOSSLESS),
    grey=st.booleans(),
    alpha=st.booleans(),
)
def test_lossless_formats_return_every_sample(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    height: int,
    width: int,
    dtype: type,
    form: str,
    grey: bool,
    alpha: bool,
) -> None:
    samples = noise(seed, height, width, dtype, 4)
    pixels = np.repeat(samples[..., :1], 3, axis=2) if grey else samples[..., :3]
    metadata = Metadata(alpha=samples[..., 3] if alpha else None, grey=grey)
    path = tmp_path_factory.mktemp("lossless") / f"a{suffix_for(form)}"

    write_photograph(path, Photograph(pixels, metadata=metadata), format=form)
    back = read_photograph(path)

    assert back.pixels.dtype == dtype
    assert back.format == form
    np.testing.assert_array_equal(back.pixels, pixels)
    if alpha:
        np.testing.assert_array_equal(back.metadata.alpha, samples[..., 3])
    else:
        assert back.metadata.alpha is None
        assert back.metadata.grey == grey
    assert cv2.imread(str(path), cv2.IMREAD_UNCHANGED).dtype == dtype


@pytest.mark.parametrize("dtype", DEPTHS)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_tiff_of_many_strips_is_read_by_others(tmp_path: Path, dtype: type, channels: int) -> None:
    samples = noise(0, 700, 500, dtype, channels)
    metadata = Metadata(grey=channels == 1, alpha=samples[..., 3] if channels == 4 else None)
    pixels = np.broadcast_to(samples[..., :3], (700, 500, 3))
    path = write_photograph(tmp_path / "a.tif", Photograph(pixels, metadata=metadata), format="tiff")

    stored = samples[..., 0] if channels == 1 else samples
    np.testing.assert_array_equal(tifffile.imread(path), stored)
    if channels != 4:  # OpenCV multiplies 8-bit colours by alpha
        seen = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(seen[..., ::-1] if channels == 3 else seen, stored)
    with Image.open(path) as picture:
        assert len(picture.tag_v2[273]) > 1
        # Pillow keeps the upper byte of 16-bit colour, but all of 16-bit grey.
        shift = 8 if dtype == np.uint16 and channels > 1 else 0
        np.testing.assert_array_equal(np.asarray(picture), stored >> shift)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["jpeg", "png8", "png16", "tiff8", "tiff16"])
def test_every_orientation_gives_the_same_upright_photograph(tmp_path: Path, kind: str, orientation: int) -> None:
    upright = scene(dtype=np.uint16 if kind.endswith("16") else np.uint8)
    stored = stored_as(upright, orientation)
    content = {
        "jpeg": lambda: encoded(stored, "JPEG", exif=exif(orientation), quality=100, subsampling=0),
        "png8": lambda: encoded(stored, "PNG", exif=exif(orientation)),
        "png16": lambda: png16(stored, chunk(b"eXIf", exif(orientation)[6:])),
        "tiff8": lambda: plain_tiff(stored, 2, {274: ("H", [orientation])}),
        "tiff16": lambda: plain_tiff(stored, 2, {274: ("H", [orientation])}),
    }[kind]()

    photograph = read_photograph(save(tmp_path, "a.img", content))

    assert photograph.pixels.shape == upright.shape
    tolerance = 4 if kind == "jpeg" else 0
    np.testing.assert_allclose(photograph.pixels.astype(int), upright.astype(int), atol=tolerance)
    for form in FORMATS:
        with Image.open(write_photograph(tmp_path / "b", photograph, format=form)) as result:
            assert result.size == (64, 48)
            assert result.getexif().get(274, 1) == 1


def png16(pixels: np.ndarray, *chunks: bytes) -> bytes:
    content = cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))[1].tobytes()
    return content[:33] + b"".join(chunks) + content[33:]


@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("dtype", DEPTHS)
def test_grey_tiff_of_either_polarity(tmp_path: Path, dtype: type, photometric: int) -> None:
    grey = noise(1, 40, 50, dtype)[..., 0]
    photograph = read_photograph(save(tmp_path, "a.tif", plain_tiff(grey, photometric)))

    expected = grey if photometric == 1 else np.iinfo(dtype).max - grey
    np.testing.assert_array_equal(photograph.pixels, np.repeat(expected[..., None], 3, axis=2))
    assert photograph.metadata.grey


@pytest.mark.parametrize("dtype", DEPTHS)
def test_premultiplied_alpha_is_divided_out(tmp_path: Path, dtype: type) -> None:
    top = np.iinfo(dtype).max
    colours = scene(dtype=dtype)
    alpha = np.full(colours.shape[:2], top // 3 * 2, dtype)
    stored = np.dstack([np.rint(colours * (alpha[..., None] / top)).astype(dtype), alpha])

    photograph = read_photograph(save(tmp_path, "a.tif", plain_tiff(stored, 2, {338: ("H", [1])})))

    np.testing.assert_allclose(photograph.pixels.astype(int), colours.astype(int), atol=2)
    np.testing.assert_array_equal(photograph.metadata.alpha, alpha)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_other_png_modes(tmp_path: Path, mode: str) -> None:
    if mode == "I;16":
        picture = Image.fromarray(scene(dtype=np.uint16)[..., 0])
        expected = np.repeat(scene(dtype=np.uint16)[..., :1], 3, axis=2)
    else:
        picture = Image.fromarray(scene()).convert(mode)
        expected = np.asarray(picture.convert("RGB"))
    picture.save(tmp_path / "a.png")

    photograph = read_photograph(tmp_path / "a.png")

    np.testing.assert_array_equal(photograph.pixels, expected)
    assert photograph.metadata.grey == (mode in ("1", "L", "LA", "I;16"))
    assert (photograph.metadata.alpha is not None) == (mode in ("LA", "RGBA"))


def test_palette_with_a_transparent_colour_has_alpha(tmp_path: Path) -> None:
    picture = Image.new("P", (40, 40), 0)
    picture.putpalette([255, 0, 0, 0, 255, 0])
    picture.paste(1, (0, 0, 20, 40))
    picture.save(tmp_path / "a.png", transparency=0)

    photograph = read_photograph(tmp_path / "a.png")

    assert photograph.pixels[0, [0, 39]].tolist() == [[0, 255, 0], [255, 0, 0]]
    assert photograph.metadata.alpha[0, [0, 39]].tolist() == [255, 0]


@pytest.mark.parametrize("form", LOSSLESS)
def test_sixteen_bit_grey_with_alpha_is_read_where_the_format_is_common(tmp_path: Path, form: str) -> None:
    samples = noise(3, 40, 40, np.uint16, 2)
    if form == "tiff":
        with pytest.raises(UnreadableError, match=r"a\.tif"):
            read_photograph(save(tmp_path, "a.tif", plain_tiff(samples, 1, {338: ("H", [2])})))
        return
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    photograph = read_photograph(save(tmp_path, "a.png", raw_png(40, 40, 16, 4, rows)))
    np.testing.assert_array_equal(photograph.pixels, np.repeat(samples[..., :1], 3, axis=2))
    np.testing.assert_array_equal(photograph.metadata.alpha, samples[..., 1])


def raw_png(width: int, height: int, depth: int, colour: int, rows: bytes) -> bytes:
    import zlib

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


# CMYK


def ink_profile() -> bytes:
    """A CMYK profile under which cyan ink looks red and only black ink hides it: an lut8 of 2 points an ink."""
    paper, red, black = (255, 128, 128), (128, 188, 158), (0, 128, 128)  # L* × 2.55, a* + 128, b* + 128
    grid = b"".join(bytes(black if corner & 1 else red if corner & 8 else paper) for corner in range(16))
    identity = struct.pack(">9i", *(65536 if i % 4 == 0 else 0 for i in range(9)))
    lut = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + identity + bytes(range(256)) * 4 + grid + bytes(range(256)) * 3
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)
    tags = [(b"A2B0", lut), (b"wtpt", white)]
    start, table, data = 128 + 4 + 12 * len(tags), b"", b""
    for name, body in tags:
        table += name + struct.pack(">II", start + len(data), len(body))
        data += body.ljust(-(-len(body) // 4) * 4, b"\0")
    size = start + len(data)
    header = bytearray(128)
    struct.pack_into(">I4sI4s4s4s", header, 0, size, b"test", 0x02400000, b"prtr", b"CMYK", b"Lab ")
    header[36:40] = b"acsp"
    header[68:80] = struct.pack(">3i", 63190, 65536, 54061)
    return bytes(header) + struct.pack(">I", len(tags)) + table + data


def inks() -> Image.Image:
    return Image.merge("CMYK", [Image.new("L", (40, 40), value) for value in (30, 90, 120, 40)])


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_without_a_profile(tmp_path: Path, kind: str) -> None:
    inks().save(tmp_path / "a", kind, **({"quality": 100} if kind == "JPEG" else {}))
    photograph = read_photograph(tmp_path / "a")

    expected = [(255 - ink) * (255 - 40) / 255 for ink in (30, 90, 120)]
    np.testing.assert_allclose(photograph.pixels[20, 20], expected, atol=3)
    with Image.open(write_photograph(tmp_path / "b", photograph)) as result:
        assert result.mode == "RGB"
        assert result.format == kind


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_goes_through_its_profile_which_is_not_carried(tmp_path: Path, kind: str) -> None:
    cyan = Image.merge("CMYK", [Image.new("L", (40, 40), value) for value in (255, 0, 0, 0)])
    cyan.save(tmp_path / "a", kind, icc_profile=ink_profile())
    photograph = read_photograph(tmp_path / "a")

    red, green, blue = photograph.pixels[20, 20].astype(int)
    assert red > green + 100
    assert red > blue + 50
    assert photograph.metadata.profile is None


def test_damaged_cmyk_profile_is_an_error(tmp_path: Path) -> None:
    inks().save(tmp_path / "a.jpg", "JPEG", icc_profile=b"no profile at all")
    with pytest.raises(UnreadableError, match=r"a\.jpg: "):
        read_photograph(tmp_path / "a.jpg")


def test_sixteen_bit_cmyk_stays_sixteen_bit(tmp_path: Path) -> None:
    stored = np.full((40, 40, 4), [0, 65535, 0, 0], np.uint16)
    photograph = read_photograph(save(tmp_path, "a.tif", plain_tiff(stored, 5)))
    assert photograph.pixels.dtype == np.uint16
    assert photograph.pixels[0, 0].tolist() == [65535, 0, 65535]


# What is carried


@pytest.mark.parametrize("target", FORMATS)
@pytest.mark.parametrize(
    ("source", "dtype"),
    [("png", np.uint8), ("png", np.uint16), ("jpeg", np.uint8), ("tiff", np.uint8), ("tiff", np.uint16)],
)
def test_profile_exif_and_resolution_survive(tmp_path: Path, source: str, dtype: type, target: str) -> None:
    profile = srgb_profile()
    pixels = scene(dtype=dtype)
    if dtype == np.uint8:
        content = encoded(pixels, source.upper(), icc_profile=profile, exif=exif(), dpi=(300, 240))
    else:
        given = Metadata(profile=profile, exif=exif()[6:], resolution=(300.0, 240.0))
        content = write_photograph(tmp_path / "s", Photograph(pixels, metadata=given), format=source).read_bytes()
    first = read_photograph(save(tmp_path, "a", content))

    result = write_photograph(tmp_path / "b", first, format=target)

    written = read_photograph(result)
    if source != "jpeg" and target != "jpeg":
        np.testing.assert_array_equal(written.pixels, pixels)
    back = written.metadata
    assert first.metadata.profile == back.profile == profile
    assert back.resolution == pytest.approx((300, 240), rel=1e-4)
    with Image.open(result) as seen:
        assert seen.info["icc_profile"] == profile
        assert [float(value) for value in seen.info["dpi"]] == pytest.approx([300, 240], rel=1e-4)
        tags = seen.getexif()
        assert tags[0x010F] == "Topcon"
        details = tags.get_ifd(0x8769)
        assert details[0x9003] == "2024:05:06 07:08:09"
        assert details[0x927C] == MAKER_NOTE
        assert float(details[0x829A]) == pytest.approx(0.008)


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_is_invented(tmp_path: Path, form: str) -> None:
    back = read_photograph(write_photograph(tmp_path / "a", Photograph(scene()), format=form)).metadata
    assert (back.profile, back.exif, back.resolution, back.alpha, back.grey) == (None, None, None, None, False)


def test_turning_swaps_the_resolution(tmp_path: Path) -> None:
    content = encoded(scene(), "JPEG", exif=exif(6), dpi=(300, 200))
    assert read_photograph(save(tmp_path, "a.jpg", content)).metadata.resolution == (200, 300)


def test_resolution_in_centimetres(tmp_path: Path) -> None:
    tags = {282: ("I", [0]), 283: ("I", [0]), 296: ("H", [3])}
    content = bytearray(plain_tiff(scene(), 2, {**tags, 282: ("I", [100]), 283: ("I", [50])}))
    photograph = read_photograph(save(tmp_path, "a.tif", bytes(content)))
    assert photograph.metadata.resolution == pytest.approx((254, 127))


def test_resolution_of_a_jpeg_that_says_it_in_exif_only(tmp_path: Path) -> None:
    tags = Image.Exif()
    tags[282], tags[283], tags[296] = 300.0, 150.0, 2
    content = encoded(scene(), "JPEG", exif=tags.tobytes())
    assert content[2:4] == b"\xff\xe0"  # JFIF, 18 bytes, says "no unit"; cameras leave it out
    photograph = read_photograph(save(tmp_path, "a.jpg", content[:2] + content[20:]))
    assert photograph.metadata.resolution == (300, 150)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", DEPTHS)
def test_tiff_takes_exif_of_either_byte_order(tmp_path: Path, dtype: type, order: str) -> None:
    tags = Image.Exif()
    tags.endian = order
    tags[0x010F] = "Topcon"
    tags[0x8769] = {0x9003: "2024:05:06 07:08:09"}
    block = tags.tobytes()[6:]
    assert block[:2] == {"<": b"II", ">": b"MM"}[order]
    pixels = noise(7, 40, 50, dtype)
    path = write_photograph(tmp_path / "a.tif", Photograph(pixels, metadata=Metadata(exif=block)), format="tiff")

    np.testing.assert_array_equal(tifffile.imread(path), pixels)
    np.testing.assert_array_equal(read_photograph(path).pixels, pixels)
    with Image.open(path) as seen:
        assert seen.getexif()[0x010F] == "Topcon"
        assert seen.getexif().get_ifd(0x8769)[0x9003] == "2024:05:06 07:08:09"


def test_damaged_exif_is_logged_and_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    content = encoded(scene(), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff\0\0")
    photograph = read_photograph(save(tmp_path, "a.jpg", content))
    assert photograph.metadata.exif is None
    assert "a.jpg: the EXIF data is damaged" in caplog.text


@pytest.mark.parametrize("form", FORMATS)
def test_grey_is_written_as_grey_until_colour_is_added(tmp_path: Path, form: str) -> None:
    grey_profile = bytearray(srgb_profile())
    grey_profile[16:20] = b"GRAY"
    grey = Photograph(np.repeat(scene()[..., :1], 3, axis=2), metadata=Metadata(profile=bytes(grey_profile), grey=True))
    with Image.open(write_photograph(tmp_path / "a", grey, format=form)) as result:
        assert result.mode == "L"
        assert result.info["icc_profile"] == bytes(grey_profile)

    with Image.open(write_photograph(tmp_path / "b", replace(grey, pixels=scene()), format=form)) as result:
        assert result.mode == "RGB"
        assert "icc_profile" not in result.info


def test_jpeg_drops_alpha_and_rounds_sixteen_bits(tmp_path: Path) -> None:
    levels = np.arange(0, 65536, 16, dtype=np.uint16).reshape(64, 64)
    photograph = Photograph(np.repeat(levels[..., None], 3, axis=2), metadata=Metadata(alpha=levels, jpeg_quality=100))
    back = read_photograph(write_photograph(tmp_path / "a.jpg", photograph, format="jpeg"))
    assert back.metadata.alpha is None
    np.testing.assert_allclose(back.pixels[..., 1], levels / 257, atol=2.5)


@pytest.mark.parametrize("value", [0, 128, 129, 257, 385, 386, 65406, 65407, 65535])
def test_sixteen_bits_round_to_the_nearest_eight(value: int) -> None:
    from cofenet.io.raster import _at_depth

    assert _at_depth(np.array([value], np.uint16), narrow=True)[0] == round(value * 255 / 65535)


@pytest.mark.parametrize(("source", "written"), [(30, 95), (95, 95), (98, 98), (100, 100)])
def test_jpeg_quality_is_95_or_the_better_one_of_the_source(tmp_path: Path, source: int, written: int) -> None:
    photograph = read_photograph(save(tmp_path, "a.jpg", encoded(scene(), "JPEG", quality=source)))
    expected = Image.open(io.BytesIO(encoded(scene(), "JPEG", quality=written, subsampling=0)))
    with Image.open(write_photograph(tmp_path / "b.jpg", photograph)) as result:
        assert result.quantization == expected.quantization
        assert [layer[1:3] for layer in result.layer] == [(1, 1)] * 3


@pytest.mark.parametrize("form", FORMATS)
def test_text_is_stored(tmp_path: Path, form: str) -> None:
    note = {"cofenet": '{"model": "light"}', "Remark": "µ — ok"}
    path = write_photograph(tmp_path / "a", Photograph(scene()), format=form, text=note)
    with Image.open(path) as picture:
        picture.load()
        if form == "png":
            assert picture.text == note
        else:
            lines = picture.info["comment"] if form == "jpeg" else path.read_bytes()
            assert 'cofenet: {"model": "light"}\nRemark: µ — ok'.encode() in lines


def test_tiff_text_follows_the_own_description(tmp_path: Path) -> None:
    content = encoded(scene(), "TIFF", description="left eye")
    photograph = read_photograph(save(tmp_path, "a.tif", content))
    with Image.open(write_photograph(tmp_path / "b.tif", photograph, text={"cofenet": "1"})) as result:
        assert result.tag_v2[270] == "left eye\ncofenet: 1"


# Bad input


def huge(form: str) -> bytes:
    if form == "png":
        return raw_png(60_000, 60_000, 8, 2, b"")
    if form == "tiff":
        return plain_tiff(scene(), 2, {256: ("I", [60_000]), 257: ("I", [60_000])})
    content = bytearray(encoded(scene(), "JPEG"))
    frame = content.index(b"\xff\xc0")
    struct.pack_into(">HH", content, frame + 5, 60_000, 60_000)
    return bytes(content)


@pytest.mark.parametrize("form", FORMATS)
def test_60000_by_60000_is_refused_from_its_header(tmp_path: Path, form: str) -> None:
    path = save(tmp_path, "big", huge(form))
    with pytest.raises(TooLargeError, match="60000 × 60000 pixels are 3600 megapixels") as caught:
        read_photograph(path)
    assert caught.value.path == path


@pytest.mark.parametrize("form", FORMATS)
def test_pillows_own_limit_neither_stops_nor_warns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    path = write_photograph(tmp_path / "a", Photograph(scene(dtype=np.uint16)), format=form)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_photograph(path).pixels.shape == (48, 64, 3)
    assert Image.MAX_IMAGE_PIXELS == 100


MULTI_PAGE = io.BytesIO()
Image.fromarray(scene()).save(MULTI_PAGE, "TIFF", save_all=True, append_images=[Image.fromarray(scene())] * 2)
ANIMATED = io.BytesIO()
Image.fromarray(scene()).save(ANIMATED, "PNG", save_all=True, append_images=[Image.fromarray(scene()[::-1])])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is an empty file"),
        (b"left eye, very dark", "is not a PNG, JPEG, TIFF or DICOM image"),
        (encoded(scene(), "GIF"), "is not a PNG, JPEG, TIFF or DICOM image"),
        (b"\xff\xd8\xff", "cannot be decoded"),
        (SIGNATURE, "cannot be decoded"),
        (b"II*\0", "cannot be decoded"),
        (encoded(scene(1, 1), "PNG"), "1 × 1 pixels are too few"),
        (encoded(scene(31, 400), "JPEG"), "400 × 31 pixels are too few"),
        (MULTI_PAGE.getvalue(), "has 3 pages"),
        (ANIMATED.getvalue(), "has 2 pages"),
        (encoded(np.zeros((40, 40), np.float32), "TIFF"), "holds 32-bit samples"),
        (plain_tiff(scene(dtype=np.uint16), 2, {284: ("H", [2])}), "separate planes"),
        (plain_tiff(scene(dtype=np.uint16)[..., 0], 1, {339: ("H", [2])}), "not unsigned"),
    ],
)
def test_bad_content_is_one_clear_line_naming_the_file(tmp_path: Path, content: bytes, reason: str) -> None:
    path = save(tmp_path, "a.jpg", content)
    with pytest.raises(UnreadableError, match=reason) as caught:
        read_photograph(path)
    assert caught.value.path == path
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_missing_file_folder_and_pipe(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match=r"gone\.jpg: no such file"):
        read_photograph(tmp_path / "gone.jpg")
    with pytest.raises(UnreadableError, match="is a folder"):
        read_photograph(tmp_path)
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(UnreadableError, match="not a regular file"):
        read_photograph(tmp_path / "pipe.png")


def without_privilege(code: str, *arguments: object) -> str:
    """Run `code` as a user who owns nothing (root may read everything); returns what it prints."""
    drop = "import os, sys\nfrom pathlib import Path\nimport cofenet.io as cio\nif os.getuid() == 0: os.setuid(65534)\n"
    source = Path(sys.modules["cofenet.io"].__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", drop + code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    return done.stdout + done.stderr


def test_no_permission(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)
    path = save(tmp_path, "a.png", encoded(scene(), "PNG"))
    path.chmod(0)
    code = "try: cio.read_photograph(Path(sys.argv[1]))\nexcept cio.raster.UnreadableError as error: print(error)"
    assert without_privilege(code, path) == f"{path}: permission denied\n"


def attempt(path: Path) -> Photograph | PhotographError:
    """The photograph, or the error that names the file; any other error fails the test."""
    try:
        return read_photograph(path)
    except PhotographError as error:
        if error.path == path:
            return error
        raise


@pytest.mark.parametrize("kind", ["jpeg", "progressive", "png", "tiff", "strips", "jpeg grey"])
@pytest.mark.parametrize("dtype", DEPTHS)
def test_a_file_cut_anywhere_is_an_error_or_complete(tmp_path: Path, kind: str, dtype: type) -> None:
    pixels = scene(96, 96) if "jpeg" in kind or kind == "progressive" else noise(5, 96, 96, dtype)
    if kind in ("png", "tiff"):
        content = write_photograph(tmp_path / "w", Photograph(pixels), format=kind).read_bytes()
    elif kind == "strips":  # the directory comes first, so that only samples are cut off
        content = tiff_directory_first(pixels)
    else:
        content = encoded(pixels[..., 0] if "grey" in kind else pixels, "JPEG", progressive=kind == "progressive")
    whole = read_photograph(save(tmp_path, "whole", content)).pixels
    ends = {*range(1, len(content), max(1, len(content) // 40)), *range(len(content) - 24, len(content))}
    refused = 0
    for end in sorted(ends):
        path = save(tmp_path, "cut", content[:end])
        outcome = attempt(path)
        if isinstance(outcome, Photograph):
            np.testing.assert_array_equal(outcome.pixels, whole)
        refused += isinstance(outcome, UnreadableError)
    assert refused >= len(ends) - 24


def tiff_directory_first(pixels: np.ndarray) -> bytes:
    height, width, _ = pixels.shape
    data = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    start = 8 + 2 + 10 * 12 + 4
    bits = struct.pack("<3H", *[8 * pixels.itemsize] * 3)
    fields = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 3, start),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 1, start + 6),
        (277, 3, 1, 3),
        (278, 4, 1, height),
        (279, 4, 1, len(data)),
        (284, 3, 1, 1),
    ]
    entries = b"".join(struct.pack("<HHII", *field) for field in fields)
    return b"II*\0" + struct.pack("<IH", 8, 10) + entries + bytes(4) + bits + data


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    kind=st.sampled_from(["png", "jpeg", "tiff"]),
    dtype=st.sampled_from(DEPTHS),
    changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_any_changed_bytes_give_a_photograph_that_can_be_written_or_our_error(
    tmp_path_factory: pytest.TempPathFactory, kind: str, dtype: type, changes: list[tuple[int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    metadata = Metadata(profile=srgb_profile(), exif=exif(6)[6:], resolution=(72, 72))
    path = write_photograph(folder / "a", Photograph(scene(dtype=dtype), metadata=metadata), format=kind)
    content = bytearray(path.read_bytes())
    for place, value in changes:
        # Headers and directories lie at the two ends.
        content[place % 400 if place % 2 else -1 - place % 400] = value
    path.write_bytes(content)
    outcome = attempt(path)
    if isinstance(outcome, Photograph):
        result = write_photograph(folder / "b", outcome, format="tiff")
        np.testing.assert_array_equal(read_photograph(result).pixels, outcome.pixels)


def test_camera_multi_picture_file_is_read_as_jpeg(tmp_path: Path) -> None:
    first, second = Image.fromarray(scene()), Image.fromarray(scene()[::-1])
    first.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[second], quality=100)
    photograph = read_photograph(tmp_path / "a.jpg")
    assert photograph.format == "jpeg"
    np.testing.assert_allclose(photograph.pixels.astype(int), scene().astype(int), atol=12)


def test_a_thumbnail_page_is_no_second_photograph(tmp_path: Path) -> None:
    content = bytearray(plain_tiff(scene(), 2))
    reduced = plain_tiff(scene(), 2, {254: ("I", [1])})
    (start,) = struct.unpack_from("<I", reduced, 4)
    struct.pack_into("<I", content, len(content) - 4, len(content))
    path = save(tmp_path, "a.tif", bytes(content) + reduced[start:])
    with Image.open(path) as picture:
        assert picture.n_frames == 2
    np.testing.assert_array_equal(read_photograph(path).pixels, scene())


def test_files_are_closed(tmp_path: Path) -> None:
    good = write_photograph(tmp_path / "a", Photograph(scene()), format="tiff")
    bad = save(tmp_path, "b", encoded(scene(), "JPEG")[:300])
    before = len(list(Path("/proc/self/fd").iterdir()))
    kept = []
    for _ in range(5):
        kept.append(read_photograph(good))
        with pytest.raises(UnreadableError) as caught:
            read_photograph(bad)
        kept.append(caught)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_threads_restore_pillows_limit(tmp_path: Path) -> None:
    path = write_photograph(tmp_path / "a.png", Photograph(scene()))
    limit = Image.MAX_IMAGE_PIXELS
    threads = [threading.Thread(target=lambda: [read_photograph(path) for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert limit == Image.MAX_IMAGE_PIXELS


# Writing


@pytest.mark.parametrize(
    ("name", "form", "written"),
    [
        ("a.JPG", "jpeg", "a.JPG"),
        ("a.jpeg", "jpeg", "a.jpeg"),
        ("a.tif", "tiff", "a.tif"),
        ("a.jpg", "png", "a.jpg.png"),
        ("a", "tiff", "a.tif"),
        ("a.v2", "png", "a.v2.png"),
    ],
)
def test_a_name_never_lies_about_the_format(tmp_path: Path, name: str, form: str, written: str) -> None:
    assert write_photograph(tmp_path / name, Photograph(scene()), format=form) == tmp_path / written
    assert [path.name for path in tmp_path.iterdir()] == [written]


def test_same_is_the_format_and_depth_of_the_content(tmp_path: Path) -> None:
    content = write_photograph(tmp_path / "w", Photograph(scene(dtype=np.uint16)), format="tiff").read_bytes()
    source = save(tmp_path, "a.jpg", content)
    result = write_photograph(tmp_path / "out" / "a.jpg", read_photograph(source))
    assert result.name == "a.jpg.tif"
    assert cv2.imread(str(result), cv2.IMREAD_UNCHANGED).dtype == np.uint16


@pytest.mark.parametrize("link", ["itself", "symlink", "hard link", "relative", "folder link"])
def test_a_source_is_never_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link: str) -> None:
    source = save(tmp_path, "a.png", encoded(scene(), "PNG"))
    before = source.read_bytes()
    photograph = read_photograph(source)
    target = tmp_path / "b.png"
    if link == "symlink":
        target.symlink_to(source)
    elif link == "hard link":
        target.hardlink_to(source)
    elif link == "relative":
        monkeypatch.chdir(tmp_path)
        target = Path("a.png")
    elif link == "folder link":
        (tmp_path / "other").symlink_to(tmp_path)
        target = tmp_path / "other" / "a.png"
    else:
        target = source
    with pytest.raises(UsageError, match="never overwritten"):
        write_photograph(target, photograph)
    assert source.read_bytes() == before


def test_what_a_format_cannot_hold_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnwritableError, match=r"long\.jpg: cannot be written as JPEG: .*65500"):
        write_photograph(tmp_path / "long", Photograph(np.zeros((1, 65_501, 3), np.uint8)), format="jpeg")
    with pytest.raises(UnwritableError, match="comment holds at most 65533 bytes"):
        write_photograph(tmp_path / "a.jpg", Photograph(scene()), format="jpeg", text={"note": "x" * 70_000})
    with pytest.raises(UnwritableError, match="keyword"):
        write_photograph(tmp_path / "a.png", Photograph(scene()), text={"k" * 80: "x"})
    with pytest.raises(UsageError, match="choose one of: png, jpeg, tiff"):
        write_photograph(tmp_path / "a.gif", Photograph(scene()), format="gif")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("pixels", "alpha"),
    [
        (np.zeros((40, 40), np.uint8), None),
        (np.zeros((40, 40, 4), np.uint8), None),
        (np.zeros((40, 40, 3), np.float32), None),
        (np.zeros((0, 40, 3), np.uint8), None),
        (np.zeros((40, 40, 3), np.uint8), np.zeros((40, 41), np.uint8)),
    ],
)
def test_pixels_no_file_can_hold_are_refused(pixels: np.ndarray, alpha: np.ndarray | None) -> None:
    with pytest.raises(UsageError, match="must"):
        Photograph(pixels, metadata=Metadata(alpha=alpha))
