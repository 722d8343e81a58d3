"""Photographs written and read back, checked against Pillow, OpenCV and tifffile."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cofenet.errors import UnwritableError, UsageError
from cofenet.io import Metadata, Photograph, read_photograph, suffix_for, write_photograph
from cofenet.io.raster import _at_depth
from raster_files import DEPTHS, FORMATS, encoded, noise, save, scene

# Samples


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    height=st.integers(32, 75),
    width=st.integers(32, 75),
    dtype=st.sampled_from(DEPTHS),
    form=st.sampled_from(["png", "tiff"]),
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


def test_jpeg_drops_alpha_and_rounds_sixteen_bits(tmp_path: Path) -> None:
    levels = np.arange(0, 65536, 16, dtype=np.uint16).reshape(64, 64)
    photograph = Photograph(np.repeat(levels[..., None], 3, axis=2), metadata=Metadata(alpha=levels, jpeg_quality=100))
    back = read_photograph(write_photograph(tmp_path / "a.jpg", photograph, format="jpeg"))
    assert back.metadata.alpha is None
    np.testing.assert_allclose(back.pixels[..., 1], levels / 257, atol=2.5)


def test_sixteen_bits_round_to_the_nearest_eight() -> None:
    every = np.arange(65536, dtype=np.uint16)
    np.testing.assert_array_equal(_at_depth(every, narrow=True), np.rint(every * (255 / 65535)))


@pytest.mark.parametrize(("source", "written"), [(30, 95), (95, 95), (98, 98), (100, 100)])
def test_jpeg_quality_is_95_or_the_better_one_of_the_source(tmp_path: Path, source: int, written: int) -> None:
    photograph = read_photograph(save(tmp_path, "a.jpg", encoded(scene(), "JPEG", quality=source)))
    expected = Image.open(io.BytesIO(encoded(scene(), "JPEG", quality=written, subsampling=0)))
    with Image.open(write_photograph(tmp_path / "b.jpg", photograph)) as result:
        assert result.quantization == expected.quantization
        assert [layer[1:3] for layer in result.layer] == [(1, 1)] * 3


# Text


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


# Names and refusals


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


def test_paths_may_be_text(tmp_path: Path) -> None:
    written = write_photograph(str(tmp_path / "a.png"), Photograph(scene()))
    assert written == tmp_path / "a.png"
    assert read_photograph(str(written)).path == written


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
