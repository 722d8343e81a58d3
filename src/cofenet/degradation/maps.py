"""Where and how much a degradation changed a photograph: what a network could learn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cofenet.degradation.parameters import Parameters
from cofenet.degradation.simulate import Pixels, simulate
from cofenet.fov import FieldOfView, find_fov


@dataclass(frozen=True)
class Maps:
    """What the groups of factors changed, as shares of the full range; 0 outside the field of view.

    Attributes:
        illumination: float32 (H, W, 3), −1 to 1: photograph under the factors of illumination alone, minus photograph.
        artifact: float32 (H, W), 0 to 1: how much the artifacts then changed, in the most changed channel.
    """

    illumination: NDArray[np.float32]
    artifact: NDArray[np.float32]


def degradation_maps(image: Pixels, parameters: Parameters, fov: FieldOfView | None = None) -> Maps:
    """Tell apart what `simulate` does to a photograph by illumination and by artifacts.

    Args:
        image: uint8 or uint16 (H, W, 3), RGB, full range.
        parameters: what is done to it.
        fov: where the retina is; found if not given.

    Raises:
        UsageError: `image` has another dtype or shape.
        NotFundusError: no field of view is given and none is found.
    """
    fov = fov or find_fov(image)
    lit = simulate(image, parameters.only("illumination"), fov)
    marked = simulate(image, parameters.only("illumination", "artifact"), fov)
    full = np.float32(np.iinfo(image.dtype).max)
    illumination = lit.astype(np.float32) - image.astype(np.float32)
    artifact = np.abs(marked.astype(np.float32) - lit.astype(np.float32)).max(axis=2)
    return Maps(illumination / full, artifact / full)
