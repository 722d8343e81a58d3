"""`light` is both of its parts, side by side."""

from __future__ import annotations

import torch

from cofenet.networks.detail import Detail
from cofenet.networks.field import GRID, INPUT, IlluminationField
from cofenet.networks.light import Light


def test_light_gives_what_its_parts_give() -> None:
    torch.manual_seed(0)
    field, detail = IlluminationField((4, 6, 8, 10)).eval(), Detail((4, 6, 8)).eval()
    torch.nn.init.normal_(field.head.weight, std=0.1)
    whole, local = torch.rand(1, 4, INPUT, INPUT), torch.rand(1, 4, 64, 64)
    with torch.no_grad():
        answers = Light(field, detail)(whole, local)
        expected = (field(whole), *detail(local))
    assert [tuple(answer.shape) for answer in answers] == [(1, 12, GRID, GRID), (1, 3, 64, 64), (1, 1, 64, 64)]
    assert all(torch.equal(answer, one) for answer, one in zip(answers, expected, strict=True))
