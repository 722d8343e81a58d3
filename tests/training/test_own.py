"""A user's own folder: what is found in it, and how it is split."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cofenet.errors import UsageError
from cofenet.io import Photograph, write_photograph
from cofenet.training.own import FEWEST, SOURCE, survey
from cofenet.training.photographs import count_sources, listed, rows_of
from cofenet.training.recipe import Recipe


@pytest.fixture(scope="module")
def drawn(draw: Callable[..., np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty photographs, some in a subfolder; beside them what is none."""
    folder = tmp_path_factory.mktemp("own")
    for seed in range(20):
        write_photograph(folder / ("sub" if seed % 3 else "") / f"{seed}.png", Photograph(draw(seed, 96, 96)))
    (folder / "broken.jpg").write_bytes(b"not a photograph")
    write_photograph(folder / "black.png", Photograph(np.zeros((96, 96, 3), np.uint8)))
    (folder / "notes.txt").write_text("not even an ending")
    return folder


@pytest.fixture
def photos(drawn: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(drawn, tmp_path / "photos"))


@pytest.fixture
def field(recipes: dict[str, Recipe]) -> Recipe:
    return recipes["field"]


def names(manifest: Path, split: str) -> list[str]:
    return [path.name for path in listed(manifest, split)]


def test_a_tenth_is_validated_on_and_bad_files_are_named(
    photos: Path, field: Recipe, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    manifest = survey(photos, tmp_path / "run" / "photographs.csv", field)
    train, val = names(manifest, "train"), names(manifest, "val")
    assert (len(train), len(val)) == (18, 2)
    assert sorted(train + val) == sorted(f"{seed}.png" for seed in range(20))
    paths = listed(manifest, "train")
    assert all(path.is_file() for path in paths)
    assert count_sources(manifest, paths) == {SOURCE: 18}
    said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(said) == 2
    for name in ("broken.jpg", "black.png"):
        assert any(f"skipped {photos / name}: " in line for line in said)


def test_the_split_knows_neither_names_nor_places_and_keeps_copies_together(
    photos: Path, field: Recipe, tmp_path: Path
) -> None:
    first = survey(photos, tmp_path / "first.csv", field)
    contents = {path.read_bytes() for path in listed(first, "val")}
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for path in photos.rglob("*.png"):
        (moved / f"x{path.name}").write_bytes(path.read_bytes())
        (moved / f"copy of {path.name}").write_bytes(path.read_bytes())
    second = survey(moved, tmp_path / "second.csv", field)
    assert {path.read_bytes() for path in listed(second, "val")} == contents
    assert len(listed(second, "val")) == 4


def test_a_run_goes_on_with_what_it_began_with(photos: Path, field: Recipe, tmp_path: Path) -> None:
    manifest = survey(photos, tmp_path / "run" / "photographs.csv", field)
    before = manifest.read_bytes()
    shutil.copy(photos / "0.png", photos / "new.png")
    assert survey(photos, manifest, field).read_bytes() == before
    shutil.copytree(photos, tmp_path / "others")
    with pytest.raises(UsageError, match=r"run: holds a run that learned from another folder than .*others"):
        survey(tmp_path / "others", manifest, field)


def test_photographs_are_found_from_a_run_behind_a_link(photos: Path, field: Recipe, tmp_path: Path) -> None:
    (tmp_path / "disk" / "deep").mkdir(parents=True)
    (tmp_path / "run").symlink_to(tmp_path / "disk" / "deep")
    manifest = survey(photos, tmp_path / "run" / "photographs.csv", field)
    assert all(path.is_file() for path in listed(manifest, "train"))
    assert not any(Path(row["path"]).is_absolute() for row in rows_of(manifest))
    survey(photos, manifest, field)


def test_too_few_photographs_are_refused(photos: Path, field: Recipe, tmp_path: Path) -> None:
    for seed in range(FEWEST - 1, 20):
        next(photos.rglob(f"{seed}.png")).unlink()
    for copy in range(5):
        shutil.copy(photos / "0.png", photos / f"copy{copy}.png")
    with pytest.raises(UsageError, match=r"photos: 9 different photographs .* of 16 files; at least 10 are needed"):
        survey(photos, tmp_path / "m.csv", field)
    assert not (tmp_path / "m.csv").exists()


def test_no_folder_is_named(field: Recipe, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere: there is no such folder"):
        survey(tmp_path / "nowhere", tmp_path / "m.csv", field)


def test_networks_that_learn_from_people_need_a_manifest(recipes: dict[str, Recipe], tmp_path: Path) -> None:
    for name in ("quality", "vessels"):
        with pytest.raises(UsageError, match=f"{name} learns from what people said .* --data"):
            survey(tmp_path, tmp_path / "m.csv", recipes[name])
