"""`cofenet train`: the command; `tests/training` has what it does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from cofenet.cli import app
from cofenet.engine.card import load_card
from cofenet.errors import UsageError
from cofenet.io import Photograph, read_photograph, write_photograph
from cofenet.training import own
from cofenet.training.objective import Objective
from cofenet.training.run import Run

RECIPES = Path(__file__).parents[2] / "recipes"


def cofenet(*words: str | Path) -> None:
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("photographs", [(), ("--photos", "a", "--data", "b.csv")])
def test_photographs_are_named_in_one_way(tmp_path: Path, photographs: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="by one of --photos and --data"):
        cofenet("train", RECIPES / "first-field.toml", "--run", tmp_path / "run", *photographs)
    assert not (tmp_path / "run").exists()


@pytest.fixture
def photos(draw: Callable[..., np.ndarray], tmp_path: Path) -> Path:
    """Twenty photographs and what is none."""
    for seed in range(20):
        write_photograph(tmp_path / "photos" / f"{seed}.png", Photograph(draw(seed, 240, 280)))
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"not a photograph")
    return tmp_path / "photos"


def shortened(name: str, folder: Path, steps: int) -> Path:
    """A recipe as it is shipped, but for its length."""
    lines = (RECIPES / name).read_text("utf-8").splitlines()
    short = [f"steps = {steps}" if line.startswith("steps = ") else line for line in lines]
    (folder / name).write_text("\n".join(short))
    return folder / name


@pytest.mark.slow
def test_a_newcomers_first_run(
    photos: Path, tmp_path: Path, draw: Callable[..., np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in docs/training.md, but shorter: fewer steps, and fewer photographs to validate on."""
    monkeypatch.setattr(Objective, "validated", 8)
    monkeypatch.chdir(tmp_path)
    for part, steps in (("field", 60), ("detail", 4)):
        recipe = shortened(f"first-{part}.toml", tmp_path, steps)
        cofenet("train", recipe, "--photos", "photos", "--run", f"runs/{part}", "--threads", "1")
        assert Run(Path("runs", part)).sources() == {own.SOURCE: 18}
        assert not list(Path("runs", part).glob("*.onnx"))
    cofenet("export", "runs/field", "runs/detail", "-o", "first.onnx")
    card = load_card("first.onnx")
    assert [(data.source, data.photographs, data.terms) for data in card.data] == [(own.SOURCE, 18, own.TERMS)]
    assert card.licence == own.LICENCE

    clean = draw(99, 240, 280)
    write_photograph(Path("eye.png"), Photograph(clean))
    cofenet("degrade", "eye.png", "-o", "low", "--kind", "001", "--seed", "1")
    cofenet("correct", "low/eye.png", "-o", "corrected", "--model", "first.onnx")
    before, after = (read_photograph(Path(folder, "eye.png")).pixels for folder in ("low", "corrected"))
    error = [float(np.mean((picture.astype(float) - clean) ** 2)) for picture in (before, after)]
    assert error[1] < 0.5 * error[0]


@pytest.mark.slow
def test_a_network_that_is_a_model_alone_is_exported_at_the_end(photos: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "small.toml"
    recipe.write_text(
        'network = "reference"\ncanvas = 64\nsize = 32\nbatch = 2\nsteps = 1\nlosses = { absolute = 1.0 }\n'
        "reference = { width = 2, rsa = false }\n"
    )
    cofenet("train", recipe, "--photos", photos, "--run", tmp_path / "mine", "--threads", "1")
    card = load_card(str(tmp_path / "mine" / "mine.onnx"))
    assert (card.name, card.working_size, card.licence) == ("mine", 32, own.LICENCE)
