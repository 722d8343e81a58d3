"""The comparison of docs/reference.md: cofe-Net, what its modules give, and `light`, all trained at one budget.

    python benchmarks/comparison.py --runs runs/comparison --publish

`make comparison` trains the rows (recipes/comparison), evaluates them and calls this. The folder has the run folders of
all rows, the model `light.onnx` of the three parts, and what `cofenet evaluate` made of them: `restoration` and
`downstream`. Parameters and floating-point operations are of one photograph at the working size; time is of `correct`
with a photograph of 512 x 512 pixels.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from cofenet.engine.card import load_card
from cofenet.evaluation.plots import Point, colour_of, curves
from cofenet.metrics.significance import bootstrap, grouped, signed_rank
from cofenet.networks.detail import Detail
from cofenet.networks.field import INPUT, IlluminationField
from cofenet.networks.light import Light
from cofenet.networks.reference import Reference, Residual
from cofenet.networks.sharpening import Sharpening
from cofenet.tasks.correction import correct
from cofenet.training.run import Run
from readme import publish
from timing import milliseconds, small_photograph

DOCS = Path(__file__).parents[1] / "docs"
REFERENCE = "reference"
ROWS = {
    "reference": "cofe-Net",
    "reference-full": "at full width",
    "without-lqa": "without LQA",
    "without-rsa": "without RSA",
    "single-scale": "at one scale",
    "light-at-budget": "`light`",
}
"""Name of the row, as a method of `cofenet evaluate`, and what it is called in the text."""

OTHERS = {"input": "input", "background-subtraction": "background subtraction"}
PARTS = ("light-field", "light-detail", "light-sharpening")
MEASURES = {"restoration": ("psnr", "ssim"), "downstream": ("vessel_dice", "disc_dice")}
TITLES = {"psnr": "PSNR dB", "ssim": "SSIM", "vessel_dice": "vessel Dice", "disc_dice": "disc Dice"}
DIGITS = {"psnr": 2}
KIND = "111"
RUNS = 13


def main() -> None:
    """Store and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=DOCS / "results" / "comparison.json")
    parser.add_argument("--publish", action="store_true", help="put the figures into docs/reference.md")
    options = parser.parse_args()
    evaluated = {name: _evaluated(options.runs / name) for name in MEASURES}
    content = {
        "photographs": {measure: _count(evaluated, measure) for measure in TITLES},
        "models": {method: load_card(str(_model(options.runs, method))).sha256 for method in ROWS},
        "figures": {method: _figures(evaluated, method) for method in ROWS | OTHERS},
        "over reference": {method: _differences(evaluated, method) for method in ROWS if method != REFERENCE},
        "cost": {method: _cost(options.runs, method) for method in ROWS},
        "validation": {name: _validation(options.runs / name) for name in (*ROWS, *PARTS) if name in _trained(options)},
    }
    options.out.write_text(json.dumps(content, indent=1) + "\n")
    print(table(content), differences(content), sep="\n\n")
    if options.publish:
        publish("comparison", table(content), DOCS / "reference.md")
        publish("differences", differences(content), DOCS / "reference.md")
        (DOCS / "images" / "comparison-learning.svg").write_text(learning(content) + "\n")


def _trained(options: argparse.Namespace) -> set[str]:
    return {path.parent.name for path in options.runs.glob("*/log.csv")}


