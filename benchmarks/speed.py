"""Time and memory of a correction, from decoded pixels to corrected pixels, without the verdict and with it.

    python benchmarks/speed.py [--out docs/results/speed.json]

Runs on photographs of 512 × 512 and 3504 × 2336, after warm-up; prints the median of several runs, the peak
memory of the whole command `cofenet correct` on the large one, and the time of the published network on the small one:
`cofenet.networks.reference` at full width, PyTorch, as many threads as processors, the picture alone. That and
the correction are timed by turns, and compared in each: a machine that others use, too, is now slower, now faster.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

import cofenet
from cofenet.degradation import sample
from cofenet.engine.session import session
from cofenet.fov import find_fov
from cofenet.geometry import Crop
from cofenet.io import Photograph, write_photograph
from cofenet.networks.reference import RELEASED, VARIANTS, Reference
from cofenet.tasks.proposal import propose
from readme import publish
from timing import milliseconds

_TURNS, _RUNS = 11, 41
"""How often pieces of work are run by turns, and how many corrections are a turn."""


def main() -> None:
    """Print the figures and store them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("docs/results/speed.json"))
    parser.add_argument("--publish", action="store_true", help="put the figures into README.md")
    options = parser.parse_args()
    small, large = _photograph(512, 512), _photograph(2336, 3504)
    theirs, network, ours = _by_turns((_published(), 1), (_network(small), _RUNS), (_correction(small), _RUNS))
    plain, judged = _by_turns((_correction(large), 1), (_correction(large, judged=True), 1))
    figures = {
        "cpus": os.cpu_count(),
        "512x512_ms": float(np.median(ours)),
        "network_512x512_ms": float(np.median(network)),
        "published_512x512_ms": float(np.median(theirs)),
        "times_faster_than_published": float(np.median(theirs / ours)),
        "times_faster_in_each_turn": sorted(map(float, theirs / ours)),
        "network_times_faster": float(np.median(theirs / network)),
        "network_times_faster_in_each_turn": sorted(map(float, theirs / network)),
        "3504x2336_ms": float(np.median(plain)),
        "512x512_judged_ms": milliseconds(_correction(small, judged=True), _RUNS),
        "3504x2336_judged_ms": float(np.median(judged)),
        "command_peak_mb": _peak(large),
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(figures, indent=2) + "\n")
    print(sentence(figures))
    if options.publish:
        publish("speed", sentence(figures))


def sentence(figures: dict[str, Any]) -> str:
    """The figures in words."""
    small, large = figures["512x512_ms"], figures["3504x2336_ms"] / 1e3
    judged, large_judged = figures["512x512_judged_ms"], figures["3504x2336_judged_ms"] / 1e3
    published, network = figures["published_512x512_ms"] / 1e3, figures["network_512x512_ms"]
    times, of_network = figures["times_faster_than_published"], figures["network_times_faster"]
    (least, *_, most), (fewest, *_, highest) = (
        figures[name] for name in ("times_faster_in_each_turn", "network_times_faster_in_each_turn")
    )
    return (
        f"On {figures['cpus']} processors, from decoded to corrected pixels: 512 × 512 in {small:.0f} ms "
        f"({times:.0f} times faster than the published network alone, {published:.1f} s; now {least:.0f} times, now "
        f"{most:.0f}), of which the network takes {network:.0f} ms ({of_network:.0f} times faster; {fewest:.0f} to "
        f"{highest:.0f}); 3504 × 2336 in {large:.1f} s; the whole command on the latter takes at most "
        f"{figures['command_peak_mb']:.0f} MB of memory. With the verdict these take {judged:.0f} ms and "
        f"{large_judged:.1f} s."
    )


def _by_turns(*works: tuple[Callable[[], object], int]) -> np.ndarray:
    """Milliseconds of pieces of work, the median of so many runs, in each turn: (works, TURNS)."""
    return np.array([[milliseconds(work, runs) for work, runs in works] for _ in range(_TURNS)]).T


def _correction(image: np.ndarray, *, judged: bool = False) -> Callable[[], object]:
    return partial(cofenet.correct, image, judged=judged)


def _published() -> Callable[[], object]:
    """Run the published network on 512 × 512 pixels."""
    torch.set_num_threads(os.cpu_count() or 1)
    network = Reference(VARIANTS[RELEASED]).eval()
    return torch.inference_mode()(partial(network, torch.rand(1, 3, 512, 512)))


def _network(image: np.ndarray) -> Callable[[], object]:
    """Let `light` look at a photograph whose field of view is known."""
    network, fov = session("light"), find_fov(image)
    return partial(propose, network, image, fov, Crop.around(fov.circle, network.card.working_size))


def _photograph(height: int, width: int) -> np.ndarray:
    """The retina of scikit-image (public domain), its circle cut as in a 3:2 frame; degraded, to be judged."""
    from skimage.data import retina  # noqa: PLC0415

    side = max(height, width)
    square = cv2.resize(retina(), (side, side), interpolation=cv2.INTER_CUBIC)
    top = (side - height) // 2
    photograph = np.ascontiguousarray(square[top : top + height, :width])
    low = cofenet.degrade(photograph, sample(np.random.default_rng(0), "111"))
    return np.asarray(low, np.uint8)


def _peak(image: np.ndarray) -> float:
    """Peak resident memory of the command, MB, as it tells itself: what a parent is told includes the parent's own."""
    code = "import atexit; from pathlib import Path; from cofenet.cli import main\n"
    code += "atexit.register(lambda: print(Path('/proc/self/status').read_text()))\nmain()"
    with tempfile.TemporaryDirectory() as folder:
        source = write_photograph(Path(folder, "large.jpg"), Photograph(image), format="jpeg")
        command = [sys.executable, "-c", code, "correct", str(source), "-o", str(Path(folder, "out"))]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return next(float(line.split()[1]) for line in told.splitlines() if line.startswith("VmHWM")) / 1024


if __name__ == "__main__":
    main()
