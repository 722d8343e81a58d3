"""Assess one file: a photograph in, grade and scores out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from cofenet.batch.outcome import Outcome, Pictures, Rows, clock
from cofenet.io import read_photograph
from cofenet.tasks.quality import Assessment
from cofenet.tasks.quality import assess as assess_array


@dataclass(frozen=True)
class Assess:
    """Assess photographs.

    Attributes:
        sheet: shown each of them, the worst first.
        table: given their grades and scores.
        model: name or path of the network that grades.
        grades: how many had which.
    """

    sheet: Pictures | None = None
    table: Rows | None = None
    model: str = "quality"
    grades: Counter[str] = field(default_factory=Counter)

    def __call__(self, source: Path, _: Path) -> Iterator[Outcome]:
        """Assess one file."""
        seconds = clock()
        pixels = read_photograph(source).pixels
        read = next(seconds)
        found = assess_array(pixels, model=self.model)
        took = {"read": read, "assess": next(seconds)}
        numbers: dict[str, object] = dict(chain(found.probabilities.items(), found.factors.items()))
        if self.table:
            self.table.add(source, {"grade": found.grade, "score": found.score} | numbers)
        if self.sheet:
            self.sheet.add(f"{found.grade} {found.score:.2f} {source.name}", pixels, order=found.score)
        facts: dict[str, object] = {
            "grade": found.grade, "score": found.score, "probabilities": found.probabilities, "factors": found.factors,
            "fov_confidence": found.fov.confidence,
        }  # fmt: skip
        self.grades[found.grade] += 1
        yield Outcome(source, "assessed", seconds=took, notes=tuple(_words(found)), results=facts, verdict=found.grade)


def _words(found: Assessment) -> Iterator[str]:
    yield f"probability {found.probabilities[found.grade]:.2f}"
    yield ", ".join(f"{name.replace('_', ' ')} {value:.2f}" for name, value in found.factors.items())
