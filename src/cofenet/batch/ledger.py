"""What was done: one SQLite file beside the results, one row a photograph and step.

A row holds what went in (the hash of the file), the hash of the model and the parameters, so that it shows by itself
whether it still stands. The file belongs to one run at a time; killing that run at any moment leaves it whole.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from cofenet.errors import UnwritableError, UsageError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS photographs (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, url TEXT NOT NULL, size INTEGER, stamp TEXT, content TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS photographs_by_content ON photographs (content);
CREATE TABLE IF NOT EXISTS steps (
    photograph TEXT NOT NULL, step TEXT NOT NULL, input TEXT NOT NULL, model TEXT NOT NULL, parameters TEXT NOT NULL,
    status TEXT NOT NULL, reason TEXT, again INTEGER NOT NULL, outputs TEXT NOT NULL, facts TEXT NOT NULL,
    seconds REAL NOT NULL, PRIMARY KEY (photograph, step)
) WITHOUT ROWID;
PRAGMA user_version = 1;
"""


_STEP = "step, input, model, parameters, status, reason, again, outputs, {facts}, seconds"
_FACTS = {True: "facts", False: "'{}'"}
"""What is read of the facts, by whether they are of interest."""


class Output(NamedTuple):
    """A file of the result: its name in the destination, its size in bytes, and its sha256."""

    name: str
    size: int
    sha256: str


class Row(NamedTuple):
    """One step done to one photograph.

    Attributes:
        step: its name.
        input: sha256 of the file that went in; empty if it could not be had.
        model: hash of all weights.
        parameters: all other settings, as JSON.
        status: how it ended: as `cofenet.batch.outcome.Status`.
        reason: why there is no result.
        again: whether a failure is of the surroundings, such as a full disk, so that another try may help.
        outputs: what was written; of a step that makes photographs, the photograph comes first.
        facts: what was found.
        seconds: how long it took.
    """

    step: str
    input: str
    model: str
    parameters: str
    status: str
    reason: str | None = None
    again: bool = False
    outputs: tuple[Output, ...] = ()
    facts: Mapping[str, object] = {}
    seconds: float = 0.0


class Seen(NamedTuple):
    """A photograph as it was seen.

    Attributes:
        name: of its results.
        url: where it is.
        size: in bytes; None if not known.
        stamp: with url and size, shows that the file is the same still; None if not known.
        content: sha256 of the file.
    """

    name: str
    url: str
    size: int | None
    stamp: str | None
    content: str


