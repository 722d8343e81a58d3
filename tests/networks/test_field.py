"""The illumination field: starts as no change, and applies local colour transforms exactly."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cofenet.networks.field import GRID, INPUT, IlluminationField, apply_field

WIDTHS = (4, 6, 8, 10)


@pytest.fixture
def network() -> IlluminationField:
    """A small network with a head that says something."""
    torch.manual_seed(0)
    network = IlluminationField(WIDTHS)
    torch.nn.init.normal_(network.head.weight, std=0.1)
    return network


@pytest.mark.parametrize("batch", [1, 3])
def test_shape_at_its_own_size(network: IlluminationField, batch: int) -> None:
    assert network(torch.rand(batch, 4, INPUT, INPUT)).shape == (batch, 12, GRID, GRID)


def test_fresh_network_changes_nothing() -> None:
    field = IlluminationField(WIDTHS)(torch.rand(2, 4, 64, 64))
    image = torch.rand(2, 3, 50, 70)
    assert not field.any()
    assert torch.equal(apply_field(field, image), image)


@given(seed=st.integers(0, 10_000), height=st.integers(8, 40), width=st.integers(8, 40))
def test_constant_field_is_a_colour_matrix(seed: int, height: int, width: int) -> None:
    random = torch.Generator().manual_seed(seed)
    matrix = torch.randn(3, 4, generator=random)
    image = torch.rand(2, 3, height, width, generator=random)
    field = matrix.reshape(1, 12, 1, 1).expand(2, 12, 8, 8)
    expected = image + torch.einsum("oc,bchw->bohw", matrix[:, :3], image) + matrix[:, 3].reshape(1, 3, 1, 1)
    torch.testing.assert_close(apply_field(field, image), expected, atol=1e-5, rtol=0)


@given(seed=st.integers(0, 10_000), a=st.floats(-2, 2), b=st.floats(-2, 2))
def test_change_is_linear_in_the_field(seed: int, a: float, b: float) -> None:
    random = torch.Generator().manual_seed(seed)
    f, g = torch.randn(2, 1, 12, 8, 8, generator=random, dtype=torch.float64)
    image = torch.rand(1, 3, 20, 24, generator=random, dtype=torch.float64)
    together = apply_field(a * f + b * g, image) - image
    torch.testing.assert_close(together, a * (apply_field(f, image) - image) + b * (apply_field(g, image) - image))


def test_gradient_reaches_every_parameter(network: IlluminationField) -> None:
    image = torch.rand(2, 4, 64, 64)
    apply_field(network(image), image[:, :3]).square().sum().backward()
    assert [name for name, value in network.named_parameters() if value.grad is None or not value.grad.any()] == []


def test_evaluation_is_deterministic_and_each_photograph_alone(network: IlluminationField) -> None:
    images = torch.rand(3, 4, 64, 64)
    network(images)  # moves the running statistics away from their start
    network.eval()
    with torch.no_grad():
        together = network(images)
        assert together.any()
        assert torch.equal(together, network(images))
        torch.testing.assert_close(together[1:2], network(images[1:2]))
