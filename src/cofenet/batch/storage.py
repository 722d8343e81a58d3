"""Where results go: a folder or a bucket. Files appear there whole, or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from cofenet.errors import UnreadableError, UnwritableError, UsageError
from cofenet.io import write_atomically

SCRATCH = ".cofenet-scratch"
"""Start of the names of the folders in which results wait to be whole; no result has such a name."""


class Storage(Protocol):
    """A place for results, each under a relative name with "/" between its parts."""

    url: str

    def sizes(self) -> dict[str, int]:
        """All files that are there, with their sizes in bytes."""

    def fetch(self, name: str, scratch: Path) -> Path:
        """A file of this computer with the content; it may be the very file, so it is not to be changed."""

    def publish(self, file: Path, name: str) -> Path:
        """Bring a file of a scratch folder there; one of that name is replaced. Gives where it can be read."""

    def copy(self, name: str, other: str) -> None:
        """Make `other` of the file `name`."""

    def remove(self, name: str) -> None:
        """Take a file away; it may be gone already."""

    def scratch(self, run: str) -> AbstractContextManager[Path]:
        """A fresh folder of this computer from which `publish` is quick, gone at the end."""

    def clean(self, run: str) -> None:
        """Remove what killed workers of `run` left behind."""


def open_storage(url: str) -> Storage:
    """Open a folder, or a bucket by its fsspec URL.

    Raises:
        UsageError: the extra for buckets is not installed, or there is no such kind of storage.
    """
    if is_local(url):
        return Folder(url)
    from cofenet.batch.bucket import Bucket  # noqa: PLC0415 - folders need no fsspec

    return Bucket(url)


def is_local(url: str) -> bool:
    """Whether it is a path, or a file:// URL."""
    return "://" not in url or (url.startswith("file://") and "::" not in url)


def local_path(url: str) -> Path:
    """The path that a path or file:// URL means."""
    return Path(url.removeprefix("file://"))


class Folder:
    """A folder of this computer, or one that all computers of the run share."""

    def __init__(self, url: str) -> None:
        self.path = Path(os.path.abspath(local_path(url)))  # noqa: PTH100 - links stay as they are given
        self.url = str(self.path)

    def sizes(self) -> dict[str, int]:
        """All files that are there, with their sizes in bytes."""
        return dict(_sizes(self.path, "")) if self.path.is_dir() else {}

    def fetch(self, name: str, scratch: Path) -> Path:
        """The very file."""
        return self.path / name

    def publish(self, file: Path, name: str) -> Path:
        """Rename a file of a scratch folder; gives its new place.

        Raises:
            UnwritableError: it cannot be stored.
        """
        target = self.path / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            file.replace(target)
        except OSError as error:
            raise UnwritableError(f"cannot be written: {(error.strerror or str(error)).lower()}", target) from error
        return target

    def copy(self, name: str, other: str) -> None:
        """Make `other` of the file `name`.

        Raises:
            UnreadableError: `name` is gone.
            UnwritableError: `other` cannot be stored.
        """
        try:
            content = (self.path / name).read_bytes()
        except OSError as error:
            raise UnreadableError((error.strerror or str(error)).lower(), self.path / name) from error
        write_atomically(self.path / other, content)

    def remove(self, name: str) -> None:
        """Take a file away; it may be gone already."""
        (self.path / name).unlink(missing_ok=True)

    @contextmanager
    def scratch(self, run: str) -> Iterator[Path]:
        """A fresh folder inside this one, so that moving is renaming.

        Raises:
            UnwritableError: it cannot be made.
        """
        parent = self.path / f"{SCRATCH}-{run}"
        try:
            parent.mkdir(parents=True, exist_ok=True)
            fresh = Path(tempfile.mkdtemp(dir=parent))
        except OSError as error:
            raise UnwritableError(f"cannot be written: {(error.strerror or str(error)).lower()}", parent) from error
        try:
            yield fresh
        finally:
            shutil.rmtree(fresh, ignore_errors=True)  # what stays is cleaned at the end of the run

    def clean(self, run: str) -> None:
        """Remove what killed workers of `run` left behind."""
        shutil.rmtree(self.path / f"{SCRATCH}-{run}", ignore_errors=True)


def make_folder(storage: Storage) -> None:
    """Find out before the work that nothing can be stored.

    Raises:
        UsageError: the folder cannot be made or written to.
    """
    if not isinstance(storage, Folder):
        return
    try:
        storage.path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{storage.url}: cannot be made a folder: {(error.strerror or str(error)).lower()}") from error
    if not os.access(storage.path, os.W_OK | os.X_OK):
        raise UsageError(f"{storage.url}: no permission to write there")


def _sizes(folder: Path, prefix: str) -> Iterator[tuple[str, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if not entry.name.startswith(SCRATCH):
                    yield from _sizes(Path(entry.path), f"{prefix}{entry.name}/")
            else:
                with suppress(FileNotFoundError):  # other shards are at work here: their ledgers' journals come and go
                    yield f"{prefix}{entry.name}", entry.stat(follow_symlinks=False).st_size
