"""What happened to one photograph."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from cofenet.errors import CofenetError, PhotographError

Status = Literal["corrected", "degraded", "segmented", "assessed", "unchanged", "skipped", "failed"]

NO_MEMORY = "not enough memory for a photograph of this size"


@dataclass(frozen=True)
class Outcome:
    """What happened to one photograph.

    Attributes:
        source: the photograph.
        status: how it ended.
        output: the result.
        reason: why there is none, or no new one.
        seconds: what took how long.
        notes: what a person should read, for the table.
        results: what a program should read, for the report: further entries of the photograph's row.
        verdict: in a word, its grade or the status of its correction's verdict; empty if it was neither graded nor
            corrected.
    """

    source: Path
    status: Status = "failed"
    output: Path | None = None
    reason: str | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    results: dict[str, object] = field(default_factory=dict)
    verdict: str = ""

    def to_dict(self) -> dict[str, object]:
        """Its row in the report."""
        told = {name: getattr(self, name) for name in ("source", "status", "output", "reason", "seconds")}
        return told | self.results


Work = Callable[[Path, Path], Iterable[Outcome]]
"""From a photograph and the place of its result to what happened: each verb is one."""


class Pictures(Protocol):
    """Somebody who wants to see the photographs, such as a sheet."""

    def add(self, name: str, *pictures: NDArray[np.uint8] | NDArray[np.uint16], order: float = 0.0) -> None:
        """Take pictures of a photograph, uint8 or uint16 (H, W, 3); the lowest `order` comes first."""


class Rows(Protocol):
    """Somebody who wants the numbers, such as a table."""

    def add(self, source: Path, found: dict[str, object]) -> None:
        """Take what was found on a photograph."""


def attempted(source: Path, target: Path, work: Work) -> Iterator[Outcome]:
    """What happened; the failure of one photograph is its own."""
    try:
        yield from work(source, target)
    except PhotographError as error:
        yield Outcome(source, reason=str(error if error.path else error.at(source)))
    except CofenetError as error:
        yield Outcome(source, reason=f"{source}: {error}")
    except Exception as error:  # noqa: BLE001 - the others are worked on, whatever one photograph does
        yield Outcome(source, reason=f"{source}: {unexpected(error)}")


def unexpected(error: BaseException) -> str:
    """Words, on one line, for an error that nobody raised on purpose."""
    words = " ".join(f"{type(error).__name__}: {error}".split())
    return NO_MEMORY if of_memory(error) or "bad_alloc" in words or "Failed to allocate" in words else words


def of_memory(error: BaseException | None) -> bool:
    """Whether there was not enough memory."""
    return isinstance(error, MemoryError) or (isinstance(error, cv2.error) and error.code == cv2.Error.StsNoMem)


def skipped(source: Path, target: Path) -> Outcome:
    """The outcome of a photograph that `Places.passes_over`."""
    return Outcome(source, "skipped", target, "the result is there already")


def clock() -> Iterator[float]:
    """Seconds since the last `next`, or since now."""
    last = time.perf_counter()

    def seconds() -> Iterator[float]:
        nonlocal last
        while True:
            last, before = time.perf_counter(), last
            yield last - before

    return seconds()
