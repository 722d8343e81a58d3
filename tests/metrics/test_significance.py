"""Intervals and tests against scipy and against what must hold of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap as scipy_bootstrap
from scipy.stats import wilcoxon

from cofenet.metrics.significance import bootstrap, grouped, holm, signed_rank


@given(st.integers(0, 500), st.integers(1, 60))
def test_signed_rank_is_scipys_without_ties(seed: int, n: int) -> None:
    x = np.random.default_rng(seed).normal(0.2, 1, n)
    method = "exact" if n <= 50 else "asymptotic"
    assert signed_rank(x) == pytest.approx(float(wilcoxon(x, method=method).pvalue), rel=1e-9)


@given(st.lists(st.integers(-4, 4), min_size=3, max_size=80))
def test_signed_rank_is_scipys_with_ties_and_zeros(values: list[int]) -> None:
    x = np.array(values, np.float64)
    kept = x[x != 0]
    if len(kept) == 0:
        assert signed_rank(x) == 1
        return
    if len(kept) == len(x) and len(set(np.abs(kept))) == len(kept):
        return  # exact, as above
    expected = wilcoxon(kept, method="asymptotic", correction=False).pvalue
    assert signed_rank(x) == pytest.approx(float(expected), rel=1e-9)


def test_signed_rank_by_hand() -> None:
    """Of 2^3 signs only +++ and --- are as far out."""
    assert signed_rank(np.array([1.0, 2.0, 3.5])) == pytest.approx(0.25)


def test_intervals_are_scipys() -> None:
    x = np.random.default_rng(3).normal(5, 2, 200)
    ours = bootstrap(x.tolist(), [str(i) for i in range(200)])
    theirs = scipy_bootstrap((x,), np.mean, method="percentile", n_resamples=9999, rng=0).confidence_interval
    assert ours.mean == pytest.approx(x.mean())
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.05)


def test_groups_widen_the_interval() -> None:
    """Ten copies of a value are one observation."""
    x = np.random.default_rng(0).normal(0, 1, 20)
    alone = bootstrap(x.tolist(), [str(i) for i in range(20)])
    copied = bootstrap(np.repeat(x, 10).tolist(), [str(i // 10) for i in range(200)])
    pretended = bootstrap(np.repeat(x, 10).tolist(), [str(i) for i in range(200)])
    assert copied.high - copied.low == pytest.approx(alone.high - alone.low, rel=0.15)
    assert pretended.high - pretended.low < 0.5 * (alone.high - alone.low)
    assert (copied.count, copied.groups) == (200, 20)


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=30))
def test_the_mean_of_one_group_has_no_width(values: list[float]) -> None:
    found = bootstrap(values, ["a"] * len(values))
    assert found.low == pytest.approx(found.mean, abs=1e-9)
    assert found.high == pytest.approx(found.mean, abs=1e-9)


def test_means_of_groups() -> None:
    np.testing.assert_allclose(grouped([1, 2, 6], ["b", "b", "a"]), [6, 1.5])


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_never_lowers_and_keeps_the_order(chances: list[float]) -> None:
    corrected = holm(chances)
    assert all(c >= p - 1e-12 for c, p in zip(corrected, chances, strict=True))
    ordered = [corrected[i] for i in np.argsort(chances, kind="stable")]
    assert ordered == sorted(ordered)
