"""What a worker does: the chain of steps, as far as it is missing, for one photograph at a time."""

from __future__ import annotations

import errno
import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cofenet.batch.chain import Standing, renamed, standing
from cofenet.batch.job import Job, Step
from cofenet.batch.ledger import Output, Row
from cofenet.batch.outcome import NO_MEMORY, Outcome, of_memory, unexpected
from cofenet.batch.places import Places
from cofenet.batch.storage import Storage, is_local, local_path, open_storage
from cofenet.engine.threads import limit_threads
from cofenet.errors import CofenetError, PhotographError, UnreadableError, UsageError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""No further photograph can be stored either."""


@dataclass(frozen=True)
class Workplace:
    """What all tasks of a run have in common.

    Attributes:
        job: the steps.
        destination: URL or path of the results.
        run: names its scratch folder.
        threads: for each worker.
    """

    job: Job
    destination: str
    run: str
    threads: int


@dataclass(frozen=True)
class Task:
    """One photograph to be worked on.

    Attributes:
        number: tells it from others.
        url: where it is.
        name: of its results.
        content: its sha256; None if not known yet.
        rows: what was done to it before and still stands.
        hash_only: only find out the content.
        twin: name and rows of one of the same content that is done: its results are copied.
        taken: names of other photographs' results that this one's might get under its true ending.
    """

    number: int
    url: str
    name: str
    content: str | None = None
    rows: tuple[Row, ...] = ()
    hash_only: bool = False
    twin: tuple[str, tuple[Row, ...]] | None = None
    taken: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What came of a task.

    Attributes:
        content: sha256 of the photograph; None if it could not be had.
        rows: of all steps that were done, now or before, the last of them failed if the chain was cut short.
        full: why nothing more can be stored at all; None if all is well.
    """

    content: str | None
    rows: tuple[Row, ...] = ()
    full: str | None = None


def prepare(place: Workplace) -> None:
    """Load what each task needs, once."""
    limit_threads(place.threads)
    for step in place.job:
        step.load()


def work(place: Workplace, task: Task) -> Answer:
    """Do one task. No exception comes out: failures are rows."""
    try:
        storage = _storage(place.destination)
        with storage.scratch(place.run) as scratch:
            return _Chain(place, task, storage, scratch).follow()
    except Exception as error:  # noqa: BLE001 - a run outlives whatever one photograph does
        failure = _Failure.of(error)
        return Answer(task.content, (*task.rows, unstarted(place.job, task, failure.reason)), failure.full)


def unstarted(job: Job, task: Task, reason: str) -> Row:
    """The row of a photograph that failed before, or nobody knows where in, the first step that is missing."""
    step = job[min(len(task.rows), len(job) - 1)]
    return Row(step.name, task.content or "", step.model, step.parameters, "failed", reason, again=True)


@cache
def _storage(url: str) -> Storage:
    return open_storage(url)


@dataclass(frozen=True)
class _Failure:
    reason: str
    again: bool
    full: str | None = None

    @classmethod
    def of(cls, error: Exception) -> _Failure:
        """Words without any path: the row has the name, and a scratch folder is of no interest."""
        if any(map(of_memory, (error, error.__cause__))):
            return cls(NO_MEMORY, again=True)
        if isinstance(error, PhotographError):
            number = getattr(error.__cause__, "errno", None)
            surroundings = number is not None or not isinstance(error.__cause__, (OSError, ValueError, type(None)))
            return cls(error.reason, again=surroundings, full=error.reason if number in _FULL else None)
        if isinstance(error, OSError) and error.errno in _FULL:
            reason = (error.strerror or str(error)).lower()
            return cls(reason, again=True, full=reason)
        if isinstance(error, CofenetError):
            return cls(str(error), again=True)
        return cls(unexpected(error), again=True)


