"""What was found on each photograph, as CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path

from cofenet.cli.report import Report, put


@dataclass
class Table:
    """Rows of one file, a photograph each; without a path it is not written.

    Attributes:
        path: of the CSV; "-" for stdout.
        summary: knows the photographs that failed: they have rows, too, with nothing but the reason.
    """

    path: Path | None
    summary: Report
    rows: list[dict[str, object]] = field(default_factory=list)

    def add(self, source: Path, found: dict[str, object]) -> None:
        """Add a photograph; all rows have the same columns."""
        self.rows.append({"photograph": source} | found)

    def write(self) -> None:
        """Write it, if it was asked for."""
        if self.path is None:
            return
        failed = [one for one in self.summary.outcomes if one.status == "failed"]
        columns = [*(self.rows[0] if self.rows else ["photograph"]), "failure"]
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, columns, restval="")
        writer.writeheader()
        writer.writerows(self.rows)
        writer.writerows({"photograph": one.source, "failure": one.reason} for one in failed)
        put(self.path, text.getvalue().encode("utf-8", "surrogateescape"))
