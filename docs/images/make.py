"""Make docs/images/before-after.jpg: shipped samples, degraded, corrected by the shipped weights, and as they were.

python docs/images/make.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import cofenet
from cofenet.geometry import resize
from cofenet.io import Photograph, read_photograph, write_photograph

ROOT = Path(__file__).parents[2]
HEIGHT = 300


def main() -> None:
    """Write the picture: a row a sample, three columns."""
    rows = [row(name) for name in ("hrf_06_dr", "hrf_03_g", "retina")]
    width = max(row.shape[1] for row in rows)
    padded = [np.pad(row, ((2, 2), ((width - row.shape[1]) // 2,) * 2, (0, 0))) for row in rows]
    width = min(row.shape[1] for row in padded)
    picture = np.vstack([row[:, :width] for row in padded])
    write_photograph(ROOT / "docs/images/before-after.jpg", Photograph(picture), format="jpeg")


def row(name: str) -> np.ndarray:
    """Low quality, corrected and good photograph, side by side."""
    good, low = (
        read_photograph(ROOT / "samples" / folder / f"{name}.jpg").pixels for folder in ("good", "low-quality")
    )
    three = (low, cofenet.correct(low).image, good)
    return np.hstack(
        [
            np.pad(resize(image, (HEIGHT, round(image.shape[1] * HEIGHT / image.shape[0]))), ((0, 0), (2, 2), (0, 0)))
            for image in three
        ]
    )


if __name__ == "__main__":
    main()
