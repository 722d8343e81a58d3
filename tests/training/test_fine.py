"""What the networks for structures learn from: photographs, sharpened as `light` does, lit alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from cofenet.geometry import Circle
from cofenet.networks.fine import COARSE, Fine
from cofenet.training.fine import CoarseExamples, FineExamples
from cofenet.training.objectives import objective
from cofenet.training.photographs import Photographs
from cofenet.training.recipe import Mixture, Recipe
from conftest import draw_photograph

BLUR = Mixture(kinds={"100": 1.0}, presets={"published": 1.0}, scale=(0.7, 1.0))


@pytest.fixture(scope="module")
def large() -> Photographs:
    mask = Circle(512, 512, 512).mask((1024, 1024))
    image = draw_photograph(height=1100, width=1100)[38:-38, 38:-38] * mask[..., None]
    return Photographs(image[None], mask[None], (Path("a.png"),))


@pytest.fixture(params=[CoarseExamples, FineExamples])
def kind(request: pytest.FixtureRequest) -> type[CoarseExamples]:
    return request.param


def test_examples_are_pure_functions_of_their_number(large: Photographs, kind: type[CoarseExamples]) -> None:
    examples = kind(large, BLUR, 0, 64, 9, 3)
    first, again, other = examples[4], examples[4], examples[5]
    assert {name: tuple(value.shape) for name, value in first.items()} == {
        "input": (3, 7, 64, 64), "sharp": (3, 3, 64, 64), "mask": (3, 1, 64, 64),
    }  # fmt: skip
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["input"], other["input"])
    assert len(examples) == 9


def test_sharpening_has_brought_the_photograph_nearer_to_what_it_was(
    large: Photographs, kind: type[CoarseExamples]
) -> None:
    example = kind(large, BLUR, 0, 512, 4, 1)[1]
    sharpened, added = example["input"][:, :3], example["input"][:, 4:]
    inside = example["mask"] > 0
    before, after = (((x - example["sharp"]) ** 2 * inside).mean() for x in (sharpened - added, sharpened))
    assert 0 < after < 0.7 * before


def test_what_is_not_blurred_is_hardly_sharpened(large: Photographs, kind: type[CoarseExamples]) -> None:
    example = kind(large, BLUR.model_copy(update={"kinds": {"000": 1.0}}), 0, 256, 4, 2)[0]
    given = example["input"][:, :3] - example["input"][:, 4:]
    torch.testing.assert_close(given * example["mask"], example["sharp"] * example["mask"], rtol=0, atol=1e-5)
    assert example["input"][:, 4:].abs().mean() < 0.01


def test_the_photographs_stay_as_they_are(large: Photographs, kind: type[CoarseExamples]) -> None:
    before = large.images.copy()
    kind(large, BLUR.model_copy(update={"cut": 1.0, "recolor": 1.0}), 0, 64, 2, 1)[0]
    assert np.array_equal(large.images, before)


@pytest.mark.parametrize(("network", "usual"), [("coarse", Fine(*COARSE)), ("fine", Fine())])
def test_without_widths_a_network_has_its_usual_ones(network: str, usual: Fine) -> None:
    recipe = Recipe.model_validate({"network": network, "steps": 1, "losses": {"absolute": 1.0}})
    found, expected = (
        {name: value.shape for name, value in one.state_dict().items()} for one in (objective(recipe).network(), usual)
    )
    assert found == expected


@pytest.mark.parametrize("network", ["coarse", "fine"])
def test_what_is_wrong_in_the_dark_counts_as_in_the_light(network: str) -> None:
    recipe = Recipe.model_validate({"network": network, "widths": [4, 1], "steps": 1, "losses": {"absolute": 1.0}})
    goal = objective(recipe)
    image, mask = torch.rand(1, 3, 64, 64) / 2 + 0.3, torch.ones(1, 1, 64, 64)
    losses = []
    for light in (1.0, 0.5):
        given = torch.cat([light * (image + 0.05), mask, torch.zeros(1, 3, 64, 64)], 1)
        losses.append(goal.loss(goal.network(), {"input": given, "sharp": light * image, "mask": mask}).item())
    assert losses[1] == pytest.approx(losses[0], rel=0.1)
    assert losses[0] > 0.01
