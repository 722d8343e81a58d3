"""Arrays that took long to make, kept in a folder for the next time."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cofenet import __version__

Arrays = dict[str, NDArray[Any]]


def remembered(folder: Path | None, paths: Sequence[Path], settings: str, make: Callable[[], Arrays]) -> Arrays:
    """What `make` gives, or gave when files (by size and time) and settings were these; without a folder it is made."""
    if folder is None:
        return make()
    store = folder / f"{_digest(paths, settings)}.npz"
    if store.exists():
        with np.load(store) as saved:
            return {name: saved[name] for name in saved}
    arrays = make()
    _keep(arrays, store)
    return arrays


def _keep(arrays: Arrays, store: Path) -> None:
    """Write whole or not at all; the arrays may be too large to hold twice."""
    store.parent.mkdir(parents=True, exist_ok=True)
    beside = store.with_suffix(f".{os.getpid()}.part")
    try:
        with beside.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
        beside.replace(store)
    finally:
        beside.unlink(missing_ok=True)


def _digest(paths: Sequence[Path], settings: str) -> str:
    stats = ((path, path.stat() if path.is_file() else None) for path in paths)
    files = (f"{path} {stat.st_size} {stat.st_mtime_ns}" if stat else str(path) for path, stat in stats)
    text = "\n".join([__version__, settings, *files])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
