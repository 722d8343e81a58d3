"""Worker processes of this computer.

Each has a pipe of its own. In the pools of the standard library, and in others, workers share a queue with a lock; one
that is killed while it holds the lock, or is half through a message, takes all others with it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from cofenet.batch.engine import Lost
from cofenet.batch.work import Answer, Task, Workplace, prepare, work
from cofenet.errors import CofenetError, UsageError

_IN_HAND = 2
"""Tasks given to a worker: one in work, one waiting, so that it need not wait for the driver."""

_STILLBORN = 3
"""Workers that die before they are ready, one after the other, after which there is no use in starting more."""

_READY = "ready"
_STATM = Path("/proc/self/statm")
_SPAWN = multiprocessing.get_context("spawn")  # a forked child would share locks, threads and file handles
_LIBRARIES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Pool:
    """`count` processes, each of which loads the models once. One that dies is replaced."""

    def __init__(self, place: Workplace, count: int, memory: int | None = None) -> None:
        """Start them.

        Args:
            place: what to do.
            count: how many processes.
            memory: bytes that each may take beyond what it has when its models are loaded; None for no bound.
        """
        self._place, self._memory = place, memory
        self._failed_starts = 0
        self._answers: deque[tuple[Task, Answer | Lost]] = deque()
        self._again: deque[Task] = deque()
        self._workers: list[_Worker] = []
        try:
            self._workers += [_Worker(place, memory) for _ in range(count)]
        except BaseException:
            self.close()
            raise

    @property
    def processes(self) -> list[int]:
        """Process numbers of the workers."""
        return [worker.number for worker in self._workers]

    def room(self) -> int:
        """How many more tasks it takes now."""
        return sum(_IN_HAND - len(worker.tasks) for worker in self._workers) - len(self._again)

    def submit(self, task: Task) -> None:
        """Give a task to the worker that has least to do."""
        self._again.append(task)
        self._hand_out()

    def answers(self) -> Iterator[tuple[Task, Answer | Lost]]:
        """Wait for something, and give all that is there."""
        while not self._answers and (self._again or any(worker.tasks for worker in self._workers)):
            self._hand_out()
            for ready in wait([worker.pipe for worker in self._workers]):
                self._listen(next(worker for worker in self._workers if worker.pipe is ready))
        while self._answers:
            yield self._answers.popleft()

    def close(self) -> None:
        """Kill all workers."""
        for worker in self._workers:
            worker.kill()
        self._workers.clear()

    def _hand_out(self) -> None:
        while self._again:
            worker = min(self._workers, key=lambda one: len(one.tasks))
            if len(worker.tasks) >= _IN_HAND:
                return
            worker.give(self._again.popleft())

    def _listen(self, worker: _Worker) -> None:
        try:
            message = worker.pipe.recv()
        except (EOFError, OSError):
            self._bury(worker)
            return
        if message == _READY:
            worker.ready = True
            self._failed_starts = 0
        else:
            self._answers.append((worker.tasks.popleft(), message))

    def _bury(self, worker: _Worker) -> None:
        """The oldest task of a dead worker is suspect; the others are innocent."""
        reason = worker.died()
        place = self._workers.index(worker)
        self._workers.remove(worker)
        worker.kill()
        self._failed_starts += not worker.ready
        if self._failed_starts >= _STILLBORN:
            raise CofenetError(f"no worker process can start: {reason}; run the verb alone to see why")
        if worker.ready and worker.tasks:
            self._answers.append((worker.tasks.popleft(), Lost(reason)))
        self._again.extendleft(reversed(worker.tasks))
        self._workers.insert(place, _Worker(self._place, self._memory))


class _Worker:
    """One process, the driver's side."""

    def __init__(self, place: Workplace, memory: int | None) -> None:
        self.tasks: deque[Task] = deque()
        self.ready = False
        self.pipe, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_serve, args=(theirs, place, memory), daemon=True)
        with _environment(place.threads):
            self._process.start()
        theirs.close()  # so that the pipe ends with the process

    @property
    def number(self) -> int:
        return self._process.pid or 0

    def give(self, task: Task) -> None:
        self.tasks.append(task)
        with suppress(OSError):  # it has died; listening to it will tell
            self.pipe.send(task)

    def died(self) -> str:
        """Why the process ended, which it is about to do if it has not."""
        self._process.join(5)
        code = self._process.exitcode
        if code is None or code >= 0:
            return f"the worker process ended (exit status {code})"
        return f"the worker process was killed ({signal.Signals(-code).name}), as it is where memory runs out"

    def kill(self) -> None:
        self._process.kill()
        self._process.join()
        self._process.close()
        self.pipe.close()


@contextmanager
def _environment(threads: int) -> Iterator[None]:
    """Libraries for linear algebra read their number of threads when they are loaded."""
    before = {name: os.environ.get(name) for name in _LIBRARIES}
    os.environ.update(dict.fromkeys(_LIBRARIES, str(threads)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _serve(pipe: Connection[Any, Any], place: Workplace, memory: int | None) -> None:
    """The worker's side: answer tasks until the driver is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver decides
    threading.Thread(target=_end_with_driver, daemon=True).start()
    prepare(place)
    if memory:
        _bound(memory)
    with suppress(EOFError, OSError):
        pipe.send(_READY)
        while True:
            task = pipe.recv()
            pipe.send(work(place, task))


def _end_with_driver() -> None:
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
    os._exit(1)


def _bound(memory: int) -> None:
    """Let this process take so many bytes beyond the address space that it has (proc(5), statm)."""
    import resource  # noqa: PLC0415 - not every system has it

    bound = int(_STATM.read_text().split()[0]) * resource.getpagesize() + memory
    resource.setrlimit(resource.RLIMIT_AS, (bound, bound))


def check_memory(memory: int | None) -> None:
    """Refuse a bound that cannot be kept.

    Raises:
        UsageError: this system does not tell how much memory a process has.
    """
    if memory and not _STATM.exists():
        raise UsageError("--memory needs a system with /proc, such as Linux")
