"""What each network is trained for."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, default_collate

from cofenet.training import losses
from cofenet.training.batches import collate
from cofenet.training.labelled import Labelled
from cofenet.training.objective import Batch
from cofenet.training.objectives import objective
from cofenet.training.photographs import Photographs
from cofenet.training.recipe import Recipe
from cofenet.training.taught import Taught

NETWORKS = ["field", "detail", "sharpening", "coarse", "fine", "reference"]


def batch_of(recipe: Recipe, photographs: Photographs) -> Batch:
    if recipe.network == "reference":
        structures = np.zeros((*photographs.masks.shape, 2), np.uint8)
        structures[:, 20:30, 35:40, 0], structures[:, 12:22, 40:50, 1] = 255, 255
        photographs = Taught(photographs.images, photographs.masks, photographs.paths, structures)
    examples = objective(recipe).examples(photographs, recipe.mixture, 0, 4)
    batch = default_collate([examples[number] for number in range(4)])
    return {name: value.flatten(0, -4) for name, value in batch.items()}


@pytest.mark.parametrize("name", NETWORKS)
def test_loss_is_the_weighted_sum(name: str, recipes: dict[str, Recipe], photographs: Photographs) -> None:
    batch = batch_of(recipes[name], photographs)
    network = objective(recipes[name]).network().eval()
    parts = {}
    for loss in recipes[name].losses:
        alone = recipes[name].model_copy(update={"losses": {loss: 1.0}})
        parts[loss] = objective(alone).loss(network, batch).item()
    expected = sum(weight * parts[loss] for loss, weight in recipes[name].losses.items())
    assert objective(recipes[name]).loss(network, batch).item() == pytest.approx(expected, rel=1e-5)
    assert expected > 0


@pytest.mark.parametrize("name", ["field", "detail"])
def test_widths_are_those_of_the_recipe(name: str, recipes: dict[str, Recipe]) -> None:
    small = sum(value.numel() for value in objective(recipes[name]).network().parameters())
    own = recipes[name].model_copy(update={"widths": ()})
    assert sum(value.numel() for value in objective(own).network().parameters()) > 20 * small


def test_fresh_field_restores_nothing_yet(recipes: dict[str, Recipe], photographs: Photographs) -> None:
    goal, batch = objective(recipes["field"]), batch_of(recipes["field"], photographs)
    restored, target, own = goal.restore(goal.network(), batch)
    assert torch.equal(restored, batch["lit"])
    assert torch.equal(target, batch["clean"])
    assert own == {}


def test_detail_adds_its_residual(recipes: dict[str, Recipe], photographs: Photographs) -> None:
    goal, batch = objective(recipes["detail"]), batch_of(recipes["detail"], photographs)
    network = goal.network()
    restored, target, own = goal.restore(network, batch)
    residual, gate = network(batch["input"])
    degraded = batch["input"][:, :3]
    torch.testing.assert_close(restored, degraded + residual)
    assert torch.equal(target, batch["lit"])
    torch.testing.assert_close(own["activation"], losses.activation(gate, target - degraded, batch["mask"]))


def test_sharpening_gives_the_picture_before_it_was_blurred(
    recipes: dict[str, Recipe], photographs: Photographs
) -> None:
    goal, batch = objective(recipes["sharpening"]), batch_of(recipes["sharpening"], photographs)
    network = goal.network()
    restored, target, own = goal.restore(network, batch)
    assert torch.equal(restored, network(batch["input"]))
    assert torch.equal(target, batch["sharp"])
    assert own == {}


def test_psnr_is_measured_where_there_is_retina(recipes: dict[str, Recipe]) -> None:
    mask = torch.zeros(3, 1, 32, 32)
    mask[0], mask[1, :, :16] = 1, 1  # the third shows no retina
    lit = torch.rand(3, 3, 32, 32) * 0.5
    degraded = lit + 0.1 * mask + 0.3 * (1 - mask)
    batch = {"input": torch.cat([degraded, mask], 1), "lit": lit, "mask": mask}
    goal = objective(recipes["detail"])
    network = goal.network()
    figures = goal.figures(network, batch)
    for name in ("psnr_input", "psnr"):
        torch.testing.assert_close(figures[name], torch.full((2,), 20.0), atol=1e-3, rtol=0)
    assert not figures["worse"].any()


def test_dice_is_measured_where_a_structure_is_drawn(recipes: dict[str, Recipe]) -> None:
    goal = objective(recipes["disc"])
    logits = torch.full((3, 2, 32, 32), -5.0)
    logits[:, 0, :8], logits[:, 1, :4] = 5.0, 5.0
    target, known = torch.zeros(3, 2, 32, 32), torch.ones(3, 2, 1, 1)
    target[:2, 0, :16], target[:2, 1, :4] = 1.0, 1.0  # the third shows no disc
    known[1, 1] = 0.0
    batch = {"input": torch.zeros(3, 4, 32, 32), "target": target, "known": known, "mask": torch.ones(3, 1, 32, 32)}
    figures = goal.figures(lambda _: logits, batch)  # type: ignore[arg-type]
    torch.testing.assert_close(figures["dice_disc"], torch.full((2,), 2 / 3))
    torch.testing.assert_close(figures["dice_cup"], torch.ones(1))


@pytest.mark.parametrize("name", ["vessels", "disc-finder", "disc"])
def test_segmentation_learns_from_what_is_known_alone(
    name: str, recipes: dict[str, Recipe], labelled: Labelled
) -> None:
    recipe = recipes[name]
    goal = objective(recipe)
    count = len(goal.structures)  # type: ignore[attr-defined]
    shown = dataclasses.replace(labelled, labels=labelled.labels[..., :count], known=labelled.known[:, :count] & False)
    batch = next(iter(DataLoader(goal.examples(shown, recipe.mixture, 0, 2), 2, collate_fn=collate)))
    network = goal.network()
    assert network(batch["input"]).shape == batch["target"].shape
    assert goal.loss(network, batch).item() == 0.0
    known = dataclasses.replace(shown, known=~shown.known)
    batch = next(iter(DataLoader(goal.examples(known, recipe.mixture, 0, 2), 2, collate_fn=collate)))
    assert goal.loss(network, batch).item() > 0.1


def test_reference_is_judged_at_both_scales(recipes: dict[str, Recipe], photographs: Photographs) -> None:
    batch = batch_of(recipes["reference"], photographs)
    goal = objective(recipes["reference"])
    network = goal.network().eval()
    image, target, own = goal.restore(network, batch)  # type: ignore[attr-defined]
    answer, half = network(batch["input"][:, :3]), torch.nn.functional.avg_pool2d
    assert torch.equal(image, answer.image)
    assert torch.equal(target, batch["clean"])
    expected = losses.absolute(answer.image, batch["clean"], batch["mask"]) + losses.absolute(
        answer.coarse, half(batch["clean"], 2), half(batch["mask"], 2)
    )
    torch.testing.assert_close(own["absolute"], expected)
    disc = batch["structures"][:, 1:]
    assert disc.any()
    expected = losses.disc(answer.image, batch["clean"], batch["mask"], disc) + losses.disc(
        answer.coarse, half(batch["clean"], 2), half(batch["mask"], 2), half(disc, 2)
    )
    torch.testing.assert_close(own["disc"], expected)
    torch.testing.assert_close(
        own["vessels"], losses.vessels(answer.vessels, batch["structures"][:, :1], batch["mask"])
    )
    residual = batch["lit"] - batch["input"][:, :3]
    torch.testing.assert_close(
        own["activation"], losses.unbounded_activation(answer.activation, residual, batch["mask"])
    )


@pytest.mark.parametrize(
    "shape", [{"lqa": False}, {"rsa": False}, {"scales": 1}, {"lqa": False, "rsa": False, "scales": 1}]
)
def test_ablations_leave_out_what_they_say(shape: dict[str, bool | int], recipes: dict[str, Recipe]) -> None:
    content = recipes["reference"].model_dump() | {"losses": {"absolute": 1.0}, "reference": {"width": 2} | shape}
    answer = objective(Recipe.model_validate(content)).network().eval()(torch.rand(1, 3, 192, 192))
    assert (answer.activation is None) == (shape.get("lqa") is False)
    assert (answer.vessels is None) == (shape.get("rsa") is False)
    assert (answer.coarse is None) == (shape.get("scales") == 1)


@pytest.mark.parametrize("answers", [1, 5])
def test_quality_learns_from_what_is_known_alone(answers: int, recipes: dict[str, Recipe]) -> None:
    """Two graded photographs, of which one is graded rightly, and a degraded one whose severities are half right."""
    grade = torch.zeros(3, answers, 3)
    grade[:, :, 1] = 20
    severity = torch.zeros(3, 4)
    batch = {
        "input": torch.rand(3, 4, 32, 32),
        "grade": torch.tensor([[0.0, 1, 0], [1, 0, 0], [0, 0, 0]])[..., None, None],
        "severity": torch.tensor([[0.9] * 4, [0.9] * 4, [0.5, 0.5, 1.0, 1.0]])[..., None, None],
        "known": torch.tensor([[0.0], [0], [1]])[..., None, None],
    }
    goal = objective(recipes["quality"])
    said = lambda _: (grade, severity)  # noqa: E731
    figures = goal.figures(said, batch)  # type: ignore[arg-type]
    torch.testing.assert_close(figures["accuracy"], torch.tensor([1.0, 0.0]))
    torch.testing.assert_close(figures["severity_error"], torch.tensor([0.25]))
    expected = 20 / 2 + math.log(2)
    assert goal.loss(said, batch).item() == pytest.approx(expected, rel=1e-4)  # type: ignore[arg-type]


def test_the_last_answer_weighs_most() -> None:
    truth = torch.tensor([[1.0, 0, 0]])
    wrong = torch.tensor([0.0, 10, 0])
    costs = []
    for answer in range(5):
        logits = torch.zeros(1, 5, 3)
        logits[:, :, 0] = 30
        logits[0, answer] = wrong
        costs.append(losses.grade(logits, truth).item())
    assert costs[4] == pytest.approx(6 * costs[0], rel=1e-3)
    assert costs[:4] == pytest.approx([costs[0]] * 4)


@pytest.mark.parametrize(("name", "side", "rows"), [("field", 32, 4), ("detail", 32, 4), ("reference", 192, 4)])
def test_sheet_shows_given_restored_and_truth(
    name: str, side: int, rows: int, recipes: dict[str, Recipe], photographs: Photographs
) -> None:
    if name == "reference":
        masks = np.ones((3, 192, 192), np.bool_)
        photographs = Photographs(
            np.kron(photographs.images, np.ones((1, 3, 3, 1), np.uint8)), masks, photographs.paths
        )
    batch, goal = batch_of(recipes[name], photographs), objective(recipes[name])
    with torch.no_grad():
        sheet = goal.sheet(goal.network().eval(), batch)
    assert sheet is not None
    assert sheet.shape == (rows * side, 3 * side, 3)
    given, restored, truth = np.split(sheet, 3, axis=1)
    target = batch["lit" if name == "detail" else "clean"]
    for shown, planes in ((given, batch["input"][:, :3]), (truth, target)):
        first, last = (np.rint(255 * planes[number].numpy().transpose(1, 2, 0)) for number in (0, -1))
        assert np.array_equal(shown[:side], first)
        assert np.array_equal(shown[-side:], last)
    assert restored.std() > 0 or name == "reference"


def test_networks_without_a_picture_have_no_sheet(recipes: dict[str, Recipe]) -> None:
    goal = objective(recipes["vessels"])
    assert goal.sheet(goal.network(), {}) is None
