"""Losses, checked against numpy and scikit-image."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from skimage.metrics import structural_similarity
from torch import Tensor

from cofenet.training import losses

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]

OF_PICTURES = [
    losses.absolute,
    losses.gradient,
    losses.root_mean_square,
    losses.structure,
    losses.contrast,
    losses.chromaticity,
]


@pytest.fixture
def images() -> tuple[Tensor, Tensor, Tensor]:
    """Image, target and mask, two of 24 × 20 pixels, in double precision."""
    random = torch.Generator().manual_seed(0)
    image, target = torch.rand(2, 2, 3, 24, 20, generator=random, dtype=torch.float64)
    mask = (torch.rand(2, 1, 24, 20, generator=random) > 0.3).double()
    return image, 0.5 * image + 0.5 * target, mask


def inside(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Of (C, H, W), those in the mask (1, H, W)."""
    return values[:, mask[0] > 0]


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (losses.absolute, lambda error: np.abs(error).mean()),
        (losses.root_mean_square, lambda error: np.sqrt((error**2).mean() + 1e-6)),
        (losses.decibels, lambda error: np.log((error**2).mean() + 1e-6) / 2),
    ],
)
def test_mean_over_the_mask(
    images: tuple[Tensor, Tensor, Tensor], loss: Loss, expected: Callable[[np.ndarray], float]
) -> None:
    image, target, mask = (tensor.numpy() for tensor in images)
    each = [expected(inside(x - y, m)) for x, y, m in zip(image, target, mask, strict=True)]
    assert loss(*images).item() == pytest.approx(np.mean(each), rel=1e-9)


def test_decibels_count_a_share_of_any_error_alike(images: tuple[Tensor, Tensor, Tensor]) -> None:
    image, target, mask = images
    for error in (image - target, 0.1 * (image - target)):
        halved = losses.decibels(target + error, target, mask) - losses.decibels(target + error / 2, target, mask)
        assert halved.item() == pytest.approx(np.log(2), abs=0.01)


def test_gradient_compares_first_differences(images: tuple[Tensor, Tensor, Tensor]) -> None:
    error = ((images[0] - images[1]) * images[2]).numpy()
    expected = np.abs(np.diff(error, axis=2)).mean() + np.abs(np.diff(error, axis=3)).mean()
    assert losses.gradient(*images).item() == pytest.approx(expected, rel=1e-9)


def test_structure_is_one_minus_ssim(images: tuple[Tensor, Tensor, Tensor]) -> None:
    image, target, _ = images
    expected = []
    for x, y in zip(image.numpy(), target.numpy(), strict=True):
        _, similarity = structural_similarity(
            x,
            y,
            channel_axis=0,
            data_range=1.0,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            full=True,
        )
        expected.append(1 - similarity[:, 5:-5, 5:-5].mean())
    everywhere = torch.ones(2, 1, 24, 20, dtype=torch.float64)
    assert losses.structure(image, target, everywhere).item() == pytest.approx(np.mean(expected), abs=1e-6)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_contrast_asks_for_neither_more_nor_less(images: tuple[Tensor, Tensor, Tensor], factor: float) -> None:
    image, _, mask = images
    other = factor * image + 0.3
    assert losses.contrast(other, image, mask).item() == pytest.approx(np.log(2), rel=0.01)
    assert losses.contrast(image + 0.3, image, mask).item() == pytest.approx(0, abs=1e-6)


def test_chromaticity_asks_for_the_hue_and_hardly_for_the_light(images: tuple[Tensor, Tensor, Tensor]) -> None:
    image, _, mask = images
    bright = 0.5 + 0.4 * image
    assert losses.chromaticity(0.8 * bright, bright, mask).item() < 0.01
    assert losses.chromaticity(bright.flip(1), bright, mask).item() > 0.03


@pytest.mark.parametrize("loss", OF_PICTURES)
def test_equal_pictures_cost_nothing_and_others_do(images: tuple[Tensor, Tensor, Tensor], loss: Loss) -> None:
    image, target, mask = images
    assert loss(image, image, mask).item() == pytest.approx(0, abs=1.1e-3)  # the root has an epsilon of 1e-6
    assert loss(image, target, mask).item() > 0.02


@pytest.mark.parametrize("loss", [losses.absolute, losses.gradient, losses.root_mean_square, losses.decibels])
def test_outside_the_mask_nothing_counts(images: tuple[Tensor, Tensor, Tensor], loss: Loss) -> None:
    image, target, mask = images
    assert loss(image * mask, target, mask).item() == pytest.approx(loss(image, target, mask).item(), rel=1e-12)


@pytest.mark.parametrize(
    "loss",
    [*OF_PICTURES, losses.decibels],
)
def test_photograph_without_retina_gives_a_finite_loss(images: tuple[Tensor, Tensor, Tensor], loss: Loss) -> None:
    image, target, mask = images
    assert loss(image, target, torch.zeros_like(mask)).isfinite()


