"""`light` is its parts, side by side; the field turns with the photograph."""

from __future__ import annotations

import pytest
import torch

from cofenet.networks.detail import Detail
from cofenet.networks.field import GRID, INPUT, IlluminationField
from cofenet.networks.fine import Fine
from cofenet.networks.lending import lent
from cofenet.networks.light import BLURRED, DOUBTED, RIM, SURELY, TRUSTED, Light
from cofenet.networks.sharpening import Sharpening


@pytest.fixture
def parts() -> tuple[IlluminationField, Detail]:
    torch.manual_seed(0)
    field, detail = IlluminationField((4, 6, 8, 10)).eval(), Detail((4, 6, 8)).eval()
    torch.nn.init.normal_(field.head.weight, std=0.1)
    return field, detail


@torch.no_grad()
def test_light_gives_what_its_parts_give(parts: tuple[IlluminationField, Detail]) -> None:
    whole, local = torch.rand(1, 4, INPUT, INPUT), torch.rand(1, 4, 64, 64)
    local[:, 3] = 1
    field, residual, activation = Light(*parts)(whole, local)
    assert field.shape == (1, 12, GRID, GRID)
    inside = slice(RIM, -RIM)
    torch.testing.assert_close(residual[..., inside, inside], parts[1](local)[0][..., inside, inside])
    torch.testing.assert_close(activation, parts[1](local)[1])
    turned = parts[0](whole.flip(2, 3)).flip(2, 3)
    torch.testing.assert_close(field, (parts[0](whole) + turned) / 2)


@torch.no_grad()
def test_the_detail_looks_at_the_sharpened_photograph(parts: tuple[IlluminationField, Detail]) -> None:
    whole, local = torch.rand(1, 4, INPUT, INPUT), torch.rand(1, 4, 96, 96)
    local[:, 3] = 1
    sharpening = Sharpening(4).eval()
    torch.nn.init.normal_(sharpening.last.bias, std=0.2)  # type: ignore[arg-type]
    _, residual, activation, sharpened, filters = Light(*parts, sharpening)(whole, local)
    inside = slice(RIM, -RIM)
    middle = slice(40, 56)  # where nothing of the rim is seen
    sharp = sharpening(local).clamp(0, 1)
    expected = sharp - local[:, :3] + parts[1](torch.cat([sharp, local[:, 3:]], 1))[0]
    assert not torch.equal(sharp, local[:, :3])
    assert residual[..., inside, inside].any()
    torch.testing.assert_close(residual[..., middle, middle], expected[..., middle, middle])
    torch.testing.assert_close(sharpened[..., inside, inside], (sharp - local[:, :3])[..., inside, inside])
    torch.testing.assert_close(filters, sharpening.shares(local) @ sharpening.fine_inverses)
    assert activation.any()


@torch.no_grad()
@pytest.mark.parametrize(("amount", "share"), [(BLURRED - 0.1, 0.0), ((BLURRED + SURELY) / 2, 0.5), (SURELY + 1, 1.0)])
def test_the_part_for_coarse_structures_adds_to_what_is_blurred(
    parts: tuple[IlluminationField, Detail], amount: float, share: float
) -> None:
    whole, local = torch.rand(1, 4, INPUT, INPUT), torch.rand(1, 4, 64, 64)
    local[:, 3] = 1
    coarse, sharpening = Fine(4, 1).eval(), Sharpening(4).eval()
    torch.nn.init.normal_(coarse.last.weight, std=0.1)
    sharpening.fine_inverses *= amount / (sharpening.shares(local) @ sharpening.fine_inverses).abs().sum(2).max()
    expected = Light(*parts, sharpening)(whole, local)
    field, residual, activation, sharpened, filters, added = Light(*parts, sharpening, coarse)(whole, local)
    torch.testing.assert_close((field, activation, sharpened, filters), (expected[0], *expected[2:]))
    torch.testing.assert_close(residual, expected[1] + added)
    inside = slice(RIM, -RIM)
    whole_of_it = coarse(torch.cat([local[:, :3] + sharpened, local[:, 3:], sharpened], 1))
    assert whole_of_it.abs().max() > 1e-3
    torch.testing.assert_close(added[..., inside, inside], share * whole_of_it[..., inside, inside])


