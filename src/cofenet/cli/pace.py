"""How a training gets on: a progress bar on a terminal, lines of a log elsewhere."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Protocol

from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

_EVERY = 30.0
"""Seconds between two lines."""

_log = logging.getLogger(__name__)


class Pace(Protocol):
    """How far a training is, see `cofenet.training.loop.Progress`."""

    @property
    def step(self) -> int:
        """Steps done."""

    @property
    def steps(self) -> int:
        """Steps in all."""

    @property
    def loss(self) -> float:
        """Of the last step."""

    @property
    def rate(self) -> float:
        """Photographs a second."""

    @property
    def left(self) -> float:
        """Seconds, at that rate."""


@contextmanager
def following() -> Iterator[Callable[[Pace], None]]:
    """Show the log, and give a function that shows each step it is told of."""
    console = Console(stderr=True)
    if sys.stderr.isatty():
        plain = RichHandler(console=console, show_path=False, show_level=False, highlighter=None)
        logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[plain])
        with _bar(console) as stepped:
            yield stepped
    else:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
        yield _lines()


@contextmanager
def _bar(console: Console) -> Iterator[Callable[[Pace], None]]:
    """A bar, which appears with the first step: of several processes only one is told of steps."""
    bar = Progress(
        TextColumn("steps"), BarColumn(), MofNCompleteColumn(), TextColumn("loss {task.fields[loss]:.4f}"),
        TextColumn("{task.fields[rate]:.1f} photographs/s"), TimeRemainingColumn(),
        console=console, transient=True,
    )  # fmt: skip
    task: list[TaskID] = []

    def stepped(pace: Pace) -> None:
        if not task:
            task.append(bar.add_task("", total=pace.steps, completed=pace.step, loss=pace.loss, rate=pace.rate))
            bar.start()
        bar.update(task[0], completed=pace.step, loss=pace.loss, rate=pace.rate)

    try:
        yield stepped
    finally:
        bar.stop()


def _lines() -> Callable[[Pace], None]:
    said = time.monotonic()

    def stepped(pace: Pace) -> None:
        nonlocal said
        if time.monotonic() - said < _EVERY:
            return
        said = time.monotonic()
        left = timedelta(seconds=round(pace.left))
        _log.info(
            "step %d of %d, loss %.4f, %.1f photographs/s, %s left", pace.step, pace.steps, pace.loss, pace.rate, left
        )

    return stepped
