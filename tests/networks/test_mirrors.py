from __future__ import annotations

import torch

from cofenet.networks.mirrors import MIRRORS, upright
from cofenet.networks.segmentation import Probability, Segmenter


def test_what_follows_the_photograph_is_turned_back() -> None:
    x = torch.rand(1, 2, 5, 7)
    torch.testing.assert_close(upright(torch.cat([x.flip(axes) for axes in MIRRORS])), x)


@torch.no_grad()
def test_a_mirrored_photograph_has_the_mirrored_probability() -> None:
    torch.manual_seed(0)
    network, x = Probability(Segmenter(2, (4, 6)), mirrored=True).eval(), torch.rand(1, 4, 32, 32)
    for axes in MIRRORS:
        torch.testing.assert_close(network(x.flip(axes)).flip(axes), network(x))
