"""A transform for albumentations 2: serialisable, and replayed by its numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cofenet.degradation import Parameters, simulate
from cofenet.errors import UsageError
from cofenet.pipelines.draws import Draws, probability

try:
    from albumentations import ImageOnlyTransform
except ModuleNotFoundError as error:
    raise UsageError("this pipeline needs albumentations: pip install 'albumentations>=2'") from error


class Degrade(ImageOnlyTransform):  # type: ignore[misc] # albumentations has no types
    """Degrade the image; masks, boxes and keypoints stay as they are.

    Targets are photographs as `cofenet.degradation.simulate` takes them: uint8 or uint16 (H, W, 3), RGB, full range.
    The numbers that were drawn stand under "parameters" in what `ReplayCompose` and `save_applied_params` tell.

    Args:
        kind: one of `cofenet.degradation.KINDS`.
        severity: 0 (no change) to 1 (as drawn), or a range (low, high) from which one is drawn uniformly.
        preset: "published", "training", "clinical", or a TOML file of one's own.
        parameters: draw nothing and apply these: `Parameters`, or what their JSON reads as.
        p: the probability that a photograph is degraded at all.

    Raises:
        ParameterError: a wrong argument.
        NotFundusError: when called, no field of view is found in the photograph.
        UsageError: when called, the image has another dtype or shape.
    """

    def __init__(
        self,
        kind: str = "111",
        severity: float | Sequence[float] = 1.0,
        preset: str | Path = "published",
        parameters: Parameters | Mapping[str, Any] | None = None,
        p: float = 0.5,
    ) -> None:
        super().__init__(p=probability(p))
        self._draws = Draws(kind, severity, preset)
        # albumentations stores the arguments that it finds under their names, and they must be fit for JSON.
        self.kind, self.severity, self.preset = kind, self._draws.limits, str(preset)
        self.parameters = None if parameters is None else _plain(_parsed(parameters))

    def get_params(self) -> dict[str, Any]:
        """The parameters for this call, fit for JSON."""
        return {"parameters": self.parameters or _plain(self._draws.draw(self.random_generator))}

    def apply(self, img: NDArray[Any], parameters: Mapping[str, Any], **_: object) -> NDArray[Any]:
        """Degrade uint8 or uint16 (H, W, 3); returns a new array."""
        return np.asarray(simulate(img, _parsed(parameters)))


def _plain(parameters: Parameters) -> dict[str, Any]:
    return parameters.model_dump(mode="json")


def _parsed(parameters: Parameters | Mapping[str, Any]) -> Parameters:
    return parameters if isinstance(parameters, Parameters) else Parameters.from_json(json.dumps(parameters))
