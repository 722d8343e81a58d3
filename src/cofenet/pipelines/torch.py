"""A `torch.nn.Module` that degrades photographs. It takes and returns a tensor, as torchvision's v2 transforms do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cofenet.degradation import Parameters, simulate
from cofenet.errors import UsageError
from cofenet.fov import find_fov
from cofenet.pipelines.draws import Draws, probability

try:
    import torch
except ModuleNotFoundError as error:
    raise UsageError("this pipeline needs PyTorch: pip install 'torch>=2.6'") from error
from torch import Tensor, nn
from torch.utils.data import get_worker_info

_FULL = 65535


class Degrade(nn.Module):
    """Degrade every photograph of a tensor, each by parameters of its own, in training mode and in evaluation alike.

    Args:
        kind: one of `cofenet.degradation.KINDS`.
        severity: 0 (no change) to 1 (as drawn), or a range (low, high) from which one is drawn uniformly.
        preset: "published", "training", "clinical", or a TOML file of one's own.
        p: the probability that a photograph is degraded at all.
        generator: the source of chance, or a seed for one; PyTorch's global generator if not given. In a `DataLoader`
            each worker draws other numbers, in each epoch others; they come again if the loader's own generator is
            seeded too.

    Raises:
        ParameterError: a wrong argument.
    """

    def __init__(
        self,
        kind: str = "111",
        severity: float | Sequence[float] = 1.0,
        preset: str | Path = "published",
        p: float = 1.0,
        generator: torch.Generator | int | None = None,
    ) -> None:
        super().__init__()
        self.draws, self.p = Draws(kind, severity, preset), probability(p)
        self.generator = _generator(generator)

    def forward(self, image: Tensor) -> Tensor:
        """Degrade photographs (..., 3, H, W), RGB, on the CPU: uint8, or floating point in [0, 1].

        Returns:
            A new tensor of that shape and dtype; nothing outside the fields of view differs. No gradient flows back.

        Raises:
            UsageError: another shape, dtype or range.
            NotFundusError: no field of view is found in a photograph.
        """
        out = image.detach().clone()
        for index in np.ndindex(image.shape[:-3]):
            rng = self._rng()
            if rng.uniform() < self.p:
                out[index] = degrade(image[index], self.draws.draw(rng))
        return out

    def extra_repr(self) -> str:
        """The arguments."""
        draws = self.draws
        return f"kind={draws.kind!r}, severity={draws.severity}, preset={str(draws.preset)!r}, p={self.p}"

    def _rng(self) -> np.random.Generator:
        entropy = torch.randint(2**32, (4,), generator=self.generator).tolist()
        if (worker := get_worker_info()) is not None:  # every worker has a copy of the same generator
            entropy.append(worker.seed)
        return np.random.default_rng(entropy)


def degrade(image: Tensor, parameters: Parameters) -> Tensor:
    """Degrade one photograph by given parameters, as `cofenet.degrade` does for arrays.

    Args:
        image: (3, H, W), RGB, on the CPU: uint8, or floating point in [0, 1]. The latter is worked on in 16 bits, and
            values that do not change there come back as they are.
        parameters: what to do.

    Returns:
        A new tensor of that shape and dtype.

    Raises:
        UsageError: another shape, dtype or range.
        NotFundusError: no field of view is found.
    """
    if image.ndim != 3 or image.shape[0] != 3 or not (image.dtype == torch.uint8 or image.is_floating_point()):
        raise UsageError(f"expected uint8 or floating point (3, H, W), got {image.dtype} {tuple(image.shape)}")
    image = image.detach()
    pixels = image.movedim(0, -1)
    if image.dtype == torch.uint8:
        return _planes(simulate(pixels.contiguous().numpy(), parameters))
    values = pixels.to(torch.float32).contiguous().numpy()
    if not (values.min() >= 0 and values.max() <= 1):  # not-a-number is neither
        raise UsageError(f"expected values between 0 and 1, got {values.min()} to {values.max()}")
    before = np.rint(values * _FULL).astype(np.uint16)
    # Found as it is in 8 bits: in 16, values may use any number of bits, so that their scale is guessed.
    after = simulate(before, parameters, find_fov(np.rint(values * 255).astype(np.uint8)))
    changed, degraded = _planes(after != before), _planes(after.astype(np.float32) / _FULL)
    return torch.where(changed, degraded.to(image.dtype), image)


def _generator(source: torch.Generator | int | None) -> torch.Generator | None:
    if source is None or isinstance(source, torch.Generator):
        return source
    return torch.Generator().manual_seed(int(source))


def _planes(pixels: NDArray[np.generic]) -> Tensor:
    return torch.from_numpy(pixels).movedim(-1, 0).contiguous()
