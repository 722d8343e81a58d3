"""Small cohorts, steps that cost nothing, and an engine without processes."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from cofenet.batch.drive import Count, Drive
from cofenet.batch.engine import Lost
from cofenet.batch.job import DoCorrect, Job, Step
from cofenet.batch.ledger import Ledger
from cofenet.batch.outcome import Outcome, Work
from cofenet.batch.places import Places
from cofenet.batch.sources import Cohort, read_cohort
from cofenet.batch.storage import open_storage
from cofenet.batch.work import Answer, Task, Workplace, work
from cofenet.errors import UnreadableError
from cofenet.io import Photograph, write_atomically, write_photograph

Tree = dict[str, bytes]


class Appending(DoCorrect):
    """Makes of a file that file and a letter more; a file that begins with "bad" is unreadable. Done in no time."""

    folder: ClassVar[str] = "appended"
    letter: str = "x"
    done: ClassVar[list[str]] = []

    def models(self) -> tuple[str, ...]:
        return ()

    def work(self, places: Places, folder: Path) -> Work:
        def append(source: Path, target: Path) -> Iterator[Outcome]:
            content = source.read_bytes()
            self.done.append(target.name)
            if content.startswith(b"bad"):
                raise UnreadableError("is bad", source)
            write_atomically(target, content + self.letter.encode())
            write_atomically(target.with_name(f"{target.name}.json"), self.letter.encode())
            yield Outcome(source, "corrected", target, results={"length": len(content)})

        return append


def step(letter: str, name: str = "append") -> Step:
    return Step(name, Appending(letter=letter), name, "", letter)


def chain(letters: str) -> Job:
    return tuple(step(letter, f"append-{number}") for number, letter in enumerate(letters, 1))


class Stopped(Exception):  # noqa: N818
    """What stands for the end of the driver."""


@dataclass
class Inline:
    """Does the tasks in this process, `width` in hand; stops for ever after `until` answers."""

    place: Workplace
    width: int = 3
    until: float = float("inf")
    tasks: deque[Task] = field(default_factory=deque)
    most: int = 0

    def room(self) -> int:
        return self.width - len(self.tasks)

    def submit(self, task: Task) -> None:
        self.tasks.append(task)
        self.most = max(self.most, len(self.tasks))

    def answers(self) -> Iterator[tuple[Task, Answer | Lost]]:
        if self.until <= 0:
            raise Stopped
        self.until -= 1
        task = self.tasks.popleft()
        yield task, work(self.place, task)

    def close(self) -> None:
        self.tasks.clear()


def tree(folder: Path) -> Tree:
    """All files with their content, but the ledger, which has times."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith("ledger")
    }


def told(ledger: Path) -> list[tuple[object, ...]]:
    """All rows but their times."""
    with sqlite3.connect(ledger) as file:
        rows = file.execute(
            "SELECT photograph, step, input, model, parameters, status, reason, again, outputs, facts FROM steps"
        ).fetchall()
    file.close()
    return sorted(rows)


@pytest.fixture
def photos(tmp_path: Path, draw: Callable[..., np.ndarray]) -> Path:
    """Four photographs, one of them twice, and one that is none."""
    folder = tmp_path / "photos"
    for number in range(4):
        pixels = draw(number, 200, 230)
        if number % 2:
            pixels = (pixels * np.linspace(0.3, 1, 230)[None, :, None]).astype(np.uint8)
        path = folder / f"{'sub/' if number > 1 else ''}{number}.{'jpg' if number % 2 else 'png'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_photograph(path, Photograph(pixels), format="jpeg" if number % 2 else "png")
    shutil.copy(folder / "0.png", folder / "sub/again.png")
    (folder / "bad.png").write_bytes(b"no picture")
    return folder


@pytest.fixture
def command() -> Callable[..., subprocess.CompletedProcess[str]]:
    """`command("run", folder, ...)`: a process of its own."""
    return lambda *words, **how: subprocess.run(
        [*COMMAND, *map(str, words)], check=False, capture_output=True, text=True, **how
    )


COMMAND = [sys.executable, "-c", "from cofenet.cli import main; main()"]


def cohort(folder: Path, contents: list[str]) -> Cohort:
    folder.mkdir(exist_ok=True)
    for number, content in enumerate(contents):
        (folder / f"{number}.png").write_text(content)
    return read_cohort(str(folder))


def drive(job: Job, photographs: Cohort, out: Path, *, until: float = float("inf"), retry: bool = False) -> Count:
    out.mkdir(exist_ok=True)
    place = Workplace(job, str(out), "ledger", 1)
    with closing(Ledger(out / "ledger.sqlite")) as ledger:
        return Drive(job, photographs, ledger, open_storage(str(out)), retry=retry).run(
            lambda: Inline(place, until=until)
        )
