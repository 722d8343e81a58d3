"""The detail: a residual that is bounded, and zero outside the field of view."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cofenet.networks.detail import BOUND, MULTIPLE, Detail

WIDTHS = (4, 6, 8)


@pytest.fixture
def network() -> Detail:
    """A small network all parts of which say something."""
    return loud(seed=0, loudness=0.3)


def loud(seed: int, loudness: float) -> Detail:
    torch.manual_seed(seed)
    network = Detail(WIDTHS)
    for value in network.parameters():
        torch.nn.init.normal_(value, std=loudness)
    return network


@pytest.mark.parametrize(("high", "wide"), [(1, 1), (2, 5), (7, 4)])
def test_any_multiple_is_a_size(network: Detail, high: int, wide: int) -> None:
    height, width = high * MULTIPLE, wide * MULTIPLE
    residual, activation = network(torch.rand(2, 4, height, width))
    assert residual.shape == (2, 3, height, width)
    assert activation.shape == (2, 1, height, width)


def test_another_size_is_refused(network: Detail) -> None:
    with pytest.raises(RuntimeError, match="size"):
        network(torch.rand(1, 4, MULTIPLE + 4, MULTIPLE + 4))


def test_fresh_network_changes_nothing_and_is_alive() -> None:
    torch.manual_seed(0)
    network = Detail(WIDTHS)
    image = torch.rand(2, 4, 64, 64)
    residual, activation = network(image)
    assert not residual.any()
    torch.testing.assert_close(activation, 0.0474 * image[:, 3:], atol=1e-3, rtol=0)
    (residual - 0.1).abs().sum().backward()
    assert network.head.weight.grad is not None
    assert network.head.weight.grad[:12].flatten(1).any(1).all()


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), loudness=st.floats(0.01, 0.5))
def test_residual_is_bounded_and_inside_the_field_of_view(seed: int, loudness: float) -> None:
    network = loud(seed, loudness)
    image = torch.rand(1, 4, 32, 32)
    image[:, 3] = (image[:, 3] > 0.5).float()
    residual, activation = network(image)
    assert residual.abs().max() <= BOUND
    assert ((activation >= 0) & (activation <= 1)).all()
    assert not (residual * (1 - image[:, 3:])).any()


def test_gradient_reaches_every_parameter(network: Detail) -> None:
    image = torch.rand(2, 4, 64, 64)
    residual, activation = network(image)
    (residual.square().sum() + activation.sum()).backward()
    assert [name for name, value in network.named_parameters() if value.grad is None or not value.grad.any()] == []


def test_evaluation_is_deterministic(network: Detail) -> None:
    network.eval()
    image = torch.rand(2, 4, 32, 32)
    with torch.no_grad():
        for first, second in zip(network(image), network(image), strict=True):
            assert first.any()
            assert torch.equal(first, second)
