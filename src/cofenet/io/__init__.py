"""The only place that opens a file format.

- `read_photograph`, `write_photograph`: a PNG, JPEG, TIFF or DICOM file to a `Photograph` and back; `raster.py` says
  what is kept. `copy_photograph`: one that stays as it is. `read_frames`, `write_frames`: all frames of a DICOM file.
- `read_text`: what a file says of how it was made.
- `find_photographs`, `destinations`: which files a request means, and where each result goes.
- `write_atomically`: any other file, whole or not at all.
"""

from cofenet.io.atomic import write_atomically
from cofenet.io.decode import PIXEL_LIMIT, SMALLEST_SIDE
from cofenet.io.discover import destinations, find_photographs
from cofenet.io.formats import SUFFIXES, Format, suffix_for
from cofenet.io.metadata import Metadata
from cofenet.io.raster import (
    Photograph,
    copy_photograph,
    eight_bits,
    read_frames,
    read_photograph,
    write_frames,
    write_photograph,
)
from cofenet.io.segmentation import write_segmentation
from cofenet.io.text import read_text

__all__ = [
    "PIXEL_LIMIT",
    "SMALLEST_SIDE",
    "SUFFIXES",
    "Format",
    "Metadata",
    "Photograph",
    "copy_photograph",
    "destinations",
    "eight_bits",
    "find_photographs",
    "read_frames",
    "read_photograph",
    "read_text",
    "suffix_for",
    "write_atomically",
    "write_frames",
    "write_photograph",
    "write_segmentation",
]
