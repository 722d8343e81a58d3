"""Time of one piece of work, and the photograph that it is told for."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from cofenet.geometry import resize
from cofenet.io import read_photograph


def milliseconds(work: Callable[[], object], runs: int) -> float:
    """The median of `runs`, after one run to warm up."""
    work()
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return 1e3 * float(np.median(seconds))


def small_photograph() -> np.ndarray:
    """A photograph that anybody has, uint8 (512, 512, 3), RGB."""
    photograph = read_photograph(Path(__file__).parents[1] / "samples/good/retina.jpg").pixels
    return resize(np.asarray(photograph, np.uint8), (512, 512))
