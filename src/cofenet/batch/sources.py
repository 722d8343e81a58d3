"""The photographs of a run: a folder, a manifest, a bucket or an archive."""

from __future__ import annotations

import csv
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from cofenet.batch.storage import is_local, local_path
from cofenet.errors import UsageError
from cofenet.io import SUFFIXES
from cofenet.io.discover import files_in, natural

_COLUMNS = ("id", "path")
_STAMPS = ("ETag", "etag", "CRC", "LastModified", "mtime", "created")
"""What file systems of fsspec tell of a file, the surest first."""


class Photograph(NamedTuple):
    """One photograph of a run.

    Attributes:
        id: what it is called in the report; unlike all others.
        name: of its results, relative, "/" between the parts.
        url: an absolute path or an fsspec URL.
        size: of the file in bytes; None if not known without asking.
        stamp: changes when the file does; None likewise.
        extra: further columns of the manifest, in their order.
    """

    id: str
    name: str
    url: str
    size: int | None = None
    stamp: str | None = None
    extra: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cohort:
    """All photographs of a run, in the order of the report, and the names of the manifest's further columns."""

    photographs: list[Photograph]
    columns: tuple[str, ...] = ()

    def shard(self, number: int, count: int) -> Cohort:
        """One of `count` parts, from 1; a photograph's part hangs on its id alone."""
        mine = [one for one in self.photographs if zlib.crc32(one.id.encode(*_UTF8)) % count == number - 1]
        return Cohort(mine, self.columns)


_UTF8 = ("utf-8", "surrogateescape")


def read_cohort(source: str, *, leave_out: Path | None = None) -> Cohort:
    """List the photographs of a folder, a manifest, a bucket or an archive.

    Args:
        source: a folder, or a URL of one (s3://bucket/folder, gs://…, file://…, zip://archive.zip); or a manifest, a
            file or URL that ends in .csv or .parquet, with the columns `id` and `path` and any others. Paths in it are
            URLs, or relative to its place. Without `id`, the path is the id. Results are called by the id.
        leave_out: a folder of results; photographs in it are none.

    Raises:
        UsageError: it is not there or cannot be understood, ids come twice or make no names, or there is no photograph.
    """
    if source.endswith((".csv", ".parquet")):
        cohort = _manifest(source)
    elif source.startswith(("http://", "https://")):
        raise UsageError(
            f"{source}: web servers list no folders; give a manifest (.csv) with the URL of each photograph"
        )
    elif is_local(source):
        cohort = Cohort(_sorted(_folder(local_path(source), leave_out)))
    else:
        cohort = Cohort(_sorted(_listed(source)))
    if not cohort.photographs:
        raise UsageError(f"no photographs in {source}")
    for what in ("name", "id"):  # two of one id can have two names, by their endings
        told, count = Counter(getattr(one, what) for one in cohort.photographs).most_common(1)[0]
        if count > 1:
            raise UsageError(f"{source}: {count} photographs are called {told!r}; each needs an id of its own")
    return cohort


def _sorted(photographs: Iterable[Photograph]) -> list[Photograph]:
    return sorted(photographs, key=lambda one: natural(one.name))


def _folder(folder: Path, leave_out: Path | None) -> Iterator[Photograph]:
    if not folder.is_dir():
        raise UsageError(f"{folder}: is no folder and no manifest (.csv or .parquet)")
    for entry, name in files_in(folder.absolute(), leave_out=leave_out.resolve() if leave_out else None):
        try:
            status = entry.stat()
        except OSError:  # reading it will tell
            yield Photograph(name, name, entry.path)
        else:
            yield Photograph(name, name, entry.path, status.st_size, str(status.st_mtime_ns))


def _status(path: Path) -> tuple[int | None, str | None]:
    try:
        status = path.stat()
    except OSError:  # reading it will tell
        return None, None
    return status.st_size, str(status.st_mtime_ns)


def _listed(url: str) -> Iterator[Photograph]:
    from cofenet.batch.bucket import connect, listing  # noqa: PLC0415 - folders need no fsspec

    if url.startswith("zip://") and "::" not in url:
        url = f"zip://::{url.removeprefix('zip://')}"
    head, *chained = url.split("::")
    scheme, _, _ = head.partition("://")
    _, root = connect(url)
    for path, entry in listing(url).items():
        name = path[len(root) :].lstrip("/")
        hidden = any(part.startswith(".") for part in PurePosixPath(name).parts)
        if PurePosixPath(name).suffix.lower() in SUFFIXES and not hidden:
            yield Photograph(name, name, "::".join([f"{scheme}://{path}", *chained]), *_entry(entry))


