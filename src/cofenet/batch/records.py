"""What is told of each photograph at the end: read from the ledger, in the order of the cohort, one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cofenet.batch.job import Job
from cofenet.batch.ledger import Ledger, Row
from cofenet.batch.sources import Cohort, Photograph

_UNTABLED = {"provenance"}
"""Facts that stand in the JSON report and in the results themselves, and would swell the table."""


@dataclass(frozen=True)
class Record:
    """A photograph and the rows of its steps, in order; fewer of them where one failed, or the run was stopped."""

    photograph: Photograph
    rows: tuple[Row, ...]
    steps: int

    @property
    def status(self) -> str:
        """How it ended: "failed", "done", or "missing" where the run has not come so far."""
        if self.rows and self.rows[-1].status == "failed":
            return "failed"
        return "done" if len(self.rows) == self.steps else "missing"

    @property
    def reason(self) -> str | None:
        """Why it failed."""
        last = self.rows[-1] if self.status == "failed" else None
        return f"{last.step}: {last.reason}" if last else None

    def assessments(self) -> list[Mapping[str, Any]]:
        """What was found by each assessment."""
        return [row.facts for row in self.rows if "grade" in row.facts]

    def verdict(self) -> Mapping[str, Any] | None:
        """Of the correction; of the first frame where there are several."""
        for row in self.rows:
            told: Any = row.facts
            if "frames" in told:
                told = told["frames"][0]
            if "verdict" in told:
                verdict: Mapping[str, Any] = told["verdict"]
                return verdict
        return None

    def corrected(self) -> str | None:
        """Where the last photograph that was made lies in the destination."""
        made = [row.outputs[0].name for row in self.rows if row.outputs and row.status in ("corrected", "unchanged")]
        return made[-1] if made else None

    def columns(self) -> dict[str, object]:
        """Its row of the table, without what the manifest says of it."""
        cells: dict[str, object] = {"status": self.status, "reason": self.reason}
        for row in self.rows:
            cells[f"{row.step}.status"] = row.status
            if row.outputs:
                cells[f"{row.step}.output"] = row.outputs[0].name
            cells |= _flat(row.step, row.facts)
        return cells

    def to_dict(self, columns: tuple[str, ...]) -> dict[str, object]:
        """Its entry of the JSON report."""
        steps = [
            {"step": row.step, "status": row.status, "reason": row.reason, "input": row.input}
            | {"outputs": [{"name": one.name, "size": one.size, "sha256": one.sha256} for one in row.outputs]}
            | dict(row.facts)
            for row in self.rows
        ]
        one = self.photograph
        extra = dict(zip(columns, one.extra, strict=True))
        told: dict[str, object] = {"id": one.id, "path": one.url, "status": self.status, "reason": self.reason}
        return told | ({"manifest": extra} if extra else {}) | {"steps": steps}


def records(job: Job, cohort: Cohort, ledger: Ledger) -> Iterator[Record]:
    """Every photograph of the cohort, in its order."""
    for one in cohort.photographs:
        found = ledger.rows(one.id)
        rows = []
        for step in job:
            if step.name not in found:
                break
            rows.append(found[step.name])
            if rows[-1].status == "failed":
                break
        yield Record(one, tuple(rows), len(job))


def _flat(prefix: str, facts: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for name, value in facts.items():
        if name in _UNTABLED or value is None:
            continue
        if isinstance(value, Mapping):
            yield from _flat(f"{prefix}.{name}", value)
        elif isinstance(value, (list, tuple)):
            yield f"{prefix}.{name}", "; ".join(map(str, value))
        else:
            yield f"{prefix}.{name}", value
