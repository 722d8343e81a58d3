"""Sharpening at twice the size: as the network's own, there; and only for photographs that are larger."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from cofenet.fov import find_fov
from cofenet.geometry import Circle, Crop
from cofenet.networks import light
from cofenet.networks import sharpening as network
from cofenet.tasks import proposal
from cofenet.tasks.correction import correct
from cofenet.tasks.fine import BLURRED, EDGE, FINE, RIM, SURELY, blurred, fineness, restored, sharpen_finely, sharpened
from cofenet.tasks.view import view
from conftest import draw_photograph


class Finely(network.Sharpening):
    """The network's sharpening, its pixels and filters twice as fine, by a given mixture."""

    def shares(self, x: torch.Tensor) -> torch.Tensor:
        del x
        return torch.softmax(torch.randn(1, 2, len(self.inverses), generator=torch.Generator().manual_seed(1)), 2)


def local(size: int) -> np.ndarray:
    """A view of noise, round, (4, size, size)."""
    rng = np.random.default_rng(0)
    retina = Circle(size / 2, size / 2, size / 2 - 3).mask((size, size))
    return np.concatenate([rng.uniform(0.3, 0.7, (3, size, size)) * retina, retina[None]]).astype(np.float32)


@torch.no_grad()
def test_sharpens_as_the_network_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "EDGE", EDGE)
    monkeypatch.setattr(network, "_STEP", FINE * network._STEP)
    monkeypatch.setattr(network, "_HALF", network.FINE_TAPS // 2)
    monkeypatch.setattr(network, "TAPS", network.FINE_TAPS)
    monkeypatch.setattr(light, "RIM", RIM)
    sharpening = Finely()
    filters = sharpening.shares(torch.zeros(0)) @ sharpening.fine_inverses
    sharpening.inverses = sharpening.fine_inverses
    seen = torch.from_numpy(local(256))[None]
    expected = (sharpening(seen).clamp(0, 1) - seen[:, :3]) * light.inside(seen[:, 3:])
    found = sharpened(local(256), filters[0].numpy())
    assert np.abs(found).max() > 0.05
    np.testing.assert_allclose(found, expected[0].numpy(), atol=1e-5)


def test_the_network_takes_the_same_for_blurred() -> None:
    assert (BLURRED, SURELY) == (light.BLURRED, light.SURELY)


def test_even_slopes_stay_as_they_are_up_to_the_rim() -> None:
    seen = local(256)
    rows, columns = np.mgrid[:256, :256] / np.float32(256)
    seen[:3] = (0.2 + 0.4 * columns + 0.2 * rows) * seen[3]
    taps = network.inverse(10, 1e-6, network.FINE_TAPS, 1024).numpy()
    assert np.abs(taps).sum() > 3
    assert np.abs(sharpened(seen, np.stack([taps, taps]))).max() < 1 / 255  # as if it were level beyond it: 11


def test_pixels_at_the_edge_are_as_many_as_the_network_has_there() -> None:
    assert (FINE, EDGE, RIM) == (network.FINE, FINE * network.EDGE, FINE * light.RIM)


@pytest.mark.parametrize(("side", "larger"), [(600, False), (605, False), (620, True), (1100, True)])  # 515, 527 across
def test_a_large_photograph_alone_is_sharpened_finely(side: int, larger: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    image = cv2.GaussianBlur(draw_photograph(height=side, width=side), (0, 0), side / 200)
    corrected = correct(image, judged=False).image
    monkeypatch.setattr(proposal, "LARGE", np.inf)
    assert np.array_equal(correct(image, judged=False).image, corrected) != larger


@pytest.mark.parametrize(("side", "share"), [(256, 0), (512, 0), (724, 0.5), (1024, 1), (3000, 1)])
def test_a_photograph_twice_as_large_is_as_fine_as_filters_allow_for(side: int, share: float) -> None:
    assert fineness(Crop(0, 0, side, 512)) == pytest.approx(share, abs=1e-3)


@pytest.mark.parametrize("side", [800, 1300])
def test_what_is_not_so_large_is_sharpened_in_part_by_the_network_itself(side: int) -> None:
    image = draw_photograph(height=side, width=side)
    fov = find_fov(image)
    crop = Crop.around(fov.circle, 512)
    filters = np.zeros((2, network.FINE_TAPS), np.float32)
    filters[:, network.FINE_TAPS // 2 - 1 : network.FINE_TAPS // 2 + 2] = (-0.5, 1, -0.5)
    coarse = np.full((3, 512, 512), 0.25, np.float32)
    seen = view(image, fov, Crop.around(fov.circle, 1024))
    found = sharpen_finely(seen, crop, filters, coarse)
    alone = sharpened(seen, filters)
    share = fineness(crop)
    assert 0 < share <= 1
    assert np.abs(alone).max() > 0.02
    np.testing.assert_allclose(found, share * alone + (1 - share) * 0.25, atol=1e-5)


@pytest.mark.parametrize(
    ("amount", "share"), [(0.0, 0), (BLURRED, 0), ((BLURRED + SURELY) / 2, 0.5), (SURELY, 1), (12.0, 1)]
)
def test_who_is_filtered_much_was_blurred(amount: float, share: float) -> None:
    filters = np.zeros((2, 127), np.float32)
    filters[0, 62:65] = amount / 4, -amount / 2, amount / 4
    assert blurred(filters) == pytest.approx(share)


def test_what_is_restored_is_what_the_network_adds_but_at_the_edge() -> None:
    seen = local(256)
    filters = np.zeros((2, 127), np.float32)
    filters[1, 62:65] = SURELY / 4, -SURELY / 2, SURELY / 4
    found = restored(np.full((3, 256, 256), 0.1, np.float32), filters, seen)
    np.testing.assert_allclose(found[:, 100:150, 100:150], 0.1)
    assert not found[:, seen[3] == 0].any()
    assert not restored(found, np.zeros_like(filters), seen).any()
