from __future__ import annotations

import pytest
import torch

from cofenet.networks.segmentation import Probability, Segmenter


@pytest.mark.parametrize(("structures", "widths"), [(1, (4, 6)), (2, (4, 6, 8, 8))])
def test_shapes(structures: int, widths: tuple[int, ...]) -> None:
    network = Segmenter(structures, widths).eval()
    side = 3 * 2 ** len(widths)
    assert network(torch.rand(2, 4, side, 2 * side)).shape == (2, structures, side, 2 * side)


def test_every_weight_learns() -> None:
    network = Segmenter(2, (4, 6, 8))
    network(torch.rand(2, 4, 32, 32)).square().mean().backward()
    assert all(value.grad is not None and value.grad.abs().sum() > 0 for value in network.parameters())


def test_probability_is_zero_outside() -> None:
    x = torch.rand(1, 4, 32, 32)
    x[:, 3] = 1.0
    x[:, 3, :16] = 0.0
    out = Probability(Segmenter(1, (4, 6))).eval()(x)
    assert not out[:, :, :16].any()
    assert ((out[:, :, 16:] > 0) & (out[:, :, 16:] < 1)).all()
