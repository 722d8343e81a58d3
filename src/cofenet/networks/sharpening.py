"""Sharpening: along rows, then along columns, by one filter for the whole photograph, mixed of the inverses of blurs.

Blur is undone by a linear filter that suits it: of the published blur, nearly a box, by one along each axis. A mixture
of filters is a filter, too: it makes a photograph as sharp as its own pixels allow, and draws nothing new.
Which inverses suit is told by the photograph's spectrum along each axis: a box leaves gaps in it, and noise a floor.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import product

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, pad

from cofenet.networks.spectrum import FLOOR, SEGMENT, inner, spectra, waves

TAPS = 63
"""Length of the filters. The inverse of a box swings on for many times its width."""

EDGE = 4
"""Pixels at the edge of the field of view that filters do not look at: blur has carried the black outside there."""

_STEP, _AROUND = 4, 3
"""Of slow light: by how much smaller the photograph is on which it is measured, and how far around, in its pixels."""

_LEVELLING = 0.05
"""Added to the variances of places, in such pixels: where few are seen, light is level."""

_HALF, _BLOCK = TAPS // 2, 64

_WIDTHS = (2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0)
"""Boxes, in pixels, of which there are inverses: the published blur is one of 3 to 7 at 512."""

_NOISES = (1e-6, 3e-6, 1e-5, 1e-4)
"""Noise over signal at one cycle a photograph that the inverses allow for: photographs' spectra fall with the square of
the frequency. 3e-6 is best where 8 bits are the only noise."""

_PHOTOGRAPH = 512
"""Pixels across the photograph of that cycle."""

FINE, FINE_TAPS = 2, 127
"""How much larger the photograph is that the fine filters are for, and their length."""

_FINE_NOISE = 0.25
"""Noise that the inverses of fine filters allow for, as a part of that of the others: of so many more pixels, less of
the noise is where structures are. On 10 photographs of the training split, blurred as published, a segmenter of good
photographs finds vessels of a Dice of .757 with 0.25, .752 with 0.5, .742 with 1, and .739 at 512 pixels."""

_USUAL, _SPREAD = -9.0, 3.0
"""By what the logarithm of spectra, -11 to -4 on photographs of the validation split, is shifted and divided."""

_UNTOUCHED = 0.9
"""Share of no change at the start."""


class Sharpening(nn.Module):
    """x + h ∗ (x − l) along rows, then the same along columns, where each h is a mixture of inverses, less δ.

    l is slow light. Filters would leave it as it is, but at the edge, beyond which they take it for level.

    Args:
        width: of the network that chooses the mixture.
    """

    inverses: Tensor
    fine_inverses: Tensor
    waves: Tensor

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        inverses = torch.stack([inverse(box, noise) for box, noise in _pairs()])
        fine = [inverse(FINE * box, _FINE_NOISE * noise, FINE_TAPS, FINE * _PHOTOGRAPH) for box, noise in _pairs()]
        self.register_buffer("inverses", inverses, persistent=False)  # K, TAPS
        self.register_buffer("fine_inverses", torch.stack(fine), persistent=False)  # K, FINE_TAPS
        self.register_buffer("waves", waves(), persistent=False)  # SEGMENT, 2 bins
        self.first = nn.Linear(SEGMENT, width)
        self.second = nn.Linear(width, width)
        self.last = nn.Linear(width, 1 + len(inverses))
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)
        with torch.no_grad():
            self.last.bias[0] = math.log(len(inverses) * _UNTOUCHED / (1 - _UNTOUCHED))

    def forward(self, x: Tensor) -> Tensor:
        """(B, 4, H, W), RGB and field of view in [0, 1], to the sharpened picture (B, 3, H, W), not clipped."""
        return self.mixed(x, self.shares(x))

    def mixed(self, x: Tensor, shares: Tensor) -> Tensor:
        """The same by given shares (B, 2, K) of the inverses.

        Σ h_j (x_(i + j) − x_i) is over what is seen: as if what is not had the value of the pixel itself, and no edge.
        """
        image, seen = x[:, :3], _inner(x[:, 3:])
        rows, columns = (shares @ self.inverses).unbind(1)  # B, TAPS each
        rest = now = (image - slow_light(image, seen)) * seen
        for filters, along in ((rows, _along_rows), (columns, _along_columns)):
            now = now * (1 - along(seen, filters)) + along(now, filters) * seen
        return image + now - rest

    def shares(self, x: Tensor) -> Tensor:
        """The share of each inverse along rows, then columns: (B, 4, H, W) to (B, 2, K). The rest is no change."""
        rows, columns = spectra(x[:, 1], _inner(x[:, 3:])[:, 0], self.waves)
        told = torch.stack([torch.cat([rows, columns], 1), torch.cat([columns, rows], 1)], 1)  # B, 2, SEGMENT
        y = torch.relu(self.second(torch.relu(self.first((told - _USUAL) / _SPREAD))))
        shares = torch.softmax(self.last(y), 2)[..., 1:]
        return shares * (told.amax(2, keepdim=True) > math.log(FLOOR) + 0.1).to(x.dtype)  # nothing seen, nothing done


def _pairs() -> Iterable[tuple[float, float]]:
    return product(_WIDTHS, _NOISES)


def inverse(width: float, noise: float, taps: int = TAPS, photograph: int = _PHOTOGRAPH) -> Tensor:
    """What must be added to a row that was blurred by a box of `width` pixels to undo it, (taps,), of sum 0.

    The filter h that minimises Σ |h ∗ box − δ|² / f² + noise |h|² over frequencies f, in cycles a photograph of that
    many pixels, scaled to sum 1, less δ.
    """
    half = taps // 2
    count = 1024
    offsets = torch.arange(count, dtype=torch.float64)
    offsets = torch.minimum(offsets, count - offsets)
    box = (width / 2 + 0.5 - offsets).clamp(0, 1)
    response = torch.fft.fft(box / box.sum()).real
    frequency = photograph / count * torch.cat([torch.tensor([1.0]), offsets[1:]])
    turns = torch.outer(torch.arange(count), torch.arange(half + 1)).double() / count
    waves = 2 * torch.cos(2 * torch.pi * turns)  # of taps on both sides
    waves[:, 0] = 1
    seen = waves * response[:, None]
    weight = 1 / frequency.square()[:, None]
    side = torch.linalg.solve((seen * weight).T @ seen + noise * waves.T @ waves, (seen * weight).sum(0))
    whole = torch.cat([side.flip(0)[:-1], side])
    added = whole / whole.sum()
    added[half] -= 1
    return added.float()


def _inner(retina: Tensor) -> Tensor:
    """1 where the field of view (B, 1, H, W) goes on for EDGE pixels around, else 0; the frame is no edge."""
    return inner(retina, EDGE)


def slow_light(image: Tensor, seen: Tensor) -> Tensor:
    """The plane of least squares through what is seen around a pixel, at the pixel: (B, 3, H, W).

    Args:
        image: (B, 3, H, W); H and W are multiples of STEP.
        seen: (B, 1, H, W), 1 or 0.
    """
    weight, light = avg_pool2d(seen, _STEP), avg_pool2d(image * seen, _STEP)
    x, y = _places(weight.shape[3], weight), _places(weight.shape[2], weight)[:, None]
    products = weight * x * x, weight * x * y, weight * y * y
    sums = torch.cat([weight, weight * x, weight * y, light, light * x, light * y, *products], 1)
    around = avg_pool2d(sums, 2 * _AROUND + 1, 1, _AROUND)
    means = around[:, 1:] / around[:, :1].clamp(min=1e-3)
    left, up, level, with_x, with_y, xx, xy, yy = torch.split(means, [1, 1, 3, 3, 3, 1, 1, 1], 1)
    with_x, with_y = with_x - left * level, with_y - up * level
    xx, xy, yy = xx - left.square() + _LEVELLING, xy - left * up, yy - up.square() + _LEVELLING
    across, down = with_x * yy - with_y * xy, with_y * xx - with_x * xy
    plane = level + (across * (x - left) + down * (y - up)) / (xx * yy - xy.square())
    return interpolate(plane, size=image.shape[2:], mode="bilinear", align_corners=False)


def _places(count: int, like: Tensor) -> Tensor:
    """Of cells in a row, from its middle."""
    return torch.arange(count, device=like.device, dtype=like.dtype) - (count - 1) / 2


def _along_rows(planes: Tensor, filters: Tensor) -> Tensor:
    """Rows of planes (B, C, H, W), zeros around, filtered by filters (B, TAPS), a block at a time by a product."""
    band, side = _band(filters), planes.shape[3]
    return torch.cat([planes[..., near] @ band[:, :, taps, :width] for near, taps, width in _blocks(side)], 3)


def _along_columns(planes: Tensor, filters: Tensor) -> Tensor:
    """The same of columns."""
    band, side = _band(filters).mT, planes.shape[2]
    return torch.cat([band[:, :, :width, taps] @ planes[:, :, near] for near, taps, width in _blocks(side)], 2)


def _blocks(side: int) -> Iterator[tuple[slice, slice, int]]:
    """Of each block of a row of that length: the pixels near it, their places in a band, and how many it has."""
    for start in range(0, side, _BLOCK):
        first, end = max(0, start - _HALF), min(side, start + _BLOCK + _HALF)
        yield slice(first, end), slice(first - start + _HALF, end - start + _HALF), min(_BLOCK, side - start)


def _band(filters: Tensor) -> Tensor:
    """Filters (B, TAPS) as matrices (B, 1, BLOCK + TAPS - 1, BLOCK): a row of pixels times one is the filtered row."""
    place = torch.arange(_BLOCK + 2 * _HALF, device=filters.device)
    tap = place[:, None] - place[:_BLOCK]
    tap = torch.where((tap >= 0) & (tap < TAPS), tap, TAPS)
    return pad(filters, (0, 1)).index_select(1, tap.flatten()).view(-1, 1, *tap.shape)
