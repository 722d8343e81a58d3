"""The manifest of the test photographs whose vessels, disc or lesions people drew, as `cofenet evaluate` reads it.

    python benchmarks/labelled.py --data ../shared/data --out runs/evaluation/labelled.csv
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

COLUMNS = {"vessels": "vessels", "disc": "disc", "lesions": "lesions"}
"""Of each task, the column in which its masks are named."""


def main() -> None:
    """Write a row a photograph."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    data = options.data.resolve()
    found: dict[str, dict[str, str]] = {}
    with (data / "manifest.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if row["task"] in COLUMNS and row["split"] == "test":
                photograph = str(data / row["path"])
                of = {"path": photograph, "source": row["source"], "patient": row["patient"]}
                found.setdefault(photograph, of)[COLUMNS[row["task"]]] = str(data / row["label"])
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with options.out.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["path", "source", "patient", *COLUMNS.values()])
        writer.writeheader()
        writer.writerows(found.values())


if __name__ == "__main__":
    main()
