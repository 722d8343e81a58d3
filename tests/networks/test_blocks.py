"""The blocks that networks are built from."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import pixel_shuffle

from cofenet.networks.blocks import ResidualBlock, convolution, shuffled


def test_plain_block_starts_as_a_rectifier() -> None:
    x = torch.randn(2, 5, 9, 7)
    assert torch.equal(ResidualBlock(5, normalise=False)(x), torch.relu(x))


@pytest.mark.parametrize("normalise", [False, True])
@pytest.mark.parametrize(("stride", "shape"), [(1, (8, 12)), (2, (4, 6))])
def test_convolution_keeps_or_divides_the_size(normalise: bool, stride: int, shape: tuple[int, int]) -> None:
    layer = convolution(3, 4, stride=stride, normalise=normalise)
    assert layer(torch.rand(2, 3, 8, 12)).shape == (2, 4, *shape)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_shuffled_is_the_pixel_shuffle(layout: torch.memory_format) -> None:
    x = torch.randn(2, 12, 6, 10).contiguous(memory_format=layout)
    assert torch.equal(shuffled(x), pixel_shuffle(x, 2))
