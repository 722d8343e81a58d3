"""What a worker answers, whatever happens to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

import cofenet
from cofenet.batch.job import DoAssess, Step, parse
from cofenet.batch.outcome import NO_MEMORY, Outcome, Work
from cofenet.batch.places import Places
from cofenet.batch.work import Answer, Task, Workplace, work
from cofenet.engine import threads
from cofenet.engine.session import session
from cofenet.errors import ModelError, UnreadableError, UnwritableError

from .conftest import Appending, chain


class Failing(DoAssess):
    """Fails as it is told."""

    errors: ClassVar[list[Exception]] = []

    def work(self, places: Places, folder: Path) -> Work:
        def fail(source: Path, target: Path) -> Iterator[Outcome]:
            yield from ()
            error = self.errors[-1]
            raise error from error.__cause__

        return fail


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


FULL = caused(UnwritableError("cannot be written: no space left on device"), OSError(28, "No space left on device"))


@pytest.mark.parametrize(
    ("error", "reason", "again", "full"),
    [
        (UnreadableError("is bad", Path("/scratch/x")), "is bad", False, False),
        (caused(UnreadableError("input/output error"), OSError(5, "EIO")), "input/output error", True, False),
        (caused(UnreadableError("cannot be decoded"), MemoryError()), NO_MEMORY, True, False),
        (FULL, "cannot be written: no space left on device", True, True),
        (MemoryError(), NO_MEMORY, True, False),
        (RuntimeError("std::bad_alloc"), NO_MEMORY, True, False),
        (ModelError("damaged"), "damaged", True, False),
        (ZeroDivisionError("a bug"), "ZeroDivisionError: a bug", True, False),
    ],
)
def test_failures_are_rows(tmp_path: Path, error: Exception, reason: str, again: bool, full: bool) -> None:
    Failing.errors.append(error)
    (tmp_path / "a.png").write_bytes(b"a")
    job = (Step("fail", Failing(), "", "", ""),)
    answer = work(Workplace(job, str(tmp_path / "out"), "run", 1), Task(0, str(tmp_path / "a.png"), "a.png"))
    (row,) = answer.rows
    assert (row.status, row.reason, row.again, answer.full is not None) == ("failed", reason, again, full)
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []


def test_a_photograph_that_is_gone_is_a_row(tmp_path: Path) -> None:
    place = Workplace(chain("x"), str(tmp_path / "out"), "run", 1)
    answer = work(place, Task(0, str(tmp_path / "none.png"), "none.png"))
    assert answer.content is None
    assert (answer.rows[0].reason, answer.rows[0].again) == ("no such file or directory", True)


def test_a_destination_that_cannot_be_written_is_a_row(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"a")
    (tmp_path / "out").write_bytes(b"a file in the way")
    place = Workplace(chain("x"), str(tmp_path / "out"), "run", 1)
    answer = work(place, Task(0, str(tmp_path / "a.png"), "a.png"))
    assert "cannot be written" in str(answer.rows[0].reason)


def test_what_stands_is_not_done_again(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"a")
    place = Workplace(chain("xy"), str(tmp_path / "out"), "run", 1)
    task = Task(0, str(tmp_path / "a.png"), "a.png")
    whole = work(place, task)
    Appending.done.clear()
    rest = work(place, Task(0, task.url, task.name, whole.content, whole.rows[:1]))
    assert Appending.done == ["a.png"]
    assert [row.outputs for row in rest.rows] == [row.outputs for row in whole.rows]
    assert (tmp_path / "out/append-2/a.png").read_bytes() == b"axy"
    assert work(place, Task(0, task.url, task.name, hash_only=True)) == Answer(whole.content)


def test_a_twin_that_is_none_any_more_is_worked_on(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"a")
    place = Workplace(chain("x"), str(tmp_path / "out"), "run", 1)
    rows = work(place, Task(0, str(tmp_path / "a.png"), "a.png")).rows
    (tmp_path / "b.png").write_bytes(b"changed since")
    answer = work(place, Task(1, str(tmp_path / "b.png"), "b.png", rows[0].input, twin=("a.png", rows)))
    assert answer.content != rows[0].input
    assert (tmp_path / "out/append-1/b.png").read_bytes() == b"changed sincex"


@dataclass
class Set:
    """The threads of this process, put back afterwards."""

    def __call__(self, count: int) -> None:
        threads.limit_threads(count)


@pytest.fixture
def limit() -> Iterator[Set]:
    import cv2

    before = cv2.getNumThreads()
    yield Set()
    threads._LIMIT.clear()
    cv2.setNumThreads(before)


def test_results_do_not_hang_on_the_number_of_threads(limit: Set, draw: object) -> None:
    made = []
    for count in (1, 3):
        session.cache_clear()
        limit(count)
        assert threads.threads() == count
        made.append([cofenet.correct(draw(seed, 500 + seed, 640)) for seed in (1, 2)])  # type: ignore[operator]
    session.cache_clear()
    for one, other in zip(*made, strict=True):
        np.testing.assert_array_equal(one.image, other.image)
        assert one.verdict == other.verdict
        assert list(one.verdict.findings) == list(other.verdict.findings)


def test_the_worker_loads_what_the_job_needs() -> None:
    (step,) = parse("assess")
    session.cache_clear()
    step.load()
    assert session.cache_info().currsize > 0
