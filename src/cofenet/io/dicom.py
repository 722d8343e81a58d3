"""Read the photographs in a DICOM file. Needs the extra `dicom`.

Read are the classes in `PHOTOGRAPHS` of unsigned samples, 8 or 16 bits allocated, grey (MONOCHROME2) or colour (RGB,
YBR_FULL, YBR_FULL_422 and the two of JPEG 2000), of one frame or several. Samples of fewer bits than allocated are
spread over the whole range, and come back exactly. Window, rescale and presentation tables are not applied: they say
how to show samples, not what they are.
Attributes and their values: DICOM PS3.3, C.7.6.3 (Image Pixel) and C.7.6.1.1.5 (lossy compression).
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Final, cast

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, FileDataset, dcmread, uid
from pydicom.encaps import generate_frames
from pydicom.errors import InvalidDicomError
from pydicom.multival import MultiValue
from pydicom.pixels.decoders.base import get_decoder

from cofenet.errors import TooLargeError, UnreadableError
from cofenet.io.decode import PIXEL_LIMIT, SMALLEST_SIDE, decoding
from cofenet.io.metadata import Metadata, Samples

PHOTOGRAPHS: Final = (
    uid.OphthalmicPhotography8BitImageStorage,
    uid.OphthalmicPhotography16BitImageStorage,
    uid.SecondaryCaptureImageStorage,
    uid.MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    uid.MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    uid.MultiFrameTrueColorSecondaryCaptureImageStorage,
    uid.VLPhotographicImageStorage,
)
"""SOP classes that hold photographs."""

# One decoder for each: what is read must not depend on which others happen to be installed.
_DECODERS: Final = {
    uid.ImplicitVRLittleEndian: "",
    uid.ExplicitVRLittleEndian: "",
    uid.ExplicitVRBigEndian: "",
    uid.DeflatedExplicitVRLittleEndian: "",
    uid.RLELossless: "pydicom",
    uid.JPEGBaseline8Bit: "pillow",
    uid.JPEGLSLossless: "pyjpegls",
    uid.JPEGLSNearLossless: "pyjpegls",
    uid.JPEG2000Lossless: "pylibjpeg",
    uid.JPEG2000: "pylibjpeg",
}

_LOSSY: Final = {
    uid.JPEGBaseline8Bit: "ISO_10918_1",
    uid.JPEGLSNearLossless: "ISO_14495_1",
    uid.JPEG2000: "ISO_15444_1",
}
"""Transfer syntaxes that lose something, with the defined term of their method."""

_COLOURS: Final = {"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"}
_IDENTITY: Final = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
_IMAGE: Final = (
    "Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored", "HighBit",
    "PixelRepresentation",
)  # fmt: skip


def decode_dicom(stream: BinaryIO, path: Path) -> tuple[tuple[Samples, ...], Metadata]:
    """Decode every frame of the DICOM file in `stream`; `path` is named in errors.

    Returns:
        Frames, uint8 or uint16 (H, W, 3), RGB, 0–255 or 0–65535; and what is carried to a result, with the file's other
        attributes as `Metadata.dicom`.

    Raises:
        UnreadableError: no photograph, or of a kind that is not read; damaged or cut short; too small.
        TooLargeError: more than `PIXEL_LIMIT` pixels in all frames together; known before they are decoded.
    """
    with decoding(path):
        dataset = _read(stream, path)
        _refuse_others(dataset, path)
        _refuse_sizes(dataset, path)
        _refuse_samples(dataset, path)
        frames = tuple(_frames(dataset))
        header = _header(dataset)
    grey = header.SamplesPerPixel == 1
    return frames, Metadata(profile=header.get("ICCProfile"), grey=grey, dicom=header)


def spread(samples: Samples, bits: int) -> Samples:
    """Bring samples of `bits` bits to the whole range of their type: the nearest value of the same share of it."""
    return _rescaled(samples, 2**bits - 1, np.iinfo(samples.dtype).max)


def gather(samples: Samples, bits: int) -> Samples:
    """Bring samples back to `bits` bits; of what came from `spread`, exactly."""
    return _rescaled(samples, np.iinfo(samples.dtype).max, 2**bits - 1)


def _rescaled(samples: Samples, old: int, new: int) -> Samples:
    if old == new:
        return samples
    wide = (samples.astype(np.uint32) * np.uint32(new) + np.uint32(old // 2)) // np.uint32(old)
    return wide.astype(np.uint8) if samples.dtype == np.uint8 else wide.astype(np.uint16)


def _read(stream: BinaryIO, path: Path) -> FileDataset:
    try:
        dataset = dcmread(stream)
    except InvalidDicomError as error:
        raise UnreadableError("is not a DICOM file", path) from error
    if dataset.file_meta.get("MediaStorageSOPClassUID") == uid.MediaStorageDirectoryStorage:
        raise UnreadableError("is a directory of DICOM files, no photograph; give the files themselves", path)
    _refuse_gaps(dataset, _IDENTITY, path)
    return dataset


def _refuse_gaps(dataset: FileDataset, keywords: tuple[str, ...], path: Path) -> None:
    for keyword in keywords:
        if dataset.get(keyword) in (None, ""):
            raise UnreadableError(f"is no complete DICOM object: {keyword} is missing; cut short?", path)


def _refuse_others(dataset: FileDataset, path: Path) -> None:
    """Refuse what is no photograph, or is compressed in a way that is not read."""
    kind = uid.UID(dataset.SOPClassUID)
    if kind not in PHOTOGRAPHS:
        raise UnreadableError(f"holds no photograph of a kind that is read, but: {kind.name}", path)
    syntax = uid.UID(dataset.file_meta.get("TransferSyntaxUID", ""))
    if syntax not in _DECODERS:
        name = f"{syntax.name} ({syntax})" if syntax and not syntax.is_private else f"{syntax or 'none'}"
        raise UnreadableError(f"is stored in a transfer syntax that is not read: {name}; convert it first", path)
    if not dataset.get("PixelData"):
        raise UnreadableError("holds no pixels; cut short?", path)
    _refuse_gaps(dataset, _IMAGE, path)


def _refuse_sizes(dataset: FileDataset, path: Path) -> None:
    height, width, frames = int(dataset.Rows), int(dataset.Columns), int(dataset.get("NumberOfFrames") or 1)
    if height * width * frames > PIXEL_LIMIT:
        size = f"{width} × {height} pixels in {frames} frames are {height * width * frames / 1e6:.0f} megapixels"
        raise TooLargeError(f"{size}; at most {PIXEL_LIMIT / 1e6:.0f} are read", path)
    if min(height, width) < SMALLEST_SIDE:
        reason = f"{width} × {height} pixels are too few; at least {SMALLEST_SIDE} × {SMALLEST_SIDE} are needed"
        raise UnreadableError(reason, path)


def _refuse_samples(dataset: FileDataset, path: Path) -> None:
    channels, colours = int(dataset.SamplesPerPixel), str(dataset.PhotometricInterpretation)
    if not (channels == 1 and colours == "MONOCHROME2") and not (channels == 3 and colours in _COLOURS):
        raise UnreadableError(f"holds {channels} samples a pixel as {colours or 'nothing'}, which is not read", path)
    allocated, stored, high = int(dataset.BitsAllocated), int(dataset.BitsStored), int(dataset.HighBit)
    if allocated not in (8, 16) or not 1 < stored <= allocated or high != stored - 1 or dataset.PixelRepresentation:
        sign = "signed" if dataset.PixelRepresentation else "unsigned"
        bits = f"{stored} bits below bit {high + 1} of {allocated}, {sign}"
        raise UnreadableError(f"holds samples that are not unsigned of 8 or 16 bits allocated, but {bits}", path)
    if allocated == 16 and colours.startswith("YBR_FULL"):
        raise UnreadableError(f"holds 16-bit colours as {colours}; only RGB is read of 16 bits", path)


def _frames(dataset: FileDataset) -> list[Samples]:
    syntax = dataset.file_meta.TransferSyntaxUID
    expected = int(dataset.get("NumberOfFrames") or 1)
    if syntax in (uid.JPEGLSLossless, uid.JPEGLSNearLossless):
        _refuse_open_ends(dataset.PixelData, expected)
    decoded = get_decoder(syntax).iter_array(dataset, decoding_plugin=_DECODERS[syntax], allow_excess_frames=False)
    frames = [_full(frame, dataset) for frame, _ in decoded]
    if len(frames) != expected:
        raise ValueError(f"{len(frames)} frames instead of {expected}")
    return frames


def _refuse_open_ends(stored: bytes, expected: int) -> None:
    """CharLS 2.4 may never come back from a stream without its end marker (ITU-T T.87, C.1.1)."""
    for frame in generate_frames(stored, number_of_frames=expected):
        if not frame.rstrip(b"\0").endswith(b"\xff\xd9"):
            raise ValueError("a JPEG-LS stream ends too early")


def _full(frame: NDArray[np.generic], dataset: FileDataset) -> Samples:
    """One frame, uint8 or uint16 (H, W) or (H, W, 3), over its whole range as (H, W, 3)."""
    bits = int(dataset.BitsStored)
    used = frame.astype(np.uint16) & np.uint16(2**bits - 1)  # bits above the stored ones may hold anything
    samples = spread(used.astype(np.uint8) if dataset.BitsAllocated == 8 else used, bits)
    return cast("Samples", np.dstack([samples] * 3) if samples.ndim == 2 else samples)


def _header(dataset: FileDataset) -> Dataset:
    """The file's attributes without its pixels, and with what the compression of the file itself lost."""
    stored = dataset.PixelData
    del dataset.PixelData
    for _ in dataset.iterall():  # pydicom decodes a value when it is asked for; a damaged one is to be found here
        pass
    method = _LOSSY.get(dataset.file_meta.TransferSyntaxUID)
    said = _several(dataset, "LossyImageCompressionMethod")
    if method and method not in said and _lost(dataset, stored, told=bool(said)):
        frames = int(dataset.get("NumberOfFrames") or 1)
        samples = dataset.Rows * dataset.Columns * dataset.SamplesPerPixel * frames
        coded = sum(map(len, generate_frames(stored, number_of_frames=frames)))
        ratio = f"{samples * dataset.BitsStored / 8 / coded:.6g}"
        dataset.LossyImageCompression = "01"
        dataset.LossyImageCompressionMethod = [*said, method]
        ratios = _several(dataset, "LossyImageCompressionRatio")
        if len(ratios) == len(said):  # else it is not clear which belongs to what
            dataset.LossyImageCompressionRatio = [*ratios, ratio]
    return dataset


