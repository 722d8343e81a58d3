"""EXIF blocks changed in place."""

from __future__ import annotations

import struct

import pytest
from PIL import Image

from cofenet.io.exif import directory, refuse_unsound, upright

THUMBNAIL = b"\xff\xd8 the old picture \xff\xd9"


def block(order: str, *, tail: bytes = b"") -> bytes:
    """Orientation 6, 640 × 480 pixels at 300 × 200 dpi, a thumbnail, and then `tail`."""
    long, short = 4, 3
    details, second, numbers, data = 100, 150, 200, 216

    def field(tag: int, kind: int, value: int) -> bytes:
        packed = struct.pack(order + ("HH" if kind == short else "I"), *((value, 0) if kind == short else (value,)))
        return struct.pack(order + "HHI", tag, kind, 1) + packed

    def listed(*fields: bytes, link: int = 0) -> bytes:
        return struct.pack(order + "H", len(fields)) + b"".join(fields) + struct.pack(order + "I", link)

    whole = bytearray(data)
    start = b"II*\0" if order == "<" else b"MM\0*"
    whole[:8] = start + struct.pack(order + "I", 8)
    first = [field(274, short, 6), field(282, 5, numbers), field(283, 5, numbers + 8), field(34665, long, details)]
    for place, part in (
        (8, listed(*first, link=second)),
        (details, listed(field(40962, short, 640), field(40963, long, 480))),
        (second, listed(field(513, long, data), field(514, long, len(THUMBNAIL)))),
        (numbers, struct.pack(order + "4I", 300, 1, 200, 1)),
    ):
        whole[place : place + len(part)] = part
    return bytes(whole) + THUMBNAIL + tail


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("tail", [b"", b"a maker's note"])
@pytest.mark.parametrize("turned", [False, True])
def test_upright_changes_what_turning_changes_and_nothing_else(order: str, tail: bytes, turned: bool) -> None:
    before = block(order, tail=tail)
    after = upright(before, turned=turned)

    tags = Image.Exif()
    tags.load(b"Exif\0\0" + after)
    assert tags[274] == 1
    assert (tags[282], tags[283]) == ((200, 300) if turned else (300, 200))
    details = tags.get_ifd(34665)
    assert (details[40962], details[40963]) == ((480, 640) if turned else (640, 480))
    assert THUMBNAIL not in after
    assert not tags.get_ifd(1)
    assert after.endswith(tail)
    if tail:
        assert len(after) == len(before)
        assert after.index(tail) == before.index(tail)


def test_upright_is_idempotent() -> None:
    once = upright(block("<"), turned=False)
    assert upright(once, turned=False) == once


@pytest.mark.parametrize("content", [b"", b"PNG", b"Exif\0\0II*\0"])
def test_other_data_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="no EXIF block"):
        directory(content)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("place", "code", "value"), [(4, "I", 1000), (2, "H", 99), (8, "I", 5000)])
def test_a_field_beyond_the_block_is_refused(order: str, place: int, code: str, value: int) -> None:
    sound = block(order)
    refuse_unsound(sound)
    damaged = bytearray(sound)
    struct.pack_into(order + code, damaged, directory(sound).fields[282] + place, value)
    with pytest.raises(ValueError, match="field 282"):
        upright(bytes(damaged), turned=False)


def test_a_cut_block_is_an_error() -> None:
    with pytest.raises(struct.error):
        directory(block("<")[:30])
