"""Object storage and archives through fsspec; each request is tried again where that may help."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from cofenet.errors import UnreadableError, UnwritableError, UsageError

Found = TypeVar("Found")

_TRIES = 6
_PAUSE = 0.2
"""Seconds before the second try; doubled before each further one: 6 seconds in all."""

_FINAL = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
"""What another try does not change."""

Entry = dict[str, Any]


class Bucket:
    """A place for results behind an fsspec URL, such as s3://bucket/folder."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        if "::" in url or url.startswith("zip://"):
            raise UsageError(f"{url}: results go into a folder or a bucket, not into an archive")
        self._fs, self._root = connect(self.url)

    def sizes(self) -> dict[str, int]:
        """All files that are there, with their sizes in bytes."""
        found: dict[str, Entry] = listing(self.url)
        return {path[len(self._root) + 1 :]: int(entry["size"]) for path, entry in found.items()}

    def fetch(self, name: str, scratch: Path) -> Path:
        """Download a file."""
        return download(f"{self.url}/{name}", scratch / name)

    def publish(self, file: Path, name: str) -> Path:
        """Upload a file, and give it back.

        Raises:
            UnwritableError: the bucket refuses it, again and again.
        """
        self._writing(name, lambda: self._fs.put_file(str(file), f"{self._root}/{name}"))
        return file

    def copy(self, name: str, other: str) -> None:
        """Let the bucket make `other` of the file `name`.

        Raises:
            UnwritableError: it refuses, again and again, or `name` is gone.
        """
        self._writing(other, lambda: self._fs.cp_file(f"{self._root}/{name}", f"{self._root}/{other}"))

    def remove(self, name: str) -> None:
        """Take a file away; it may be gone already."""

        def remove() -> None:
            with contextlib.suppress(FileNotFoundError):
                self._fs.rm_file(f"{self._root}/{name}")

        self._writing(name, remove)

    @contextmanager
    def scratch(self, run: str) -> Iterator[Path]:
        """A fresh temporary folder."""
        with tempfile.TemporaryDirectory(prefix="cofenet-") as folder:
            yield Path(folder)

    def clean(self, run: str) -> None:
        """Nothing is left in a bucket: an upload that was cut short is no file."""

    def _writing(self, name: str, ask: Callable[[], object]) -> None:
        try:
            _patiently(ask)
        except Exception as error:
            raise UnwritableError(f"cannot be written: {_words(error)}", Path(name)) from error


@cache
def connect(url: str) -> tuple[Any, str]:
    """The file system behind a URL, and the path there.

    Raises:
        UsageError: the extra is not installed, there is no such kind of storage, or it cannot be reached.
    """
    if find_spec("fsspec") is None:
        raise UsageError(f"{url}: object storage needs the extra: pip install '.[cloud]'")
    from fsspec.core import url_to_fs  # noqa: PLC0415 - the core works without fsspec

    try:
        files, path = _patiently(lambda: url_to_fs(url))
    except Exception as error:
        raise UsageError(f"{url}: cannot be opened: {_words(error)}") from error
    return files, path.rstrip("/")


def listing(url: str, *, deep: bool = True) -> dict[str, Entry]:
    """All files below a URL, or right below it if not `deep`: by path in the file system, what that tells of each.

    Raises:
        UsageError: it cannot be listed.
    """
    files, root = connect(url)
    try:
        files.invalidate_cache()
        found: dict[str, Entry] = _patiently(lambda: files.find(root, maxdepth=None if deep else 1, detail=True))
    except FileNotFoundError:
        return {}
    except Exception as error:
        raise UsageError(f"{url}: cannot be listed: {_words(error)}") from error
    return found


def download(url: str, target: Path) -> Path:
    """Fetch a file.

    Raises:
        UnreadableError: it is not there, or cannot be had after several tries.
    """
    files, path = _path(url)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        _patiently(lambda: files.get_file(path, str(target)))
    except Exception as error:
        raise UnreadableError(_words(error), Path(target.name)) from error
    return target


def _path(url: str) -> tuple[Any, str]:
    """Like `connect`, but what is kept open hangs on the folder: there may be a hundred thousand files."""
    head, *chained = url.split("::")
    scheme, _, path = head.partition("://")
    folder, _, name = path.rpartition("/")
    files, root = connect("::".join([f"{scheme}://{folder}", *chained]))
    return files, f"{root}/{name}" if root else name


def _patiently(ask: Callable[[], Found]) -> Found:
    for number in range(_TRIES - 1):
        try:
            return ask()
        except _FINAL:
            raise
        except (OSError, TimeoutError, RuntimeError):
            time.sleep(_PAUSE * 2**number)
    return ask()


def _words(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file or directory"
    return " ".join((getattr(error, "strerror", None) or str(error) or type(error).__name__).split())
