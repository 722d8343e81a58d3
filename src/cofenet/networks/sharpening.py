"""Sharpening: along rows, then along columns, each place by a mixture of filters chosen by what the photograph shows.

Blur is undone by a linear filter that suits it: of the published blur, a box, by one along each axis. A mixture of
filters is a filter, too: it makes a photograph as sharp as its own pixels allow, and cannot draw what is not in them.
Which filters suit is told by how much each of them finds, nearby and in the whole photograph: its spectrum, in short.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, interpolate

from cofenet.networks.blocks import ResidualBlock

TAPS = 15
"""Length of the filters."""

CELL = 16
"""Pixels a side of the cells for which filters are chosen; sides of the input must be multiples of this."""

_HALF = TAPS // 2

_WIDTHS = (2.0, 3.0, 5.0, 7.0)
"""Boxes whose inverses the filters begin as, mixed: the published blur is one of 3 to 7 pixels at 512."""

_NOISE = 0.35
"""Noise over signal that the inverses allow for: of 0.1 to 0.6 near the best at each published width, on photographs of
the validation split blurred by one."""

_FLOOR = 2e-4
"""Response of a filter, of full range, below which it finds nothing: a twentieth of a grey level."""

_USUAL, _SPREAD = 2.0, 1 / 3
"""Mean and standard deviation of the logarithm of responses over that floor, on photographs of the training split."""


class Sharpening(nn.Module):
    """x + Σ c_k (h_k ∗ x) along rows, then the same along columns, with coefficients c_k of each place.

    Args:
        width: channels of the network that chooses.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        kinds = len(_WIDTHS)
        self.filters = nn.Parameter(_filters())  # K, TAPS
        self.first = nn.Conv2d(2 * kinds + 1, width, 1)
        self.whole = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
        self.blocks = nn.Sequential(*(ResidualBlock(width, normalise=False) for _ in range(2)))
        self.last = nn.Conv2d(width, 2 * kinds, 1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """(B, 4, H, W), RGB and field of view in [0, 1], to the sharpened picture (B, 3, H, W), not clipped."""
        image = x[:, :3]
        full = interpolate(self.coefficients(x), image.shape[2:], mode="bilinear", align_corners=False)
        along_rows, along_columns = full.chunk(2, 1)  # B, K, H, W
        colours = torch.kron(torch.eye(3, device=x.device), self.filters)  # 3 K, 3 TAPS: each sees one colour
        rows = colours.reshape(-1, 3, 1, TAPS)  # a dense convolution, several times faster to train than one by groups
        image = image + self._mixed(conv2d(_lengthened(image, 3), rows), along_rows)
        return image + self._mixed(conv2d(_lengthened(image, 2), rows.transpose(2, 3)), along_columns)

    def coefficients(self, x: Tensor) -> Tensor:
        """Of each filter along rows, then along columns, for each cell: (B, 4, H, W) to (B, 2 K, H / 16, W / 16)."""
        green, filters = x[:, 1:2], self.filters[:, None, None, :]
        found = [conv2d(_lengthened(green, 3), filters), conv2d(_lengthened(green, 2), filters.transpose(2, 3))]
        strength = torch.cat([avg_pool2d(response.abs(), CELL) for response in found], 1)  # B, 2 K, h, w
        retina = avg_pool2d(x[:, 3:], CELL)
        seen = (avg_pool2d(retina, 3, 1, 1, count_include_pad=False) > 1 - 1e-3).to(x.dtype)  # the edge is no structure
        told = ((strength / _FLOOR + 1).log() - _USUAL) / _SPREAD
        y = torch.relu(self.first(torch.cat([told * seen, seen], 1)))
        mean = (y * seen).sum((2, 3)) / seen.sum((2, 3)).clamp(min=1)
        chosen: Tensor = self.last(self.blocks(torch.relu(y + self.whole(mean)[:, :, None, None])))
        return chosen

    def _mixed(self, filtered: Tensor, coefficients: Tensor) -> Tensor:
        """Σ c_k y_k of filtered images (B, 3 K, H, W) with coefficients (B, K, H, W): (B, 3, H, W)."""
        count, kinds, high, wide = coefficients.shape
        if not self.training:
            planes = filtered.view(count, 3, kinds, high, wide)
            return (planes * coefficients[:, None]).sum(2)
        places = filtered.permute(0, 2, 3, 1).reshape(count, high, wide, 3, kinds)
        mixed: Tensor = places @ coefficients.permute(0, 2, 3, 1)[..., None]  # the same; quicker to train
        return mixed[..., 0].permute(0, 3, 1, 2)


def _lengthened(image: Tensor, axis: int) -> Tensor:
    """An image (B, C, H, W) with its first and last line along an axis repeated, so that filters keep its size."""
    first, last = image.narrow(axis, 0, 1), image.narrow(axis, -1, 1)
    return torch.cat([first.repeat_interleave(_HALF, axis), image, last.repeat_interleave(_HALF, axis)], axis)


def _filters() -> Tensor:
    """Orthonormal mixtures of inverses, (K, TAPS): the inverses themselves are alike, and train more slowly."""
    _, _, mixtures = torch.linalg.svd(torch.stack([_inverse(width) for width in _WIDTHS]), full_matrices=False)
    return torch.as_tensor(mixtures).contiguous()


def _inverse(width: float) -> Tensor:
    """What must be added to a row that was blurred by a box of `width` pixels to undo it, (TAPS,), of sum 0.

    The filter h that minimises |h ∗ box − δ|² + noise² |h|², scaled to sum 1, less δ.
    """
    offsets = torch.arange(-2 * _HALF, 2 * _HALF + 1)
    box = (width / 2 + 0.5 - offsets.abs()).clamp(0, 1)
    box = box / box.sum()
    shifts = torch.stack([box.roll(shift) for shift in range(-_HALF, _HALF + 1)])  # TAPS, 2 TAPS - 1
    wanted = (offsets == 0).float()
    normal = shifts @ shifts.T + _NOISE**2 * torch.eye(TAPS)
    taps = torch.linalg.solve(normal, shifts @ wanted)
    added: Tensor = taps / taps.sum() - wanted[_HALF:-_HALF]
    return added
