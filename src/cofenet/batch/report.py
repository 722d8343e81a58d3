"""The final report: a table (CSV, and Parquet where pyarrow is installed), JSON, and a page to look at.

It holds no times, so that a run that was stopped and resumed tells the same as one that was not; the ledger has them.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

from cofenet import __version__
from cofenet.batch.job import Job
from cofenet.batch.ledger import Ledger
from cofenet.batch.page import Page
from cofenet.batch.records import Record, records
from cofenet.batch.sources import Cohort
from cofenet.batch.storage import Storage
from cofenet.errors import UnwritableError

NAMES = ("report.csv", "report.json", "report.html", "report.parquet")

_CHUNK = 10_000
"""Rows of a Parquet file that are in memory at a time."""


def write_report(job: Job, cohort: Cohort, ledger: Ledger, storage: Storage, run: str) -> list[str]:
    """Write all of it into the destination.

    Returns:
        The names of the files.

    Raises:
        UnwritableError: it cannot be stored.
    """
    columns: dict[str, set[type]] = {}
    page = Page(job)
    for record in records(job, cohort, ledger):
        for name, value in record.columns().items():
            columns.setdefault(name, set()).add(type(value))
        page.add(record)
    ordered = _ordered(job, columns)
    names = [name for name in NAMES if name != "report.parquet" or find_spec("pyarrow")]
    with storage.scratch(run) as scratch:
        try:
            _write_csv(scratch / "report.csv", ordered, cohort, records(job, cohort, ledger))
            _write_json(scratch / "report.json", job, page.counts, cohort, records(job, cohort, ledger))
            text = page.html(storage, scratch)
            (scratch / "report.html").write_text(text, "utf-8", "surrogateescape")
            if "report.parquet" in names:
                types = {name: columns[name] for name in ordered}
                _write_parquet(scratch / "report.parquet", types, cohort, records(job, cohort, ledger))
        except OSError as error:
            reason = f"the report cannot be written: {(error.strerror or str(error)).lower()}"
            raise UnwritableError(reason, Path(storage.url)) from error
        for name in names:
            storage.publish(scratch / name, name)
    return names


def _ordered(job: Job, columns: Iterable[str]) -> list[str]:
    """The columns in the order of the steps, whichever photograph had them first."""
    places = {step.name: place for place, step in enumerate(job)}
    return sorted(columns, key=lambda name: places[name.split(".")[0]] if "." in name else -1)


def _header(columns: Iterable[str], cohort: Cohort) -> list[str]:
    """All columns; one of the manifest that is called like one of ours is "manifest.…"."""
    ours = {"id", "path", *columns}
    return ["id", "path", *(f"manifest.{name}" if name in ours else name for name in cohort.columns), *columns]


def _cells(columns: Iterable[str], told: Iterable[Record]) -> Iterator[list[object]]:
    for record in told:
        found = record.columns()
        one = record.photograph
        yield [one.id, one.url, *one.extra, *(found.get(name) for name in columns)]


def _write_csv(path: Path, columns: list[str], cohort: Cohort, told: Iterable[Record]) -> None:
    with path.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        writer = csv.writer(file)
        writer.writerow(_header(columns, cohort))
        writer.writerows(_cells(columns, told))


def _write_json(path: Path, job: Job, counts: dict[str, int], cohort: Cohort, told: Iterable[Record]) -> None:
    steps = [
        {"step": step.name, "folder": step.folder, "model": step.model, "parameters": json.loads(step.parameters)}
        for step in job
    ]
    head = {"cofenet": __version__, "steps": steps, "counts": dict(sorted(counts.items()))}
    with path.open("w", encoding="ascii") as file:
        file.write(json.dumps(head, indent=2)[:-2] + ',\n  "photographs": [')
        for number, record in enumerate(told):
            file.write(("," if number else "") + "\n    " + json.dumps(record.to_dict(cohort.columns)))
        file.write("\n  ]\n}\n")


def _write_parquet(path: Path, columns: dict[str, set[type]], cohort: Cohort, told: Iterable[Record]) -> None:
    import pyarrow as pa  # noqa: PLC0415 - the core works without pyarrow
    from pyarrow import parquet  # noqa: PLC0415 - as above

    kinds: list[Any] = [str] * (2 + len(cohort.columns)) + [_kind(types) for types in columns.values()]
    arrow = {str: pa.string(), float: pa.float64(), bool: pa.bool_()}
    schema = pa.schema([(name, arrow[kind]) for name, kind in zip(_header(columns, cohort), kinds, strict=True)])
    rows = _cells(list(columns), told)
    with parquet.ParquetWriter(path, schema) as writer:
        while chunk := list(islice(rows, _CHUNK)):
            across = [
                [None if cell is None else _stored(cell, kind) for cell in column]
                for column, kind in zip(zip(*chunk, strict=True), kinds, strict=True)
            ]
            writer.write_table(pa.table(across, schema=schema))


def _kind(types: set[type]) -> type:
    told = types - {type(None)}
    if told == {bool}:
        return bool
    return float if told and told <= {int, float} else str


def _stored(cell: object, kind: Any) -> object:  # noqa: ANN401 - a type that is called
    stored = kind(cell)
    # Arrow holds UTF-8 alone; names of files may be other bytes.
    return stored.encode("utf-8", "replace").decode() if isinstance(stored, str) else stored
