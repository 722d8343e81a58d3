"""Labels: whatever was drawn on a photograph, by whom and in whatever form, comes together on it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import cofenet.training.labelled as module
from cofenet.errors import UsageError
from cofenet.fov import find_fov
from cofenet.geometry import Crop
from cofenet.io import Photograph, read_photograph, write_photograph
from cofenet.tasks.segmentation import vessel_probability
from cofenet.training.labelled import Labelled, disc_box, load_labelled

DISC = ("disc", "disc_cup", "lesions")


def test_rows_of_one_photograph_come_together(labelled_manifest: Path) -> None:
    found = load_labelled(labelled_manifest, "train", DISC, ("disc", "cup"), 64)
    assert [path.name for path in found.paths] == ["0.png", "1.png", "2.png"]
    np.testing.assert_array_equal(found.known, [[True, True], [True, True], [True, False]])
    assert found.images.shape == (3, 64, 64, 3)
    assert found.labels.shape == (3, 64, 64, 2)
    inside = found.labels[..., 1] > 127
    assert (found.labels[..., 0][inside] > 127).all()
    assert not found.labels[2, ..., 1].any()


def test_a_place_becomes_a_disc(labelled_manifest: Path) -> None:
    found = load_labelled(labelled_manifest, "train", ("lesions",), ("disc",), 64)
    assert disc_box(found.labels[0, ..., 0])[2] == pytest.approx(0.15 * 64, rel=0.15)


def test_patients_are_held_out_where_none_are_there_to_validate(labelled_manifest: Path) -> None:
    parts = {
        split: load_labelled(labelled_manifest, split, ("vessels",), ("vessels",), 32).paths
        for split in ("train", "val", "test")
    }
    assert len(parts["train"]) + len(parts["val"]) == 5
    assert len(parts["val"]) >= 1
    assert not set(parts["train"]) & set(parts["val"])
    assert [path.name for path in parts["test"]] == ["3.png"]


def test_a_given_validation_split_is_used(labelled_manifest: Path) -> None:
    assert len(load_labelled(labelled_manifest, "val", DISC, ("disc", "cup"), 32)) == 1


def test_networks_draw_where_nobody_did(labelled_manifest: Path, tmp_path: Path) -> None:
    found = load_labelled(labelled_manifest, "train", ("disc",), ("vessels", "disc"), 128, tmp_path, ("vessels",))
    assert [path.name for path in found.paths] == ["0.png", "1.png", "2.png", "3.png"]  # 4 is held back to validate on
    np.testing.assert_array_equal(found.taught, [False, True, True, True])
    np.testing.assert_array_equal(found.known[:2, 0], [False, True])
    pixels = np.asarray(read_photograph(found.paths[1]).pixels)
    fov = find_fov(pixels)
    seen = Crop.around(fov.circle, 128).take(np.rint(255 * vessel_probability(pixels, fov)).astype(np.uint8))
    assert seen.any()
    np.testing.assert_array_equal(found.labels[1, ..., 0], seen)
    assert not load_labelled(labelled_manifest, "val", ("disc",), ("disc",), 32, None, ("vessels",)).taught.any()


def test_cache_gives_the_same_without_reading(
    labelled_manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load_labelled(labelled_manifest, "train", DISC, ("disc", "cup"), 32, tmp_path)
    monkeypatch.setattr(module, "read_photograph", lambda path: pytest.fail(f"{path} was read again"))
    second = load_labelled(labelled_manifest, "train", DISC, ("disc", "cup"), 32, tmp_path)
    for name in ("images", "masks", "labels", "known", "taught"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
        assert getattr(first, name).dtype == getattr(second, name).dtype
    assert first.paths == second.paths


def test_labels_drawn_anew_are_read_anew(labelled_manifest: Path, tmp_path: Path) -> None:
    manifest = shutil.copytree(labelled_manifest.parent, tmp_path / "ours") / labelled_manifest.name
    first = load_labelled(manifest, "train", ("disc",), ("disc",), 32, tmp_path)
    label = manifest.parent / "disc.png"
    write_photograph(label, Photograph(np.zeros_like(read_photograph(label).pixels)))
    second = load_labelled(manifest, "train", ("disc",), ("disc",), 32, tmp_path)
    assert first.labels.any()
    assert not second.labels.any()


def test_nothing_to_learn_from_is_named(labelled_manifest: Path) -> None:
    with pytest.raises(UsageError, match="no photographs of cats in train"):
        load_labelled(labelled_manifest, "train", ("cats",), ("disc",), 32)


def test_notches_are_filled() -> None:
    mask = np.zeros((40, 40), bool)
    mask[10:30, 10:30] = True
    mask[10:18, 18:22] = False
    filled = module._hull(mask)
    assert (filled[10:30, 10:30] == 255).all()
    assert filled.astype(bool).sum() == 400


def test_box_of_a_disc(labelled: Labelled) -> None:
    x, y, diameter = disc_box(labelled.labels[0, ..., 0])
    assert (x, y) == (48.0, 32.0)
    assert diameter == pytest.approx(2 * 16 / np.sqrt(np.pi))
    assert disc_box(np.zeros((8, 8), np.uint8)) == (0.0, 0.0, 0.0)
