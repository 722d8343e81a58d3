"""What is carried from a photograph's file to its result: profile, EXIF, resolution, grey; and what is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from cofenet.io import Metadata, Photograph, read_photograph, write_photograph
from raster_files import DEPTHS, FORMATS, MAKER_NOTE, encoded, exif, noise, save, scene, srgb_profile, tiff


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


def without_jfif(jpeg: bytes) -> bytes:
    """As cameras write it; JFIF, 18 bytes, says "no unit"."""
    assert jpeg[2:4] == b"\xff\xe0"
    return jpeg[:2] + jpeg[20:]


def resolution_tags(x: float, y: float) -> bytes:
    tags = Image.Exif()
    tags[282], tags[283], tags[296] = x, y, 2  # inches
    return tags.tobytes()


RESOLUTIONS = {
    "turned": (encoded(scene(), "JPEG", exif=exif(6), dpi=(300, 200)), (200, 300)),
    "centimetres": (tiff(scene(), resolution=(100, 50), resolutionunit="CENTIMETER"), (254, 127)),
    "JPEG, in EXIF alone": (without_jfif(encoded(scene(), "JPEG", exif=resolution_tags(300.0, 150.0))), (300, 150)),
}
"""Content, and the resolution of the upright photograph in pixels an inch."""


@pytest.mark.parametrize("name", RESOLUTIONS)
def test_resolution(tmp_path: Path, name: str) -> None:
    content, expected = RESOLUTIONS[name]
    assert read_photograph(save(tmp_path, "a", content)).metadata.resolution == pytest.approx(expected)


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
