"""A photograph and its mirror images: the mean of what a network says of all is better than what it says of one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

MIRRORS: tuple[tuple[int, ...], ...] = ((), (3,), (2,), (2, 3))
"""Axes of (B, C, H, W) along which the photograph is turned round; the first is the photograph itself."""

TURNED: tuple[tuple[int, ...], ...] = ((), (2, 3))
"""The photograph itself, and turned by half a turn."""


def upright(answers: Tensor, views: Sequence[tuple[int, ...]] = MIRRORS) -> Tensor:
    """Turn answers to mirror images, one a view (views, C, H, W), back and average them: (1, C, H, W)."""
    turned = [answer.flip(axes) for answer, axes in zip(torch.split(answers, 1), views, strict=True)]
    return torch.stack(turned).mean(0)
