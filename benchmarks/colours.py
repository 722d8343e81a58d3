"""What the verdict expects of colours: the table [colour] of src/cofenet/tasks/thresholds.toml.

    python benchmarks/colours.py --data ../shared/data

Up to EACH good photographs of each source (rows of manifest.csv with task "clean", split "train"), cut to their field
of view, are degraded DRAWS times (kind 111 of the preset published). By least squares, with a little ridge, one learns
which mean colour the good photograph had from what the degraded one, or the good one itself, shows, see
`cofenet.tasks.colour`.
"""

from __future__ import annotations

import argparse
import csv
import zlib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from cofenet.degradation import sample, simulate
from cofenet.geometry import Crop
from cofenet.tasks.colour import colours, predictors
from cofenet.tasks.view import view
from safety import SIZE, each, square

EACH, DRAWS = 90, 4

RIDGE = 3.0
"""On predictors in standard deviations, the constant left out."""

EVERYTHING = np.array([[-np.inf] * 18, [np.inf] * 18])
"""What predictors are within before it is known what was learned from."""

Pair = tuple[np.ndarray, np.ndarray]
"""Predictors (40,) and what they are to tell (3,)."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    data = parser.parse_args().data
    with (data / "manifest.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "train" and row["task"] == "clean"]
    chosen = [row | {"file": str(data / row["path"])} for row in each(rows, EACH)]
    with ProcessPoolExecutor() as pool:
        pairs = [pair for found in pool.map(_pairs, chosen) for pair in found]
    expected, covariance = _fitted(pairs)
    learned = np.array([x[:18] for x, _ in pairs])
    within = np.stack([learned.min(0), learned.max(0)])
    good = len(pairs) // (1 + DRAWS)
    print(f"# {good} photographs, and {len(pairs) - good} degradations of them\n[colour]")
    for name, matrix in (("expected", expected), ("covariance", covariance), ("within", within)):
        print(f"{name} = [")
        for line in matrix:
            numbers = [f"{value:.6g}" for value in line]
            rows = [", ".join(numbers[start : start + 10]) for start in range(0, len(numbers), 10)]
            print(f"    [{(',' + chr(10) + '     ').join(rows)}],")
        print("]")


def _pairs(row: dict[str, str]) -> list[Pair]:
    cv2.setNumThreads(1)
    found = square(row)
    if found is None:
        return []
    good, fov = found
    crop, rng = Crop.around(fov.circle, SIZE), np.random.default_rng(zlib.crc32(row["path"].encode()))
    lows = [np.asarray(simulate(good, sample(rng, "111"), fov), np.uint8) for _ in range(DRAWS)]
    seen = [colours(view(image, fov, crop)) for image in (good, *lows)]
    return [(predictors(before, EVERYTHING), seen[0].mean) for before in seen]


def _fitted(pairs: list[Pair]) -> tuple[np.ndarray, np.ndarray]:
    """Expected (3, 40) and covariance (3, 3)."""
    x, y = (np.array(part) for part in zip(*pairs, strict=True))
    unit = np.append(x[:, :-1].std(0), 1.0)
    scaled = x / unit
    ridge = RIDGE * np.diag([1.0] * (x.shape[1] - 1) + [0.0])
    expected = (np.linalg.solve(scaled.T @ scaled + ridge, scaled.T @ y) / unit[:, None]).T
    return expected, np.cov((y - x @ expected.T).T)


if __name__ == "__main__":
    main()
