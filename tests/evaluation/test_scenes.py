"""The same pictures every time, from parameters that lie on disk."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest

from cofenet.degradation import load_parameters, sample, simulate
from cofenet.degradation.table import FACTORS
from cofenet.errors import ParameterError
from cofenet.evaluation.photographs import Square
from cofenet.evaluation.scenes import FAMILIES, KINDS, QUALITIES, SIZES, AsItIs, Drawer, Hardships, Kinds


def test_pictures_are_those_of_the_files(square: Square, tmp_path: Path) -> None:
    scenes = list(Kinds()(square, Drawer(tmp_path)))
    assert [scene.condition for scene in scenes] == list(KINDS)
    for scene in scenes[:-1]:
        stored = load_parameters(tmp_path / f"a.png.{scene.condition}.json")
        assert stored.kind == scene.condition
        np.testing.assert_array_equal(simulate(square.image, stored, square.fov), scene.image)
        np.testing.assert_array_equal(scene.truth, square.image)
    np.testing.assert_array_equal(scenes[-1].image, square.image)


def test_the_draw_is_that_of_the_published_table(square: Square, tmp_path: Path) -> None:
    """The README's figures rest on it: a seed of the file's name and the kind."""
    next(Kinds()(square, Drawer(tmp_path)))
    drawn = sample(np.random.default_rng(zlib.crc32(b"a.png 111")), "111")
    assert load_parameters(tmp_path / "a.png.111.json") == drawn


def test_parameters_of_somebody_else(square: Square, tmp_path: Path) -> None:
    """Those that are given are used, and written beside the results; a missing one is no reason to draw."""
    (tmp_path / "given").mkdir()
    theirs = sample(np.random.default_rng(99), "001")
    (tmp_path / "given/a.png.111.json").write_text(theirs.to_json())
    drawer = Drawer(tmp_path / "ours", tmp_path / "given")
    scene = next(Kinds(("111",))(square, drawer))
    np.testing.assert_array_equal(scene.image, simulate(square.image, theirs, square.fov))
    assert load_parameters(tmp_path / "ours/a.png.111.json") == theirs
    with pytest.raises(ParameterError, match=r"a\.png\.001\.json"):
        next(Kinds(("001",))(square, drawer))


def test_the_place_of_a_picture(square: Square, tmp_path: Path) -> None:
    assert str(next(Kinds()(square, Drawer(tmp_path))).place) == "111/a.png.png"


@pytest.fixture
def hard(square: Square, tmp_path: Path) -> dict[str, list]:
    found: dict[str, list] = {family: [] for family in FAMILIES}
    for scene in Hardships()(square, Drawer(tmp_path)):
        found[scene.family].append(scene)
    return found


def test_hardships(square: Square, hard: dict[str, list]) -> None:
    def distance(scene: object) -> float:
        return float(np.abs(scene.image.astype(float) - scene.truth)[scene.fov.mask].mean())  # type: ignore[attr-defined]

    falling = [distance(scene) for scene in hard["severity"]]
    assert falling == sorted(falling, reverse=True)
    assert {scene.condition for scene in hard["factor"]} == {f"factor-{name}" for name in FACTORS}
    assert [len(scene.image) for scene in hard["size"]] == list(SIZES)
    for scene in hard["size"]:
        np.testing.assert_array_equal(scene.truth, square.at(len(scene.image)).image)
    whole = hard["severity"][0].image
    blocks = [np.abs(scene.image.astype(float) - whole)[scene.fov.mask].mean() for scene in hard["jpeg"]]
    assert [scene.level for scene in hard["jpeg"]] == list(QUALITIES)
    assert blocks == sorted(blocks)
    given, mirrored = hard["side"]
    np.testing.assert_array_equal(given.image, whole)
    np.testing.assert_array_equal(mirrored.image, given.image[:, ::-1])
    np.testing.assert_array_equal(mirrored.truth, given.truth[:, ::-1])
    np.testing.assert_array_equal(mirrored.fov.mask, given.fov.mask[:, ::-1])
    (clinical,) = hard["clinical"]
    assert clinical.condition == "clinical"
    assert distance(clinical) > 0
    wrong = {scene.condition: distance(scene) for scene in hard["unseen"]}
    assert 0 < wrong["unseen-256-pixels"] < wrong["unseen-128-pixels"]
    fringed = hard["unseen"][-1]
    np.testing.assert_array_equal(fringed.image[..., 1], square.image[..., 1])
    assert all(np.abs(fringed.image[..., k].astype(float) - square.image[..., k]).max() > 0 for k in (0, 2))
    assert not fringed.image[~fringed.fov.mask].any()
    assert all((scene.truth.shape == scene.image.shape) for scenes in hard.values() for scene in scenes)


def test_real_photographs_have_no_truth(square: Square, tmp_path: Path) -> None:
    (scene,) = AsItIs()(square, Drawer(tmp_path))
    assert scene.truth is None
    np.testing.assert_array_equal(scene.image, square.image)
    assert not list(tmp_path.glob("*.json"))
