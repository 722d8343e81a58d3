"""Time and memory of a degradation, on one processor, from decoded pixels to degraded pixels.

    python benchmarks/degradation.py [--runs 9] [--out docs/results/degradation.json]

For each published kind: the median of several runs at 512 × 512, of the slow twin (the published formulas step by step,
tests/degradation/reference.py) beside it, and at 3504 × 2336; then the process's peak memory, and photographs a second
of kind 111 at 512 × 512 in one process and in as many as there are processors, one thread each.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np

from cofenet.degradation import KINDS, sample, simulate
from cofenet.degradation.published import from_published
from cofenet.fov import FieldOfView
from cofenet.geometry import Circle
from timing import milliseconds


def main() -> None:
    """Measure and print; write the figures as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    twin = _slow_twin()
    print("kind   512 × 512   slow twin   3504 × 2336   (ms)", flush=True)
    kinds = {kind: _measure(kind, arguments.runs, twin) for kind in arguments.kinds}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:.0f} MB")
    rates = {str(count): round(_rate(count), 1) for count in sorted({1, os.cpu_count() or 1})}
    print("photographs a second by processes:", rates)
    if arguments.out:
        figures = {"unit": "ms", "threads": 1, "runs": arguments.runs, "kinds": kinds, "peak_mb": round(peak)}
        figures["photographs_per_second_by_processes"] = rates
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")


def _measure(kind: str, runs: int, twin: ModuleType) -> dict[str, float]:
    params = twin.draw_params(np.random.default_rng(0), kind)
    parameters = from_published(json.dumps({"name": "drawn", "type": kind, "params": params}))
    small, small_fov = _photograph(512, 512, 512)
    large, large_fov = _photograph(2336, 3504, 3262)  # as the HRF photographs of this size, cut above and below
    mask = small_fov.mask.astype(np.uint8) * 255
    times = {
        "small": milliseconds(lambda: simulate(small, parameters, small_fov), runs),
        "twin": milliseconds(lambda: twin.degrade(small, mask, params), min(runs, 3)),
        "large": milliseconds(lambda: simulate(large, parameters, large_fov), min(runs, 3)),
    }
    print(f"{kind}    {times['small']:9.1f}   {times['twin']:9.1f}   {times['large']:11.0f}", flush=True)
    return {name: round(value, 1) for name, value in times.items()}


def _rate(processes: int) -> float:
    """Photographs a second, processes warmed up."""
    with ProcessPoolExecutor(processes) as pool:
        list(pool.map(_some, [1] * processes))
        start = time.perf_counter()
        list(pool.map(_some, [_SHARE] * processes))
        return processes * _SHARE / (time.perf_counter() - start)


_SHARE = 150
"""Photographs a process."""


def _some(count: int) -> None:
    cv2.setNumThreads(1)
    image, fov = _photograph(512, 512, 512)
    for seed in range(count):
        simulate(image, sample(np.random.default_rng(seed)), fov)


def _photograph(height: int, width: int, diameter: int) -> tuple[np.ndarray, FieldOfView]:
    """A drawn disc with texture, black around it."""
    circle = Circle(width / 2, height / 2, diameter / 2)
    mask = circle.mask((height, width))
    grain = np.random.default_rng(0).normal((150, 80, 40), 15, (height // 4, width // 4, 3)).clip(0, 255)
    image = cv2.resize(grain.astype(np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)
    return cv2.copyTo(image, mask.astype(np.uint8)), FieldOfView(mask, circle, 1.0)


def _slow_twin() -> ModuleType:
    path = Path(__file__).parents[1] / "tests/degradation/reference.py"
    spec = importlib.util.spec_from_file_location("reference", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