def _evaluated(folder: Path) -> tuple[dict, list[dict[str, str]]]:  # type: ignore[type-arg]
    """What `cofenet evaluate` made: all figures, and the row of each picture of the kind compared."""
    with (folder / "rows.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["condition"] == KIND]
    return json.loads((folder / "results.json").read_text("utf-8")), rows


def _figures(evaluated: Mapping[str, tuple], method: str) -> dict[str, dict[str, float]]:  # type: ignore[type-arg]
    return {
        measure: evaluated[protocol][0]["conditions"][KIND][method]["figures"][measure]
        for protocol, measures in MEASURES.items()
        for measure in measures
    }


def _count(evaluated: Mapping[str, tuple], measure: str) -> int:  # type: ignore[type-arg]
    """The photographs that have a figure of one measure."""
    rows = [row for _, found in evaluated.values() for row in found]
    return sum(row["method"] == "input" and bool(row.get(measure)) for row in rows)


def _differences(evaluated: Mapping[str, tuple], method: str) -> dict[str, dict[str, float]]:  # type: ignore[type-arg]
    """By how much a row is above the reference on the same photographs, with the signed-rank test over patients."""
    found = {}
    for protocol, measures in MEASURES.items():
        for measure in measures:
            values: dict[str, dict[str, float]] = {}
            patients = {}
            for row in evaluated[protocol][1]:
                if row[measure] and row["method"] in (method, REFERENCE):
                    values.setdefault(row["photograph"], {})[row["method"]] = float(row[measure])
                    patients[row["photograph"]] = row["patient"]
            both = {name: of[method] - of[REFERENCE] for name, of in values.items() if len(of) == 2}
            groups = [patients[name] for name in both]
            p = signed_rank(grouped(list(both.values()), groups))
            found[measure] = asdict(bootstrap(list(both.values()), groups)) | {"p": p}
    return found


def _cost(runs: Path, method: str) -> dict[str, float]:
    """Parameters, 10^9 floating-point operations at the working size, and milliseconds of `correct`."""
    model = _model(runs, method)
    size = load_card(str(model)).working_size
    network = _network(runs, method).eval()
    local = torch.zeros(1, 4, size, size)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, 4, INPUT, INPUT), local)
    return {
        "parameters": load_card(str(model)).parameters,
        "working_size": size,
        "gflops": counter.get_total_flops() / 1e9,
        "512x512_ms": milliseconds(partial(correct, small_photograph(), model=str(model), judged=False), RUNS),
    }


def _model(runs: Path, method: str) -> Path:
    return runs / "light.onnx" if method == "light-at-budget" else Run(runs / method).model


def _network(runs: Path, method: str) -> nn.Module:
    if method != "light-at-budget":
        network = Run(runs / method).averaged()
        assert isinstance(network, Reference)
        return Residual(network)
    field, detail, sharpening = (Run(runs / part).averaged() for part in PARTS)
    assert isinstance(field, IlluminationField)
    assert isinstance(detail, Detail)
    assert isinstance(sharpening, Sharpening)
    return Light(field, detail, sharpening)


def _validation(folder: Path) -> list[dict[str, float]]:
    """PSNR over the photographs seen; of a part of `light`, against what that part is to give."""
    run = Run(folder)
    with run.log.open(newline="") as file:
        return [
            {"photographs": int(row["step"]) * run.recipe().batch, "psnr": float(row["psnr"])}
            for row in csv.DictReader(file)
        ]


def table(content: dict) -> str:  # type: ignore[type-arg]
    """All rows as Markdown."""
    titles = [f"{title} of {content['photographs'][measure]}" for measure, title in TITLES.items()]
    lines = [
        f"| | {' | '.join(titles)} | parameters | GFLOP | ms |",
        "|---" * (len(TITLES) + 4) + "|",
    ]
    for method, name in (ROWS | OTHERS).items():
        cells = [_interval(content["figures"][method][measure], DIGITS.get(measure, 3)) for measure in TITLES]
        cost = content["cost"].get(method)
        cells += (
            [f"{cost['parameters'] / 1e6:.2f} M", f"{cost['gflops']:.2f}", f"{cost['512x512_ms']:.0f}"]
            if cost
            else ["", "", ""]
        )
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _interval(of: Mapping[str, float], digits: int) -> str:
    return f"{of['mean']:.{digits}f} ({of['low']:.{digits}f} to {of['high']:.{digits}f})"


def differences(content: dict) -> str:  # type: ignore[type-arg]
    """What each row has over the reference, as Markdown."""
    lines = [f"| over cofe-Net | {' | '.join(TITLES.values())} |", "|---" * (len(TITLES) + 1) + "|"]
    for method, of in content["over reference"].items():
        cells = [_signed(of[measure], DIGITS.get(measure, 3)) for measure in TITLES]
        lines.append(f"| {ROWS[method]} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _signed(of: Mapping[str, float], digits: int) -> str:
    p = "p < 0.001" if of["p"] < 0.001 else f"p = {of['p']:.3f}"
    return f"{of['mean']:+.{digits}f} ({of['low']:+.{digits}f} to {of['high']:+.{digits}f}), {p}"


def learning(content: dict) -> str:  # type: ignore[type-arg]
    """The learning curves of the rows of the reference as SVG."""
    lines = {
        ROWS[name]: [Point(row["psnr"], row["psnr"], row["psnr"], row["photographs"] // 1000) for row in rows]
        for name, rows in content["validation"].items()
        if name in ROWS
    }
    return curves(lines, colour_of(["input", *lines]), "PSNR dB, 64 photographs of val", "thousands of examples seen")


if __name__ == "__main__":
    main()
