"""Spectra: of what is seen alone, of contrast by its square, and with the gaps that blur leaves."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from cofenet.networks.spectrum import FLOOR, SEGMENT, inner, spectra, waves


def noise(seed: int = 0) -> Tensor:
    return torch.rand(2, 128, 128, generator=torch.Generator().manual_seed(seed))


def whole(plane: Tensor) -> Tensor:
    return torch.ones_like(plane)


@pytest.mark.parametrize("cycles", [3, 10, 25])
def test_a_wave_is_at_its_frequency(cycles: int) -> None:
    place = torch.arange(128) * 2 * math.pi * cycles / SEGMENT
    plane = (0.5 + 0.1 * torch.sin(place)).expand(1, 128, 128)
    rows, columns = spectra(plane, whole(plane), waves())
    assert rows.argmax().item() == cycles - 1  # the first bin is one cycle a segment
    torch.testing.assert_close(columns, torch.full_like(columns, math.log(FLOOR)))


def test_rows_of_a_picture_are_columns_of_the_turned_one() -> None:
    rows, columns = spectra(noise(), whole(noise()), waves())
    turned = spectra(noise().mT, whole(noise()), waves())
    torch.testing.assert_close((columns, rows), turned)


@pytest.mark.parametrize("gain", [0.5, 0.25])
def test_a_veil_lowers_all_of_it_by_the_same(gain: float) -> None:
    before, after = (spectra(plane, whole(plane), waves())[0] for plane in (noise(), gain * noise() + 0.3))
    torch.testing.assert_close(before - after, torch.full_like(before, -2 * math.log(gain)), atol=1e-3, rtol=0)


def test_a_box_lowers_its_end() -> None:
    sharp, blurred = noise(), avg_pool2d(noise()[None], (1, 3), 1, (0, 1))[0]
    rows, columns = (a - b for a, b in zip(*(spectra(p, whole(p), waves()) for p in (sharp, blurred)), strict=True))
    assert rows[:, 20:22].mean() > rows[:, :4].mean() + 3  # a third of the sampling frequency: the gap of a box of 3
    assert columns.std(1).mean() < 0.2


def test_what_is_not_seen_does_not_count() -> None:
    seen = whole(noise())
    seen[:, 40:60, 30:70] = 0  # rows here have no segment that is wholly seen
    painted = noise() + 10 * noise(1) * (1 - seen)
    without = seen.clone()
    without[:, 40:60] = 0
    torch.testing.assert_close(spectra(painted, seen, waves())[0], spectra(noise(), without, waves())[0])


def test_the_edge_of_the_field_of_view_is_not_inner_and_the_frame_is() -> None:
    retina = pad(torch.ones(1, 1, 20, 10), (5, 0, 0, 0))
    found = inner(retina, 4)[0, 0]
    assert found[:, :9].sum() == 0
    assert found[:, 9:].min() == 1
