"""`cofenet.correct` obeys the verdict, unless it is forced to or does not ask."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import cofenet
from cofenet.geometry import resize
from cofenet.io import read_photograph
from cofenet.tasks import correction as correction_module

GOOD = Path(__file__).parents[2] / "samples/good"


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    pixels = np.asarray(read_photograph(GOOD / "hrf_06_h.jpg").pixels, np.uint8)
    return resize(pixels, (512, 768))


@pytest.fixture
def harmful(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network gone wrong: it mirrors the retina."""

    def mirror(image: np.ndarray, *_: object) -> np.ndarray:
        return np.ascontiguousarray(image[::-1])

    monkeypatch.setattr(correction_module, "apply_natively", mirror)


@pytest.mark.usefixtures("harmful")
def test_what_cannot_be_corrected_safely_comes_back_bit_for_bit(image: np.ndarray) -> None:
    correction = cofenet.correct(image)
    np.testing.assert_array_equal(correction.image, image)
    verdict = correction.verdict
    assert (verdict.status, verdict.forced) == ("unchanged", False)
    assert verdict.rule in verdict.findings
    assert "cannot be corrected safely" in verdict.reasons[0]
    assert any(re.search(r"\d \(limit \d", reason) for reason in verdict.reasons)
    assert correction.change.max() > 0.1


@pytest.mark.usefixtures("harmful")
def test_force_gives_the_correction_and_says_so(image: np.ndarray) -> None:
    correction = cofenet.correct(image, force=True)
    np.testing.assert_array_equal(correction.image, image[::-1])
    assert (correction.verdict.status, correction.verdict.forced) == ("caution", True)
    told = json.loads(correction.provenance.to_json())
    assert told["settings"]["force"] is True
    assert told["verdict"]["forced"] is True
    assert told["verdict"]["rule"] == correction.verdict.rule
    assert "by force" in told["verdict"]["reasons"][0]


def test_force_changes_nothing_where_nothing_was_asked_for(image: np.ndarray) -> None:
    correction = cofenet.correct(image, strength=0.0, force=True)
    np.testing.assert_array_equal(correction.image, image)
    assert correction.verdict.status == "unchanged"


@pytest.mark.usefixtures("harmful")
def test_who_does_not_ask_is_not_told(image: np.ndarray) -> None:
    correction = cofenet.correct(image, judged=False)
    np.testing.assert_array_equal(correction.image, image[::-1])
    assert (correction.verdict.status, correction.verdict.findings) == ("not judged", {})


def test_forced_where_nothing_is_needed_is_to_be_looked_at() -> None:
    image = np.asarray(read_photograph(GOOD / "retina.jpg").pixels, np.uint8)
    assert cofenet.correct(image).verdict.status == "unchanged"
    verdict = cofenet.correct(image, force=True).verdict
    assert (verdict.status, verdict.reasons[0], verdict.forced) == ("caution", "corrected by force", True)