class Ledger:
    """The file; to be closed."""

    def __init__(self, path: Path) -> None:
        """Open or make it.

        Raises:
            UsageError: another run has it, or it is no ledger.
            UnwritableError: it cannot be made.
        """
        self.path = path
        with self._told():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(path, timeout=2, isolation_level=None, check_same_thread=False)
            try:
                # One run alone, which also spares the shared memory that network file systems lack.
                self._file.execute("PRAGMA locking_mode = EXCLUSIVE")
                self._file.execute("PRAGMA journal_mode = WAL")
                self._file.execute("PRAGMA synchronous = NORMAL")
                self._file.executescript(_SCHEMA)
            except BaseException:
                self._file.close()
                raise

    def close(self) -> None:
        """Bring all into the one file, and give it free."""
        with self._told(), closing(self._file):
            self._file.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def seen(self, photograph: str) -> Seen | None:
        """What is known of a photograph."""
        query = "SELECT name, url, size, stamp, content FROM photographs WHERE id = ?"
        found = self._file.execute(query, (_stored(photograph),)).fetchone()
        return _seen(*found) if found else None

    def all_seen(self, *, facts: bool = True) -> Iterator[tuple[str, Seen, dict[str, Row]]]:
        """Every photograph that was seen, and what was done to it, as `seen` and `rows` tell it of one."""
        query = (
            f"SELECT id, name, url, size, stamp, content, {_STEP.format(facts=_FACTS[facts])} "
            "FROM photographs LEFT JOIN steps ON photograph = id ORDER BY id"
        )
        for photograph, group in groupby(self._file.execute(query), itemgetter(0)):
            found = list(group)
            rows = {values[6]: _row(*values[6:]) for values in found if values[6] is not None}
            yield _text(photograph), _seen(*found[0][1:6]), rows

    def with_content(self, content: str) -> Iterator[tuple[str, str]]:
        """The photographs that have this content, with the names of their results."""
        found = self._file.execute("SELECT id, name FROM photographs WHERE content = ?", (content,))
        return ((_text(photograph), _text(name)) for photograph, name in found)

    def rows(self, photograph: str, *, facts: bool = True) -> dict[str, Row]:
        """What was done to a photograph, by the names of the steps; without the facts if they are of no interest."""
        query = f"SELECT {_STEP.format(facts=_FACTS[facts])} FROM steps WHERE photograph = ?"
        return {values[0]: _row(*values) for values in self._file.execute(query, (_stored(photograph),))}

    def write(self, photograph: str, seen: Seen | None, rows: Iterable[Row] = (), *, gone: Iterable[str] = ()) -> None:
        """Note rows of a photograph, in place of those of the same steps, and forget those of the steps `gone`.

        Raises:
            UnwritableError: the disk is full, or worse.
        """
        with self._told():
            stored = _stored(photograph)
            self._file.execute("BEGIN")
            try:
                if seen:
                    values = (stored, _stored(seen.name), _stored(seen.url), seen.size, seen.stamp, seen.content)
                    self._file.execute("INSERT OR REPLACE INTO photographs VALUES (?, ?, ?, ?, ?, ?)", values)
                forgotten = [(stored, step) for step in gone]
                self._file.executemany("DELETE FROM steps WHERE photograph = ? AND step = ?", forgotten)
                self._file.executemany(
                    f"INSERT OR REPLACE INTO steps VALUES ({', '.join('?' * 11)})",
                    [(stored, *_values(row)) for row in rows],
                )
                self._file.execute("COMMIT")
            except BaseException:
                if self._file.in_transaction:
                    self._file.execute("ROLLBACK")
                raise

    def absorb(self, other: Path) -> None:
        """Take over what another ledger, such as a shard's, knows of photographs that are not known here.

        Raises:
            UsageError: that one is in use, or no ledger.
        """
        with self._told(other):
            self._file.execute("ATTACH ? AS other", (str(other),))
            try:
                self._file.execute("BEGIN")
                new = "SELECT id FROM other.photographs UNION SELECT photograph FROM other.steps"
                old = "SELECT id FROM main.photographs UNION SELECT photograph FROM main.steps"
                self._file.execute(f"CREATE TEMP TABLE fresh AS SELECT * FROM ({new}) EXCEPT SELECT * FROM ({old})")
                for table, key in (("photographs", "id"), ("steps", "photograph")):
                    self._file.execute(
                        f"INSERT OR REPLACE INTO main.{table} SELECT * FROM other.{table} "
                        f"WHERE {key} IN (SELECT * FROM fresh)"
                    )
                self._file.execute("DROP TABLE fresh")
                self._file.execute("COMMIT")
            finally:
                if self._file.in_transaction:
                    self._file.execute("ROLLBACK")
                self._file.execute("DETACH other")

    @contextmanager
    def _told(self, path: Path | None = None) -> Iterator[None]:
        """Say in one line what went wrong."""
        path = path or self.path
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise UsageError(f"{path}: another run is using this ledger") from error
            raise UnwritableError(f"the ledger cannot be written: {error}", path) from error
        except sqlite3.DatabaseError as error:
            raise UsageError(f"{path}: is no ledger of a run: {error}") from error
        except OSError as error:
            raise UnwritableError(f"the ledger cannot be written: {error}", path) from error


def _stored(name: str) -> str | bytes:
    """A name as SQLite can hold it: as bytes if it is no UTF-8, as names of files may be."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return name.encode("utf-8", "surrogateescape")
    return name


def _text(stored: str | bytes) -> str:
    return stored.decode("utf-8", "surrogateescape") if isinstance(stored, bytes) else stored


def _seen(name: str | bytes, url: str | bytes, size: int | None, stamp: str | None, content: str) -> Seen:
    return Seen(_text(name), _text(url), size, stamp, content)


def _values(row: Row) -> tuple[object, ...]:
    return (
        row.step, row.input, row.model, row.parameters, row.status, row.reason, row.again,
        json.dumps(row.outputs), json.dumps(row.facts), row.seconds,
    )  # fmt: skip


def _row(
    step: str, taken: str, model: str, parameters: str, status: str, reason: str | None, again: int, outputs: str,
    facts: str, seconds: float,
) -> Row:  # fmt: skip
    written = tuple(map(Output._make, json.loads(outputs))) if outputs != "[]" else ()
    found = json.loads(facts) if facts != "{}" else {}
    return Row(step, taken, model, parameters, status, reason, bool(again), written, found, seconds)
