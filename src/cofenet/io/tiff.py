"""TIFF files of 8 or 16 bits with their metadata.

Neither Pillow (no 16-bit colour) nor OpenCV (no profile, no EXIF) can write these, so they are laid out here: strips
under Deflate with horizontal differences, as TIFF 6.0 (1992) and its Technical Note 2 describe. An EXIF block is a TIFF
file itself; it opens the file unchanged, so that every position inside stays right, and its fields join the directory.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from cofenet.io.exif import X_RESOLUTION, Y_RESOLUTION, directory
from cofenet.io.metadata import STRUCTURAL_TAGS, Metadata, Samples

_EMPTY_BLOCK: Final = b"II*\0" + struct.pack("<IHI", 8, 0, 0)
_STRIP_BYTES: Final = 1 << 18
_LEVEL: Final = 2  # of Deflate; more gains a few per cent and takes several times as long
_LARGEST: Final = 2**32 - 1  # a classic TIFF counts bytes in 32 bits

_ASCII, _SHORT, _LONG, _RATIONAL, _UNDEFINED = 2, 3, 4, 5, 7
_CODES: Final = {_ASCII: "B", _SHORT: "H", _LONG: "I", _RATIONAL: "I", _UNDEFINED: "B"}
_DESCRIPTION: Final = 270


def encode_tiff(planes: Samples, metadata: Metadata, text: Mapping[str, str]) -> bytes:
    """A whole TIFF file.

    Args:
        planes: uint8 or uint16, (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA.
        metadata: its profile, EXIF and resolution are written.
        text: appended to the photograph's own ImageDescription in UTF-8, a line "key: text" each.

    Raises:
        ValueError: the file would be larger than 4 GiB.
    """
    file = _File(metadata.exif or _EMPTY_BLOCK)
    height, width = planes.shape[:2]
    channels = 1 if planes.ndim == 2 else planes.shape[2]
    rows = max(1, _STRIP_BYTES // (width * channels * planes.itemsize))
    strips = [file.append(strip) for strip in _strips(planes, rows, file.order)]
    file.add(256, _LONG, [width])
    file.add(257, _LONG, [height])
    file.add(258, _SHORT, [8 * planes.itemsize] * channels)
    file.add(259, _SHORT, [8])  # Deflate
    file.add(262, _SHORT, [1 if channels == 1 else 2])  # grey, 0 is black; RGB
    file.add(273, _LONG, [start for start, _ in strips])
    file.add(274, _SHORT, [1])
    file.add(277, _SHORT, [channels])
    file.add(278, _LONG, [rows])
    file.add(279, _LONG, [length for _, length in strips])
    file.add(284, _SHORT, [1])
    file.add(317, _SHORT, [2])  # horizontal differences
    if channels == 4:
        file.add(338, _SHORT, [2])  # alpha, not multiplied into the colours
    _add_metadata(file, metadata, text)
    return file.finished()


class _File:
    """A TIFF file being laid out behind an EXIF block."""

    def __init__(self, block: bytes) -> None:
        first = directory(block)
        self.order = first.order
        self._content = bytearray(block)
        self._fields = {
            tag: block[place : place + 12] for tag, place in first.fields.items() if tag not in STRUCTURAL_TAGS
        }

    def append(self, data: bytes) -> tuple[int, int]:
        """Put `data` at the next even position; returns that position and the length of `data`."""
        self._content += bytes(len(self._content) % 2)
        start = len(self._content)
        self._content += data
        if len(self._content) > _LARGEST:
            raise ValueError("TIFF holds at most 4 GiB; write PNG")
        return start, len(data)

    def add(self, tag: int, kind: int, values: list[int] | bytes) -> None:
        """Set a field; a RATIONAL takes two values."""
        data = struct.pack(f"{self.order}{len(values)}{_CODES[kind]}", *values)
        count = len(values) // 2 if kind == _RATIONAL else len(values)
        place = data.ljust(4, b"\0") if len(data) <= 4 else struct.pack(self.order + "I", self.append(data)[0])
        self._fields[tag] = struct.pack(self.order + "HHI", tag, kind, count) + place

    def string(self, tag: int) -> bytes:
        """The bytes of an ASCII field, without the final zero; empty where there is none."""
        if tag not in self._fields:
            return b""
        _, _, count, start = struct.unpack(self.order + "HHII", self._fields[tag])
        stored = self._fields[tag][8 : 8 + count] if count <= 4 else self._content[start : start + count]
        return bytes(stored).rstrip(b"\0")

    def finished(self) -> bytes:
        """The whole file."""
        fields = [self._fields[tag] for tag in sorted(self._fields)]
        count, end = struct.pack(self.order + "H", len(fields)), bytes(4)
        start, _ = self.append(b"".join([count, *fields, end]))
        struct.pack_into(self.order + "I", self._content, 4, start)
        return bytes(self._content)


def _strips(planes: Samples, rows: int, order: str) -> Iterator[bytes]:
    for top in range(0, planes.shape[0], rows):
        strip = planes[top : top + rows]
        differences = strip.copy()
        # Unsigned differences wrap around, as the predictor asks.
        differences[:, 1:] -= strip[:, :-1]
        yield zlib.compress(differences.astype(f"{order}u{strip.itemsize}").tobytes(), _LEVEL)


def _add_metadata(file: _File, metadata: Metadata, text: Mapping[str, str]) -> None:
    if metadata.resolution is not None:
        for tag, dpi in zip((X_RESOLUTION, Y_RESOLUTION), metadata.resolution, strict=True):
            file.add(tag, _RATIONAL, _ratio(dpi))
        file.add(296, _SHORT, [2])  # inches
    if metadata.profile is not None:
        file.add(34675, _UNDEFINED, metadata.profile)
    if text:
        lines = [file.string(_DESCRIPTION), *(f"{key}: {value}".encode() for key, value in text.items())]
        file.add(_DESCRIPTION, _ASCII, b"\n".join(line for line in lines if line) + b"\0")


def _ratio(value: float) -> list[int]:
    """A positive `value` as two 32-bit numbers, to a millionth where it fits."""
    denominator = int(max(1, min(10**6, _LARGEST // max(value, 1))))
    return [int(np.clip(round(value * denominator), 1, _LARGEST)), denominator]
