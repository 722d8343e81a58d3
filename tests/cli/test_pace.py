"""How a training is shown: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from rich.console import Console

from cofenet.cli import pace
from cofenet.training.loop import Progress


@contextmanager
def fresh_log() -> Iterator[None]:
    """No handlers, as in a program of its own; pytest's are put back."""
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    root.handlers[:] = []
    try:
        yield
    finally:
        root.handlers[:] = kept
        root.setLevel(level)


def test_lines_say_step_loss_speed_and_time_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter([0.0, 10.0, 31.0, 31.0, 40.0])
    monkeypatch.setattr(pace.time, "monotonic", lambda: next(now))
    with fresh_log(), pace.following() as stepped:
        stepped(Progress(1, 100, 0.5, 4.0, 99.0))
        stepped(Progress(2, 100, 0.25, 4.0, 98.0))
        stepped(Progress(3, 100, 0.125, 4.0, 97.0))
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("step 2 of 100, loss 0.2500, 4.0 photographs/s, 0:01:38 left")


def test_terminal_has_a_bar_from_the_first_step_on(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    terminal = Console(file=shown, force_terminal=True, width=120)
    monkeypatch.setattr(pace, "Console", lambda **_: terminal)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with fresh_log(), pace.following() as stepped:
        assert shown.getvalue() == ""
        stepped(Progress(40, 100, 0.5, 4.0, 60.0))
        stepped(Progress(41, 100, 0.25, 5.5, 59.0))
        logging.getLogger("cofenet").info("validated")
    text = shown.getvalue()
    for part in ("41/100", "loss 0.2500", "5.5 photographs/s", "validated"):
        assert part in text
