"""Who does the tasks: processes of this computer, or a cluster."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from cofenet.batch.work import Answer, Task


@dataclass(frozen=True)
class Lost:
    """A worker died over a task.

    Attributes:
        reason: what is known of it.
        final: whether it was tried again already.
    """

    reason: str
    final: bool = False


class Engine(Protocol):
    """Takes tasks, a few at a time, and answers them in any order."""

    def room(self) -> int:
        """How many more tasks it takes now: enough to keep it busy, few enough to bound memory."""

    def submit(self, task: Task) -> None:
        """Take a task."""

    def answers(self) -> Iterable[tuple[Task, Answer | Lost]]:
        """Wait until something is answered; with nothing submitted, there is nothing to wait for."""

    def close(self) -> None:
        """Stop all workers, whatever they are doing."""
