"""What a method costs: time and memory of a process that does nothing else."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cofenet.errors import CofenetError
from cofenet.evaluation.methods import Method
from cofenet.evaluation.outside import Folder
from cofenet.evaluation.scenes import Scene

_TIMES = 5


@dataclass(frozen=True)
class Cost:
    """Of one picture.

    Attributes:
        milliseconds: median of five, after one that is not counted; of a command, with its start.
        megabytes: the most memory that its process, and those it started, had at any time; None where that is unknown.
            A process that changes nothing is the floor.
    """

    milliseconds: float
    megabytes: float | None


def costs(methods: Mapping[str, Method], scene: Scene) -> dict[str, Cost]:
    """Of each method on one scene; pictures that somebody made elsewhere, and methods that fail, have none."""
    found = {name: _alone(method, scene) for name, method in methods.items() if not isinstance(method, Folder)}
    return {name: cost for name, cost in found.items() if cost is not None}


def _alone(method: Method, scene: Scene) -> Cost | None:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measured, method, scene).result()


def measured(method: Method, scene: Scene) -> Cost | None:
    """The cost in this process, which should be a new one: its memory only ever grows."""
    seconds = []
    try:
        for _ in range(_TIMES + 1):
            started = time.perf_counter()
            method(scene)
            seconds.append(time.perf_counter() - started)
    except CofenetError:
        return None
    return Cost(1e3 * float(np.median(seconds[1:])), _most_memory())


def _most_memory() -> float | None:
    """Megabytes; None where the system does not tell: it is Linux that does."""
    try:
        status = Path("/proc/self/status").read_text("ascii")
    except OSError:
        return None
    import resource  # noqa: PLC0415 - not there on Windows

    # Not ru_maxrss of this process: it begins with what the parent had.
    own = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) * 1024 / 1e6
