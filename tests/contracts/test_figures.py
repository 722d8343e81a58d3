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
        ("speed", "speed", "sentence"),
    ],
)
def test_the_readme_says_what_was_measured(module: str, name: str, function: str) -> None:
    readme, stored = told(module, name, function)
    assert readme == stored
    assert readme


@pytest.mark.skipif(not (ROOT / "docs/results/cohort.json").exists(), reason="not measured yet")
@pytest.mark.parametrize(
    ("function", "block", "page"),
    [("sentence", "cohort", "README.md"), ("paper", "cohort-paper", "docs/cohorts.md")],
)
def test_of_cohorts_is_said_what_was_measured(function: str, block: str, page: str) -> None:
    said, stored = told("cohort", "cohort", function, block, page)
    assert said == stored
    assert said


@pytest.mark.parametrize("name", ["demo", "evaluation", "real"])
def test_the_evaluation_says_what_was_measured(name: str) -> None:
    code = (
        "import json; from pathlib import Path; from readme import published; from evaluation import DOCS, table;"
        f"stored = json.loads((DOCS / 'results/{name}.json').read_text());"
        f"print(json.dumps([published('{name}', DOCS / 'evaluation.md'), table(stored, '{name}')]))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "benchmarks", capture_output=True, text=True, check=True
    )
    written, stored = json.loads(run.stdout)
    assert written == stored
    assert "| light |" in written
    weights = json.loads((ROOT / f"docs/results/{name}.json").read_text())["methods"]["light"].split()[-1]
    assert weights == load_card("light").sha256


def test_the_figures_are_of_the_shipped_weights() -> None:
    stored = json.loads((ROOT / "docs/results/restoration.json").read_text())
    card = load_card("light")
    assert stored["model"] == card.sha256
    models = json.loads((ROOT / "docs/results/segmentation.json").read_text())["models"]
    models |= json.loads((ROOT / "docs/results/quality.json").read_text())["models"]
    assert models == {name: load_card(name).sha256 for name in shipped()}
    assert card.figures["111 psnr"] == round(stored["kinds"]["111"]["light"]["psnr"], 4)
