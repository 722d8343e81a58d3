"""What is read of PNG, JPEG and TIFF files that others made: depths, orientations, polarity, alpha, pages."""

from __future__ import annotations

import io
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from cofenet.errors import UnreadableError
from cofenet.io import Photograph, read_photograph, write_photograph
from cofenet.io.png import chunk
from raster_files import DEPTHS, FORMATS, encoded, exif, noise, png, save, scene, tiff


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


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["jpeg", "png8", "png16", "tiff8", "tiff16"])
def test_every_orientation_gives_the_same_upright_photograph(tmp_path: Path, kind: str, orientation: int) -> None:
    upright = scene(dtype=np.uint16 if kind.endswith("16") else np.uint8)
    stored = stored_as(upright, orientation)
    content = {
        "jpeg": lambda: encoded(stored, "JPEG", exif=exif(orientation), quality=100, subsampling=0),
        "png8": lambda: encoded(stored, "PNG", exif=exif(orientation)),
        "png16": lambda: png(stored, chunk(b"eXIf", exif(orientation)[6:])),
        "tiff8": lambda: tiff(stored, extratags=[(274, "H", 1, orientation)]),
        "tiff16": lambda: tiff(stored, extratags=[(274, "H", 1, orientation)]),
    }[kind]()

    photograph = read_photograph(save(tmp_path, "a.img", content))

    assert photograph.pixels.shape == upright.shape
    tolerance = 4 if kind == "jpeg" else 0
    np.testing.assert_allclose(photograph.pixels.astype(int), upright.astype(int), atol=tolerance)
    for form in FORMATS:
        with Image.open(write_photograph(tmp_path / "b", photograph, format=form)) as result:
            assert result.size == (64, 48)
            assert result.getexif().get(274, 1) == 1


@pytest.mark.parametrize("photometric", ["miniswhite", "minisblack"])
@pytest.mark.parametrize("dtype", DEPTHS)
def test_grey_tiff_of_either_polarity(tmp_path: Path, dtype: type, photometric: str) -> None:
    grey = noise(1, 40, 50, dtype)[..., 0]
    photograph = read_photograph(save(tmp_path, "a.tif", tiff(grey, photometric)))

    expected = grey if photometric == "minisblack" else np.iinfo(dtype).max - grey
    np.testing.assert_array_equal(photograph.pixels, np.repeat(expected[..., None], 3, axis=2))
    assert photograph.metadata.grey


@pytest.mark.parametrize("dtype", DEPTHS)
def test_premultiplied_alpha_is_divided_out(tmp_path: Path, dtype: type) -> None:
    top = np.iinfo(dtype).max
    colours = scene(dtype=dtype)
    alpha = np.full(colours.shape[:2], top // 3 * 2, dtype)
    stored = np.dstack([np.rint(colours * (alpha[..., None] / top)).astype(dtype), alpha])

    photograph = read_photograph(save(tmp_path, "a.tif", tiff(stored, extrasamples=["assocalpha"])))

    np.testing.assert_allclose(photograph.pixels.astype(int), colours.astype(int), atol=2)
    np.testing.assert_array_equal(photograph.metadata.alpha, alpha)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA"])
def test_other_png_modes(tmp_path: Path, mode: str) -> None:
    picture = Image.fromarray(scene()).convert(mode)
    picture.save(tmp_path / "a.png")

    photograph = read_photograph(tmp_path / "a.png")

    np.testing.assert_array_equal(photograph.pixels, np.asarray(picture.convert("RGB")))
    assert photograph.metadata.grey == (mode in ("1", "L", "LA"))
    assert (photograph.metadata.alpha is not None) == (mode in ("LA", "RGBA"))


@pytest.mark.parametrize("channels", [1, 2])
def test_sixteen_bit_grey_png_without_and_with_alpha(tmp_path: Path, channels: int) -> None:
    samples = noise(3, 40, 50, np.uint16, channels)
    photograph = read_photograph(save(tmp_path, "a.png", png(samples)))

    np.testing.assert_array_equal(photograph.pixels, np.repeat(samples[..., :1], 3, axis=2))
    if channels == 2:
        np.testing.assert_array_equal(photograph.metadata.alpha, samples[..., 1])
    else:
        assert photograph.metadata.alpha is None
        assert photograph.metadata.grey


def test_palette_with_a_transparent_colour_has_alpha(tmp_path: Path) -> None:
    picture = Image.new("P", (40, 40), 0)
    picture.putpalette([255, 0, 0, 0, 255, 0])
    picture.paste(1, (0, 0, 20, 40))
    picture.save(tmp_path / "a.png", transparency=0)

    photograph = read_photograph(tmp_path / "a.png")

    assert photograph.pixels[0, [0, 39]].tolist() == [[0, 255, 0], [255, 0, 0]]
    assert photograph.metadata.alpha[0, [0, 39]].tolist() == [255, 0]


def test_camera_multi_picture_file_is_read_as_jpeg(tmp_path: Path) -> None:
    first, second = Image.fromarray(scene()), Image.fromarray(scene()[::-1])
    first.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[second], quality=100)
    photograph = read_photograph(tmp_path / "a.jpg")
    assert photograph.format == "jpeg"
    np.testing.assert_allclose(photograph.pixels.astype(int), scene().astype(int), atol=12)


def test_a_thumbnail_page_is_no_second_photograph(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as writer:
        writer.write(scene(), photometric="rgb", metadata=None)
        writer.write(scene()[::2, ::2], photometric="rgb", metadata=None, subfiletype=1)
    path = save(tmp_path, "a.tif", stream.getvalue())
    with Image.open(path) as picture:
        assert picture.n_frames == 2
    np.testing.assert_array_equal(read_photograph(path).pixels, scene())


# What decoding leaves as it was


@pytest.mark.parametrize("form", FORMATS)
def test_pillows_own_limit_neither_stops_nor_warns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    path = write_photograph(tmp_path / "a", Photograph(scene(dtype=np.uint16)), format=form)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_photograph(path).pixels.shape == (48, 64, 3)
    assert Image.MAX_IMAGE_PIXELS == 100


def test_threads_restore_pillows_limit(tmp_path: Path) -> None:
    path = write_photograph(tmp_path / "a.png", Photograph(scene()))
    limit = Image.MAX_IMAGE_PIXELS
    threads = [threading.Thread(target=lambda: [read_photograph(path) for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert limit == Image.MAX_IMAGE_PIXELS


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
