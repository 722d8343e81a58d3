"""CMYK files: through their profile where they have one, else by the formula; never with a profile in the result."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cofenet.errors import UnreadableError
from cofenet.io import read_photograph, write_photograph
from raster_files import save, tiff


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


def inks(*values: int) -> Image.Image:
    return Image.merge("CMYK", [Image.new("L", (40, 40), value) for value in values])


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_without_a_profile(tmp_path: Path, kind: str) -> None:
    inks(30, 90, 120, 40).save(tmp_path / "a", kind, **({"quality": 100} if kind == "JPEG" else {}))
    photograph = read_photograph(tmp_path / "a")

    expected = [(255 - ink) * (255 - 40) / 255 for ink in (30, 90, 120)]
    np.testing.assert_allclose(photograph.pixels[20, 20], expected, atol=3)
    with Image.open(write_photograph(tmp_path / "b", photograph)) as result:
        assert result.mode == "RGB"
        assert result.format == kind


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_goes_through_its_profile_which_is_not_carried(tmp_path: Path, kind: str) -> None:
    inks(255, 0, 0, 0).save(tmp_path / "a", kind, icc_profile=ink_profile())
    photograph = read_photograph(tmp_path / "a")

    red, green, blue = photograph.pixels[20, 20].astype(int)
    assert red > green + 100
    assert red > blue + 50
    assert photograph.metadata.profile is None


def test_damaged_cmyk_profile_is_an_error(tmp_path: Path) -> None:
    inks(30, 90, 120, 40).save(tmp_path / "a.jpg", "JPEG", icc_profile=b"no profile at all")
    with pytest.raises(UnreadableError, match=r"a\.jpg: "):
        read_photograph(tmp_path / "a.jpg")


def test_sixteen_bit_cmyk_stays_sixteen_bit(tmp_path: Path) -> None:
    stored = np.full((40, 40, 4), [0, 65535, 0, 0], np.uint16)
    photograph = read_photograph(save(tmp_path, "a.tif", tiff(stored, "separated")))
    assert photograph.pixels.dtype == np.uint16
    assert photograph.pixels[0, 0].tolist() == [65535, 0, 65535]
