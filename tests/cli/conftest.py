"""The command line as a user has it, and two small photographs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cofenet.cli import app
from cofenet.geometry import resize
from cofenet.io import Photograph, read_photograph, write_photograph

Run = Callable[..., Result]
SAMPLES = Path(__file__).parents[2] / "samples" / "low-quality"


@pytest.fixture
def run() -> Run:
    """`run("correct", folder, ...)`: run a command."""
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two low-quality samples, made small, one in a subfolder."""
    for name, sample in (("1.png", "hrf_03_g"), ("sub/2.jpg", "retina")):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = read_photograph(SAMPLES / f"{sample}.jpg").pixels
        small = resize(pixels, (240, 240 * pixels.shape[1] // pixels.shape[0]))
        write_photograph(path, Photograph(small), format="png" if name.endswith("png") else "jpeg")
    return tmp_path / "photos"
