"""Random transforms for MONAI, of arrays and of dictionaries."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path

import numpy as np

from cofenet.degradation import Parameters
from cofenet.errors import UsageError
from cofenet.pipelines.draws import Draws

try:
    from monai.config import KeysCollection, NdarrayOrTensor
except ModuleNotFoundError as error:
    raise UsageError("this pipeline needs MONAI: pip install 'monai>=1.4'") from error
from monai.data import get_track_meta
from monai.transforms import MapTransform, RandomizableTransform
from monai.utils import TransformBackends, convert_to_dst_type, convert_to_tensor

from cofenet.pipelines.torch import degrade


class RandDegrade(RandomizableTransform):
    """Degrade a photograph (3, H, W), RGB: uint8, or floating point in [0, 1]; its dtype and metadata are kept.

    Args:
        prob: the probability that a photograph is degraded at all.
        kind: one of `cofenet.degradation.KINDS`.
        severity: 0 (no change) to 1 (as drawn), or a range (low, high) from which one is drawn uniformly.
        preset: "published", "training", "clinical", or a TOML file of one's own.

    Attributes:
        parameters: what was drawn last; None if the photograph was left as it was.

    Raises:
        ParameterError: a wrong argument.
    """

    backend = [TransformBackends.TORCH]  # noqa: RUF012 - MONAI's own

    def __init__(
        self,
        prob: float = 0.1,
        kind: str = "111",
        severity: float | Sequence[float] = 1.0,
        preset: str | Path = "published",
    ) -> None:
        super().__init__(prob)
        self.draws = Draws(kind, severity, preset)
        self.parameters: Parameters | None = None

    def randomize(self, data: object = None) -> None:
        """Draw whether to degrade, and the parameters."""
        super().randomize(None)
        self.parameters = self.draws.draw(self._rng()) if self._do_transform else None

    def __call__(self, img: NdarrayOrTensor, randomize: bool = True) -> NdarrayOrTensor:
        """Degrade a photograph, by the parameters drawn last if `randomize` is false.

        Raises:
            UsageError: another shape, dtype or range.
            NotFundusError: no field of view is found. MONAI's `Compose` raises RuntimeError from it.
        """
        img = convert_to_tensor(img, track_meta=get_track_meta())
        if randomize:
            self.randomize()
        if self.parameters is None:
            return img
        degraded = degrade(convert_to_tensor(img, track_meta=False), self.parameters)
        return convert_to_dst_type(degraded, img)[0]

    def _rng(self) -> np.random.Generator:
        return np.random.default_rng(self.R.randint(2**32, size=4, dtype=np.uint32))


class RandDegraded(RandomizableTransform, MapTransform):
    """Dictionary version of `RandDegrade`: all keys are degraded by the same parameters.

    Args:
        keys: of the photographs.
        prob: the probability that they are degraded at all.
        kind: as of `RandDegrade`, like the next two.
        severity: a number or a range.
        preset: a name or a file.
        allow_missing_keys: leave out keys that are not there.
    """

    backend = RandDegrade.backend

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 0.1,
        kind: str = "111",
        severity: float | Sequence[float] = 1.0,
        preset: str | Path = "published",
        allow_missing_keys: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        RandomizableTransform.__init__(self, prob)
        self.degrade = RandDegrade(prob, kind, severity, preset)

    def set_random_state(self, seed: int | None = None, state: np.random.RandomState | None = None) -> RandDegraded:
        """Seed it; equal seeds degrade alike, in the array version too."""
        super().set_random_state(seed, state)
        self.degrade.set_random_state(seed, state)
        return self

    def randomize(self, data: object = None) -> None:
        """Draw whether to degrade, and the parameters."""
        self.degrade.randomize()
        self._do_transform = self.degrade.parameters is not None

    def __call__(self, data: Mapping[Hashable, NdarrayOrTensor]) -> dict[Hashable, NdarrayOrTensor]:
        """Degrade the photographs under the keys; raises what `RandDegrade` raises."""
        self.randomize()
        return dict(data) | {key: self.degrade(data[key], randomize=False) for key in self.key_iterator(data)}


RandDegradeD = RandDegradeDict = RandDegraded
