"""Publish what `cofenet evaluate` measured: docs/results/NAME.json, and the tables of docs/evaluation.md.

    python benchmarks/evaluation.py --demo runs/evaluation/demo --evaluation runs/evaluation/test …

What stands there is made by `cofenet evaluate`; the Makefile has the commands.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

from cofenet.evaluation.measures import MEASURES
from cofenet.evaluation.tables import by_rank, markdown
from readme import publish

DOCS = Path(__file__).parents[1] / "docs"
OURS = "light"
SHOWN = {
    "demo": ("111", "000"),
    "evaluation": ("111",),
    "downstream": ("111", "000"),
    "grades": ("111",),
    "robustness": (),
    "unseen": (),
    "real": ("real",),
}
"""Conditions whose tables are in the text; the others are in the JSON; where there are none, all are in one table."""


def main() -> None:
    """Store and publish what is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in SHOWN:
        parser.add_argument(f"--{name}", type=Path, help=f"the folder of the run whose tables are marked {name}")
    options = parser.parse_args()
    for name in SHOWN:
        folder = getattr(options, name)
        if folder is not None:
            content = stored(folder)
            if name != "demo":  # its pictures are timed alone; other runs may have shared the machine
                content["cost"] = {}
            (DOCS / "results" / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")
            publish(name, table(content, name), DOCS / "evaluation.md")


def stored(folder: Path) -> dict:  # type: ignore[type-arg]
    """The figures of a run, and on which share of the photographs each method is nearer to the truth than ours."""
    content = json.loads((folder / "results.json").read_text("utf-8"))
    with (folder / "rows.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    content["beats"] = {condition: _beats(rows, condition) for condition in content["conditions"]}
    return content


def _beats(rows: list[dict[str, str]], condition: str) -> dict[str, dict[str, float]]:
    of: dict[str, dict[str, dict[str, str]]] = {}
    for row in rows:
        if row["condition"] == condition:
            of.setdefault(row["method"], {})[row["photograph"]] = row
    ours = of.pop(OURS, {})
    return {
        method: {name: _share(theirs, ours, name) for name in MEASURES if name in rows[0]}
        for method, theirs in of.items()
    }


def _share(theirs: dict[str, dict[str, str]], ours: dict[str, dict[str, str]], measure: str) -> float:
    wins = [
        _goodness(measure, float(theirs[name][measure])) > _goodness(measure, float(row[measure]))
        for name, row in ours.items()
        if name in theirs and theirs[name][measure] and row[measure]
    ]
    return sum(wins) / len(wins) if wins else 0.0


def table(content: dict, name: str) -> str:  # type: ignore[type-arg]
    """The tables, and who beats ours where, as Markdown."""
    shown = {condition: content["conditions"][condition] for condition in SHOWN[name]}
    patients = f" of {content['patients']} patients" if content["patients"] < content["photographs"] else ""
    if not shown:
        return f"{content['photographs']} photographs{patients}; {_grid(content)}"
    parts = [f"{content['photographs']} photographs{patients}.", markdown(content | {"conditions": shown})]
    parts += [_told(content, condition) for condition in content["conditions"] if condition != "000"]
    return "\n\n".join(parts)


def _grid(content: dict) -> str:  # type: ignore[type-arg]
    """The ordering measure of every condition and method, and of the first condition by camera; the best is bold."""
    primary, methods = content["primary"], list(content["methods"])
    parts = {
        condition: {method: figures[method]["figures"].get(primary) for method in methods}
        for condition, figures in content["conditions"].items()
    }
    first = next(iter(parts))
    parts |= {f"{first}, {source}": of for source, of in content["sources"].items()}
    lines = [
        f"{MEASURES[primary].title}.",
        "",
        f"| condition | {' | '.join(methods)} |",
        "|---" * (len(methods) + 1) + "|",
    ]
    for name, of in parts.items():
        means = {method: of[method]["mean"] for method in methods if of.get(method)}
        best = max(means.values())
        cells = [f"{means[method]:.2f}" if method in means else "–" for method in methods]
        cells = [f"**{cell}**" if cell == f"{best:.2f}" else cell for cell in cells]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _told(content: dict, condition: str) -> str:  # type: ignore[type-arg]
    """Where another method beats ours: by its mean, and by how many photographs."""
    figures = content["conditions"][condition]
    better = [
        f"{method} in {MEASURES[name].title}"
        for method in by_rank(content, condition)
        for name, ours in figures[OURS]["figures"].items()
        if method != OURS
        and name in figures[method]["figures"]
        and _above(name, figures[method]["figures"][name], ours)
    ]
    shares = {method: of for method, of in content["beats"][condition].items() if any(of.values())}
    each = "; ".join(
        f"{method} on " + ", ".join(f"{share:.0%} by {MEASURES[name].title}" for name, share in of.items() if share)
        for method, of in shares.items()
    )
    means = f"{condition}, means better than that of {OURS}: {', '.join(better) or 'none'}."
    if condition == "real":
        return means
    return f"{means} Single photographs on which a method is nearer to the truth than {OURS}: {each or 'none'}."


def _above(name: str, theirs: dict[str, float], ours: dict[str, float]) -> bool:
    return _goodness(name, theirs["mean"]) > _goodness(name, ours["mean"])


def _goodness(measure: str, value: float) -> float:
    """A number that is the higher, the better the figure."""
    return {"more": value, "less": -value, "one": -abs(value - 1)}[MEASURES[measure].better]


if __name__ == "__main__":
    main()
