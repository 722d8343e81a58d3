"""Where a network comes from, as its card tells it: what it learned from, under which terms, by which recipes."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path

from cofenet.engine.card import Card, Data
from cofenet.errors import UsageError
from cofenet.training import own
from cofenet.training.run import Run

TERMS = Path("recipes/terms.toml")
"""The terms of the photographs that the shipped networks learned from, in a checkout."""

Training = dict[str, str | int | float]

_FIGURES = ("psnr", "dice", "accuracy", "severity")
"""Beginnings of the names of figures of a validation."""


def history_of(runs: Sequence[Run]) -> Training:
    """Recipes, steps done, what it began with and, of a single run, the figures of the last validation."""
    history: Training = {
        "recipe": ", ".join(run.recipe().name for run in runs), "steps": sum(run.load()["step"] for run in runs),
    }  # fmt: skip
    if begun := [f"{card.name} {card.sha256[:12]}" for run in runs if (card := run.begun())]:
        history["begun_with"] = ", ".join(begun)
    for row in runs[0].rows()[-1:] if len(runs) == 1 else []:
        history |= {name: float(value) for name, value in row.items() if name.startswith(_FIGURES)}
    return history


def data_of(runs: Sequence[Run], cards: Sequence[Card], terms: Path | None) -> tuple[Data, ...]:
    """Every source of photographs of runs and models, also of models that a run began with.

    One that several learned from counts as in that which saw most of it. The terms that a model's card tells stay.

    Args:
        runs: what was trained.
        cards: of models whose parts were taken.
        terms: a TOML file with the terms of each source; `TERMS` if it is not given and one is needed.

    Raises:
        UsageError: the terms of a source are not known.
        ModelError: the card of a model that a run began with is damaged.
    """
    before = [part for card in [*cards, *(run.begun() for run in runs)] if card for part in card.data]
    seen = [of for run in runs for of in run.sources().items()]
    counts: dict[str, int] = {}
    for source, count in [*((part.source, part.photographs) for part in before), *seen]:
        counts[source] = max(count, counts.get(source, 0))
    known = {own.SOURCE: own.TERMS} | {part.source: part.terms for part in before}
    if terms is not None or not counts.keys() <= known.keys():
        known = _read(terms or TERMS) | known
    unknown = [source for source in counts if source not in known]
    if unknown:
        raise UsageError(f"{terms or TERMS}: no terms for {', '.join(unknown)}")
    return tuple(Data(source=source, photographs=counts[source], terms=known[source]) for source in sorted(counts))


def _read(path: Path) -> dict[str, str]:
    try:
        return {str(source): str(terms) for source, terms in tomllib.loads(path.read_text("utf-8")).items()}
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: {error}") from error