def test_activation_is_cross_entropy_with_the_smoothed_residual(images: tuple[Tensor, Tensor, Tensor]) -> None:
    image, target, mask = images
    residual, predicted = 0.2 * (image - target), image[:, :1]
    largest = np.pad(residual.abs().amax(1).numpy(), ((0, 0), (2, 2), (2, 2)))
    truth = np.clip(sliding_window_view(largest, (5, 5), (1, 2)).mean((3, 4)) / 0.1, 0, 1)
    assert 0.1 < truth.mean() < 0.9
    p = predicted[:, 0].numpy()
    entropy = -(truth * np.log(p) + (1 - truth) * np.log(1 - p))
    expected = [entropy[number][mask[number, 0].numpy() > 0].mean() for number in range(2)]
    assert losses.activation(predicted, residual, mask).item() == pytest.approx(np.mean(expected), rel=1e-6)


@pytest.mark.parametrize("closed", [-5.0, -20.0])
def test_closed_activation_is_opened_again(closed: float) -> None:
    logit = torch.full((1, 1, 16, 16), closed, requires_grad=True)
    residual, everywhere = torch.full((1, 3, 16, 16), 0.3), torch.ones(1, 1, 16, 16)
    losses.activation(torch.sigmoid(logit), residual, everywhere).backward()
    assert logit.grad is not None
    assert -logit.grad.sum() > 0.5


def test_cross_entropy_and_overlap_vanish_on_the_truth_and_ignore_the_unknown() -> None:
    target = torch.zeros(2, 2, 8, 8)
    target[:, :, :4] = 1.0
    weight = torch.ones_like(target)
    weight[1, 1] = 0.0
    right = 40 * (target - 0.5)
    wrong = right.clone()
    wrong[1, 1] *= -1
    for loss in (losses.cross_entropy, losses.overlap):
        assert loss(right, target, weight).item() == pytest.approx(0.0, abs=1e-6)
        assert loss(wrong, target, weight).item() == pytest.approx(0.0, abs=1e-6)
        assert loss(-right, target, weight).item() > 0.9
        assert loss(right, target, torch.zeros_like(weight)).item() == 0.0


def test_overlap_is_one_minus_dice_for_hard_answers() -> None:
    target = torch.zeros(1, 1, 8, 8)
    target[:, :, :4] = 1.0
    logits = torch.full_like(target, -40.0)
    logits[:, :, :2] = 40.0
    expected = 1 - (2 * 16 + 1) / (16 + 32 + 1)
    assert losses.overlap(logits, target, torch.ones_like(target)).item() == pytest.approx(expected, abs=1e-5)


def test_unbounded_activation_is_the_map_itself(images: tuple[Tensor, Tensor, Tensor]) -> None:
    image, target, _ = images
    residual, everywhere = 0.2 * (image - target), torch.ones(2, 1, 24, 20, dtype=torch.float64)
    truth = torch.nn.functional.avg_pool2d(losses.degradation_map(residual), 2)
    assert losses.unbounded_activation(truth, residual, everywhere).item() == pytest.approx(0.0, abs=1e-12)
    assert losses.unbounded_activation(truth + 0.5, residual, everywhere).item() == pytest.approx(0.25)


def test_vessels_cost_least_where_they_are_right(images: tuple[Tensor, Tensor, Tensor]) -> None:
    _, target, mask = images
    drawn = (target[:, :1] > 0.5).double()
    assert losses.vessels(drawn.clamp(1e-6, 1 - 1e-6), drawn, mask).item() == pytest.approx(0.0, abs=1e-5)
    assert losses.vessels(torch.full_like(drawn, 0.5), drawn, mask).item() == pytest.approx(np.log(2))


def test_disc_counts_its_region_per_pixel_of_the_field_of_view(images: tuple[Tensor, Tensor, Tensor]) -> None:
    image, target, mask = images
    region = torch.zeros_like(mask)
    region[:, :, 5:12, 6:14] = 1.0
    error = (image - target).abs() * mask * region
    expected = (error.sum((1, 2, 3)) / (3 * mask.sum((1, 2, 3)))).mean()
    assert losses.disc(image, target, mask, region).item() == pytest.approx(expected.item(), rel=1e-12)
    both = losses.disc(image, target, mask, region) + losses.disc(image, target, mask, 1 - region)
    assert both.item() == pytest.approx(losses.absolute(image, target, mask).item(), rel=1e-12)


def test_change_sees_the_difference_within_a_pair_alone() -> None:
    truth = torch.tensor([[0.2] * 4, [0.7] * 4, [0.1] * 4, [0.9] * 4])
    known = torch.tensor([[1.0], [1.0], [1.0], [0.0]])  # the second pair does not count
    shifted = torch.logit(truth + torch.tensor([0.1, 0.1, 0.5, -0.5])[:, None])
    torch.testing.assert_close(losses.change(shifted, truth, known), torch.tensor(0.0))
    alike = torch.zeros(4, 4)
    torch.testing.assert_close(losses.change(alike, truth, known), torch.tensor(0.5))
    assert losses.change(alike, truth, torch.zeros(4, 1)) == 0
