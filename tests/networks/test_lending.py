"""Where green is black it gets the structures of red, and no other light; elsewhere, and untrusted, all stays."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from cofenet.networks.field import GRID, INPUT, apply_field
from cofenet.networks.lending import BLACK, lent

SURE = torch.ones(1, 1, 1, 1)


def photograph(red: float, green: float, blue: float) -> Tensor:
    """(1, 4, INPUT, INPUT), all in view, of one colour with darker lines in red alone, four cells apart."""
    whole = torch.ones(1, 4, INPUT, INPUT)
    whole[:, :3] = torch.tensor([red, green, blue]).view(1, 3, 1, 1)
    whole[:, 0, :, 8::16] *= 0.8
    return whole


def raised(by: float) -> Tensor:
    """A field that adds the same light to each colour."""
    field = torch.zeros(1, 3, 4, GRID, GRID)
    field[:, :, 3] = by
    return field.view(1, 12, GRID, GRID)


def contrast(plane: Tensor) -> float:
    """Of the lines, over the light."""
    middle = plane[..., 40:-40, 40:-40]
    return float((middle.mean() - middle.min()) / middle.mean())


@given(black=st.floats(0.0, BLACK / 10), light=st.floats(0.1, 0.4))
@torch.no_grad()
def test_a_fog_gets_the_structures_of_red(black: float, light: float) -> None:
    whole, field = photograph(0.3, black, black), raised(light)
    before, after = (apply_field(part, whole[:, :3]) for part in (field, lent(field, whole, SURE)))
    assert torch.equal(before[:, 0], after[:, 0])
    assert contrast(before[:, 1]) < 1e-5
    assert contrast(before[:, 0]) < contrast(after[:, 1]) < 2 * contrast(before[:, 0])
    assert 0 < contrast(after[:, 2]) < contrast(after[:, 1])
    torch.testing.assert_close(before.mean((2, 3)), after.mean((2, 3)), rtol=0.01, atol=0)


@pytest.mark.parametrize(
    ("red", "green", "trust"), [(0.3, 2 * BLACK, 1.0), (0.3, 0.0, 0.0), (0.02, 0.02, 1.0), (0.0, 0.0, 1.0)]
)
@torch.no_grad()
def test_all_stays_where_green_shows_as_much_as_red_or_nothing_is_trusted(
    red: float, green: float, trust: float
) -> None:
    whole = torch.ones(1, 4, INPUT, INPUT)
    whole[:, :3] = torch.tensor([red, green, green]).view(1, 3, 1, 1)
    field = torch.randn(1, 12, GRID, GRID, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(lent(field, whole, trust * SURE), field)


@given(
    weights=st.lists(st.floats(-0.3, 0.3), min_size=12, max_size=12), green=st.floats(0.0, 0.04),
    trust=st.floats(0.0, 1.0), red=st.floats(0.06, 0.9),
)  # fmt: skip
@torch.no_grad()
def test_weights_are_the_equation_and_light_stays(weights: list[float], green: float, trust: float, red: float) -> None:
    light = torch.tensor([red, green, green])
    whole = torch.cat([light, torch.ones(1)]).view(1, 4, 1, 1).expand(1, 4, INPUT, INPUT)
    given_, matrix = torch.tensor(weights).view(1, 12, 1, 1).expand(1, 12, GRID, GRID), torch.tensor(weights).view(3, 4)
    found = lent(given_, whole, trust * SURE)[0, :, 9, 9].view(3, 4)
    made = light + matrix[:, :3] @ light + matrix[:, 3]
    w = trust * (1 - green / BLACK)
    for colour, gain in ((1, 1.4), (2, 0.7)):
        ratio = made[colour].clamp(min=0) / made[0].clamp(min=0.05)
        expected = (1 - w**2) * matrix[colour, 0] + w * gain * ratio * (1 + matrix[0, 0])
        torch.testing.assert_close(found[colour, 0], expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found[:, 1:3], matrix[:, 1:3])
    torch.testing.assert_close(light + found[:, :3] @ light + found[:, 3], made, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_what_green_still_shows_is_kept() -> None:
    whole = photograph(0.3, 0.01, 0.01)
    whole[:, 1, 60:68, 60:68] = 0.04  # an exudate
    field = raised(0.2)
    field[:, 5] = 2.0  # of green in green
    before, after = (apply_field(part, whole[:, :3])[0, 1] for part in (field, lent(field, whole, SURE)))
    brighter = [plane[60:68, 60:68].mean() - plane[60:68, 76:84].mean() for plane in (before, after)]
    torch.testing.assert_close(brighter[1], brighter[0], rtol=0.05, atol=0)


@torch.no_grad()
def test_places_are_lent_to_one_by_one() -> None:
    whole = photograph(0.3, 0.0, 0.0)
    whole[:, 1:3, :, : INPUT // 2] = 2 * BLACK
    field = raised(0.2)
    changed = (lent(field, whole, SURE) - field).abs().amax((0, 1, 2))
    assert not changed[: GRID // 2 - 1].any()
    assert changed[GRID // 2 + 1 :].all()


@torch.no_grad()
def test_outside_of_the_field_of_view_nothing_is_seen() -> None:
    whole, field = photograph(0.3, 0.01, 0.0), raised(0.2)
    entire = lent(field, whole, SURE)
    whole[..., : INPUT // 2] = 0
    torch.testing.assert_close(lent(field, whole, SURE)[..., GRID // 2 :], entire[..., GRID // 2 :], rtol=0.1, atol=0)
