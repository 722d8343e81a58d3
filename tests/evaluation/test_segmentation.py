"""The protocol: the same pictures every time, every version scored, and what is missed counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from torch import Tensor

from cofenet.evaluation.methods import PUBLISHED
from cofenet.evaluation.segmentation import disc_scores, place_score, recovered, versions, vessel_scores
from cofenet.fov import FieldOfView, find_fov
from cofenet.geometry import resize
from cofenet.io import read_photograph
from cofenet.networks.segmentation import Segmenter
from cofenet.tasks.segmentation import segment
from cofenet.training.export import disc
from cofenet.training.onnx_file import write

SAMPLE = Path(__file__).parents[2] / "samples/good/hrf_03_h.jpg"


class _Blind(Segmenter):
    """It finds nothing."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * 0 - 9


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    pixels = np.asarray(read_photograph(SAMPLE).pixels, np.uint8)
    return resize(pixels, (320, 480))


@pytest.fixture(scope="module")
def fov(image: np.ndarray) -> FieldOfView:
    return find_fov(image)


def test_versions_are_the_same_every_time(image: np.ndarray, fov: FieldOfView) -> None:
    first, second = dict(versions("a", image, fov)), dict(versions("a", image, fov))
    assert first.keys() == {"clean", "degraded", *(set(PUBLISHED) - {"input"})}
    assert all((first[name] == second[name]).all() for name in first)
    np.testing.assert_array_equal(first["clean"], image)
    assert (first["degraded"] != image).any()
    assert (dict(versions("b", image, fov))["degraded"] != first["degraded"]).any()


@pytest.mark.slow
def test_every_version_is_scored_against_the_drawing(image: np.ndarray, fov: FieldOfView, tmp_path: Path) -> None:
    another_disc = str(tmp_path / "blind.onnx")
    write(disc(_Blind(2, (4, 6, 8))), Path(another_disc), (), {})
    drawn = segment(image, fov=fov)
    assert drawn.vessels is not None
    assert drawn.disc is not None
    models = {"vessels": "vessels", "discs": "disc-finder"}
    scores = list(vessel_scores("a", image, drawn.vessels, fov, models))
    vessels = {score.version: score.figures for score in scores if score.structure == "vessels"}
    others = [score.figures["dice"] for score in scores if score.structure == "discs"]
    found = list(disc_scores("a", image, {"disc": drawn.disc}, fov, {"": "disc", " by another": another_disc}))
    discs = {score.version: score.figures for score in found if score.structure == "disc"}
    other_discs = [score.figures["dice"] for score in found if score.structure == "disc by another"]
    assert vessels.keys() == discs.keys() == dict(versions("a", image, fov)).keys()
    assert vessels["clean"]["dice"] == discs["clean"]["dice"] == 1
    assert vessels["clean"]["auc"] == 1
    assert len(others) == len(vessels)
    assert max(others) < 0.1
    assert len(other_discs) == len(discs)
    assert max(other_discs) == 0
    assert vessels["degraded"]["dice"] < 0.95
    assert discs["clean"]["missed"] == 0


def test_distance_is_in_disc_diameters(image: np.ndarray, fov: FieldOfView) -> None:
    disc = segment(image, structures=["disc"]).measurements.disc
    assert disc is not None
    away = 0.15 * fov.circle.diameter
    assert place_score("a", image, disc.x, disc.y, 0.15).figures["distance"] == pytest.approx(0, abs=1e-6)
    assert place_score("a", image, disc.x + away, disc.y, 0.15).figures["distance"] == pytest.approx(1)
    without = image[:, : int(disc.x) - 60] if disc.x > 240 else image[:, int(disc.x) + 60 :]
    assert place_score("a", np.ascontiguousarray(without), 0, 0, 0.15).figures["distance"] == np.inf


def test_share_recovered() -> None:
    assert recovered(0.8, 0.6, 0.7) == pytest.approx(0.5)
    assert recovered(0.8, 0.6, 0.5) == pytest.approx(-0.5)
