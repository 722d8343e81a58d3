"""Small photographs in a folder, and setups that run in a moment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cofenet.evaluation.methods import Method, chosen
from cofenet.evaluation.photographs import Square, cut, listed
from cofenet.evaluation.protocols import protocol
from cofenet.evaluation.runner import Setup
from cofenet.io import Photograph, write_photograph

Draw = Callable[..., np.ndarray]
MakeSetup = Callable[..., Setup]

SIZE = 176


@pytest.fixture
def photos(draw: Draw, tmp_path: Path) -> Path:
    """A folder with two drawn photographs, one in a subfolder."""
    folder = tmp_path / "photos"
    for seed, name in enumerate(("a.png", "sub/b.png")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_photograph(folder / name, Photograph(draw(seed)))
    return folder


@pytest.fixture
def square(photos: Path) -> Square:
    """The first of them."""
    return cut(listed(photos)[0], SIZE)


@pytest.fixture
def setup(tmp_path: Path) -> MakeSetup:
    """`setup("restoration", "111", methods=...)`: input and clahe unless told otherwise."""

    def make(name: str, *conditions: str, methods: dict[str, Method] | None = None, **more: object) -> Setup:
        found = methods if methods is not None else chosen(["clahe"])
        return Setup(protocol(name, conditions), found, tmp_path / "out", SIZE, **{"sheets": 0} | more)

    return make