@torch.no_grad()
def test_the_part_for_fine_structures_looks_at_what_it_is_given(parts: tuple[IlluminationField, Detail]) -> None:
    whole, local, large = torch.rand(1, 4, INPUT, INPUT), torch.rand(1, 4, 64, 64), torch.rand(1, 7, 128, 128)
    fine = Fine(4, 1).eval()
    torch.nn.init.normal_(fine.last.weight, std=0.1)
    network = Light(*parts, Sharpening(4).eval(), fine=fine)
    *others, added = network(whole, local, large)
    assert added.any()
    torch.testing.assert_close(added, fine(large))
    assert network(whole, local, large[:0])[-1].shape == (0, 3, 128, 128)
    torch.testing.assert_close(others, list(Light(*parts, network.sharpening)(whole, local)))


@torch.no_grad()
def test_a_turned_photograph_has_the_turned_field(parts: tuple[IlluminationField, Detail]) -> None:
    whole, local = torch.rand(1, 4, INPUT, INPUT), torch.rand(1, 4, 64, 64)
    field, turned = (Light(*parts)(x, local)[0] for x in (whole, whole.flip(2, 3)))
    torch.testing.assert_close(turned.flip(2, 3), field)


@torch.no_grad()
def test_red_lends_where_green_is_black(parts: tuple[IlluminationField, Detail]) -> None:
    torch.nn.init.constant_(parts[0].head.bias, 0.2)
    whole, local = torch.rand(1, 4, INPUT, INPUT), torch.rand(1, 4, 64, 64)
    whole[:, 1:3], whole[:, 3] = 0, 1
    turned = parts[0](whole.flip(2, 3)).flip(2, 3)
    averaged = (parts[0](whole) + turned) / 2
    field = Light(*parts)(whole, local)[0]
    torch.testing.assert_close(field, lent(averaged, whole, torch.ones(1, 1, 1, 1)))
    assert (field[:, 4] - averaged[:, 4]).abs().mean() > 0.01


@torch.no_grad()
def test_the_residual_rises_smoothly_from_the_edge_of_the_field_of_view(
    parts: tuple[IlluminationField, Detail],
) -> None:
    torch.nn.init.constant_(parts[1].head.bias[:12], 0.2)
    local = torch.rand(1, 4, 64, 64)
    local[:, 3] = (torch.arange(64) >= 20).float()
    local[:, :3] *= local[:, 3:]
    full, faded = parts[1](local)[0], Light(*parts)(torch.rand(1, 4, INPUT, INPUT), local)[1]
    share = (faded / full)[0, 0, 32, 20 : 20 + RIM + 1]
    assert share[0] < 0.02
    assert (share.diff() > 0).all()
    torch.testing.assert_close(share[-1], torch.tensor(1.0))
    assert not faded[..., :20].any()


@torch.no_grad()
@pytest.mark.parametrize(
    ("asked", "kept"), [(DOUBTED, 0.0), ((DOUBTED + TRUSTED) / 2, 0.5), (TRUSTED, 1.0), (0.2, 1.0)]
)
def test_a_field_that_asks_for_little_is_doubted(
    parts: tuple[IlluminationField, Detail], asked: float, kept: float
) -> None:
    head = parts[0].head
    torch.nn.init.zeros_(head.weight)
    head.bias[:] = torch.tensor([0.0, 0, 0, 1] * 3) * asked  # the same offset everywhere
    whole, local = torch.rand(1, 4, INPUT, INPUT), torch.rand(1, 4, 64, 64)
    whole[:, 3] = (torch.arange(INPUT) >= 40).float()
    whole[:, :3] *= whole[:, 3:]
    field = Light(*parts)(whole, local)[0]
    torch.testing.assert_close(field.view(3, 4, GRID, GRID)[:, 3], torch.full((3, GRID, GRID), kept * asked))