def _several(dataset: FileDataset, keyword: str) -> list[str]:
    """The values of an attribute: none, one or several."""
    value = dataset.get(keyword)
    if isinstance(value, MultiValue):
        return [str(one) for one in value]
    return [] if value in (None, "") else [str(value)]


def _lost(dataset: FileDataset, stored: bytes, *, told: bool) -> bool:
    """Whether the file's own compression lost something, whatever the file says of it; `told` if it names a method.

    The lossy forms of JPEG 2000 and JPEG-LS may hold a lossless image. The irreversible wavelet of JPEG 2000 loses for
    certain: it is 0 in the tenth byte of the COD segment's parameters (ISO/IEC 15444-1, A.6.1). So does JPEG-LS where a
    sample may miss by more than 0, which follows the components of the SOS segment (ITU-T T.87, C.2.3).
    """
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax == uid.JPEGLSNearLossless:
        segment = stored.find(b"\xff\xda")
        components = stored[segment + 4]
        return stored[segment + 5 + 2 * components] > 0
    if syntax == uid.JPEG2000:
        segment = stored.find(b"\xff\x52")
        if stored[segment + 13 : segment + 14] == b"\0":
            return True
    return syntax == uid.JPEGBaseline8Bit or (
        syntax in _LOSSY and dataset.get("LossyImageCompression") != "00" and not told
    )
