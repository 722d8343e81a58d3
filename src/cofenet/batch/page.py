"""The page of a run: one HTML file with all in it, to be opened anywhere."""

from __future__ import annotations

import base64
import heapq
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import cv2

from cofenet import __version__
from cofenet.batch.job import Job
from cofenet.batch.records import Record
from cofenet.batch.storage import Storage, is_local, local_path
from cofenet.errors import CofenetError
from cofenet.geometry import resize
from cofenet.io import eight_bits, read_photograph
from cofenet.tasks.quality import FACTORS, GRADES

_BINS = 20
_WORST = 24
"""Photographs shown, the worst first."""
_SIDE = 200
"""Pixels along the longer side of one shown."""
_FAILURES = 500
"""Failures listed one by one; all are in the table."""
_KEPT_REASONS = 1000

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2em auto; padding: 0 1em; color: #222; }
table { border-collapse: collapse; margin: .5em 0 1.5em; }
th, td { text-align: left; padding: .2em 1em .2em 0; border-bottom: 1px solid #ddd; vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
figure { display: inline-block; margin: 0 1em 1em 0; vertical-align: top; }
figcaption { font-size: 13px; max-width: 410px; overflow-wrap: anywhere; }
.before { fill: #b9b9b9; } .after { fill: none; stroke: #1565c0; stroke-width: 1.5; }
.wrong { overflow-wrap: anywhere; }
"""

_Worst = tuple[float, int, Record]


@dataclass
class Page:
    """Gathers what the page shows; keeps few photographs, however many are added."""

    job: Job
    counts: Counter[str] = field(default_factory=Counter)
    _grades: list[Counter[str]] = field(default_factory=lambda: [Counter(), Counter()])
    _bins: dict[str, list[Counter[int]]] = field(default_factory=dict)
    _statuses: dict[str, Counter[str]] = field(default_factory=dict)
    _verdicts: Counter[str] = field(default_factory=Counter)
    _reasons: Counter[str] = field(default_factory=Counter)
    _failures: list[Record] = field(default_factory=list)
    _worst: list[_Worst] = field(default_factory=list)

    def add(self, record: Record) -> None:
        """Count a photograph."""
        self.counts[record.status] += 1
        for row in record.rows:
            self._statuses.setdefault(row.step, Counter())[row.status] += 1
        verdict = record.verdict()
        if verdict:
            self._verdicts[str(verdict.get("status"))] += 1
        if record.status == "failed":
            reason = str(record.reason)
            self._reasons[reason if reason in self._reasons or len(self._reasons) < _KEPT_REASONS else "others"] += 1
            if len(self._failures) < _FAILURES:
                self._failures.append(record)
        assessments = record.assessments()
        if assessments:
            self._assessed(assessments[0], 0)
            self._assessed(assessments[-1], 1)
        self._consider(record, assessments, verdict)

    def html(self, storage: Storage, scratch: Path) -> str:
        """The page. Photographs that are shown are read from their sources and from the destination."""
        title = " → ".join(step.name for step in self.job)
        steps = [(step, *pair) for step, found in self._statuses.items() for pair in sorted(found.items())]
        parts = [
            f"<h1>{escape(title)}</h1>",
            _table(("photographs", ""), sorted(self.counts.items())),
            "<h2>Steps</h2>",
            _table(("step", "result", ""), steps),
            *self._quality(),
            *self._judged(),
            *self._failed(),
            *self._shown(storage, scratch),
            f"<p>cofenet {__version__}</p>",
        ]
        head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
        body = "\n".join(parts)
        return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body>\n{body}\n</body></html>\n'

    def _assessed(self, facts: Mapping[str, Any], when: int) -> None:
        self._grades[when][facts["grade"]] += 1
        for name, value in {"score": facts["score"], **facts["factors"]}.items():
            place = min(_BINS - 1, max(0, int(float(value) * _BINS)))
            self._bins.setdefault(name, [Counter(), Counter()])[when][place] += 1

    def _consider(
        self, record: Record, assessments: Sequence[Mapping[str, Any]], verdict: Mapping[str, Any] | None
    ) -> None:
        """Keep it if it is among the worst: by the last score, or else by how much the correction changed."""
        if assessments:
            badness = 1 - float(assessments[-1]["score"])
        elif verdict and "mean_change" in verdict:
            badness = float(verdict["mean_change"])
        else:
            return
        entry = (badness, -sum(self.counts.values()), record)
        if len(self._worst) < _WORST:
            heapq.heappush(self._worst, entry)
        else:
            heapq.heappushpop(self._worst, entry)

    def _quality(self) -> list[str]:
        if not self._bins:
            return []
        rows = [(grade, self._grades[0][grade], self._grades[1][grade]) for grade in GRADES]
        names = ("score", *FACTORS)
        return [
            "<h2>Quality</h2><p>Grey before, blue after: the first and the last assessment.</p>",
            _table(("grade", "before", "after"), rows),
            *(_histogram(name, *self._bins[name]) for name in names if name in self._bins),
        ]

    def _judged(self) -> list[str]:
        if not self._verdicts:
            return []
        return ["<h2>Verdicts on corrections</h2>", _table(("verdict", "photographs"), sorted(self._verdicts.items()))]

    def _failed(self) -> list[str]:
        if not self._reasons:
            return []
        each = [(record.photograph.id, str(record.reason)) for record in self._failures]
        told = f"<p>The first {_FAILURES}; all are in the table.</p>" if len(each) < self.counts["failed"] else ""
        return [
            "<h2>Failures</h2>",
            _table(("reason", "photographs"), self._reasons.most_common()),
            told,
            _table(("photograph", "reason"), each),
        ]

    def _shown(self, storage: Storage, scratch: Path) -> list[str]:
        figures = []
        for _, _, record in sorted(self._worst, key=lambda entry: entry[:2], reverse=True):
            before = _thumbnail(_source(record, scratch))
            name = record.corrected()
            after = _thumbnail(_result(storage, name, scratch)) if name else ""
            told = [record.photograph.id, *(f"{one['grade']} {one['score']:.2f}" for one in record.assessments())]
            verdict = record.verdict()
            if verdict:
                told.append(str(verdict.get("status")))
            figures.append(f"<figure>{before}{after}<figcaption>{escape(', '.join(told))}</figcaption></figure>")
        return ["<h2>The worst</h2><p>Before, and after where there was a correction.</p>", *figures] if figures else []


def _table(heading: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    def cell(value: object) -> str:
        number = ' class="number"' if isinstance(value, int) else ' class="wrong"'
        return f"<td{number}>{escape(str(value))}</td>"

    head = "".join(f"<th>{escape(name)}</th>" for name in heading)
    body = "\n".join(f"<tr>{''.join(map(cell, row))}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>\n{body}</table>"


def _histogram(name: str, before: Counter[int], after: Counter[int]) -> str:
    """Shares of the photographs from 0, left, to 1, right."""
    width, height = 300, 90
    top = max(1, *before.values(), *after.values())
    across = width / _BINS
    bars = "".join(
        f'<rect class="before" x="{place * across:.1f}" y="{height - height * count / top:.1f}" '
        f'width="{across - 1:.1f}" height="{height * count / top:.1f}"/>'
        for place, count in sorted(before.items())
    )
    corners = [(x, after[place]) for place in range(_BINS) for x in (place, place + 1)]
    line = " ".join(f"{x * across:.1f},{height - height * count / top:.1f}" for x, count in corners)
    return (
        f'<figure><svg width="{width}" height="{height + 4}" viewBox="0 -2 {width} {height + 4}">{bars}'
        f'<polyline class="after" points="{line}"/></svg><figcaption>{escape(name.replace("_", " "))}, 0 to 1'
        "</figcaption></figure>"
    )


def _source(record: Record, scratch: Path) -> Path | None:
    one = record.photograph
    if is_local(one.url):
        return local_path(one.url)
    from cofenet.batch.bucket import download  # noqa: PLC0415 - folders need no fsspec

    try:
        return download(one.url, scratch / "before" / one.name)
    except CofenetError:  # the page says so
        return None


def _result(storage: Storage, name: str, scratch: Path) -> Path | None:
    try:
        return storage.fetch(name, scratch / "after")
    except CofenetError:  # as above
        return None


def _thumbnail(path: Path | None) -> str:
    try:
        if path is None:
            return "<em>cannot be had</em>"
        pixels = read_photograph(path).pixels
    except CofenetError as error:
        return f"<em>{escape(getattr(error, 'reason', str(error)))}</em>"
    scale = _SIDE / max(pixels.shape[:2])
    small = resize(pixels, (max(1, round(pixels.shape[0] * scale)), max(1, round(pixels.shape[1] * scale))))
    _, coded = cv2.imencode(".jpg", eight_bits(small)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])
    return f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(coded.tobytes()).decode()}">'
