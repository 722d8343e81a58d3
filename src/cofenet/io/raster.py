"""Photographs in PNG, JPEG, TIFF and DICOM files: arrays in, arrays out.

What a result keeps of its source:

- Format and bit depth. JPEG is 8 bit; 16-bit pixels are rounded for it. The result has the bit depth of its pixels.
- The colour profile, EXIF and resolution. Pixels are turned upright, and the carried EXIF says so; its thumbnail, which
  shows the old picture, is dropped. XMP, IPTC and the source's own text are not carried.
- Grey stays grey while the three channels stay equal; once they differ, the result is RGB without a grey profile.
- Alpha, untouched, in PNG and TIFF; a grey photograph with alpha becomes RGBA. JPEG holds no alpha: it is dropped.
- CMYK becomes RGB: through its profile to sRGB where it has one, else by Pillow's formula. No profile is carried.
- JPEG is written 4:4:4 at quality 95, or at the source's quality where that is better.
- A DICOM file becomes a derived DICOM object, see `dicom_writing.py`; as another format it keeps its colour profile
  alone. Nothing else becomes DICOM: what is in no DICOM file lacks patient and study.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Literal, cast

import numpy as np
from numpy.typing import NDArray

from cofenet.errors import UnreadableError, UnwritableError, UsageError
from cofenet.io.atomic import write_atomically
from cofenet.io.decode import decode, one_line
from cofenet.io.formats import Format, has_suffix, starts_as_dicom, suffix_for
from cofenet.io.jpeg import encode_jpeg
from cofenet.io.metadata import Metadata, Samples
from cofenet.io.png import encode_png
from cofenet.io.tiff import encode_tiff

if TYPE_CHECKING:
    from cofenet.io.deidentify import Deidentifier

FilePath = str | os.PathLike[str]

_ENCODERS: Final = {"png": encode_png, "jpeg": encode_jpeg, "tiff": encode_tiff}


@dataclass(frozen=True, slots=True, eq=False)
class Photograph:
    """One photograph as it came from a file, or as it goes to one.

    Attributes:
        pixels: uint8 or uint16 (H, W, 3), RGB, 0–255 or 0–65535, upright.
        path: the file it was read from, which no result may overwrite; or None.
        format: the format of that file.
        metadata: what else the file says.
    """

    pixels: Samples
    path: Path | None = None
    format: Format = "png"
    metadata: Metadata = field(default_factory=Metadata)

    def __post_init__(self) -> None:
        """Refuse what no file can hold."""
        shape, alpha = self.pixels.shape, self.metadata.alpha
        if self.pixels.dtype not in (np.uint8, np.uint16) or len(shape) != 3 or shape[2] != 3 or 0 in shape:
            raise UsageError(f"pixels must be uint8 or uint16 (H, W, 3), not {self.pixels.dtype} {shape}")
        if alpha is not None and alpha.shape != shape[:2]:
            raise UsageError(f"alpha must have the shape of the pixels, {shape[:2]}, not {alpha.shape}")


def read_photograph(path: FilePath) -> Photograph:
    """Read one photograph; its content, not its name, says which format it is.

    Raises:
        UnreadableError: the file is missing, a folder, empty, not permitted, not a PNG, JPEG, TIFF or DICOM image,
            damaged or cut short, smaller than 32 × 32, of several pages or frames, or of samples other than unsigned of
            at most 16 bits; or DICOM is not installed.
        TooLargeError: it has more than `PIXEL_LIMIT` pixels; known from its header, before decoding.
    """
    frames = read_frames(path)
    if len(frames) > 1:
        raise UnreadableError(f"has {len(frames)} frames; give one photograph per file", frames[0].path)
    return frames[0]


def read_frames(path: FilePath) -> tuple[Photograph, ...]:
    """Read every frame of a DICOM file, or the one photograph of another, like `read_photograph`."""
    path = Path(path)
    try:
        _refuse_non_files(path)
        with path.open("rb") as stream:
            if starts_as_dicom(stream):
                return _dicom_frames(stream, path)
            pixels, format_, metadata = decode(stream, path)
    except OSError as error:
        raise UnreadableError((error.strerror or str(error)).lower(), path) from error
    return (Photograph(pixels, path, format_, metadata),)


def write_photograph(
    path: FilePath,
    photograph: Photograph,
    *,
    format: Literal["same"] | Format = "same",  # noqa: A002 - the word every caller expects
    text: Mapping[str, str] | None = None,
) -> Path:
    """Write one photograph, whole or not at all; a file of that name is replaced unless it is the source.

    Args:
        path: where; where its ending belongs to another format, the right one is appended: a name never lies.
        photograph: what.
        format: the file's format; "same" is `photograph.format`.
        text: what was done to it, stored as PNG iTXt, JPEG comment or TIFF ImageDescription; see `dicom_writing.py` for
            DICOM.

    Returns:
        The path that was written.

    Raises:
        UsageError: `path` is the source itself, also by a link or in another case; or the format is unknown.
        UnwritableError: the format cannot hold the photograph, or the file cannot be written.
    """
    return write_frames(path, [photograph], format=format, text=text)


def write_frames(
    path: FilePath,
    frames: Sequence[Photograph],
    *,
    format: Literal["same"] | Format = "same",  # noqa: A002 - as above
    text: Mapping[str, str] | None = None,
    deidentifier: Deidentifier | None = None,
) -> Path:
    """Write the frames that `read_frames` read, in their order, like `write_photograph`.

    Args:
        path: where.
        frames: of one file, one of them or more; more are stored in DICOM alone.
        format: the file's format; "same" is theirs.
        text: what was done to them.
        deidentifier: takes the patient out of what came from a DICOM file.

    Returns:
        The path that was written.

    Raises:
        UsageError: as `write_photograph`; or frames that came from no DICOM file are to be de-identified.
        UnwritableError: as `write_photograph`; or the pixels may show who the patient is.
    """
    path, first = Path(path), frames[0]
    chosen = first.format if format == "same" else format
    suffix = suffix_for(chosen)
    target = path if has_suffix(path, chosen) else path.with_name(path.name + suffix)
    _refuse_source(target, first.path)
    if deidentifier:
        deidentifier.refuse_unfit(first.metadata.dicom, first.path or target)
    try:
        content = _encoded(frames, chosen, text or {}, deidentifier)
    except Exception as error:  # encoders raise what they like, pydicom of an odd header above all
        raise UnwritableError(f"cannot be written as {chosen.upper()}: {one_line(error)}", target) from error
    write_atomically(target, content)
    return target


def copy_photograph(path: Path, photograph: Photograph) -> Path:
    """Store the file that a photograph was read from under another name, byte for byte, whole or not at all.

    Raises:
        UsageError: `path` is the source itself, or the photograph came from no file.
        UnreadableError: the source is gone.
        UnwritableError: the file cannot be written.
    """
    if photograph.path is None:
        raise UsageError(f"{path}: the photograph came from no file that could be copied")
    _refuse_source(path, photograph.path)
    try:
        content = photograph.path.read_bytes()
    except OSError as error:
        raise UnreadableError((error.strerror or str(error)).lower(), photograph.path) from error
    write_atomically(path, content)
    return path


def eight_bits(samples: NDArray[Any]) -> NDArray[np.uint8]:
    """uint8 or uint16 of full range, as uint8: of 16 bits the nearest value of the same share of the range."""
    if samples.dtype == np.uint8:
        return np.asarray(samples, np.uint8)
    return ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)  # 65535 = 255 × 257: rounds v × 255 / 65535


def _dicom_frames(stream: BinaryIO, path: Path) -> tuple[Photograph, ...]:
    if find_spec("pydicom") is None:
        raise UnreadableError("is a DICOM file, which needs the extra: pip install '.[dicom]'", path)
    from cofenet.io.dicom import decode_dicom  # noqa: PLC0415 - the core works without pydicom

    frames, metadata = decode_dicom(stream, path)
    return tuple(Photograph(pixels, path, "dicom", metadata) for pixels in frames)


def _encoded(
    frames: Sequence[Photograph], format_: Format, text: Mapping[str, str], deidentifier: Deidentifier | None
) -> bytes:
    if format_ != "dicom":
        if len(frames) > 1:
            raise ValueError(f"there are {len(frames)} frames, which DICOM alone can hold")
        planes, metadata = _storable(frames[0], format_)
        return _ENCODERS[format_](planes, metadata, text)
    header = frames[0].metadata.dicom
    if header is None:
        raise ValueError("it came from no DICOM file, so there is neither patient nor study for it")
    from cofenet.io.dicom_writing import encode_dicom  # noqa: PLC0415 - as above

    stored = [_storable(frame, format_)[0] for frame in frames]
    if any(planes.ndim == 3 for planes in stored):  # frames of one file are all grey or all coloured
        stored = [frame.pixels for frame in frames]
    return encode_dicom(stored, header, text, deidentifier)


def _refuse_non_files(path: Path) -> None:
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise UnreadableError("is a folder, not a photograph", path)
    if not stat.S_ISREG(status.st_mode):  # a pipe would wait for ever
        raise UnreadableError("is not a regular file", path)
    if status.st_size == 0:
        raise UnreadableError("is an empty file", path)


def _refuse_source(target: Path, source: Path | None) -> None:
    try:
        same = source is not None and target.samefile(source)
    except OSError:  # one of the two does not exist
        same = False
    if same:
        raise UsageError(f"{target}: is the photograph itself ({source}); a source is never overwritten")


def _storable(photograph: Photograph, format_: Format) -> tuple[Samples, Metadata]:
    """The channels that `format_` stores, (H, W), (H, W, 3) or (H, W, 4), and the metadata that fits them."""
    metadata = photograph.metadata
    narrow = format_ == "jpeg" or photograph.pixels.dtype == np.uint8
    pixels = _at_depth(photograph.pixels, narrow=narrow)
    if metadata.alpha is not None and format_ not in ("jpeg", "dicom"):
        alpha = _at_depth(metadata.alpha, narrow=narrow)
        return cast("Samples", np.dstack([pixels, alpha])), _fitting(metadata, grey=False)
    grey = metadata.grey and bool((pixels == pixels[..., :1]).all())
    return pixels[..., 0] if grey else pixels, _fitting(metadata, grey=grey)


def _fitting(metadata: Metadata, *, grey: bool) -> Metadata:
    """Drop a profile of grey or ink from colours; bytes 16–19 of a profile name its colour space (ICC.1, 7.2.6)."""
    profile = metadata.profile
    fits = grey or profile is None or profile[16:20] == b"RGB "
    return metadata if fits else replace(metadata, profile=None)


def _at_depth(samples: Samples, *, narrow: bool) -> Samples:
    """To 8 bits, `narrow`, or 16: the nearest value of the same share of the range."""
    if narrow:
        return eight_bits(samples)
    if samples.dtype == np.uint8:
        return samples.astype(np.uint16) * np.uint16(257)
    return samples
