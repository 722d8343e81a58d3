"""JPEG files with their metadata."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Final

from PIL import Image

from cofenet.io.metadata import Metadata, Samples

LOWEST_QUALITY: Final = 95
"""Of results, unless the source's is better: a second coding adds to the loss of the first."""

_LONGEST_SIDE: Final = 65_500  # libjpeg, JPEG_MAX_DIMENSION
_LONGEST_COMMENT: Final = 65_533  # ITU-T T.81, B.2.4.5: a 16-bit length that counts its own two bytes


def encode_jpeg(planes: Samples, metadata: Metadata, text: Mapping[str, str]) -> bytes:
    """A whole JPEG file, colour at full resolution (4:4:4).

    Args:
        planes: uint8, (H, W) grey or (H, W, 3) RGB.
        metadata: its profile, EXIF and resolution are written; the resolution in whole pixels an inch.
        text: written as one comment in UTF-8, a line "key: text" each.

    Raises:
        ValueError: a side, the EXIF or the comment is longer than JPEG allows (65,500 pixels; 65,533 bytes).
    """
    if max(planes.shape[:2]) > _LONGEST_SIDE:
        raise ValueError(f"JPEG holds at most {_LONGEST_SIDE} pixels a side; write PNG or TIFF")
    options: dict[str, object] = {"quality": max(LOWEST_QUALITY, metadata.jpeg_quality or 0), "subsampling": 0}
    if metadata.profile is not None:
        options["icc_profile"] = metadata.profile
    if metadata.exif is not None:
        options["exif"] = b"Exif\0\0" + metadata.exif
    if metadata.resolution is not None:
        options["dpi"] = metadata.resolution
    if text:
        options["comment"] = _comment(text)
    stream = io.BytesIO()
    Image.fromarray(planes).save(stream, "JPEG", **options)
    return stream.getvalue()


def _comment(text: Mapping[str, str]) -> bytes:
    comment = "\n".join(f"{key}: {value}" for key, value in text.items()).encode()
    if len(comment) > _LONGEST_COMMENT:
        raise ValueError(f"a JPEG comment holds at most {_LONGEST_COMMENT} bytes of text; write PNG or TIFF")
    return comment
