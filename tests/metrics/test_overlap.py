"""Overlap: equal to what libraries and plain counting give, and where nothing can be said, nothing is."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import distance_transform_edt
from scipy.stats import mannwhitneyu
from skimage.measure import label
from skimage.morphology import skeletonize

from cofenet.metrics.overlap import auc, centreline_dice, dice, sensitivity, skeleton, specificity

MASKS = arrays(np.bool_, (9, 11))
EVERYWHERE = np.ones((9, 11), np.bool_)


@given(MASKS, MASKS, MASKS)
def test_counts(found: np.ndarray, truth: np.ndarray, fov: np.ndarray) -> None:
    pairs = list(zip(found[fov].tolist(), truth[fov].tolist(), strict=True))
    tp, fp, fn, tn = (pairs.count(pair) for pair in ((True, True), (True, False), (False, True), (False, False)))
    assert dice(found, truth, fov) == (2 * tp / (2 * tp + fp + fn) if tp + fp + fn else 1)
    for value, part, whole in ((sensitivity, tp, tp + fn), (specificity, tn, tn + fp)):
        figure = value(found, truth, fov)
        assert figure == part / whole if whole else math.isnan(figure)


@given(MASKS, MASKS)
def test_dice_is_symmetric(found: np.ndarray, truth: np.ndarray) -> None:
    assert dice(found, truth, EVERYWHERE) == dice(truth, found, EVERYWHERE)


@given(arrays(np.int8, (5, 6), elements=st.integers(0, 4)), arrays(np.bool_, (5, 6)))
def test_auc_is_the_chance_to_rank_rightly(values: np.ndarray, truth: np.ndarray) -> None:
    everywhere = np.ones_like(truth)
    inside, outside = values[truth], values[~truth]
    figure = auc(values.astype(np.float32), truth, everywhere)
    if not (len(inside) and len(outside)):
        assert math.isnan(figure)
        return
    wins = np.mean([(a > b) + 0.5 * (a == b) for a in inside for b in outside])
    assert figure == pytest.approx(wins)


@given(st.integers(0, 1000))
def test_auc_is_the_librarys(seed: int) -> None:
    """AUC is Mann and Whitney's U over the number of pairs."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform(size=(30, 40)) < 0.2
    values = np.round(rng.normal(size=truth.shape) + truth, 1)
    ours = auc(values, truth, np.ones_like(truth))
    theirs = mannwhitneyu(values[truth], values[~truth]).statistic / (truth.sum() * (~truth).sum())
    assert ours == pytest.approx(float(theirs), abs=1e-12)


def drawn(seed: int) -> np.ndarray:
    """Thick and thin lines and blobs."""
    import cv2

    rng = np.random.default_rng(seed)
    plane = np.zeros((80, 90), np.uint8)
    for _ in range(6):
        ends = rng.integers(0, 80, 4).tolist()
        cv2.line(plane, ends[:2], ends[2:], 1, int(rng.integers(1, 9)))
    return plane.astype(bool)


@pytest.mark.parametrize("seed", range(5))
def test_skeleton_lies_where_the_librarys_does(seed: int) -> None:
    """Ends and which of two middle pixels stays differ between algorithms; lines and their connections do not."""
    mask = drawn(seed)
    ours, theirs = skeleton(mask), skeletonize(mask, method="zhang")
    assert not (ours & ~mask).any()
    assert label(ours, connectivity=2).max() == label(mask, connectivity=2).max()
    assert abs(int(ours.sum()) - int(theirs.sum())) < 0.1 * theirs.sum()
    for one, other in ((ours, theirs), (theirs, ours)):
        assert np.quantile(distance_transform_edt(~other)[one], 0.95) < 1.5


@pytest.mark.parametrize("seed", range(8))
def test_centreline_dice_is_near_that_of_the_librarys_skeletons(seed: int) -> None:
    truth, found = drawn(seed), np.roll(drawn(seed), seed % 4, axis=1) & ~drawn(seed + 50)
    lines = [skeletonize(mask, method="zhang") for mask in (found, truth)]
    precision, recall = truth[lines[0]].mean(), found[lines[1]].mean()
    expected = 2 * precision * recall / (precision + recall)
    assert centreline_dice(found, truth, np.ones_like(truth)) == pytest.approx(float(expected), abs=0.03)


@given(st.integers(0, 20))
def test_centreline_dice_of_itself_is_one(seed: int) -> None:
    mask = drawn(seed)
    assert centreline_dice(mask, mask, np.ones_like(mask)) == 1


def test_centreline_dice_counts_length_and_not_width() -> None:
    truth = np.zeros((60, 60), np.bool_)
    truth[10:20, 5:55] = True  # thick
    truth[40, 5:55] = True  # thin
    without_thin = truth.copy()
    without_thin[40] = False
    everywhere = np.ones_like(truth)
    assert dice(without_thin, truth, everywhere) > 0.94
    assert 0.6 < centreline_dice(without_thin, truth, everywhere) < 0.7
    wide = truth.copy()
    wide[39:42, 5:55] = True
    assert centreline_dice(wide, truth, everywhere) > 0.97


def test_nothing_found_of_nothing_is_right_and_of_something_wrong() -> None:
    something, nothing = drawn(0), np.zeros((80, 90), np.bool_)
    everywhere = np.ones_like(nothing)
    assert centreline_dice(nothing, nothing, everywhere) == dice(nothing, nothing, everywhere) == 1
    assert centreline_dice(nothing, something, everywhere) == dice(nothing, something, everywhere) == 0
    assert centreline_dice(something, something, nothing) == 1
