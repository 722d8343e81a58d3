"""Masks in files that say what they are masks of."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cofenet.errors import UnwritableError
from cofenet.io.atomic import write_atomically
from cofenet.io.decode import one_line
from cofenet.io.raster import Photograph


def write_segmentation(
    path: Path,
    photograph: Photograph,
    masks: Mapping[str, NDArray[np.bool_]],
    hashes: Mapping[str, str],
    version: str,
    text: Mapping[str, str],
) -> Path:
    """Write `masks` of a photograph from a DICOM file as a DICOM Segmentation, whole or not at all.

    Args:
        path: where.
        photograph: what was segmented.
        masks: bool (H, W) for each of "vessels", "disc", "cup" that was looked for.
        hashes: for each of them, SHA-256 of the weights that found it.
        version: of this package.
        text: under "cofenet", JSON that says how they were found.

    Returns:
        The path that was written.

    Raises:
        UnwritableError: the photograph came from no DICOM file, highdicom is not installed, or the file cannot be
            written.
    """
    header = photograph.metadata.dicom
    if header is None:
        raise UnwritableError("a DICOM Segmentation needs a photograph from a DICOM file", photograph.path)
    if find_spec("highdicom") is None:
        raise UnwritableError("a DICOM Segmentation needs the extra: pip install '.[dicom]'", path)
    from cofenet.io.dicom_segmentation import Segment, encode_segmentation  # noqa: PLC0415 - the core works without it

    segments = [Segment(name, mask, hashes[name]) for name, mask in masks.items()]
    try:
        content = encode_segmentation(segments, header, version, text["cofenet"])
    except (ValueError, TypeError, AttributeError, KeyError) as error:  # what highdicom raises of an odd header
        raise UnwritableError(f"cannot be written as DICOM Segmentation: {one_line(error)}", path) from error
    write_atomically(path, content)
    return path
