"""What was found on each photograph, as CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path

from cofenet.io import write_atomically


@dataclass
class Table:
    """Rows of one file, a photograph each; without a path it is not written."""

    path: Path | None
    rows: list[dict[str, object]] = field(default_factory=list)

    def add(self, source: Path, found: dict[str, object]) -> None:
        """Add a photograph; all rows have the same columns."""
        self.rows.append({"photograph": source} | found)

    def write(self) -> None:
        """Write it, if it was asked for and has rows."""
        if self.path is None or not self.rows:
            return
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, self.rows[0])
        writer.writeheader()
        writer.writerows(self.rows)
        write_atomically(self.path, text.getvalue().encode("utf-8", "surrogateescape"))
