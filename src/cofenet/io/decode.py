"""Decode an open PNG, JPEG or TIFF file.

8-bit pixels are decoded by Pillow. Pillow cannot hold 16-bit colour: those come from OpenCV, after Pillow has decoded
them too, because OpenCV fills the missing part of a cut file without a word. 16-bit CMYK is converted at 8-bit
precision.
"""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from cofenet.errors import PhotographError, TooLargeError, UnreadableError
from cofenet.io.formats import Format
from cofenet.io.metadata import (
    Metadata,
    Samples,
    read_exif,
    read_jpeg_quality,
    read_orientation,
    read_resolution,
)
from cofenet.io.png import SIGNATURE

PIXEL_LIMIT: Final = 400_000_000
"""Most pixels of a photograph that is decoded: over ten times the largest fundus montage, and 2.4 GB as 16-bit RGB."""

SMALLEST_SIDE: Final = 32
"""Fewest pixels a side: below it no field of view can be told from noise."""

# Pillow's classes rather than Image.open: a camera's multi-picture file then is the JPEG it starts with.
_DECODERS: Final[tuple[tuple[bytes, Format, type[ImageFile.ImageFile]], ...]] = (
    (SIGNATURE, "png", PngImageFile),
    (b"\xff\xd8\xff", "jpeg", JpegImageFile),
    (b"II*\0", "tiff", TiffImageFile),
    (b"MM\0*", "tiff", TiffImageFile),
    (b"II+\0", "tiff", TiffImageFile),
    (b"MM\0+", "tiff", TiffImageFile),
)

_pillow = threading.Lock()


def decode(stream: BinaryIO, path: Path) -> tuple[Samples, Format, Metadata]:
    """Decode the photograph in `stream`; `path` is named in errors.

    Returns:
        Pixels, uint8 or uint16 (H, W, 3) RGB, upright; the file's format; what is carried to a result.

    Raises:
        UnreadableError: no PNG, JPEG or TIFF image, damaged or cut short, too small, of several pages, or of samples
            that are not unsigned of at most 16 bits.
        TooLargeError: more than `PIXEL_LIMIT` pixels; known from the header, before decoding.
    """
    with decoding(path):
        picture, format_ = opened(stream, path)
        bits = _checked(picture, format_, stream, path)
        resolution, orientation = read_resolution(picture), read_orientation(picture)
        turned = orientation >= 5
        exif = read_exif(picture, turned=turned, name=str(path))
        channels = _channels(picture, stream, bits, orientation)
        profile = None if picture.mode == "CMYK" else picture.info.get("icc_profile")
        quality = read_jpeg_quality(picture.quantization) if isinstance(picture, JpegImageFile) else None
    metadata = Metadata(
        profile=profile,
        exif=exif,
        resolution=resolution[::-1] if resolution and turned else resolution,
        alpha=channels[..., 3].copy() if channels.shape[2] == 4 else None,
        grey=picture.getbands()[0] in ("1", "L", "I") and picture.mode != "LAB",
        jpeg_quality=quality,
    )
    return channels[..., :3].copy(), format_, metadata


def one_line(error: BaseException) -> str:
    """What `error` says, on one line."""
    return " ".join(str(error).split()) or type(error).__name__


@contextmanager
def decoding(path: Path) -> Iterator[None]:
    """Suspend Pillow's pixel limit, which lies below ours, and its warnings; turn decoders' errors into ours.

    Both are settings of the whole process, so one thread decodes at a time.
    """
    with _pillow, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        except PhotographError:
            raise
        except Exception as error:
            raise UnreadableError(f"cannot be decoded; damaged or cut short? {one_line(error)}", path) from error
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def opened(stream: BinaryIO, path: Path) -> tuple[ImageFile.ImageFile, Format]:
    """The picture in `stream`, its header read and its pixels not yet, and its format; call while `decoding`."""
    start = stream.read(8)
    stream.seek(0)
    for signature, format_, decoder in _DECODERS:
        if start.startswith(signature):
            return decoder(stream), format_
    raise UnreadableError("is not a PNG, JPEG, TIFF or DICOM image", path)


