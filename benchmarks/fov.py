"""How well `find_fov` agrees with masks drawn by others, and how long it takes.

    python benchmarks/fov.py --data FOLDER

FOLDER holds `vessels/` and `lowquality/`, in which NAME_fov.png is the mask of NAME.jpg. Prints one row a source:
number of photographs, failures, median and lowest intersection over union, median confidence, median milliseconds of
processor time at the photograph's own size (one thread; unlike the clock's, it does not grow on a busy machine), and
the three worst photographs. Exits with 1 if the median of all is below 0.98 or any photograph below 0.90.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from cofenet.errors import NotFundusError
from cofenet.fov import find_fov

FOLDERS = "vessels", "lowquality"
MEDIAN, LOWEST = 0.98, 0.90


class Row(NamedTuple):
    """One photograph's result; a failure counts as an overlap of 0."""

    name: str
    overlap: float
    milliseconds: float
    confidence: float
    shape: tuple[int, ...]


def measure(mask_path: Path) -> Row:
    """Compare the mask found for one photograph with the one drawn."""
    photograph = mask_path.with_name(mask_path.name.replace("_fov.png", ".jpg"))
    image = cv2.cvtColor(cv2.imread(str(photograph)), cv2.COLOR_BGR2RGB)
    drawn = cv2.imread(str(mask_path), cv2.IMREAD_GRAYSCALE) > 127
    start = time.process_time()
    try:
        found = find_fov(image)
    except NotFundusError:
        return Row(photograph.name, 0.0, 1e3 * (time.process_time() - start), 0.0, image.shape)
    took = 1e3 * (time.process_time() - start)
    overlap = np.count_nonzero(found.mask & drawn) / np.count_nonzero(found.mask | drawn)
    return Row(photograph.name, overlap, took, found.confidence, image.shape)


def source(mask_path: Path) -> str:
    """The camera set a photograph belongs to, from its folder and name."""
    prefix = re.match(r"[a-z]+(?=_)", mask_path.name)
    return f"{mask_path.parent.name}/{prefix.group() if prefix else 'eyepacs'}"


def line(name: str, rows: list[Row]) -> str:
    """One row of the table."""
    overlaps = np.array([row.overlap for row in rows])
    worst = ", ".join(f"{row.name} {row.overlap:.3f}" for row in sorted(rows, key=lambda row: row.overlap)[:3])
    milliseconds = np.median([row.milliseconds for row in rows])
    size = "x".join(str(n) for n in rows[0].shape[1::-1])
    confidence = np.median([row.confidence for row in rows])
    failures = np.count_nonzero(overlaps == 0)
    return (
        f"{name:20} {len(rows):4} {failures:5} {np.median(overlaps):7.4f} {overlaps.min():7.4f} {confidence:6.2f} "
        f"{milliseconds:6.1f} {size:>10}  {worst}"
    )


def large(milliseconds_of: int = 5) -> str:
    """Time on the largest usual photograph, drawn: a disc of 3504 x 2336 pixels."""
    y, x = np.mgrid[:2336, :3504].astype(np.float32)
    disc = np.hypot(x - 1752, y - 1168) < 1500
    shade = (disc * (120 + 20 * np.sin(x / 300))).astype(np.uint8)
    image = np.dstack([shade, shade // 2, shade // 4])
    times = []
    for _ in range(milliseconds_of):
        start = time.process_time()
        find_fov(image)
        times.append(1e3 * (time.process_time() - start))
    return f"3504x2336, drawn: {min(times):.1f} ms"


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder that holds vessels/ and lowquality/")
    data = parser.parse_args().data
    cv2.setNumThreads(1)
    rows: dict[str, list[Row]] = defaultdict(list)
    for folder in FOLDERS:
        for mask_path in sorted((data / folder).glob("*_fov.png")):
            rows[source(mask_path)].append(measure(mask_path))
    if not rows:
        print(f"no *_fov.png below {data}", file=sys.stderr)
        return 2
    everything = [row for group in rows.values() for row in group]
    print(f"OpenCV {cv2.__version__}, numpy {np.__version__}; processor milliseconds, one thread")
    head = ("source", "n", "fail", "median", "min", "conf", "ms", "size")
    print("{:20} {:>4} {:>5} {:>7} {:>7} {:>6} {:>6} {:>10}  worst".format(*head))
    for name, group in rows.items():
        print(line(name, group))
    print(line("all", everything))
    print(large())
    overlaps = [row.overlap for row in everything]
    return int(np.median(overlaps) < MEDIAN or min(overlaps) < LOWEST)


if __name__ == "__main__":
    sys.exit(main())
