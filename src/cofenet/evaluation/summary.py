"""From rows to figures: means with intervals, shares worse than the input, paired tests, and who wins by looks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

from cofenet.evaluation.cost import Cost
from cofenet.evaluation.measures import MEASURES
from cofenet.evaluation.methods import identities
from cofenet.evaluation.runner import Record, Row, Setup
from cofenet.metrics.significance import bootstrap, grouped, holm, signed_rank

Summary = dict[str, Any]
"""Plain dicts, as in results.json."""

LEVEL = 0.05
"""Chance below which a difference is called one."""

FEWEST = 6
"""Patients of which the signed-rank test, two-sided, can say less than `LEVEL`: 2 / 2**5 is more."""

LOST = 0.05
"""By how much the structure measure must be below that of the input for a method to be marked."""


@dataclass(frozen=True)
class Rows:
    """All rows, and how to find some."""

    all: Sequence[Row]

    def names(self, column: str) -> list[str]:
        """What stands in a column, in order of appearance."""
        return list(dict.fromkeys(str(row[column]) for row in self.all))

    def of(self, **wanted: str) -> list[Row]:
        """Those with these values."""
        return [row for row in self.all if all(row[name] == value for name, value in wanted.items())]


def summarise(setup: Setup, records: Iterable[Record], costs: Mapping[str, Cost]) -> tuple[Summary, list[Row]]:
    """All figures of a run, and its rows in the order of photographs, conditions and methods."""
    kept = list(records)
    rows = ordered([row for record in kept for row in record.rows], setup)
    table, primary = Rows(rows), setup.protocol.primary
    conditions = table.names("condition")
    of = {condition: Rows(table.of(condition=condition)) for condition in conditions}
    figures = {
        condition: {method: _figures(part, method, primary) for method in setup.methods}
        for condition, part in of.items()
    }
    summary: Summary = {
        "protocol": setup.protocol.name, "about": setup.protocol.about, "primary": primary,
        "settings": setup.settings(), "methods": identities(setup.methods),
        "photographs": len(table.names("photograph")), "patients": len(table.names("patient")),
        "scenes": {name: {key: of[name].all[0][key] for key in ("family", "level")} for name in conditions},
        "conditions": figures,
        "tests": {condition: _tests(part, primary) for condition, part in of.items()},
        "sources": _sources(of[conditions[0]], primary) if conditions else {},
        "cost": {method: asdict(cost) for method, cost in costs.items()},
        "marked": _marked(of, setup),
        "failures": [failure for record in kept for failure in record.failures],
    }  # fmt: skip
    return summary, rows


def ordered(rows: list[Row], setup: Setup) -> list[Row]:
    """As the methods were asked for, whenever they were measured."""
    conditions = {name: place for place, name in enumerate(dict.fromkeys(row["condition"] for row in rows))}
    photographs = {name: place for place, name in enumerate(dict.fromkeys(row["photograph"] for row in rows))}
    methods = {name: place for place, name in enumerate(setup.methods)}
    return sorted(
        rows, key=lambda row: (photographs[row["photograph"]], conditions[row["condition"]], methods[row["method"]])
    )


def _figures(rows: Rows, method: str, primary: str) -> dict[str, Any]:
    ours = rows.of(method=method)
    figures: dict[str, Any] = {}
    for name in MEASURES:
        values = [(row[name], row["patient"]) for row in ours if name in row]
        if values:
            figures[name] = asdict(bootstrap(*zip(*values, strict=True)))
    differences = _differences(rows, method, "input", primary)[0]
    worse = [difference < 0 for difference in differences]
    return {"figures": figures, "worse": sum(worse) / len(worse) if worse else None}


def _differences(rows: Rows, one: str, other: str, measure: str) -> tuple[list[float], list[str]]:
    """By how much `one` is better than `other` on each photograph that has both, and whose it is."""
    sign = -1.0 if MEASURES[measure].better == "less" else 1.0
    theirs = {row["photograph"]: row[measure] for row in rows.of(method=other) if measure in row}
    ours = [row for row in rows.of(method=one) if measure in row and row["photograph"] in theirs]
    return [sign * (row[measure] - theirs[row["photograph"]]) for row in ours], [row["patient"] for row in ours]


def _tests(rows: Rows, primary: str) -> list[dict[str, Any]]:
    """Every pair of methods: mean difference, positive where the first is better, and p after Holm."""
    found: list[dict[str, Any]] = []
    for one, other in combinations(rows.names("method"), 2):
        differences, patients = _differences(rows, one, other, primary)
        if differences:
            means = grouped(differences, patients)
            found.append(
                {
                    "one": one,
                    "other": other,
                    "difference": float(means.mean()),
                    "p": signed_rank(means),
                    "pairs": len(means),
                }
            )
    for pair, p in zip(found, holm([pair["p"] for pair in found]), strict=True):
        pair["p"] = p
    return found


def _sources(rows: Rows, primary: str) -> dict[str, Any]:
    """The primary measure by camera or data set, of the first condition."""
    if rows.names("source") in ([], [""]):
        return {}
    parts = {source: Rows(rows.of(source=source)) for source in rows.names("source")}
    return {
        source: {method: _figures(part, method, primary)["figures"].get(primary) for method in part.names("method")}
        for source, part in parts.items()
    }


def _marked(conditions: Mapping[str, Rows], setup: Setup) -> dict[str, str]:
    """Methods that win any score that looks at the result alone, be it by chance, and have lost structure beyond it."""
    structure = setup.protocol.structure
    found: dict[str, str] = {}
    for condition, rows in conditions.items() if structure else ():
        for method in rows.names("method"):
            kept = _gain(rows, method, structure)
            gains = {name: _gain(rows, method, name).mean for name, measure in MEASURES.items() if measure.alone}
            won = [f"{MEASURES[name].title} {gain:+.3f}" for name, gain in gains.items() if gain > 0]
            if won and kept.mean < -LOST and kept.chance < LEVEL:
                told = f"{condition}: {', '.join(won)}, but {MEASURES[structure].title} {kept.mean:+.3f}"
                found[method] = f"{found[method]}; {told}" if method in found else told
    return found


@dataclass(frozen=True)
class _Gain:
    mean: float
    chance: float


def _gain(rows: Rows, method: str, measure: str) -> _Gain:
    """Over the input, by patient."""
    differences, patients = _differences(rows, method, "input", measure)
    if not differences:
        return _Gain(0.0, 1.0)
    means = grouped(differences, patients)
    return _Gain(float(means.mean()), signed_rank(means))