def _checked(picture: ImageFile.ImageFile, format_: Format, stream: BinaryIO, path: Path) -> int:
    """Refuse what must not be decoded; returns the bits of a sample."""
    width, height = picture.size
    if width * height > PIXEL_LIMIT:
        size = f"{width} × {height} pixels are {width * height / 1e6:.0f} megapixels"
        raise TooLargeError(f"{size}; at most {PIXEL_LIMIT / 1e6:.0f} are read", path)
    if min(width, height) < SMALLEST_SIDE:
        reason = f"{width} × {height} pixels are too few; at least {SMALLEST_SIDE} × {SMALLEST_SIDE} are needed"
        raise UnreadableError(reason, path)
    pages = _pages(picture)
    if pages > 1:
        raise UnreadableError(f"has {pages} pages; give one photograph per file", path)
    if isinstance(picture, TiffImageFile):
        return _tiff_bits(picture, path)
    return _png_bits(stream) if format_ == "png" else 8


def _pages(picture: ImageFile.ImageFile) -> int:
    count = int(getattr(picture, "n_frames", 1))
    if count == 1 or not isinstance(picture, TiffImageFile):
        return count
    full = 0
    for page in range(count):
        picture.seek(page)
        full += not picture.tag_v2.get(254, 0) & 1  # a thumbnail or smaller copy is no page
    picture.seek(0)
    return full


def _png_bits(stream: BinaryIO) -> int:
    place = stream.tell()
    stream.seek(24)
    depth = stream.read(1)[0]
    stream.seek(place)
    return 16 if depth == 16 else 8


def _tiff_bits(picture: TiffImageFile, path: Path) -> int:
    bits, signs = max(picture.tag_v2.get(258, (1,))), set(picture.tag_v2.get(339, (1,)))
    if bits not in (1, 2, 4, 8, 16) or signs != {1}:
        raise UnreadableError(f"holds {bits}-bit samples that are not unsigned of 8 or 16 bits", path)
    if bits == 16 and picture.tag_v2.get(284, 1) == 2 and picture.tag_v2.get(277, 1) > 1:
        raise UnreadableError("holds its 16-bit colours in separate planes; save it interleaved", path)
    return 16 if bits == 16 else 8


def _channels(picture: ImageFile.ImageFile, stream: BinaryIO, bits: int, orientation: int) -> Samples:
    """Decode: uint8 or uint16 (H, W, 3 or 4), RGB or RGBA, upright."""
    picture.load()
    if bits == 16 and picture.mode == "CMYK":
        channels: Samples = _eight_bit(picture).astype(np.uint16) * np.uint16(257)
    else:
        channels = _sixteen_bit(picture, stream) if bits == 16 else _eight_bit(picture)
    # Pillow and OpenCV both turn TIFF upright by themselves, and nothing else.
    return channels if isinstance(picture, TiffImageFile) else _upright(channels, orientation)


def _sixteen_bit(picture: ImageFile.ImageFile, stream: BinaryIO) -> NDArray[np.uint16]:
    """Decode by OpenCV: uint16 (H, W, 3 or 4), RGB or RGBA."""
    stream.seek(0)
    stored = cv2.imdecode(np.frombuffer(stream.read(), np.uint8), cv2.IMREAD_UNCHANGED)
    if stored is None or stored.dtype != np.uint16:
        raise ValueError("the 16-bit decoder failed")
    tags = picture.tag_v2 if isinstance(picture, TiffImageFile) else {}
    samples = np.asarray(stored, dtype=np.uint16)
    if samples.ndim == 2:
        grey = ~samples if tags.get(262) == 0 else samples  # 0 is white
        return np.repeat(grey[..., None], 3, axis=2)
    if samples.shape[2] == 3:
        return samples[..., ::-1]
    channels = samples[..., [2, 1, 0, 3]]
    if tags.get(338) == (1,):  # alpha is multiplied into the colours
        share = np.maximum(channels[..., 3:], 1) / 65535
        channels[..., :3] = np.minimum(np.rint(channels[..., :3] / share), 65535)
    return channels


def _eight_bit(picture: ImageFile.ImageFile) -> Samples:
    """Convert what Pillow decoded: uint8 (H, W, 3 or 4), RGB or RGBA."""
    if picture.mode == "CMYK" and "icc_profile" in picture.info:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(picture.info["icc_profile"]))
        converted = ImageCms.profileToProfile(picture, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
        return np.asarray(converted, dtype=np.uint8)
    transparent = picture.mode[-1] in "Aa" or "transparency" in picture.info
    return np.asarray(picture.convert("RGBA" if transparent else "RGB"), dtype=np.uint8)


def _upright(stored: Samples, orientation: int) -> Samples:
    """Apply an EXIF orientation, 1–8, to (H, W, …)."""
    turned = stored.swapaxes(0, 1) if orientation >= 5 else stored
    if orientation in (2, 3, 6, 7):
        turned = turned[:, ::-1]
    return turned[::-1] if orientation in (3, 4, 7, 8) else turned
