"""Pictures, and PNG, JPEG and TIFF files of them, made by others than the code under test."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image, ImageCms

from cofenet.io.png import SIGNATURE, chunk

FORMATS = ("png", "jpeg", "tiff")
DEPTHS = (np.uint8, np.uint16)
MAKER_NOTE = bytes(range(200))


def scene(height: int = 48, width: int = 64, dtype: type = np.uint8, bits: int | None = None) -> np.ndarray:
    """A smooth colour picture without any symmetry, over the whole range of `bits`: (H, W, 3)."""
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    channels = np.stack([x + y * y, 0.2 + 0.6 * y, 0.9 * x * (1 - y)], axis=-1)
    top = 2 ** (bits or np.iinfo(dtype).bits) - 1
    return np.rint(channels / channels.max() * top).astype(dtype)


def noise(seed: int, height: int, width: int, dtype: type, channels: int = 3) -> np.ndarray:
    """(H, W, channels)."""
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, (height, width, channels), dtype, endpoint=True)


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def exif(orientation: int = 1) -> bytes:
    tags = Image.Exif()
    tags[0x010F] = "Topcon"
    tags[0x0112] = orientation
    tags[0x8769] = {0x9003: "2024:05:06 07:08:09", 0x927C: MAKER_NOTE, 0x829A: 0.008}
    return tags.tobytes()


def encoded(pixels: np.ndarray, kind: str, **options: object) -> bytes:
    """A file by Pillow, which knows 8 bits a sample, and 16 of grey."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


def tiff(samples: np.ndarray, photometric: str = "rgb", **options: object) -> bytes:
    """An uncompressed TIFF by tifffile, its directory before its one strip."""
    stream = io.BytesIO()
    tifffile.imwrite(stream, samples, photometric=photometric, metadata=None, **options)
    return stream.getvalue()


def png(samples: np.ndarray, *chunks: bytes, size: tuple[int, int] | None = None) -> bytes:
    """A PNG of (H, W, channels), grey, grey with alpha, RGB or RGBA, its `chunks` laid out by hand.

    `size`, (W, H), is what its header says, true or not.
    """
    height, width, channels = samples.shape
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", *(size or (width, height)), 8 * samples.itemsize, colour, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(f">u{samples.itemsize}").tobytes() for row in samples)
    body = chunk(b"IDAT", zlib.compress(rows))
    return b"".join([SIGNATURE, chunk(b"IHDR", header), *chunks, body, chunk(b"IEND", b"")])


def save(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path
