"""What is measured: of the truth itself, and of pictures changed in a known way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from cofenet.evaluation import measures
from cofenet.evaluation.photographs import Square, cut, listed
from cofenet.evaluation.scenes import AsItIs, Drawer, Kinds, Scene

SAMPLE = Path(__file__).parents[2] / "samples/good"


@pytest.fixture(scope="module")
def square() -> Square:
    return cut(next(one for one in listed(SAMPLE) if one.name == "hrf_06_dr.jpg"), 320)


@pytest.fixture(scope="module")
def scene(square: Square, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return next(Kinds(("111",))(square, Drawer(tmp_path_factory.mktemp("parameters"))))


def test_the_truth_is_perfect(square: Square, scene: Scene) -> None:
    found = measures.fidelity(square, scene, square.image)
    assert found == pytest.approx({"psnr": 60, "ssim": 1, "ms_ssim": 1, "ciede2000": 0}, abs=1e-6)
    found = measures.structures(square, scene, square.image)
    assert found == pytest.approx(dict.fromkeys(found, 1.0), abs=1e-3)
    assert found.keys() == {"vessel_dice", "vessel_auc", "centreline_dice", "disc_dice", "cup_dice"}


def test_degraded_is_worse(square: Square, scene: Scene) -> None:
    worst, best = (measures.fidelity(square, scene, image) for image in (scene.image, square.image))
    assert worst["psnr"] < best["psnr"]
    assert worst["ms_ssim"] < best["ms_ssim"]
    assert worst["ciede2000"] > best["ciede2000"]
    assert measures.structures(square, scene, scene.image)["vessel_dice"] < 0.95


def test_people_s_masks_take_the_place_of_what_is_found(square: Square, scene: Scene) -> None:
    lesions = np.zeros(square.fov.mask.shape, np.bool_)
    lesions[150:160, 100:110] = True
    drawn = replace(square, labels={"vessels": square.fov.mask, "lesions": lesions})
    found = measures.structures(drawn, scene, square.image)
    assert found["vessel_dice"] < 0.5
    assert found["lesion_contrast"] == pytest.approx(1)
    assert found["disc_dice"] == pytest.approx(1)


def test_what_people_drew_on_other_photographs_alone_has_no_figure_here(square: Square, scene: Scene) -> None:
    other = replace(square, drawn=frozenset({"vessels", "cup"}))
    assert measures.structures(other, scene, square.image) == pytest.approx({"disc_dice": 1})
    assert measures.quality(other, scene, square.image).keys() == {"good", "reject", "score", "ssim"}


def test_without_a_truth_vessels_are_compared_with_those_before(square: Square, tmp_path: Path) -> None:
    (before,) = AsItIs()(square, Drawer(tmp_path))
    same = measures.without_truth(square, before, square.image)
    assert same["vessels_kept"] == pytest.approx(1)
    assert same["vessels_added"] == pytest.approx(0)
    assert same["change"] == 0
    blurred = np.asarray(cv2.GaussianBlur(square.image, (0, 0), 5), np.uint8)
    gone = measures.without_truth(square, before, blurred)
    assert gone["vessels_kept"] < 0.8
    assert gone["change"] > 0
    assert gone["score"] != same["score"]


def test_looks_stand_beside_structure(square: Square, scene: Scene) -> None:
    found = measures.quality(square, scene, square.image)
    assert found["centreline_dice"] == pytest.approx(1)
    assert found["ssim"] == pytest.approx(1)
    assert (found["good"], found["reject"]) == (1, 0)
    assert 0 <= found["score"] <= 1


def test_every_figure_is_named(square: Square, scene: Scene, tmp_path: Path) -> None:
    found: dict[str, float] = {}
    for measure in (measures.fidelity, measures.structures, measures.quality):
        found |= measure(square, scene, scene.image)
    (before,) = AsItIs()(square, Drawer(tmp_path))
    found |= measures.without_truth(square, before, scene.image)
    assert measures.MEASURES.keys() - found.keys() == {"lesion_contrast"}
    assert found.keys() <= measures.MEASURES.keys()
    assert measures.finite({"a": 1.0, "b": float("nan")}) == {"a": 1.0}