def _entry(entry: dict[str, Any]) -> tuple[int | None, str | None]:
    stamp = next((entry[key] for key in _STAMPS if key in entry), None)
    return entry.get("size"), None if stamp is None else str(stamp)


def _manifest(source: str) -> Cohort:
    rows = _parquet(source) if source.endswith(".parquet") else _csv(source)
    header, *rest = rows
    if "path" not in header:
        raise UsageError(f"{source}: has no column `path`; it has {', '.join(header)}")
    place = {name: header.index(name) for name in _COLUMNS if name in header}
    others = [number for number, name in enumerate(header) if name not in _COLUMNS]
    photographs = []
    for line, row in enumerate(rest, 2):
        if len(row) != len(header):
            raise UsageError(f"{source}: line {line} has {len(row)} values, the header {len(header)}")
        path = row[place["path"]]
        key = row[place["id"]] if "id" in place else path
        photographs.append(
            Photograph(
                key, _name(key, path, source, line), _absolute(path, source), extra=tuple(row[n] for n in others)
            )
        )
    return Cohort(_looked_up(photographs), tuple(header[number] for number in others))


def _csv(source: str) -> list[list[str]]:
    try:
        with _opened(source, "r", newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, csv.Error) as error:
        raise UsageError(f"{source}: cannot be read: {error}") from error
    if not rows:
        raise UsageError(f"{source}: is empty")
    return rows


def _parquet(source: str) -> list[list[str]]:
    if find_spec("pyarrow") is None:
        raise UsageError(f"{source}: Parquet needs the extra: pip install '.[cloud]'")
    from pyarrow import ArrowException, parquet  # noqa: PLC0415 - the core works without pyarrow

    try:
        with _opened(source, "rb") as file:
            table = parquet.read_table(file)
    except (OSError, ArrowException) as error:
        raise UsageError(f"{source}: cannot be read: {error}") from error
    columns = [["" if value is None else str(value) for value in column.to_pylist()] for column in table.columns]
    return [list(table.column_names), *(list(row) for row in zip(*columns, strict=True))]


def _opened(source: str, mode: str, **how: Any) -> Any:  # noqa: ANN401 - a file of either kind
    if is_local(source):
        return local_path(source).open(mode, **how)
    from cofenet.batch.bucket import connect  # noqa: PLC0415 - as above

    files, path = connect(source)
    return files.open(path, mode, **how)


def _name(key: str, path: str, source: str, line: int) -> str:
    """The name of the results: the id, under the photograph's ending."""
    parts = PurePosixPath(key).parts
    if not parts or key.startswith("/") or ".." in parts or "://" in key or "\0" in key:
        advice = "give a column `id`" if key == path else "it names the results, relative to the destination"
        raise UsageError(f"{source}: line {line}: the id {key!r} makes no name of a file: {advice}")
    suffix = PurePosixPath(path.split("::", maxsplit=1)[0]).suffix
    name = str(PurePosixPath(key))
    return name if not suffix or name.lower().endswith(suffix.lower()) else f"{name}{suffix}"


def _absolute(path: str, source: str) -> str:
    if "://" in path:
        return str(local_path(path)) if is_local(path) else path
    if Path(path).is_absolute():
        return path
    if is_local(source):
        return str(local_path(source).absolute().parent / path)
    return f"{source.rpartition('/')[0]}/{path}"


def _looked_up(photographs: Sequence[Photograph]) -> list[Photograph]:
    """With size and stamp of each file; of buckets, asked folder by folder instead of one by one."""
    listed = (one.url for one in photographs if not is_local(one.url) and "::" not in one.url)
    remote = {url.rpartition("/")[0] for url in listed if not url.startswith("http")}  # web servers list nothing
    known = dict(_stamps(remote))
    found = []
    for one in photographs:
        size, stamp = _status(Path(one.url)) if is_local(one.url) else known.get(one.url, (None, None))
        found.append(Photograph(one.id, one.name, one.url, size, stamp, one.extra))
    return found


def _stamps(folders: Iterable[str]) -> Iterator[tuple[str, tuple[int | None, str | None]]]:
    from cofenet.batch.bucket import listing  # noqa: PLC0415 - as above

    for folder in sorted(folders):
        scheme = folder.partition("://")[0]
        for path, entry in listing(folder, deep=False).items():
            yield f"{scheme}://{path.lstrip('/')}", _entry(entry)
