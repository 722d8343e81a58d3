"""`cofenet explain` on what the other commands write."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from cofenet import __version__
from cofenet.engine.card import load_card
from cofenet.errors import UsageError

Run = Callable[..., Result]


@pytest.mark.parametrize("format_", ["png", "jpeg", "tiff"])
def test_a_corrected_photograph(run: Run, folder: Path, tmp_path: Path, format_: str) -> None:
    run("correct", folder / "1.png", "-o", tmp_path / "out", "--format", format_, "--strength", 0.5)
    [made] = (tmp_path / "out").iterdir()
    told = json.loads(run("explain", made).stdout)
    assert told["version"] == __version__
    assert told["operation"] == "correct"
    assert told["model_sha256"] == load_card("light").sha256
    assert told["settings"] == {"strength": 0.5}
    assert len(run("explain", made, "--json").stdout.splitlines()) == 1


def test_masks_and_degraded_photographs(run: Run, folder: Path, tmp_path: Path) -> None:
    run("segment", folder / "1.png", "-o", tmp_path / "masks", "--structures", "disc")
    told = json.loads(run("explain", tmp_path / "masks" / "1.png.disc.png").stdout)
    assert told["models"].keys() == {"disc-finder", "disc"}
    assert json.loads(run("explain", tmp_path / "masks" / "1.png.json").stdout) == told
    run("degrade", folder / "1.png", "-o", tmp_path / "low", "--kind", "010")
    made = next(path for path in (tmp_path / "low").iterdir() if path.suffix == ".png")
    assert run("explain", made).exit_code == 0


def test_a_photograph_of_anothers_says_nothing(run: Run, folder: Path) -> None:
    result = run("explain", folder / "1.png")
    assert isinstance(result.exception, UsageError)
    assert "does not say" in str(result.exception)
    (folder / "1.png.json").write_text("{damaged")
    assert "no JSON" in str(run("explain", folder / "1.png").exception)
