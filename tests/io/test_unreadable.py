"""Files that are no photograph, or a damaged one: one clear line that names the file, and never half a picture."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cofenet.errors import PhotographError, TooLargeError, UnreadableError
from cofenet.io import Metadata, Photograph, read_photograph, write_photograph
from cofenet.io.png import SIGNATURE
from raster_files import DEPTHS, FORMATS, encoded, exif, noise, png, save, scene, srgb_profile, tiff


def huge(form: str) -> bytes:
    """A small file whose header says 60000 × 60000."""
    if form == "png":
        return png(scene(), size=(60_000, 60_000))
    if form == "tiff":
        content = tiff(scene())
        for tag, side in ((256, 64), (257, 48)):
            said = struct.pack("<HHI", tag, 4, 1)
            content = content.replace(said + struct.pack("<I", side), said + struct.pack("<I", 60_000))
        return content
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


def pages(kind: str, count: int) -> bytes:
    stream = io.BytesIO()
    first, *others = (Image.fromarray(scene() + np.uint8(number)) for number in range(count))
    first.save(stream, kind, save_all=True, append_images=others)
    return stream.getvalue()


BAD = {
    "empty": (b"", "is an empty file"),
    "text": (b"left eye, very dark", "is not a PNG, JPEG, TIFF or DICOM image"),
    "GIF": (encoded(scene(), "GIF"), "is not a PNG, JPEG, TIFF or DICOM image"),
    "start of a JPEG": (b"\xff\xd8\xff", "cannot be decoded"),
    "start of a PNG": (SIGNATURE, "cannot be decoded"),
    "start of a TIFF": (b"II*\0", "cannot be decoded"),
    "one pixel": (encoded(scene(1, 1), "PNG"), "1 × 1 pixels are too few"),
    "small": (encoded(scene(31, 400), "JPEG"), "400 × 31 pixels are too few"),
    "TIFF of three pages": (pages("TIFF", 3), "has 3 pages"),
    "animated PNG": (pages("PNG", 2), "has 2 pages"),
    "numbers with a fraction": (encoded(np.zeros((40, 40), np.float32), "TIFF"), "holds 32-bit samples"),
    "planes": (tiff(scene(dtype=np.uint16).transpose(2, 0, 1), planarconfig="separate"), "separate planes"),
    "signed": (tiff(np.zeros((40, 40), np.int16), "minisblack"), "not unsigned"),
    "16-bit grey TIFF with alpha": (
        tiff(noise(3, 40, 40, np.uint16, 2), "minisblack", planarconfig="contig", extrasamples=["unassalpha"]),
        "cannot be decoded",
    ),
}
"""Content, and what is said of it."""


@pytest.mark.parametrize("name", BAD)
def test_bad_content_is_one_clear_line_naming_the_file(tmp_path: Path, name: str) -> None:
    content, reason = BAD[name]
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


def content_of(kind: str, dtype: type, folder: Path) -> bytes:
    if kind.startswith("jpeg"):
        pixels = scene(96, 96)
        return encoded(pixels[..., 0] if "grey" in kind else pixels, "JPEG", progressive="progressive" in kind)
    pixels = noise(5, 96, 96, dtype)
    if kind == "directory first":  # so that only samples are cut off
        return tiff(pixels)
    return write_photograph(folder / "w", Photograph(pixels), format=kind).read_bytes()


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        *((kind, np.uint8) for kind in ("jpeg", "jpeg progressive", "jpeg grey")),
        *product(("png", "tiff", "directory first"), DEPTHS),
    ],
)
def test_a_file_cut_anywhere_is_an_error_or_complete(tmp_path: Path, kind: str, dtype: type) -> None:
    content = content_of(kind, dtype, tmp_path)
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


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    kind=st.sampled_from(FORMATS),
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
