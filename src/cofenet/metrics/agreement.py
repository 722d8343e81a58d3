"""Agreement of grades with those that people gave: of classes 0 to K - 1, counted and by probability.

Rows of a confusion matrix are what people said, columns what was predicted.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Confusion = NDArray[np.int64]
Classes = NDArray[np.int64]
Floats = NDArray[np.float64]


def confusion(truth: Classes, predicted: Classes, classes: int) -> Confusion:
    """How often what was called what: (K, K), from int (N,) and int (N,)."""
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (truth, predicted), 1)
    return counts


def accuracy(counts: Confusion) -> float:
    """The share that was called what it is."""
    return float(np.trace(counts) / counts.sum())


def precision(counts: Confusion) -> Floats:
    """(K,), of what was called a class, the share that is of it; 0 where nothing was."""
    return _ratio(np.diag(counts), counts.sum(0))


def recall(counts: Confusion) -> Floats:
    """(K,), of what is of a class, the share that was called so; 0 where nothing is."""
    return _ratio(np.diag(counts), counts.sum(1))


def f1(counts: Confusion) -> Floats:
    """(K,), the harmonic mean of precision and recall. Macro F1 is the mean of these, not that of their means."""
    return _ratio(2 * np.diag(counts), counts.sum(0) + counts.sum(1))


def kappa(counts: Confusion) -> float:
    """Cohen's kappa, unweighted (Educational and Psychological Measurement 20(1), 1960): agreement beyond chance."""
    total = counts.sum()
    by_chance = float(counts.sum(0) @ counts.sum(1)) / total**2
    return float((accuracy(counts) - by_chance) / (1 - by_chance)) if by_chance < 1 else 1.0


def auc(truth: Classes, probabilities: Floats) -> float:
    """The mean over the classes of the area under each one's ROC curve against the rest, ties counting half.

    Args:
        truth: int (N,).
        probabilities: (N, K).

    Returns:
        0 to 1; classes that none, or all, are of do not count. Not a number if none counts.
    """
    areas = []
    for number, scores in enumerate(probabilities.T):
        inside, outside = np.sort(scores[truth == number]), scores[truth != number]
        if len(inside) and len(outside):
            below = np.searchsorted(inside, outside, "left") + np.searchsorted(inside, outside, "right")
            areas.append(1 - float(below.mean()) / 2 / len(inside))
    return float(np.mean(areas)) if areas else math.nan


def calibration_error(truth: Classes, probabilities: Floats, bins: int = 10) -> float:
    """Expected calibration error (Naeini et al., AAAI 2015): how far confidence is from the share that is right.

    Photographs are put into `bins` equal ranges of the highest probability; the mean, over photographs, of the distance
    between its mean and the accuracy in their range.
    """
    confidence, right = probabilities.max(1), probabilities.argmax(1) == truth
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(place, right - confidence, bins)
    return float(np.abs(gaps).sum() / len(truth))


def _ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> Floats:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
