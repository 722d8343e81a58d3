"""To choose the limits of the verdict: how what each rule measures is distributed, honest and harmed.

    python benchmarks/safety.py --data ../shared/data --split val --out val.json
    python benchmarks/safety.py --data ../shared/data --split train --each 14 --out train.json
    python benchmarks/limits.py val.csv train.csv

Reads the cases that benchmarks/safety.py stores and measures nothing anew. For each rule and kind of case: quantiles,
and the shares that pass the present limits; then, by all rules, how many of each kind get which status, and how many
only one rule keeps from being called safe. Change src/cofenet/tasks/thresholds.toml and run it again.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from pathlib import Path

import numpy as np

from cofenet.evaluation.safety import Case, worse
from cofenet.tasks.safety import Limits, decide, limits
from safety_figures import MARGINS, case_of

QUANTILES = {"low": 0.0, "5 %": 0.05, "half": 0.5, "90 %": 0.9, "95 %": 0.95, "98 %": 0.98, "high": 1.0}
HEADS = ["case", "count", *QUANTILES, "caution", "harm"]


def main() -> None:
    """Print the distributions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path, nargs="+", metavar="CSV")
    found = [case for path in parser.parse_args().cases for case in _read(path)]
    groups: dict[str, list[Case]] = {}
    for case in found:
        groups.setdefault(case.harm, []).append(case)
        if case.harm == "honest" and not worse(case, MARGINS):
            groups.setdefault("honest, not worse", []).append(case)
    for rule, limit in limits().items():
        print(f"\n{rule}: caution {limit.caution:g}, harm {limit.harm:g}")
        rows = [_row(harm, [case.findings.get(rule, 0.0) for case in group], limit) for harm, group in groups.items()]
        _print([HEADS, *rows])
    print("\nall rules")
    _print([["case", "count", "safe", "caution", "unchanged", "by one rule alone"], *map(_decided, groups.items())])


def _read(path: Path) -> list[Case]:
    with path.open(newline="") as file:
        return [case_of(row) for row in csv.DictReader(file)]


def _row(harm: str, values: list[float], limit: Limits) -> list[str]:
    cells = [f"{value:.3f}" for value in np.quantile(values, list(QUANTILES.values()))]
    shares = [f"{np.mean(np.array(values) >= bound):.1%}" for bound in (limit.caution, limit.harm)]
    return [harm, str(len(values)), *cells, *shares]


def _decided(group: tuple[str, list[Case]]) -> list[str]:
    harm, members = group
    statuses = Counter(decide(case.findings)[0] for case in members)
    shares = [f"{statuses[status] / len(members):.1%}" for status in ("safe", "caution", "unchanged")]
    alone = Counter(over[0] for case in members if len(over := _over(case)) == 1)
    return [harm, str(len(members)), *shares, ", ".join(f"{rule} {count}" for rule, count in alone.most_common())]


def _over(case: Case) -> list[str]:
    return [rule for rule, value in case.findings.items() if not value < limits()[rule].caution]


def _print(rows: list[list[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *others in rows:
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        print("  ".join([first.ljust(widths[0]), *cells]).rstrip())


if __name__ == "__main__":
    main()