@dataclass(frozen=True)
class _Chain:
    place: Workplace
    task: Task
    storage: Storage
    scratch: Path

    def follow(self) -> Answer:
        source = self._source()
        content = _sha256(source)
        if self.task.hash_only:
            return Answer(content)
        if self.task.twin and content == self.task.content:
            return self._copied(content, *self.task.twin)
        rows = {row.step: row for row in self.task.rows}
        state = standing(self.place.job, content, self.task.name, rows, lambda _: True)
        current = source
        if state.output and not state.over:
            current = self.storage.fetch(state.output, self.scratch / "before")
        full = None
        for step in self.place.job[len(state.rows) :]:
            if state.over:
                break
            row, current, full = self._step(step, state, current)
            state = state.after(step, row)
        return Answer(content, state.rows, full)

    def _source(self) -> Path:
        if is_local(self.task.url):
            return local_path(self.task.url)
        from cofenet.batch.bucket import download  # noqa: PLC0415 - folders need no fsspec

        try:
            return download(self.task.url, self.scratch / "source" / Path(self.task.name).name)
        except UsageError as error:
            raise UnreadableError(str(error)) from OSError(errno.EIO, str(error))

    def _copied(self, content: str, twin: str, rows: tuple[Row, ...]) -> Answer:
        copies = renamed(rows, twin, self.task.name)
        for row, copy in zip(rows, copies, strict=True):
            for old, new in zip(row.outputs, copy.outputs, strict=True):
                self.storage.copy(old.name, new.name)
        return Answer(content, copies)

    def _step(self, step: Step, state: Standing, current: Path) -> tuple[Row, Path, str | None]:
        """Do one step; gives its row, the file with which the next one goes on, and whether the disk is full."""
        row = Row(step.name, state.content, step.model, step.parameters, "skipped")
        if not step.applies(state.grade):
            return row._replace(reason=f"graded {state.grade}"), current, None
        start = time.perf_counter()
        folder = self.scratch / step.name
        try:
            outcome = self._done(step, folder, state.name, current)
            made = outcome.output if step.verb.makes_photographs else None
            outputs, current = self._published(step, folder, made, current)
        except Exception as error:  # noqa: BLE001 - as in `work`
            failure = _Failure.of(error)
            return row._replace(status="failed", reason=failure.reason, again=failure.again), current, failure.full
        facts = _plain(outcome.results)
        seconds = time.perf_counter() - start
        return row._replace(status=outcome.status, outputs=outputs, facts=facts, seconds=seconds), current, None

    def _done(self, step: Step, folder: Path, name: str, current: Path) -> Outcome:
        target = folder / step.verb.named(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        places = Places([(current, target)], getattr(step.verb, "format", "same"), overwrite=True)
        (outcome,) = step.verb.work(places, folder)(current, target)
        if outcome.output and outcome.output.is_relative_to(folder):
            true = outcome.output.relative_to(folder).as_posix()
            if true in self.task.taken:
                raise PhotographError(f"is no {Path(name).suffix} file, and the name {true} belongs to another")
        return outcome

    def _published(self, step: Step, folder: Path, made: Path | None, current: Path) -> tuple[tuple[Output, ...], Path]:
        """Bring all files of a step to their places, the photograph last; gives them with the photograph first."""
        files = sorted((path for path in folder.rglob("*") if path.is_file()), key=lambda path: (path != made, path))
        outputs = tuple(_output(path, f"{step.folder}/{path.relative_to(folder).as_posix()}") for path in files)
        for path, output in reversed(list(zip(files, outputs, strict=True))):
            there = self.storage.publish(path, output.name)
            current = there if path == made else current
        return outputs, current


def _output(path: Path, name: str) -> Output:
    return Output(name, path.stat().st_size, _sha256(path))


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnreadableError((error.strerror or str(error)).lower(), path) from error


def _plain(facts: Mapping[str, object]) -> dict[str, object]:
    """Without the paths, which are of a scratch folder: the outputs name the files."""
    return {name: value for name, value in facts.items() if not isinstance(value, Path)}
