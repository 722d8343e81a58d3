"""Drawn photographs to learn from: in memory, and as files with a manifest."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from cofenet.geometry import Circle
from cofenet.io import Photograph, write_photograph
from cofenet.training.photographs import Photographs
from cofenet.training.recipe import Recipe

COLUMNS = ("path", "split", "source", "task", "label")


@pytest.fixture
def one_thread() -> object:
    """The same number of threads in every process, so that sums are added in the same order."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def photographs(draw: Callable[..., np.ndarray]) -> Photographs:
    """Three photographs of 64 pixels."""
    mask = Circle(32, 32, 32).mask((64, 64))
    images = np.stack([draw(seed, 72, 72)[4:-4, 4:-4] * mask[..., None] for seed in range(3)])
    return Photographs(images, np.stack([mask] * 3), tuple(Path(f"{number}.png") for number in range(3)))


@pytest.fixture(scope="session")
def manifest(draw: Callable[..., np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs of two sources as PNG, with their manifest."""
    folder = tmp_path_factory.mktemp("photographs")
    rows = [
        ("a.png", "train", "meadow", "clean", "chosen"),
        ("b.png", "train", "meadow", "clean", "graded"),
        ("c.png", "train", "harbour", "clean", "chosen"),
        ("d.png", "train", "harbour", "quality", "0"),
        ("e.png", "train", "harbour", "quality", "2"),
        ("f.png", "val", "meadow", "clean", "chosen"),
        ("g.png", "test", "meadow", "clean", "chosen"),
    ]
    for seed, (name, *_) in enumerate(rows):
        write_photograph(folder / name, Photograph(draw(seed, 128, 144)))
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    return folder / "manifest.csv"


@pytest.fixture
def recipes() -> dict[str, Recipe]:
    """A small recipe for each network."""
    common = {
        "canvas": 64, "size": 32, "batch": 2, "steps": 6, "warmup": 2, "averaging": 0.5, "validate_every": 2, "seed": 3,
        "mixture": {"kinds": {"111": 0.5, "000": 0.2, "110": 0.3}, "partial": 0.5, "recolor": 0.5, "cut": 0.5},
    }  # fmt: skip
    return {
        "field": Recipe.model_validate(
            {"network": "field", "widths": [4, 4, 6, 6], "losses": {"absolute": 1, "structure": 0.1}} | common
        ),
        "detail": Recipe.model_validate(
            {"network": "detail", "widths": [4, 4, 6], "patches": 2, "losses": {"absolute": 1, "activation": 0.1}}
            | common
        ),
    }
