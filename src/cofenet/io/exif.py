"""EXIF blocks, changed in place so that nothing else in them moves.

An EXIF block is a small TIFF file: a header, then a directory of 12-byte fields (tag, type, count, value or where the
value lies). Makers' notes hold positions within the block, so a block is patched, never rewritten.
Layout: TIFF 6.0 (1992), section 2; tags: CIPA DC-008 (Exif 2.32), section 4.6.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

ORIENTATION: Final = 274
X_RESOLUTION: Final = 282
Y_RESOLUTION: Final = 283
_EXIF_DIRECTORY: Final = 34665
_PIXEL_WIDTH: Final = 40962
_PIXEL_HEIGHT: Final = 40963
_THUMBNAIL_START: Final = 513
_THUMBNAIL_LENGTH: Final = 514
_SUBDIRECTORIES: Final = (_EXIF_DIRECTORY, 34853, 40965)
_SHORT, _LONG, _IFD = 3, 4, 13
_BYTES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}  # of each type


@dataclass(frozen=True, slots=True)
class Directory:
    """Where the fields of one directory lie in a block.

    Attributes:
        order: "<" or ">", the block's byte order as `struct` writes it.
        fields: tag to the position of its 12 bytes.
        link: position of the 4 bytes that say where the next directory lies.
    """

    order: str
    fields: dict[int, int]
    link: int


def directory(block: bytes | bytearray, start: int | None = None) -> Directory:
    """Read the directory at `start`, by default the first one.

    Raises:
        ValueError: `block` does not begin like a TIFF file.
        struct.error: the directory reaches beyond the block.
    """
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(bytes(block[:4]))
    if order is None:
        raise ValueError("no EXIF block")
    if start is None:
        (start,) = struct.unpack_from(order + "I", block, 4)
    (count,) = struct.unpack_from(order + "H", block, start)
    places = [start + 2 + 12 * index for index in range(count)]
    fields = {struct.unpack_from(order + "H", block, place)[0]: place for place in places}
    link = start + 2 + 12 * count
    struct.unpack_from(order + "I", block, link)
    return Directory(order, fields, link)


def number(block: bytes | bytearray, order: str, place: int) -> int:
    """The value of a field at `place` that holds one SHORT or LONG."""
    (kind,) = struct.unpack_from(order + "H", block, place + 2)
    return int(struct.unpack_from(order + ("H" if kind == _SHORT else "I"), block, place + 8)[0])


def refuse_unsound(block: bytes | bytearray) -> None:
    """Check that every field lies within the block: in a TIFF file, one that points beyond spoils the whole file.

    Raises:
        ValueError: a field is of an unknown type, reaches beyond the block or points to no directory; or `block` is no
            EXIF.
        struct.error: a directory reaches beyond the block.
    """
    first = directory(block)
    _refuse_unsound_fields(block, first)
    for tag in _SUBDIRECTORIES:
        if tag in first.fields:
            inner = directory(block, number(block, first.order, first.fields[tag]))
            if not inner.fields:
                raise ValueError(f"field {tag} points to an empty directory")
            _refuse_unsound_fields(block, inner)


def upright(block: bytes, *, turned: bool) -> bytes:
    """The block of the same photograph once its orientation is applied to the pixels.

    Orientation becomes 1 (upright), and the thumbnail, which shows the old picture, is taken out.

    Args:
        block: EXIF, from the TIFF header on.
        turned: whether width and height changed places; those of the photograph and its resolution then do too.

    Raises:
        ValueError: the block is damaged, see `refuse_unsound`.
        struct.error: the block is cut short.
    """
    changed = bytearray(block)
    first = directory(changed)
    if ORIENTATION in first.fields:
        struct.pack_into(first.order + "HIHH", changed, first.fields[ORIENTATION] + 2, _SHORT, 1, 1, 0)
    _remove_thumbnail(changed, first)
    if turned:
        _swap(changed, first, X_RESOLUTION, Y_RESOLUTION)
        if _EXIF_DIRECTORY in first.fields:
            details = directory(changed, number(changed, first.order, first.fields[_EXIF_DIRECTORY]))
            _swap(changed, details, _PIXEL_WIDTH, _PIXEL_HEIGHT)
    refuse_unsound(changed)
    return bytes(changed)


def _refuse_unsound_fields(block: bytes | bytearray, where: Directory) -> None:
    for tag, place in where.fields.items():
        kind, count, start = struct.unpack_from(where.order + "HII", block, place + 2)
        length = count * _BYTES.get(kind, len(block) + 1)
        if length > 4 and start + length > len(block):
            raise ValueError(f"field {tag} reaches beyond the block")
        if tag in _SUBDIRECTORIES and (kind, count) not in ((_LONG, 1), (_IFD, 1)):
            raise ValueError(f"field {tag} does not point to a directory")


def _remove_thumbnail(block: bytearray, first: Directory) -> None:
    (start,) = struct.unpack_from(first.order + "I", block, first.link)
    if not start:
        return
    struct.pack_into(first.order + "I", block, first.link, 0)
    second = directory(block, start)
    if {_THUMBNAIL_START, _THUMBNAIL_LENGTH} <= second.fields.keys():
        begin, length = (
            number(block, second.order, second.fields[tag]) for tag in (_THUMBNAIL_START, _THUMBNAIL_LENGTH)
        )
        end = min(begin + length, len(block))
        if end == len(block):
            del block[begin:]
        else:
            block[begin:end] = bytes(end - begin)


def _swap(block: bytearray, where: Directory, one: int, other: int) -> None:
    if {one, other} <= where.fields.keys():
        first, second = where.fields[one] + 2, where.fields[other] + 2
        block[first : first + 10], block[second : second + 10] = (
            block[second : second + 10],
            block[first : first + 10],
        )
