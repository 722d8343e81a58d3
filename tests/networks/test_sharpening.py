"""Sharpening: a filter, so linear for a chosen mixture and without effect on what is even; it undoes blur."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import conv2d

from cofenet.networks.sharpening import _NOISES, _WIDTHS, EDGE, FINE_TAPS, TAPS, Sharpening, inverse, slow_light

KINDS = len(_WIDTHS) * len(_NOISES)


class Chosen(Sharpening):
    """Sharpening whose mixture is given, and not found."""

    given: Tensor

    def shares(self, x: Tensor) -> Tensor:
        del x
        return self.given


def seen(image: Tensor) -> Tensor:
    """With a field of view that is everywhere."""
    return torch.cat([image, torch.ones_like(image[:, :1])], 1)


def round_view(side: int) -> Tensor:
    """A round field of view, (1, 1, side, side)."""
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    middle = (side - 1) / 2
    return ((rows - middle) ** 2 + (columns - middle) ** 2 < (side / 2) ** 2).float()[None, None]


def loud(seed: int) -> Sharpening:
    """One all parts of which say something."""
    torch.manual_seed(seed)
    sharpening = Sharpening(8)
    for value in sharpening.parameters():
        torch.nn.init.normal_(value, std=0.3)
    return sharpening.eval()


def in_words(image: Tensor, retina: Tensor, filters: Tensor) -> Tensor:
    """The equation of the class: along rows, then along columns, differences from the pixel over what is seen, of what
    slow light leaves.
    """
    near = conv2d(retina, torch.ones(1, 1, 2 * EDGE + 1, 2 * EDGE + 1))
    whole = conv2d(torch.ones_like(retina), torch.ones(1, 1, 2 * EDGE + 1, 2 * EDGE + 1), padding=EDGE)
    inner = (torch.nn.functional.pad(near, (EDGE,) * 4) >= whole - 0.5).float()
    light = slow_light(image, inner)
    image = image - light
    for taps, shape, room in (
        (filters[0], (1, 1, 1, TAPS), (0, TAPS // 2)),
        (filters[1], (1, 1, TAPS, 1), (TAPS // 2, 0)),
    ):
        kernel = taps.view(shape)
        colours = [conv2d(image[:, k : k + 1] * inner, kernel, padding=room) for k in range(3)]
        image = image + (torch.cat(colours, 1) - image * conv2d(inner, kernel, padding=room)) * inner
    return image + light


@torch.no_grad()
def test_filters_along_rows_then_along_columns_what_is_seen() -> None:
    torch.manual_seed(0)
    sharpening = Chosen()
    sharpening.given = torch.softmax(torch.randn(1, 2, KINDS), 2)
    image, retina = torch.rand(1, 3, 96, 96), torch.zeros(1, 1, 96, 96)
    retina[:, :, EDGE:-EDGE, EDGE:-EDGE] = round_view(96 - 2 * EDGE)
    filters = (sharpening.given @ sharpening.inverses)[0]
    found = sharpening(torch.cat([image, retina], 1))
    torch.testing.assert_close(found, in_words(image, retina, filters), atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_fresh_network_hardly_changes_anything() -> None:
    photograph = torch.rand(1, 3, 64, 64)
    assert (Sharpening()(seen(photograph)) - photograph).abs().max() < 0.2


@torch.no_grad()
@settings(max_examples=20, deadline=None)
@given(level=st.floats(0, 1), seed=st.integers(0, 100))
def test_what_is_even_stays_even_up_to_the_edge_of_the_field_of_view(level: float, seed: int) -> None:
    retina = round_view(128)
    image = (level * retina).repeat(1, 3, 1, 1)
    torch.testing.assert_close(loud(seed)(torch.cat([image, retina], 1)), image, atol=1e-5, rtol=0)


@torch.no_grad()
@settings(max_examples=20, deadline=None)
@given(
    slopes=st.tuples(st.floats(-0.003, 0.003), st.floats(-0.003, 0.003)),
    boxes=st.tuples(st.integers(0, KINDS - 1), st.integers(0, KINDS - 1)),
)
def test_what_rises_evenly_stays_as_it_is_up_to_the_edge_of_the_field_of_view(
    slopes: tuple[float, float], boxes: tuple[int, int]
) -> None:
    place = torch.arange(128.0) - 63.5
    image = (0.5 + slopes[0] * place + slopes[1] * place[:, None]) * torch.ones(1, 3, 1, 1)
    sharpening, retina = Chosen(), round_view(128)
    sharpening.given = torch.eye(KINDS)[list(boxes)][None]  # one inverse along each axis
    found = sharpening(torch.cat([image * retina, retina], 1))
    torch.testing.assert_close(found, image * retina, atol=0.025, rtol=0)  # as if level beyond it: up to 0.17


@torch.no_grad()
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), factor=st.floats(-2, 2))
def test_is_linear_where_the_mixture_is_chosen(seed: int, factor: float) -> None:
    torch.manual_seed(seed)
    sharpening = Chosen()
    sharpening.given = torch.softmax(torch.randn(1, 2, KINDS), 2)
    one, other = torch.rand(2, 1, 3, 64, 64)
    whole = sharpening(seen(one + factor * other))
    parts = sharpening(seen(one)) + factor * sharpening(seen(other))
    torch.testing.assert_close(whole, parts, atol=1e-3, rtol=1e-4)


@torch.no_grad()
def test_the_mixture_hangs_on_structure_not_on_the_edge_of_the_field_of_view() -> None:
    sharpening = loud(seed=3)
    torch.manual_seed(1)
    noise, retina = 0.3 * torch.rand(1, 3, 256, 256), torch.ones(1, 1, 256, 256)
    bright = torch.cat([0.5 + noise, retina], 1)
    whole = sharpening.shares(bright)
    cut = sharpening.shares(bright * round_view(256))  # black outside: an edge of full contrast
    softened = torch.cat([avg(0.5 + noise), retina], 1)
    assert (cut - whole).abs().max() < 0.1 * (sharpening.shares(softened) - whole).abs().max()


def avg(image: Tensor) -> Tensor:
    """A box of 3 pixels."""
    return torch.nn.functional.avg_pool2d(image, 3, 1, 1)


@torch.no_grad()
def test_where_nothing_is_seen_nothing_is_done() -> None:
    assert not loud(seed=2).shares(torch.zeros(1, 4, 64, 64)).any()


@torch.no_grad()
def test_a_turned_photograph_is_sharpened_alike() -> None:
    torch.manual_seed(5)
    sharpening, image = loud(seed=5), torch.rand(1, 3, 128, 128)
    shares = sharpening.shares(seen(image))
    torch.testing.assert_close(sharpening.shares(seen(image.mT)), shares.flip(1))


def test_gradient_reaches_every_parameter() -> None:
    sharpening = loud(seed=1)
    sharpening(seen(torch.rand(2, 3, 64, 64))).square().sum().backward()
    assert [name for name, value in sharpening.named_parameters() if value.grad is None or not value.grad.any()] == []


@pytest.mark.parametrize("noise", _NOISES)
@pytest.mark.parametrize("width", _WIDTHS)
def test_inverses_leave_the_mean_alone_and_have_no_side(width: float, noise: float) -> None:
    taps = inverse(width, noise)
    assert abs(float(taps.sum())) < 1e-5
    torch.testing.assert_close(taps, taps.flip(0))


def test_the_fine_inverse_of_a_box_undoes_one_of_twice_the_width() -> None:
    taps = Sharpening().fine_inverses[_WIDTHS.index(5) * len(_NOISES)].numpy()
    taps[FINE_TAPS // 2] += 1
    rng = np.random.default_rng(1)
    truth = cv2.GaussianBlur(rng.uniform(0, 255, (1, 2048)).astype(np.float32), (0, 0), 5)[0]
    low = np.convolve(truth, np.full(11, 1 / 10) - np.eye(11)[0] / 20 - np.eye(11)[-1] / 20, "same")
    before, after = (np.abs(x - truth)[FINE_TAPS:-FINE_TAPS].mean() for x in (low, np.convolve(low, taps, "same")))
    assert after < 0.1 * before


@torch.no_grad()
@pytest.mark.parametrize("width", [3, 5, 7])
def test_the_inverse_of_a_box_undoes_it(width: int) -> None:
    """Soft blobs, blurred by the box and stored with 8 bits, come back nearer to what they were."""
    rng = np.random.default_rng(width)
    truth = cv2.GaussianBlur(rng.uniform(0, 255, (192, 192, 3)).astype(np.float32), (0, 0), 2)
    truth = (truth - truth.mean()) * 4 + 128
    low = np.rint(cv2.blur(truth, (width, width)))
    sharpening = Chosen()
    sharpening.given = torch.zeros(1, 2, KINDS)
    sharpening.given[:, :, _WIDTHS.index(width) * len(_NOISES) + 1] = 1
    sharp = sharpening(seen(torch.from_numpy(low.transpose(2, 0, 1)[None] / 255)))[0].numpy().transpose(1, 2, 0) * 255
    inner = slice(TAPS, -TAPS)
    before, after = (np.abs(x - truth)[inner, inner].mean() for x in (low, sharp))
    assert after < 0.5 * before
