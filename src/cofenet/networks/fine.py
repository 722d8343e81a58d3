"""Fine: what one filter leaves of blur, as a small residual; one for photographs as `light` sees them, one for larger.

A filter cannot give back what blur took wholly, nor without the noise that it raises; neighbours that go on in a line
tell more. The network is a few convolutions at half the resolution: it sees about 40 pixels around, and no more.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from cofenet.networks.blocks import shuffled

_GAIN, _ADDED, _BOUND = 4.0, 20.0, 0.1
"""Of what is given and what is asked for, over the light around: vessels depart from it by a tenth or less."""

_BLOCKS, _POOLED, _AROUND = 8, 5, 0.02
"""The light around is the mean over 5 × 5 blocks of 8 × 8 pixels; below 0.02, of full range, it is noise."""


COARSE = 16, 2
"""Width and depth of the one that looks at photographs at working resolution, and must not take long."""


class Fine(nn.Module):
    """From a sharpened photograph, and what sharpening added, to what should be added further.

    Args:
        width: channels at half the resolution.
        depth: residual blocks.
    """

    def __init__(self, width: int = 32, depth: int = 3) -> None:
        super().__init__()
        self.first = nn.Conv2d(7, width, 6, stride=2, padding=2)
        self.blocks = nn.ModuleList(_block(width) for _ in range(depth))
        self.last = nn.Conv2d(width, 4 * 3, 3, 1, 1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """What was sharpened, RGB, its field of view, and what that added, (B, 7, H, W), to a residual (B, 3, H, W).

        Sides must be multiples of 8. The photograph itself, the first less the last, is in [0, 1].
        """
        added = x[:, 4:]
        return self.undone(torch.cat([(x[:, :3] - added).clamp(0, 1), x[:, 3:4]], 1), added)

    def undone(self, seen: Tensor, added: Tensor) -> Tensor:
        """The same of the photograph itself, RGB, with its field of view (B, 4, H, W), and what sharpening added."""
        given, fov = seen[:, :3], seen[:, 3:]
        over = _everywhere(_GAIN / _light(given, fov))
        planes = torch.cat([(given * over - _GAIN) * fov, _ADDED / _GAIN * added * over, fov], 1)
        y = torch.relu(self.first(planes))
        for block in self.blocks:
            y = torch.relu(y + block(y))
        residual: Tensor = shuffled(_BOUND * _GAIN * self.last(y)) / over * fov
        return residual


def light_around(image: Tensor, seen: Tensor) -> Tensor:
    """The light around each pixel of an image (B, C, H, W), of what is seen of it (B, 1, H, W): (B, C, H, W)."""
    return _everywhere(_light(image, seen))


def _light(image: Tensor, seen: Tensor) -> Tensor:
    """The same of each block: (B, C, H / BLOCKS, W / BLOCKS)."""
    total, share = (_pooled(plane) for plane in (image * seen, seen))
    return (total + 1e-3) / (share + 1e-2) + _AROUND


def _everywhere(blocks: Tensor) -> Tensor:
    """What is told of blocks, of each of their pixels."""
    return interpolate(blocks, scale_factor=_BLOCKS)


def _pooled(planes: Tensor) -> Tensor:
    return avg_pool2d(avg_pool2d(planes, _BLOCKS), _POOLED, 1, _POOLED // 2)


def _block(width: int) -> nn.Sequential:
    """Two convolutions that begin by changing nothing."""
    last = nn.Conv2d(width, width, 3, 1, 1)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)  # type: ignore[arg-type]
    return nn.Sequential(nn.Conv2d(width, width, 3, 1, 1), nn.ReLU(), last)
