"""What the shipped networks see on good photographs becomes what a network is taught."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cofenet.fov import find_fov
from cofenet.geometry import Circle
from cofenet.io import read_photograph
from cofenet.training.examples import ReferenceExamples, make
from cofenet.training.photographs import Photographs, cut
from cofenet.training.recipe import Mixture
from cofenet.training.taught import Taught, rectangle, teach

SAMPLES = sorted((Path(__file__).parents[2] / "samples").rglob("*.jp*g"))[:1]


@given(st.integers(0, 11), st.integers(0, 11), st.integers(0, 11), st.integers(0, 11))
def test_rectangle_is_the_smallest_that_holds_all(top: int, left: int, bottom: int, right: int) -> None:
    region = np.zeros((12, 12), np.bool_)
    region[top, left] = region[bottom, right] = True
    found = rectangle(region)
    assert found[region].all()
    assert found.sum() == (abs(top - bottom) + 1) * (abs(left - right) + 1)


def test_rectangle_around_nothing_is_empty() -> None:
    assert not rectangle(np.zeros((5, 7), np.bool_)).any()


@pytest.fixture
def taught(photographs: Photographs) -> Taught:
    """Drawn photographs whose structures are drawn on them as colours."""
    images = photographs.images.copy()
    structures = np.zeros((*images.shape[:3], 2), np.uint8)
    structures[:, 20:30, 35:40, 0], structures[:, 12:22, 40:50, 1] = 255, 255
    images[..., 0], images[..., 1] = structures[..., 0], structures[..., 1]
    mask = Circle(32, 32, 32).mask((64, 64))
    return Taught(images, np.stack([mask] * 3), photographs.paths, structures)


def test_structures_turn_with_the_photograph(taught: Taught) -> None:
    for index in range(8):
        example = make(taught, Mixture(kinds={"000": 1.0}), 0, index)
        assert np.array_equal(example.structures[example.mask], example.clean[example.mask][:, :2])


def test_structures_change_nothing_else(taught: Taught) -> None:
    plain = Photographs(taught.images, taught.masks, taught.paths)
    mixture = Mixture(partial=0.5, recolor=0.5, cut=0.5)
    for index in range(4):
        ours, theirs = make(taught, mixture, 1, index), make(plain, mixture, 1, index)
        assert theirs.structures.shape == (64, 64, 0)
        for stage in ("clean", "lit", "degraded", "mask"):
            assert np.array_equal(getattr(ours, stage), getattr(theirs, stage))


def test_examples_have_structures(taught: Taught) -> None:
    item = ReferenceExamples(taught, Mixture(), 0, 32, 3)[1]
    assert {name: tuple(tensor.shape) for name, tensor in item.items()} == {
        "input": (4, 32, 32), "lit": (3, 32, 32), "clean": (3, 32, 32), "mask": (1, 32, 32), "structures": (2, 32, 32),
    }  # fmt: skip
    assert 0 <= item["structures"].min() < item["structures"].max() <= 1


@pytest.mark.slow
def test_shipped_networks_teach_vessels_and_disc_and_are_asked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = read_photograph(SAMPLES[0]).pixels
    image, mask = cut(pixels, find_fov(pixels), 256)
    taught = teach(Photographs(image[None], mask[None], tuple(SAMPLES)), tmp_path)
    vessels, disc = taught.structures[0].transpose(2, 0, 1)
    assert 0.01 < (vessels > 127)[mask].mean() < 0.25
    assert not vessels[~mask].any()
    assert not ((vessels > 0) & (vessels < 102)).any()
    assert not ((vessels > 153) & (vessels < 255)).any()
    assert set(np.unique(disc)) == {0, 255}
    assert 0.002 < (disc > 0).mean() < 0.1
    monkeypatch.setattr("cofenet.training.taught.segment", None)
    again = teach(Photographs(image[None], mask[None], tuple(SAMPLES)), tmp_path)
    assert np.array_equal(again.structures, taught.structures)
