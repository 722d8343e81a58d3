"""How many processors this process may use: a share of them where several processes work side by side."""

from __future__ import annotations

import os

import cv2

_LIMIT: list[int] = []


def available() -> int:
    """Processors that this process is allowed to run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def limit_threads(count: int) -> None:
    """Let networks that are loaded from now on, OpenCV, corrections and verdicts use at most `count` threads each."""
    _LIMIT[:] = [count]
    cv2.setNumThreads(count if count > 1 else 0)  # 1 would wait for the threads that a forked process has not got


def threads() -> int:
    """Threads to use: the limit, if one was set, else one for each processor."""
    return _LIMIT[0] if _LIMIT else available()
