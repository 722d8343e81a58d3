"""Manifests of test photographs as `cofenet evaluate` reads them, from manifest.csv: split "test".

    python benchmarks/manifests.py --data ../shared/data --out runs/evaluation

labelled.csv: those whose vessels, disc or lesions people drew; cameras.csv: good ones of sets other than EyePACS's and
the largest, which most of what networks learned from comes from.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable
from pathlib import Path

DRAWN = ("vessels", "disc", "lesions")
"""Tasks; each is a column, too."""

CAMERAS = ("disc_hemo", "heimed", "hrf")

Row = dict[str, str]


def main() -> None:
    """Write both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    data = options.data.resolve()
    with (data / "manifest.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "test"]
    _write(options.out / "labelled.csv", _labelled(rows, data))
    _write(
        options.out / "cameras.csv",
        [_known(row, data) for row in rows if row["task"] == "clean" and row["source"] in CAMERAS],
    )


def _labelled(rows: Iterable[Row], data: Path) -> list[Row]:
    """A photograph of several tasks has one row."""
    found: dict[str, Row] = {}
    for row in rows:
        if row["task"] in DRAWN:
            found.setdefault(row["path"], _known(row, data))[row["task"]] = str(data / row["label"])
    return list(found.values())


def _known(row: Row, data: Path) -> Row:
    return {"path": str(data / row["path"]), "source": row["source"], "patient": row["patient"]}


def _write(path: Path, rows: list[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["path", "source", "patient", *DRAWN], restval="")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
