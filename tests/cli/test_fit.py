"""`cofenet fit-degradation` as a user has it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from cofenet.cli import app
from cofenet.degradation.fit import FEWEST
from cofenet.degradation.preset import load_preset
from cofenet.errors import UsageError
from cofenet.io import Photograph, read_photograph, write_photograph

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    return lambda *words: CliRunner().invoke(app, ["fit-degradation", *(str(word) for word in words)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, draw: Callable[..., np.ndarray]) -> Path:
    """As many drawn photographs as are needed, dark."""
    path = tmp_path_factory.mktemp("dark")
    for seed in range(FEWEST):
        write_photograph(path / f"{seed}.png", Photograph(draw(seed, 256, 288) // 2), format="png")
    return path


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory, draw: Callable[..., np.ndarray]) -> Path:
    path = tmp_path_factory.mktemp("good")
    for seed in range(FEWEST):
        write_photograph(path / f"{seed}.png", Photograph(draw(50 + seed, 256, 288)), format="png")
    return path


def test_a_preset_and_a_sheet_are_written(run: Run, folder: Path, good: Path, tmp_path: Path) -> None:
    output, sheet = tmp_path / "new" / "mine.toml", tmp_path / "sheet.png"
    result = run(folder, "-o", output, "--good", good, "--sheet", sheet)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == ""
    assert f"fitted to {FEWEST} of {FEWEST} photographs" in result.stderr
    assert "exposure" in load_preset(output).order
    assert read_photograph(sheet).pixels.any()


def test_a_bad_photograph_is_named_and_passed_over(run: Run, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("not a photograph")
    write_photograph(tmp_path / "grey.png", Photograph(np.full((99, 99, 3), 128, np.uint8)), format="png")
    result = run(folder, tmp_path / "text.jpg", tmp_path / "grey.png", "-o", tmp_path / "mine.toml")
    assert result.exit_code == 1
    for name in ("text.jpg", "grey.png"):
        assert sum(line.startswith("cofenet:") and name in line for line in result.stderr.splitlines()) == 1
    assert (tmp_path / "mine.toml").exists()


def test_too_few_photographs_are_refused(run: Run, folder: Path, tmp_path: Path) -> None:
    result = run(folder / "0.png", "-o", tmp_path / "mine.toml")
    assert isinstance(result.exception, UsageError)
    assert "too few" in str(result.exception)
    assert not (tmp_path / "mine.toml").exists()


def test_nothing_that_is_there_is_overwritten(run: Run, folder: Path, tmp_path: Path) -> None:
    source, mine = folder / "0.png", tmp_path / "mine.toml"
    mine.write_text("mine")
    before = source.read_bytes()
    for words, problem in (
        (["-o", source, "--overwrite"], "would overwrite a photograph"),
        (["-o", mine], "is there already"),
        (["-o", folder], "is a folder"),
        (["-o", tmp_path / "new.toml", "--sheet", tmp_path / "sheet.png"], "--sheet needs --good"),
    ):
        result = run(folder, *words)
        assert isinstance(result.exception, UsageError)
        assert problem in str(result.exception)
    assert (source.read_bytes(), mine.read_text()) == (before, "mine")
