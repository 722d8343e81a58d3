"""The EyeQ protocol: grades against those that people gave, and what correction does to them.

H. Fu et al., MICCAI 2019 (arXiv 1907.05345): three classes; accuracy, and precision, recall and F1 of each class,
averaged over the classes. Cohen's kappa and the one-against-rest AUC as QuickQual reports them. A photograph in which
no field of view is found counts as rejected, with certainty. FIQA, the share called good, is told before and after
correction; alone it can be won by pictures that look good and are false.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cofenet.errors import NotFundusError
from cofenet.metrics import agreement
from cofenet.tasks.correction import correct
from cofenet.tasks.quality import GRADES, assess

Pixels = NDArray[np.uint8] | NDArray[np.uint16]
Probabilities = tuple[float, float, float]

REJECTED: Probabilities = (0.0, 0.0, 1.0)


@dataclass(frozen=True)
class Judged:
    """One photograph: what people said, 0 to 2, and the probabilities before and, if asked for, after correction."""

    photograph: str
    truth: int
    before: Probabilities
    after: Probabilities | None


def judge(name: str, image: Pixels, truth: int, *, corrected: bool = True, model: str = "quality") -> Judged:
    """Assess a photograph, uint8 or uint16 (H, W, 3), by a model, as it is and, if wanted, corrected."""
    before = after = graded(image, model)
    if corrected and before != REJECTED:
        after = graded(correct(image, judged=False).image, model)
    return Judged(name, truth, before, after if corrected else None)


def graded(image: Pixels, model: str = "quality") -> Probabilities:
    """The probabilities of the grades, by a model; surely to be rejected is what shows no field of view."""
    try:
        found = assess(image, model=model).probabilities
    except NotFundusError:
        return REJECTED
    return found["good"], found["usable"], found["reject"]


def figures(judged: Sequence[Judged]) -> dict[str, object]:
    """All measures of the protocol, by name."""
    truth = np.array([one.truth for one in judged])
    before = np.array([one.before for one in judged])
    found = of_confusion(agreement.confusion(truth, before.argmax(1), len(GRADES)))
    area = agreement.auc(truth, before)
    found |= {
        "auc": None if math.isnan(area) else area,
        "calibration_error": agreement.calibration_error(truth, before),
        "fiqa_before": _called_good([one.before for one in judged]),
    }  # fmt: skip
    after = [one.after for one in judged if one.after]
    return found | ({"fiqa_after": _called_good(after)} if after else {})


def of_confusion(counts: agreement.Confusion) -> dict[str, object]:
    """The measures that follow from a confusion matrix alone."""
    by_class = {"precision": agreement.precision, "recall": agreement.recall, "f1": agreement.f1}
    macro: dict[str, object] = {name: float(measure(counts).mean()) for name, measure in by_class.items()}
    return {
        "photographs": int(counts.sum()), "accuracy": agreement.accuracy(counts), **macro,
        "kappa": agreement.kappa(counts), "confusion": counts.tolist(),
    }  # fmt: skip


def _called_good(probabilities: Sequence[Probabilities]) -> float:
    return float(np.mean(np.argmax(probabilities, 1) == 0))
