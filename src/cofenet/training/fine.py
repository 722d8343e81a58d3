"""What the networks for structures learn from: what one filter leaves of blur, in patches of photographs."""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cofenet.engine.card import load_card
from cofenet.geometry import Crop, resize
from cofenet.networks.fine import COARSE, Fine, light_around
from cofenet.networks.light import RIM, inside
from cofenet.networks.sharpening import Sharpening
from cofenet.tasks.fine import FINE, sharpen_finely
from cofenet.tasks.view import Floats, view
from cofenet.training.examples import Example, PatchedExamples, degraded, draw, filled, turned, vary
from cofenet.training.objective import Batch
from cofenet.training.pretrained import begin_with
from cofenet.training.recipe import Mixture
from cofenet.training.restoration import PatchRestoration

_SHARPENS = "light"
"""The model that sharpens the photographs first, as shipped."""

_USUAL = 0.3
"""Light that pictures are brought to before losses compare them: a retina's, as usual."""


class CoarseExamples(PatchedExamples):
    """Patches of photographs at working size, sharpened as `light` does."""

    def __getitem__(self, index: int) -> Batch:
        """Tensors (patches, C, size, size): `input` of 7 channels, as the network takes them, `sharp` of 3, `mask`."""
        rng = np.random.default_rng([self.seed, index])
        image, seen = turned(rng, *self.photographs.layers(int(rng.integers(len(self.photographs)))))
        side = round(len(image) * rng.uniform(*self.mixture.scale))
        image, seen = resize(image, (side, side)), resize(seen.astype(np.uint8), (side, side)).astype(np.bool_)
        clean, mask = vary(image, seen, self.mixture, rng)
        planes = self._seen(degraded(clean, mask, draw(self.mixture, rng)))
        corners = rng.integers(planes.shape[1] - self.size + 1, size=(self.patches, 2))
        cut = np.stack([planes[:, y : y + self.size, x : x + self.size] for y, x in corners])
        batch = torch.from_numpy(cut)
        return {"input": batch[:, :7], "sharp": batch[:, 7:10], "mask": batch[:, 10:]}

    def _seen(self, example: Example) -> Floats:
        """What the network sees, what it should give, and where that counts: float32 (11, S, S)."""
        given, _ = _view(example, example.degraded, _working_size())
        sharp, _ = _view(example, example.before_blur(), _working_size())
        return _stacked(given, self._sharpening(given)[1], sharp, RIM)

    @torch.no_grad()
    def _sharpening(self, local: Floats) -> tuple[Floats, Floats]:
        """The fine filters that `light`, as shipped, chooses, (2, T), and its own sharpening (3, S, S)."""
        x = torch.from_numpy(local)[None]
        shares = self._network.shares(x)
        change = (self._network.mixed(x, shares).clamp(0, 1) - x[:, :3]) * inside(x[:, 3:])
        return (shares @ self._network.fine_inverses)[0].numpy(), change[0].numpy()

    @cached_property
    def _network(self) -> Sharpening:
        network = Sharpening()
        begin_with(_SHARPENS, network, lambda: None)
        return network.eval()


class FineExamples(CoarseExamples):
    """Patches of photographs at the size at which `light` sharpens large ones, sharpened as it does."""

    def _seen(self, example: Example) -> Floats:
        given, _ = _view(example, example.degraded, FINE * _working_size())
        sharp, _ = _view(example, example.before_blur(), FINE * _working_size())
        local, crop = _view(example, example.degraded, _working_size())
        return _stacked(given, sharpen_finely(given, crop, *self._sharpening(local)), sharp, FINE * RIM)


def _working_size() -> int:
    return load_card(_SHARPENS).working_size


def _view(example: Example, image: NDArray[np.uint8], size: int) -> tuple[Floats, Crop]:
    """An example's photograph at that size, (4, size, size), and the square it shows."""
    fov = filled(example.mask)
    crop = Crop.around(fov.circle, size)
    return view(image, fov, crop), crop


def _stacked(given: Floats, added: Floats, sharp: Floats, rim: int) -> Floats:
    """What networks for structures see, and should give, and where that counts: all but that many pixels at the rim."""
    counts = cv2.erode(given[3], np.ones((2 * rim + 1,) * 2), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(np.concatenate([given[:3] + added, given[3:], added, sharp[:3], counts[None]]), np.float32)


class CoarseObjective(PatchRestoration):
    """Undo what a filter leaves of blur; a faint vessel in the dark counts as in the light."""

    seen: type[CoarseExamples] = CoarseExamples
    widths: tuple[int, ...] = COARSE

    @property
    def validation(self) -> Mixture:
        """The published recipe, at sizes as in training."""
        return super().validation.model_copy(update={"scale": self.recipe.mixture.scale})

    def network(self) -> nn.Module:
        """See base."""
        return Fine(*(self.recipe.widths or self.widths))

    def restore(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """See base."""
        return batch["input"][:, :3] + network(batch["input"]), batch["sharp"], {}

    def compared(self, image: Tensor, target: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Both as if lit alike everywhere."""
        light = light_around(target, batch["input"][:, 3:4])
        return _USUAL * image / light, _USUAL * target / light


class FineObjective(CoarseObjective):
    """The same at FINE times the size."""

    seen, widths = FineExamples, ()
