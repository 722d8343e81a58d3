"""The protocol of the verdict: every harm is planted, alike each time, and truth is told of honest cases alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cofenet.evaluation.safety import DRAWN, DRAWS, Case, cases, drawn_cases, exudate_contrast, worse
from cofenet.fov import FieldOfView
from cofenet.geometry import Circle, Crop
from cofenet.io import read_photograph
from cofenet.tasks.safety import decide
from cofenet.tasks.segmentation import segment

SAMPLES = Path(__file__).parents[2] / "samples/good"


def square(name: str) -> tuple[np.ndarray, FieldOfView]:
    from cofenet import find_fov

    pixels = np.asarray(read_photograph(SAMPLES / f"{name}.jpg").pixels, np.uint8)
    fov = find_fov(pixels)
    crop = Crop.around(fov.circle, 384)
    mask = crop.take(fov.mask.astype(np.uint8) * np.uint8(255)) > 127
    return crop.take(pixels), FieldOfView(mask, Circle(192, 192, 192), fov.confidence)


@pytest.mark.slow
def test_all_harms_are_planted_and_found_alike_each_time() -> None:
    image, fov = square("hrf_06_h")
    other = square("hrf_03_h")
    all_cases = list(cases("a", image, fov, other))
    found = {case.harm: case for case in all_cases}
    assert len({case.truth["psnr"] for case in all_cases if case.harm == "honest"}) == DRAWS
    kinds = {"good", "honest", "vessel drawn", "vessel erased", "disc shifted", "colour cast", "blur", "other eye"}
    assert kinds <= found.keys()
    for harm, case in found.items():
        assert bool(case.truth) == (harm in ("good", "honest"))
    assert found["honest"].truth["psnr"][1] > found["honest"].truth["psnr"][0]
    assert decide(found["other eye"].findings)[0] == "unchanged"
    assert decide(found["good"].findings)[0] == "safe"
    again = {case.harm: case for case in cases("a", image, fov, None)}
    assert "other eye" not in again
    assert again["vessel drawn"] == found["vessel drawn"]


@pytest.mark.slow
def test_what_somebody_drew_is_the_truth() -> None:
    image, fov = square("hrf_06_h")
    drawn = np.asarray(segment(image, structures=["vessels"], fov=fov).vessels)
    found = list(drawn_cases("a", image, {"vessels": drawn}, fov))
    nothing = list(drawn_cases("a", image, {"vessels": np.zeros_like(drawn)}, fov))
    assert [case.harm for case in found] == [DRAWN] * DRAWS
    for case, other in zip(found, nothing, strict=True):
        assert set(case.truth) == {"psnr", "vessels"}
        assert 0.5 < case.truth["vessels"][1] < 1
        assert other.truth == {"psnr": case.truth["psnr"]}


@pytest.mark.parametrize(
    ("truth", "answer"),
    [
        ({"psnr": (20.0, 19.9)}, True),
        ({"psnr": (20.0, 20.1), "vessels": (0.80, 0.79)}, False),
        ({"psnr": (20.0, 20.1), "vessels": (0.80, 0.77)}, True),
        ({}, False),
    ],
)
def test_worse_is_worse_in_any_figure(truth: dict[str, tuple[float, float]], answer: bool) -> None:
    assert worse(Case("a", "honest", {}, truth, 0.1), {"psnr": 0.0, "vessels": 0.02}) is answer


def test_exudate_contrast_is_webers() -> None:
    image = np.full((200, 200, 3), 100, np.uint8)
    marked = np.zeros((200, 200), bool)
    marked[90:100, 90:100] = True
    image[marked] = 150
    assert exudate_contrast(image, marked, np.ones_like(marked)) == pytest.approx(0.5)
    assert exudate_contrast(np.full_like(image, 70), marked, np.ones_like(marked)) == pytest.approx(0)
