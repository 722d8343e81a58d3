"""Agreement, against scikit-learn's definitions worked out by hand and the published predictions of MCF-Net."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cofenet.metrics import agreement

PUBLISHED = np.array([[8086, 380, 5], [691, 3420, 447], [47, 380, 2793]])
"""Rows good, usable, reject: recomputed from the table of predictions released with EyeQ."""

pairs = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=40)


def test_published_predictions_of_eyeq() -> None:
    assert agreement.accuracy(PUBLISHED) == pytest.approx(0.8800, abs=5e-5)
    assert agreement.precision(PUBLISHED).mean() == pytest.approx(0.8651, abs=5e-5)
    assert agreement.recall(PUBLISHED).mean() == pytest.approx(0.8574, abs=5e-5)
    assert agreement.f1(PUBLISHED).mean() == pytest.approx(0.8606, abs=5e-5)
    assert agreement.kappa(PUBLISHED) == pytest.approx(0.8017, abs=5e-5)
    np.testing.assert_allclose(agreement.f1(PUBLISHED), [0.9351, 0.7828, 0.8640], atol=5e-5)


@given(pairs)
def test_counts(answers: list[tuple[int, int]]) -> None:
    truth, predicted = np.array(answers).T
    counts = agreement.confusion(truth, predicted, 3)
    assert counts.sum() == len(answers)
    assert counts[1, 2] == ((truth == 1) & (predicted == 2)).sum()
    assert agreement.accuracy(counts) == pytest.approx((truth == predicted).mean())
    assert -1 <= agreement.kappa(counts) <= 1


def test_kappa_of_chance_is_0_and_of_full_agreement_1() -> None:
    assert agreement.kappa(np.outer([6, 3, 1], [5, 5, 10])) == pytest.approx(0)
    assert agreement.kappa(np.diag([4, 5, 6])) == 1


@given(st.integers(0, 1000))
def test_auc_is_the_chance_of_the_right_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, 30)
    truth[:2] = 0, 1
    scores = rng.integers(0, 5, 30) / 5
    ordered = np.sign(scores[truth == 1][:, None] - scores[truth == 0]).mean() / 2 + 0.5
    assert agreement.auc(truth, np.column_stack([1 - scores, scores])) == pytest.approx(ordered)


def test_a_class_that_nobody_is_of_does_not_count() -> None:
    truth = np.array([0, 0, 1])
    probabilities = np.array([[0.8, 0.1, 0.1], [0.7, 0.2, 0.1], [0.1, 0.6, 0.3]])
    assert agreement.auc(truth, probabilities) == 1


def test_calibration() -> None:
    sure = np.tile([0.85, 0.15, 0.0], (100, 1))
    truth = np.repeat([0, 1], [85, 15])
    assert agreement.calibration_error(truth, sure) == pytest.approx(0)
    assert agreement.calibration_error(np.zeros(100, int), sure) == pytest.approx(0.15)
    assert agreement.calibration_error(np.ones(100, int), sure) == pytest.approx(0.85)
