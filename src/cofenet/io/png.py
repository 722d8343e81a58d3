"""PNG files of 8 or 16 bits with their metadata.

Pillow cannot hold 16-bit colour and OpenCV cannot write metadata, so OpenCV writes the pixels and the chunks are put in
after. Chunks: PNG specification, third edition, sections 5 and 11.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from typing import Final

import cv2
import numpy as np

from cofenet.io.metadata import Metadata, Samples

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_HEADER_END: Final = 33  # signature 8, IHDR 4 + 4 + 13 + 4
_INCHES_A_METRE: Final = 1 / 0.0254
_TO_OPENCV: Final = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}


def encode_png(planes: Samples, metadata: Metadata, text: Mapping[str, str]) -> bytes:
    """A whole PNG file.

    Args:
        planes: uint8 or uint16, (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA.
        metadata: its profile, EXIF and resolution are written; the resolution to 1 pixel a metre.
        text: keyword to text, written as iTXt; a keyword has 1–79 Latin-1 characters.

    Raises:
        ValueError: a keyword does not fit.
    """
    stored = planes if planes.ndim == 2 else cv2.cvtColor(planes, _TO_OPENCV[planes.shape[2]])
    done, encoded = cv2.imencode(".png", stored)
    if not done:
        raise ValueError("the PNG encoder failed")
    content = encoded.tobytes()
    return b"".join([content[:_HEADER_END], *_metadata_chunks(metadata, text), content[_HEADER_END:]])


def chunk(kind: bytes, body: bytes) -> bytes:
    """One chunk: length, `kind` (four letters), `body`, and the CRC of the two."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _metadata_chunks(metadata: Metadata, text: Mapping[str, str]) -> list[bytes]:
    chunks = []
    if metadata.profile is not None:
        chunks.append(chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.profile)))
    if metadata.resolution is not None:
        x, y = (min(round(dpi * _INCHES_A_METRE), np.iinfo(np.int32).max) for dpi in metadata.resolution)
        chunks.append(chunk(b"pHYs", struct.pack(">IIB", x, y, 1)))
    if metadata.exif is not None:
        chunks.append(chunk(b"eXIf", metadata.exif))
    return chunks + [chunk(b"iTXt", _international_text(key, value)) for key, value in text.items()]


def _international_text(keyword: str, value: str) -> bytes:
    encoded = keyword.encode("latin-1")
    if not 1 <= len(encoded) <= 79 or b"\0" in encoded:
        raise ValueError(f"{keyword!r} cannot be the keyword of a PNG text")
    # After the keyword: not compressed, method 0, no language, no translated keyword.
    return encoded + b"\0\0\0\0\0" + value.encode()
