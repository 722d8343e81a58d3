"""What a photograph's file says beside the pixels, and how much of it is carried to the result."""

from __future__ import annotations

import logging
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from cofenet.io import exif as exif_block
from cofenet.io.exif import ORIENTATION, X_RESOLUTION, Y_RESOLUTION

if TYPE_CHECKING:
    from pydicom import Dataset

Samples = NDArray[np.uint8] | NDArray[np.uint16]

_log = logging.getLogger(__name__)

_PREFIX: Final = b"Exif\0\0"
_CENTIMETRES: Final = 3
_RESOLUTION_UNIT: Final = 296

# Tags that describe how one TIFF file stores its pixels; they say nothing about the photograph. 700 (XMP), 33723 (IPTC)
# and 34377 (Photoshop) repeat orientation and thumbnail in formats of their own.
STRUCTURAL_TAGS: Final = frozenset(
    {254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, ORIENTATION, 277, 278, 279, 280, 281, X_RESOLUTION}
    | {Y_RESOLUTION, 284, 288, 289, 290, 291, 292, 293, _RESOLUTION_UNIT, 297, 301, 317, 318, 319, 320, 321, 322, 323}
    | {324, 325, 330, 332, 338, 339, 340, 341, 342, 347, 513, 514, 529, 530, 531, 532, 700, 33723, 34377, 34675, 37724}
)


@dataclass(frozen=True, slots=True, eq=False)
class Metadata:
    """What is carried from a photograph's file to its result.

    Attributes:
        profile: the ICC colour profile, or None. Pixels are never converted to another RGB space, so it stays true.
        exif: EXIF from the TIFF header on, with orientation 1 and no thumbnail, or None.
        resolution: pixels an inch along (x, y), or None.
        alpha: (H, W), dtype and range of the pixels, 0 transparent, not multiplied into the pixels; or None.
        grey: whether the file had one colour channel.
        jpeg_quality: of a JPEG file, its quality on the 1–100 scale of libjpeg; else None.
        dicom: of a DICOM file, all its attributes but the pixels; not to be changed. Else None.
    """

    profile: bytes | None = None
    exif: bytes | None = None
    resolution: tuple[float, float] | None = None
    alpha: Samples | None = None
    grey: bool = False
    jpeg_quality: int | None = None
    dicom: Dataset | None = None


def read_orientation(picture: ImageFile.ImageFile) -> int:
    """The EXIF orientation, 1–8; 1 where the file gives none or nonsense."""
    try:
        value = picture.getexif().get(ORIENTATION, 1)
    except (SyntaxError, ValueError, KeyError, struct.error):
        return 1
    return value if value in range(1, 9) else 1


def read_exif(picture: ImageFile.ImageFile, *, turned: bool, name: str) -> bytes | None:
    """The EXIF block as the result may carry it, see `exif.upright`; a damaged one is logged and left out."""
    try:
        block = _stored_exif(picture)
        return exif_block.upright(block, turned=turned) if block else None
    except (SyntaxError, ValueError, KeyError, TypeError, struct.error) as error:
        _log.warning("%s: the EXIF data is damaged and is not carried (%s)", name, error)
        return None


def read_resolution(picture: ImageFile.ImageFile) -> tuple[float, float] | None:
    """Pixels an inch along (x, y) as stored, or None where the file gives none."""
    if picture.format == "PNG" or picture.info.get("jfif_unit") in (1, 2):
        found = picture.info.get("dpi")
    else:
        found = _tagged_resolution(picture)
    if found is None:
        return None
    x, y = float(found[0]), float(found[1])
    return (x, y) if 0 < x < np.inf and 0 < y < np.inf else None


def read_jpeg_quality(tables: dict[int, list[int]]) -> int:
    """The quality at which libjpeg makes a luminance table as coarse as the first of `tables`, each 64 steps.

    libjpeg scales the table K.1 of ITU-T T.81, whose mean is 57.6, to (200 − 2 quality) %; never below 1.
    """
    steps = tables[min(tables)]
    return 100 if max(steps) <= 1 else int(np.clip(round(100 - 50 * np.mean(steps) / 57.6), 1, 100))


def _stored_exif(picture: ImageFile.ImageFile) -> bytes | None:
    stored = picture.info.get("exif")
    if picture.format != "TIFF" and stored:
        return bytes(stored).removeprefix(_PREFIX)
    found = picture.getexif()
    carried = Image.Exif()
    for tag in found:
        if tag not in STRUCTURAL_TAGS:
            carried[tag] = found.get_ifd(tag) or found[tag] if tag in (34665, 34853) else found[tag]
    return carried.tobytes().removeprefix(_PREFIX) if len(carried) else None


def _tagged_resolution(picture: ImageFile.ImageFile) -> tuple[Any, Any] | None:
    try:
        tags = picture.getexif()
        x, y = float(tags[X_RESOLUTION]), float(tags[Y_RESOLUTION])
    except (SyntaxError, ValueError, KeyError, TypeError, ZeroDivisionError, struct.error):
        return None
    unit = tags.get(_RESOLUTION_UNIT, 2)
    if unit not in (2, _CENTIMETRES):
        return None
    factor = 2.54 if unit == _CENTIMETRES else 1.0
    return x * factor, y * factor
