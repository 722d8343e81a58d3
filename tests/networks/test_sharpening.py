"""Sharpening: a filter, so linear for chosen coefficients and without effect on what is even; it undoes blur."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import conv2d, interpolate, pad

from cofenet.networks.sharpening import CELL, TAPS, Sharpening, _inverse

KINDS = Sharpening().last.out_channels // 2


class Chosen(Sharpening):
    """Sharpening whose coefficients are given, and not found."""

    given: Tensor

    def coefficients(self, x: Tensor) -> Tensor:
        del x
        return self.given


def seen(image: Tensor) -> Tensor:
    """With a field of view that is everywhere."""
    return torch.cat([image, torch.ones_like(image[:, :1])], 1)


def loud(seed: int) -> Sharpening:
    """One all parts of which say something."""
    torch.manual_seed(seed)
    sharpening = Sharpening(8)
    for name, value in sharpening.named_parameters():
        if name != "filters":
            torch.nn.init.normal_(value, std=0.3)
    return sharpening


def in_words(sharpening: Sharpening, image: Tensor, coefficients: Tensor) -> Tensor:
    """The equation of the class, one colour and one filter after the other."""
    full = interpolate(coefficients, image.shape[2:], mode="bilinear", align_corners=False)
    half = TAPS // 2
    for axis, shape in ((0, (1, 1, 1, TAPS)), (1, (1, 1, TAPS, 1))):
        longer = pad(image, (half, half, 0, 0) if axis == 0 else (0, 0, half, half), mode="replicate")
        added = torch.zeros_like(image)
        for colour in range(3):
            for kind in range(KINDS):
                filtered = conv2d(longer[:, colour : colour + 1], sharpening.filters[kind].view(shape))
                added[:, colour] += full[:, axis * KINDS + kind] * filtered[:, 0]
        image = image + added
    return image


@torch.no_grad()
@pytest.mark.parametrize("training", [True, False])
def test_mixes_filters_along_rows_then_along_columns(training: bool) -> None:
    torch.manual_seed(0)
    sharpening = Chosen().train(training)
    image, sharpening.given = torch.rand(2, 3, 2 * CELL, 3 * CELL), torch.randn(2, 2 * KINDS, 2, 3)
    torch.testing.assert_close(sharpening(seen(image)), in_words(sharpening, image, sharpening.given))


@torch.no_grad()
def test_fresh_network_changes_nothing() -> None:
    image = torch.rand(1, 3, 64, 64)
    assert torch.equal(Sharpening()(seen(image)), image)


@torch.no_grad()
@settings(max_examples=20, deadline=None)
@given(level=st.floats(0, 1), seed=st.integers(0, 100))
def test_what_is_even_stays_even(level: float, seed: int) -> None:
    image = torch.full((1, 3, 64, 64), level)
    torch.testing.assert_close(loud(seed)(seen(image)), image, atol=2e-3, rtol=0)


@torch.no_grad()
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), factor=st.floats(-2, 2))
def test_is_linear_where_coefficients_are_chosen(seed: int, factor: float) -> None:
    torch.manual_seed(seed)
    sharpening = Chosen().eval()
    sharpening.given = torch.randn(1, 2 * KINDS, 1, 1)
    one, other = torch.rand(2, 1, 3, CELL, CELL)
    whole = sharpening(seen(one + factor * other))
    parts = sharpening(seen(one)) + factor * sharpening(seen(other))
    torch.testing.assert_close(whole, parts, atol=1e-3, rtol=1e-4)


@torch.no_grad()
def test_coefficients_hang_on_structure_not_on_the_edge_of_the_field_of_view() -> None:
    sharpening = loud(seed=3).eval()
    even = torch.full((1, 4, 128, 128), 0.5)
    even[:, 3] = 1
    disc = even.clone()
    rows, columns = torch.meshgrid(torch.arange(128.0), torch.arange(128.0), indexing="ij")
    disc *= ((rows - 63.5) ** 2 + (columns - 63.5) ** 2 < 60**2).float()
    found = [sharpening.coefficients(x)[..., 3:5, 3:5] for x in (even, disc)]
    assert found[0].any()
    ragged = disc.clone()
    ragged[:, :3] *= torch.rand(1, 1, 128, 128)
    other = sharpening.coefficients(ragged)[..., 3:5, 3:5]
    assert (other - found[1]).abs().max() > 10 * (found[1] - found[1].mean((2, 3), keepdim=True)).abs().max()


def test_gradient_reaches_every_parameter() -> None:
    sharpening = loud(seed=1)
    sharpening(seen(torch.rand(2, 3, 64, 64))).square().sum().backward()
    assert [name for name, value in sharpening.named_parameters() if value.grad is None or not value.grad.any()] == []


@torch.no_grad()
@pytest.mark.parametrize("width", [3, 5, 7])
def test_fresh_filters_can_undo_a_box(width: int) -> None:
    """Soft blobs, blurred by the box and stored with 8 bits, come back nearer to what they were."""
    rng = np.random.default_rng(width)
    truth = cv2.GaussianBlur(rng.uniform(0, 255, (96, 96, 3)).astype(np.float32), (0, 0), 2)
    truth = (truth - truth.mean()) * 4 + 128
    low = np.rint(cv2.blur(truth, (width, width)))
    image = torch.from_numpy(low.transpose(2, 0, 1)[None] / 255)
    sharpening = Chosen().eval()
    along = sharpening.filters @ _inverse(float(width))  # how the mixtures make the inverse
    sharpening.given = torch.cat([along, along])[None, :, None, None].repeat(1, 1, 6, 6)
    sharp = sharpening(seen(image))[0].numpy().transpose(1, 2, 0) * 255
    inner = slice(TAPS, -TAPS)
    before, after = (np.abs(x - truth)[inner, inner].mean() for x in (low, sharp))
    assert after < 0.8 * before
