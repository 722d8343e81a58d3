"""Losses inside the field of view. Images are (B, C, H, W) in [0, 1], masks (B, 1, H, W)."""

from __future__ import annotations

import torch
from torch import Tensor, logsumexp
from torch.nn.functional import (
    avg_pool2d,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    conv2d,
    log_softmax,
)


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean over channels and the pixels in `mask`, one number a photograph: (B,)."""
    weight = mask.sum(dim=(1, 2, 3)).clamp_min(1.0) * values.shape[1]
    return (values * mask).sum(dim=(1, 2, 3)) / weight


def absolute(image: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute difference."""
    return masked_mean((image - target).abs(), mask).mean()


def root_mean_square(image: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Root of each photograph's mean squared difference, averaged: between mean squared error and PSNR."""
    return (masked_mean((image - target) ** 2, mask) + 1e-6).sqrt().mean()


def decibels(image: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Logarithm of each photograph's root mean squared difference, averaged: PSNR, turned round and scaled.

    A share of what is wrong counts alike wherever it is: photographs of much noise do not drown those of slight blur.
    """
    return (0.5 * (masked_mean((image - target) ** 2, mask) + 1e-6).log()).mean()


def gradient(image: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute difference of the first differences along both axes."""
    error = (image - target) * mask
    return error.diff(dim=2).abs().mean() + error.diff(dim=3).abs().mean()


def structure(image: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """1 - SSIM with a Gaussian window of 11 pixels (Wang et al. 2004, sigma 1.5, K1 = 0.01, K2 = 0.03)."""
    mean_x, mean_y, var_x, var_y, cov = _moments(image, target)
    c1, c2 = 0.01**2, 0.03**2
    ssim = ((2 * mean_x * mean_y + c1) * (2 * cov + c2)) / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))
    return 1 - masked_mean(ssim, mask[..., 5:-5, 5:-5]).mean()


def contrast(image: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """|log (s_x / s_y)|, s the local standard deviation over the window of `structure`.

    Who is unsure how much to raise a faint contrast does best, by squares or differences, to raise it too little:
    everything becomes pale. Here too little by a factor costs as much as too much. Below 1/100 of full range, which is
    grain at the size a field looks at, contrasts count less and less.
    """
    _, _, var_x, var_y, _ = _moments(image, target)
    faint = 0.01**2
    ratio = torch.log((var_x.clamp(min=0) + faint) / (var_y.clamp(min=0) + faint))
    return masked_mean(ratio.abs() / 2, mask[..., 5:-5, 5:-5]).mean()


def chromaticity(image: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute difference of the colours' shares of their sum, r = R / (R + G + B), and so on.

    Of a hue that no retina has, on dark or burnt out ground, `absolute` sees little. Below a sum of 0.2, where noise
    and rounding are, shares count less and less.
    """
    shares, true = (x.clamp_min(0) / (x.clamp_min(0).sum(1, keepdim=True) + 0.2) for x in (image, target))
    return absolute(shares, true, mask)


def _moments(image: Tensor, target: Tensor) -> tuple[Tensor, ...]:
    """Local means, variances and covariance of (B, C, H, W): each (B, C, H - 10, W - 10)."""
    channels = image.shape[1]
    taps = torch.exp(-0.5 * ((torch.arange(11, device=image.device) - 5) / 1.5) ** 2)
    taps = (taps / taps.sum()).to(image.dtype)

    def smooth(x: Tensor) -> Tensor:
        rows = taps.view(1, 1, 11, 1).repeat(x.shape[1], 1, 1, 1)
        return conv2d(conv2d(x, rows, groups=x.shape[1]), rows.transpose(2, 3), groups=x.shape[1])

    moments = smooth(torch.cat([image, target, image**2, target**2, image * target], 1))
    mean_x, mean_y, xx, yy, xy = torch.split(moments, channels, 1)
    return mean_x, mean_y, xx - mean_x**2, yy - mean_y**2, xy - mean_x * mean_y


def activation(predicted: Tensor, residual: Tensor, mask: Tensor) -> Tensor:
    """Binary cross-entropy of the low-quality activation with the true degradation map.

    Mostly the map is near 0: under an absolute difference a gate closes everywhere, saturates, and never opens again.
    """
    return masked_mean(binary_cross_entropy(predicted, degradation_map(residual), reduction="none"), mask).mean()


def unbounded_activation(predicted: Tensor, residual: Tensor, mask: Tensor) -> Tensor:
    """Mean squared difference of an activation without bounds, (B, 1, H/2, W/2), from the true degradation map.

    Features are multiplied by 1 + activation, so that it must be the map itself and cannot be its logit.
    """
    truth, seen = (avg_pool2d(plane, 2) for plane in (degradation_map(residual), mask))
    return masked_mean((predicted - truth) ** 2, seen).mean()


def degradation_map(residual: Tensor) -> Tensor:
    """Where a photograph is degraded, (B, 1, H, W), from what would undo it, (B, C, H, W).

    The size of the true residual, smoothed over 5 pixels: 0 where nothing is wrong, 1 from a difference of 0.1 upwards.
    """
    return (avg_pool2d(residual.abs().amax(1, keepdim=True), 5, 1, 2) / 0.1).clamp(0, 1)


def vessels(probability: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Binary cross-entropy of vessels, both (B, 1, H, W) in [0, 1], inside the field of view."""
    return masked_mean(binary_cross_entropy(probability, target, reduction="none"), mask).mean()


def disc(image: Tensor, target: Tensor, mask: Tensor, region: Tensor) -> Tensor:
    """Absolute difference in a region around the disc, (B, 1, H, W), summed over it, per pixel of the field of view.

    So it stands to `absolute` as in the published loss, where both are means over the whole frame.
    """
    return masked_mean((image - target).abs() * region, mask).mean()


def cross_entropy(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Binary cross-entropy of each structure, (B, K, H, W), averaged over where its `weight`, of that shape, is 1."""
    values = binary_cross_entropy_with_logits(logits, target, reduction="none")
    return (values * weight).sum() / weight.sum().clamp_min(1.0)


def overlap(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """1 - soft Dice (Milletari et al. 2016, eq. 4) of each structure over the batch, averaged over the known ones."""
    probability = torch.sigmoid(logits) * weight
    axes = (0, 2, 3)
    both, sizes = (probability * target).sum(axes), (probability**2).sum(axes) + (target**2 * weight).sum(axes)
    known = weight.amax(axes)
    return ((1 - (2 * both + 1) / (sizes + 1)) * known).sum() / known.sum().clamp_min(1.0)


def grade(logits: Tensor, possible: Tensor) -> Tensor:
    """Cross-entropy of answers (B, A, 3) with grades (B, 3): 1 for each that it may be; none where nothing is known.

    Where several are possible, their probabilities count together. The last answer weighs 0.6 and those before it share
    the rest, as in the released code of EyeQ; a single one is all.
    """
    before = logits.shape[1] - 1
    weights = logits.new_tensor([0.4 / max(1, before)] * before + [0.6 if before else 1.0])
    known = possible.any(1)
    excluded = torch.where(possible[known].bool(), 0.0, -torch.inf)[:, None]
    each = -logsumexp(log_softmax(logits[known], 2) + excluded, 2) @ weights
    return each.sum() / known.sum().clamp_min(1)


def severity(logits: Tensor, truth: Tensor, known: Tensor) -> Tensor:
    """Binary cross-entropy of severities (B, 4) with true ones, 0 to 1, where `known` (B, 1) is 1."""
    each = binary_cross_entropy_with_logits(logits, truth, reduction="none").mean(1, keepdim=True)
    return (each * known).sum() / known.sum().clamp_min(1)


def change(logits: Tensor, truth: Tensor, known: Tensor) -> Tensor:
    """How wrong the difference of severities is between the two pictures of a pair, which follow each other: (2 B, 4).

    Absolute, 0 to 2, averaged over the pairs of which both are `known` (2 B, 1). What a photograph was before, which no
    picture of it tells, falls out of it.
    """
    wrong = torch.sigmoid(logits) - truth
    each = (wrong[0::2] - wrong[1::2]).abs().mean(1, keepdim=True)
    both = known[0::2] * known[1::2]
    return (each * both).sum() / both.sum().clamp_min(1)
