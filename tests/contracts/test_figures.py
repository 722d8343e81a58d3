"""Published figures are the stored ones, and the stored ones are of the shipped weights."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cofenet.engine.card import load_card, shipped

ROOT = Path(__file__).parents[2]


def told(module: str, name: str, function: str, block: str | None = None, page: str = "README.md") -> tuple[str, str]:
    """What README.md or another page says, and what the benchmark would write from its stored result."""
    code = (
        f"import json, sys; from pathlib import Path; from readme import published; from {module} import {function};"
        f"stored = json.loads(Path('../docs/results/{name}.json').read_text());"
        f"print(json.dumps([published('{block or name}', Path('../{page}')), {function}(stored)]))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "benchmarks", capture_output=True, text=True, check=True
    )
    readme, stored = json.loads(run.stdout)
    return readme, stored


@pytest.mark.parametrize(
    ("module", "name", "function"),
    [
        ("restoration", "restoration", "table"),
        ("segmentation", "segmentation", "table"),
        ("quality", "quality", "table"),
        ("safety_figures", "safety", "table"),
        ("speed", "speed", "sentence"),
    ],
)
def test_the_readme_says_what_was_measured(module: str, name: str, function: str) -> None:
    readme, stored = told(module, name, function)
    assert readme == stored
    assert readme


def test_of_the_verdict_on_large_photographs_is_said_what_was_measured() -> None:
    said, measured = told("safety_figures", "safety-large", "table", page="docs/safety.md")
    assert said == measured
    assert said
    assert stored("safety-large")["models"] == stored("safety")["models"]


@pytest.mark.parametrize(
    ("function", "block", "page"),
    [("sentence", "cohort", "README.md"), ("paper", "cohort-paper", "docs/cohorts.md")],
)
def test_of_cohorts_is_said_what_was_measured(function: str, block: str, page: str) -> None:
    said, stored = told("cohort", "cohort", function, block, page)
    assert said == stored
    assert said


@pytest.mark.parametrize(("function", "block"), [("table", "comparison"), ("differences", "differences")])
def test_of_the_reference_is_said_what_was_measured(function: str, block: str) -> None:
    said, stored = told("comparison", "comparison", function, block, "docs/reference.md")
    assert said == stored
    assert said


def test_of_colour_spaces_is_said_what_was_measured() -> None:
    said, stored = told("quality", "fusion", "compared", page="docs/quality.md")
    assert said == stored
    assert said


@pytest.mark.parametrize("name", ["demo", "evaluation", "downstream", "grades", "robustness", "unseen", "real"])
def test_the_evaluation_says_what_was_measured(name: str) -> None:
    code = (
        "import json; from pathlib import Path; from readme import published; from evaluation import DOCS, table;"
        f"stored = json.loads((DOCS / 'results/{name}.json').read_text());"
        f"print(json.dumps([published('{name}', DOCS / 'evaluation.md'), table(stored, '{name}')]))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "benchmarks", capture_output=True, text=True, check=True
    )
    written, expected = json.loads(run.stdout)
    assert written == expected
    assert "| light |" in written
    weights = stored(name)["methods"]["light"].split()[-1]
    others_are_named = weights[:8] in (ROOT / "docs/evaluation.md").read_text("utf-8")
    assert weights == load_card("light").sha256 or others_are_named


def stored(name: str) -> dict:
    return json.loads((ROOT / f"docs/results/{name}.json").read_text())


def test_the_figures_are_of_the_shipped_weights() -> None:
    assert stored("restoration")["model"] == load_card("light").sha256
    models = stored("segmentation")["models"] | stored("quality")["models"] | stored("safety")["models"]
    assert models == {name: load_card(name).sha256 for name in shipped()}


def test_the_segmenters_of_good_photographs_lie_beside_the_package() -> None:
    cards = {name: load_card(str(ROOT / f"models/{name}-good.onnx")) for name in ("vessels", "disc")}
    assert stored("segmentation")["good"] == {name: card.sha256 for name, card in cards.items()}


def test_the_cards_say_what_was_measured() -> None:
    segmented = stored("segmentation")["figures"]
    for model, name, measured in (
        ("light", "111 psnr", stored("restoration")["kinds"]["111"]["light"]["psnr"]),
        ("quality", "accuracy", stored("quality")["grades"]["accuracy"]),
        ("vessels", "stare dice", segmented["vessels stare"]["clean"]["dice"]["mean"]),
        ("disc", "cup dice", segmented["cup all"]["clean"]["dice"]["mean"]),
        ("disc-finder", "disc missed", segmented["disc all"]["clean"]["missed"]["mean"]),
    ):
        assert load_card(model).figures[name] == round(measured, 4)
