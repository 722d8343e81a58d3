"""The spectrum of a photograph along rows and columns: blur leaves gaps in it, noise a floor, whatever it shows."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d, pad

SEGMENT = 64
"""Pixels over which a spectrum is taken, Hann's window over half overlapping pieces (Welch 1967)."""

FLOOR = 1e-7
"""Power, of full range, added to spectra, since nothing has no logarithm: 1/600 of what rounding to 8 bits leaves."""


def waves() -> Tensor:
    """Hann's window times cosines and sines, (SEGMENT, SEGMENT), of all frequencies but 0."""
    place = torch.arange(SEGMENT)
    angles = 2 * torch.pi * torch.outer(place, torch.arange(1, SEGMENT // 2 + 1)) / SEGMENT
    window = 0.5 - 0.5 * torch.cos(2 * torch.pi * (place + 0.5) / SEGMENT)
    return torch.cat([torch.cos(angles), torch.sin(angles)], 1) * window[:, None]


def spectra(plane: Tensor, seen: Tensor, waves: Tensor) -> tuple[Tensor, Tensor]:
    """Logarithm of the power of first differences along rows, and along columns: (B, SEGMENT / 2) each.

    Args:
        plane: (B, H, W) in [0, 1].
        seen: (B, H, W), 1 where it counts, else 0: only segments that are wholly seen do.
        waves: as `waves` makes them.
    """
    return _along_rows(plane, seen, waves), _along_rows(plane.mT, seen.mT, waves)


def inner(retina: Tensor, edge: int) -> Tensor:
    """1 where the field of view (B, 1, H, W) goes on for `edge` pixels around, else 0; the frame is no edge."""
    return (max_pool2d(-retina, 2 * edge + 1, 1, edge) < -0.5).to(retina.dtype)


def _along_rows(plane: Tensor, seen: Tensor, waves: Tensor) -> Tensor:
    step = plane[..., 1:] - plane[..., :-1]
    pieces, whole = _pieces(pad(step, (0, 1))), _pieces(seen).amin(3)  # B, H, N, SEGMENT; B, H, N
    real, imaginary = (pieces @ waves).square().chunk(2, 3)
    power = ((real + imaginary) * whole[..., None]).sum((1, 2))
    return (power / whole.sum((1, 2)).clamp(min=1)[:, None] + FLOOR).log()


def _pieces(rows: Tensor) -> Tensor:
    """Half overlapping segments of rows, (B, H, W) to (B, H, N, SEGMENT); what is too short is filled up with 0."""
    wide = rows.shape[2]
    full = max(1, wide // SEGMENT) * SEGMENT
    even = pad(rows, (0, full - wide)) if wide < full else rows[..., :full]
    between = even[..., SEGMENT // 2 : full - SEGMENT // 2]
    return torch.cat([part.reshape(*part.shape[:2], -1, SEGMENT) for part in (even, between)], 2)
