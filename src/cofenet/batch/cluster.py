"""Workers on other computers: Dask distributed. They may come and go."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from importlib.util import find_spec
from typing import Any

from cofenet.batch.engine import Lost
from cofenet.batch.work import Answer, Task, Workplace, prepare, work
from cofenet.errors import CofenetError, UsageError

_IN_HAND = 2
"""Tasks given out for each thread of the cluster."""

_LOOK = 2.0
"""Seconds after which the cluster is asked again how large it is."""

_REACHED = 30
"""Seconds within which the scheduler must answer."""


class Cluster:
    """A Dask cluster that is there already, or one of this computer's processes, started for the run."""

    def __init__(self, place: Workplace, scheduler: str | None, count: int) -> None:
        """Connect.

        Args:
            place: what to do.
            scheduler: its address, such as tcp://host:8786; None starts a cluster.
            count: worker processes of a cluster that is started.

        Raises:
            UsageError: the extra is not installed, or the scheduler does not answer.
        """
        if find_spec("distributed") is None:
            raise UsageError("--engine dask needs the extra: pip install '.[cluster]'")
        import dask  # noqa: PLC0415 - the core works without Dask
        import distributed  # noqa: PLC0415 - as above

        self._place, self._busy = place, 0
        self._done: queue.Queue[Any] = queue.Queue()
        self._tasks: dict[str, Task] = {}
        self._size, self._looked = 0, 0.0
        untyped: Any = distributed
        with ExitStack() as opened:
            address: Any = scheduler
            if scheduler is None:
                # A task is tried once more when its worker dies over it, and no more.
                with dask.config.set({"distributed.scheduler.allowed-failures": 1}):
                    address = opened.enter_context(
                        untyped.LocalCluster(
                            n_workers=count, threads_per_worker=1, host="127.0.0.1", dashboard_address=None,
                            worker_dashboard_address=None, silence_logs=50,
                        )
                    )  # fmt: skip
            try:
                self._client = opened.enter_context(untyped.Client(address, timeout=_REACHED, set_as_default=False))
            except (OSError, TimeoutError, ValueError) as error:
                raise UsageError(f"{scheduler}: no Dask scheduler answers there: {error}") from error
            self._opened = opened.pop_all()

    def room(self) -> int:
        """How many more tasks it takes now; it hangs on how many workers there are just now."""
        now = time.monotonic()
        if now - self._looked > _LOOK:
            self._size, self._looked = sum(self._client.nthreads().values()), now
        return max(1, self._size) * _IN_HAND - self._busy

    def submit(self, task: Task) -> None:
        """Give a task to the scheduler."""
        future = self._client.submit(_do, self._place, task, pure=False)
        self._tasks[future.key] = task
        self._busy += 1
        future.add_done_callback(self._done.put)

    def answers(self) -> Iterator[tuple[Task, Answer | Lost]]:
        """Wait for something, and give all that is there."""
        if not self._busy:
            return
        finished = [self._done.get()]
        while not self._done.empty():
            finished.append(self._done.get())
        for future in finished:
            self._busy -= 1
            yield self._tasks.pop(future.key), self._answer(future)

    def close(self) -> None:
        """Take back what was given out, and leave; a cluster that was started ends."""
        self._opened.close()

    @staticmethod
    def _answer(future: Any) -> Answer | Lost:  # noqa: ANN401 - Dask is not typed
        from distributed import KilledWorker  # noqa: PLC0415 - as above

        try:
            answer: Answer = future.result()
        except KilledWorker:
            return Lost("the worker process was killed, as it is where memory runs out", final=True)
        except Exception as error:
            raise CofenetError(f"the cluster failed: {type(error).__name__}: {error}") from error
        return answer


def _do(place: Workplace, task: Task) -> Answer:
    """On the worker."""
    _prepared(place)
    return work(place, task)


@cache
def _prepared(place: Workplace) -> None:
    prepare(place)
