"""What is written into a file about its making comes back, whatever the format."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cofenet.errors import UnreadableError
from cofenet.io import Photograph, read_photograph, read_text, write_photograph
from cofenet.io.formats import Format

PIXELS = np.full((40, 40, 3), 90, np.uint8)


@pytest.mark.parametrize("format_", ["png", "jpeg", "tiff"])
def test_every_format_gives_it_back(format_: Format, tmp_path: Path) -> None:
    told = '{"model": "light", "settings": {"strength": 0.5}, "name": "Äquator"}'
    text = {"other": "no", "cofenet": told}
    path = write_photograph(tmp_path / "a", Photograph(PIXELS), format=format_, text=text)
    assert read_text(path) == told
    silent = write_photograph(tmp_path / "b", Photograph(PIXELS), format=format_)
    assert read_text(silent) is None


@given(st.dictionaries(st.text("abc", min_size=1), st.integers(), max_size=4))
def test_any_json(tmp_path_factory: pytest.TempPathFactory, content: dict[str, int]) -> None:
    folder = tmp_path_factory.mktemp("text")
    for format_ in ("png", "jpeg", "tiff"):
        path = write_photograph(folder / "a", Photograph(PIXELS), format=format_, text={"cofenet": str(content)})
        assert read_text(path) == str(content)


def test_of_the_largest_that_is_written(tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"iTXt", b"cofenet\0\0\0\0\0told"), (b"IDAT", b""), (b"IEND", b"")]
    written = (struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks)
    path = tmp_path / "large.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(written))
    assert read_text(path) == "told"


def test_a_damaged_header_is_named(files: ModuleType, tmp_path: Path) -> None:
    photograph = read_photograph(files.save(files.photograph(PIXELS), tmp_path / "a"))
    text = {"cofenet": '{"version": "0.1.0", "operation": "correct"}'}
    changed = replace(photograph, pixels=255 - PIXELS)
    path = write_photograph(tmp_path / "b", changed, text=text)
    assert read_text(path) == text["cofenet"]
    path.write_bytes(path.read_bytes().replace(b"\x0f\x0c\x01\x10UT", b"\x0f\x0c\x01\x10Ul"))
    with pytest.raises(UnreadableError, match="damaged"):
        read_text(path)


def test_what_is_no_picture_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    for content in (b"", b"text"):
        path.write_bytes(content)
        with pytest.raises(UnreadableError, match=r"a\.png"):
            read_text(path)
    with pytest.raises(UnreadableError, match="missing"):
        read_text(tmp_path / "missing.png")
