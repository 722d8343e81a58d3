"""Drive a run: say what is to be done, and note what was done, until nothing is left."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from cofenet.batch.chain import Standing, standing, suffix
from cofenet.batch.engine import Engine, Lost
from cofenet.batch.job import Job
from cofenet.batch.ledger import Ledger, Output, Row, Seen
from cofenet.batch.sources import Cohort, Photograph
from cofenet.batch.storage import Storage
from cofenet.batch.work import Answer, Task, unstarted
from cofenet.errors import UnwritableError, UsageError
from cofenet.io import Format, suffix_for

_TRIES = 2
"""How often a photograph is tried whose failure may be the surroundings'."""

_ENDINGS = tuple(suffix_for(format_) for format_ in get_args(Format))
"""What may be appended to the name of a photograph of another format than it says."""


@dataclass
class Count:
    """How far a run is: photographs in all, done, of these without work because they were done before, and failed."""

    total: int
    done: int = 0
    before: int = 0
    failed: int = 0


class Drive:
    """One run over a cohort."""

    def __init__(
        self, job: Job, cohort: Cohort, ledger: Ledger, storage: Storage, *, retry: bool = False,
        tell: Callable[[Count], None] = lambda _: None, failed: Callable[[str, str], None] = lambda *_: None,
    ) -> None:  # fmt: skip
        """Look at what is there.

        Args:
            job: the steps.
            cohort: the photographs.
            ledger: what was done before.
            storage: where the results are.
            retry: try photographs again that failed by themselves.
            tell: called whenever a photograph is done.
            failed: called with each photograph that failed, now or before, and why.

        Raises:
            UsageError: results of two photographs would have the same name.
        """
        self._job, self._cohort, self._ledger, self._storage = job, cohort, ledger, storage
        self._retry, self._tell, self._failed = retry, tell, failed
        self._names = _names(job, cohort)
        self._there = {hash(item) for item in storage.sizes().items()}
        self._graded = any(step.verb.grades for step in job)
        self.count = Count(len(cohort.photographs))
        self._shared, over = self._looked_through()
        self._next = (number for number in range(len(cohort.photographs)) if number not in over)
        self._ready: deque[int] = deque()  # to be considered again
        self._later: deque[Task] = deque()  # to be tried once more, when all else is given out
        self._contents: dict[int, str] = {}  # of photographs that were only hashed so far
        self._tries: Counter[int] = Counter()
        self._waiting: dict[tuple[str, str], list[int]] = {}  # for one of the same content that is in work
        self._awaited: dict[int, tuple[str, str]] = {}  # by which content that one is waited for

    def run(self, start: Callable[[], Engine]) -> Count:
        """Do all that is missing.

        Args:
            start: starts whoever does the tasks; not called if there is nothing to do.

        Raises:
            UnwritableError: the disk is full: nothing more can be stored; what was done is noted.
        """
        self._tell(self.count)
        task = self._task()
        if not task:
            return self.count
        engine = start()
        try:
            self._drive(engine, task)
        finally:
            engine.close()
        return self.count

    def _looked_through(self) -> tuple[set[int | None], set[int]]:
        """Go through the ledger once.

        Returns:
            Sizes that several files have: they may be of the same content, and are hashed before they are worked on.
            And the numbers of the photographs of which nothing is missing.
        """
        photographs = self._cohort.photographs
        numbers = {one.id: number for number, one in enumerate(photographs)}
        sizes, over = Counter(one.size for one in photographs), set()
        for photograph, seen, rows in self._ledger.all_seen(facts=self._graded):
            number = numbers.get(photograph, -1)
            if number < 0 or photographs[number].size != seen.size:
                sizes[seen.size] += 1
            elif _is_same(photographs[number], seen):
                state = self._standing(seen.name, seen.content, rows)
                if state.over:
                    over.add(number)
                    self._add(photograph, state.rows, before=True)
        return {size for size, count in sizes.items() if count > 1 and size is not None}, over

    def _drive(self, engine: Engine, task: Task | None) -> None:
        busy = 0
        while task or busy:
            while task:
                engine.submit(task)
                busy += 1
                task = self._task() if engine.room() > 0 else None
            for done, answer in engine.answers():
                busy -= 1
                self._note(done, answer)
            task = self._task() if engine.room() > 0 else None

    def _task(self) -> Task | None:
        """The next thing to do; None if there is nothing now."""
        while (number := self._ready.popleft() if self._ready else next(self._next, None)) is not None:
            task = self._considered(number)
            if task:
                return task
        return self._later.popleft() if self._later else None

    def _considered(self, number: int) -> Task | None:
        """What there is to do for one photograph; None if nothing, or nothing yet."""
        one = self._cohort.photographs[number]
        content = self._contents.get(number) or self._known(one)
        if content is None:
            return Task(number, one.url, one.name, hash_only=self._hashed_first(one), taken=self._taken(one))
        state = self._standing(one.name, content, self._ledger.rows(one.id, facts=self._graded))
        if state.over:
            if number in self._contents:
                self._ledger.write(one.id, _seen(one, content))
            self._finish(number, state.rows, before=True)
            return None
        twin = self._twin(one, content)
        key = (content, suffix(one.name))
        if not twin and key in self._waiting:
            self._waiting[key].append(number)
            return None
        self._waiting.setdefault(key, [])
        self._awaited[number] = key
        if state.rows and not self._graded:  # the worker gives them back with what it adds
            state = self._standing(one.name, content, self._ledger.rows(one.id))
        return Task(number, one.url, one.name, content, state.rows, twin=twin, taken=self._taken(one))

    def _hashed_first(self, one: Photograph) -> bool:
        """Whether its content may be one that was seen, here or under another name."""
        return one.size is None or one.size in self._shared or self._ledger.seen(one.id) is not None

    def _known(self, one: Photograph) -> str | None:
        seen = self._ledger.seen(one.id)
        return seen.content if seen and _is_same(one, seen) else None

    def _standing(self, name: str, content: str, rows: dict[str, Row]) -> Standing:
        return standing(self._job, content, name, rows, self._is_there, retry=self._retry)

    def _is_there(self, output: Output) -> bool:
        return hash((output.name, output.size)) in self._there

    def _twin(self, one: Photograph, content: str) -> tuple[str, tuple[Row, ...]] | None:
        """A photograph of the same content that is done, under whatever name."""
        for other, name in self._ledger.with_content(content):
            if other != one.id and suffix(name) == suffix(one.name):
                state = self._standing(name, content, self._ledger.rows(other))
                if state.over:
                    return name, state.rows
        return None

    def _taken(self, one: Photograph) -> tuple[str, ...]:
        return tuple(name for name in (f"{one.name}{ending}" for ending in _ENDINGS) if name in self._names)

    def _note(self, task: Task, answer: Answer | Lost) -> None:
        if isinstance(answer, Lost):
            self._tries[task.number] += answer.final
            answer = Answer(task.content, (*task.rows, unstarted(self._job, task, answer.reason)))
        if answer.full:
            raise UnwritableError(f"{answer.full}: stopped; make room and go on with --resume", Path(self._storage.url))
        failed = bool(answer.rows) and answer.rows[-1].status == "failed"
        if task.hash_only and answer.content and not failed:
            self._contents[task.number] = answer.content
            self._ready.append(task.number)
            return
        self._tries[task.number] += 1
        if failed and answer.rows[-1].again and self._tries[task.number] < _TRIES:
            self._later.append(replace(task, content=answer.content or task.content, rows=answer.rows[:-1], twin=None))
            return
        self._store(self._cohort.photographs[task.number], answer)
        self._finish(task.number, answer.rows)

    def _store(self, one: Photograph, answer: Answer) -> None:
        """Note what was done, and take away what earlier runs made of the steps that were done anew."""
        before = self._ledger.rows(one.id)
        mine = {step.name for step in self._job}
        done = {row.step for row in answer.rows}
        written = {output.name for row in answer.rows for output in row.outputs}
        stale = [output.name for step in mine & before.keys() for output in before[step].outputs]
        for name in stale:  # before the ledger forgets them: a run that is killed in between must not leave them there
            if name not in written:
                self._storage.remove(name)
        self._ledger.write(
            one.id, _seen(one, answer.content) if answer.content else None, answer.rows, gone=mine - done
        )  # fmt: skip
        self._there |= {hash((output.name, output.size)) for row in answer.rows for output in row.outputs}

    def _finish(self, number: int, rows: Sequence[Row], *, before: bool = False) -> None:
        self._contents.pop(number, None)
        self._tries.pop(number, None)
        key = self._awaited.pop(number, None)
        if key:  # of the content it had when it was given out: it may have changed since
            self._ready.extend(self._waiting.pop(key, ()))
        self._add(self._cohort.photographs[number].id, rows, before=before)
        self._tell(self.count)

    def _add(self, photograph: str, rows: Sequence[Row], *, before: bool) -> None:
        self.count.done += 1
        self.count.before += before
        if rows and rows[-1].status == "failed":
            self.count.failed += 1
            self._failed(photograph, rows[-1].reason or "failed")


def _is_same(one: Photograph, seen: Seen) -> bool:
    """Whether the file is the one that was seen, as far as can be told without reading it."""
    told = (one.name, one.url, one.size, one.stamp)
    return one.stamp is not None and told == (seen.name, seen.url, seen.size, seen.stamp)


def _seen(one: Photograph, content: str) -> Seen:
    return Seen(one.name, one.url, one.size, one.stamp, content)


def _names(job: Job, cohort: Cohort) -> set[str]:
    """The names that results of the cohort have."""
    names = [one.name for one in cohort.photographs]
    taken: set[str] = set()
    for step in job:
        if step.verb.makes_photographs:
            names = [step.verb.named(name) for name in names]
            for name, count in Counter(names).most_common(1):
                if count > 1:
                    raise UsageError(
                        f"{step.name}: {count} photographs would be written as {name}; give another format"
                    )
            taken.update(names)
    return taken
