"""Fine structures: fresh, nothing is added; what is added follows the light, stays where the eye is, and is local."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from cofenet.networks.fine import Fine, light_around


@pytest.fixture
def network() -> Fine:
    torch.manual_seed(0)
    fine = Fine(4, 1).eval()
    nn.init.normal_(fine.last.weight, std=0.1)
    return fine


def seen(image: Tensor, added: Tensor, mask: Tensor | None = None) -> Tensor:
    """What the network takes: a sharpened photograph, its field of view, and what sharpening added."""
    mask = torch.ones_like(image[:, :1]) if mask is None else mask
    return torch.cat([(image + added) * mask, mask, added * mask], 1)


def test_fresh_it_adds_nothing() -> None:
    assert not Fine()(torch.rand(2, 7, 32, 32)).any()


@torch.no_grad()
def test_a_photograph_half_as_bright_gets_half_as_much(network: Fine) -> None:
    image, added = 0.6 + 0.2 * torch.rand(1, 3, 64, 64), 0.02 * torch.rand(1, 3, 64, 64)
    bright, dark = network(seen(image, added)), network(seen(image / 2, added / 2))
    assert bright.abs().max() > 1e-3
    torch.testing.assert_close(dark, bright / 2, rtol=0.2, atol=0.1 * float(bright.abs().max()))


@torch.no_grad()
def test_nothing_is_added_outside_the_field_of_view(network: Fine) -> None:
    mask = torch.ones(1, 1, 64, 64)
    mask[..., 40:] = 0
    found = network(seen(torch.rand(1, 3, 64, 64), torch.zeros(1, 3, 64, 64), mask))
    assert found[..., :40].any()
    assert not found[..., 40:].any()


@torch.no_grad()
def test_it_sees_forty_pixels_around_and_no_more() -> None:
    torch.manual_seed(0)
    network = Fine().eval()
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, std=0.1)
    image, added = torch.rand(1, 3, 160, 160), torch.zeros(1, 3, 160, 160)
    other = image.clone()
    other[..., 95:] = 1 - other[..., 95:]  # the last of a block whose light counts for all of it
    first, second = network(seen(image, added)), network(seen(other, added))
    assert torch.equal(first[..., :56], second[..., :56])
    assert not torch.equal(first[..., 56:60], second[..., 56:60])


def test_light_around_is_that_of_what_is_seen() -> None:
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., :32] = 1
    light = light_around(torch.full((1, 3, 64, 64), 0.5), mask)
    torch.testing.assert_close(light[..., :32], torch.full((1, 3, 64, 32), 0.52), rtol=0, atol=0.02)


def test_light_around_of_nothing_can_be_divided_by() -> None:
    assert (light_around(torch.zeros(1, 3, 32, 32), torch.zeros(1, 1, 32, 32)) > 0).all()
