"""Photographs to learn from: which ones, and what happens to bad files."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cofenet.errors import UsageError
from cofenet.io import Photograph, write_photograph
from cofenet.training import photographs as module
from cofenet.training.photographs import Photographs, count_sources, listed, load, rows_of


def names(paths: list[Path]) -> str:
    return "".join(path.stem for path in paths)


@pytest.fixture
def files(manifest: Path) -> list[Path]:
    """Three photographs for training."""
    return listed(manifest, "train")


@pytest.mark.parametrize(
    ("split", "tasks", "labels", "expected"),
    [
        ("train", ("clean",), (), "abc"),
        ("train", ("clean",), ("chosen",), "ac"),
        ("train", ("quality",), (), "de"),
        ("train", ("clean", "quality"), ("chosen", "0"), "acd"),
        ("val", ("clean",), (), "f"),
        ("val", ("quality",), (), ""),
    ],
)
def test_listed(manifest: Path, split: str, tasks: tuple[str, ...], labels: tuple[str, ...], expected: str) -> None:
    found = listed(manifest, split, tasks, labels)
    assert names(found) == expected
    assert all(path.is_file() for path in found)


def test_manifests_that_a_spreadsheet_wrote_are_read(manifest: Path, tmp_path: Path) -> None:
    written = tmp_path / "manifest.csv"
    written.write_text("\ufeff" + manifest.read_text("utf-8"), "utf-8")
    assert rows_of(written) == rows_of(manifest)


def test_missing_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.csv: cannot read the manifest"):
        listed(tmp_path / "none.csv", "train")


def test_missing_column_is_named(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("path,split,label\na.png,train,0\n")
    with pytest.raises(UsageError, match=r"manifest\.csv: the manifest has no column source, task"):
        listed(manifest, "train")


def test_sources_are_counted(manifest: Path, files: list[Path]) -> None:
    assert count_sources(manifest, load(files, 64).paths) == {"harbour": 1, "meadow": 2}


@pytest.mark.parametrize("size", [64, 50])
def test_squares_are_filled_by_the_field_of_view(files: list[Path], size: int) -> None:
    photographs = load(files, size)
    assert len(photographs) == 3
    assert photographs.paths == tuple(files)
    assert photographs.images.shape == (3, size, size, 3)
    assert photographs.masks.shape == (3, size, size)
    assert not photographs.images[~photographs.masks].any()
    assert 0.74 < photographs.masks.mean() < 0.81  # a disc in its square: pi / 4
    with pytest.raises(ValueError, match="read-only"):
        photographs.images[0] = 0


def test_sixteen_bits_become_eight(draw: Callable[..., np.ndarray], tmp_path: Path) -> None:
    pixels = draw(1, 128, 144)
    write_photograph(tmp_path / "narrow.png", Photograph(pixels))
    write_photograph(tmp_path / "wide.png", Photograph(pixels.astype(np.uint16) * 257))
    narrow, wide = load([tmp_path / "narrow.png", tmp_path / "wide.png"], 64).images
    assert np.abs(narrow.astype(int) - wide).max() <= 1


@pytest.mark.parametrize("cached", [False, True])
def test_bad_files_are_named_and_skipped(
    files: list[Path], tmp_path: Path, caplog: pytest.LogCaptureFixture, cached: bool
) -> None:
    (tmp_path / "damaged.png").write_bytes(files[0].read_bytes()[:500])
    write_photograph(tmp_path / "blank.png", Photograph(np.zeros((128, 128, 3), np.uint8)))
    write_photograph(tmp_path / "tiny.png", Photograph(np.full((20, 20, 3), 90, np.uint8)))
    bad = [tmp_path / name for name in ("damaged.png", "blank.png", "tiny.png", "missing.png")]
    with caplog.at_level(logging.WARNING):
        photographs = load([files[0], *bad, files[1]], 64, tmp_path / "cache" if cached else None)
    assert photographs.paths == (files[0], files[1])
    assert len(caplog.records) == len(bad)
    assert all(str(path) in record.getMessage() for path, record in zip(bad, caplog.records, strict=True))


def test_nothing_readable_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="none of 1 photographs can be read"):
        load([tmp_path / "missing.png"], 64)
    with pytest.raises(UsageError, match="no photographs"):
        load([], 64)


@pytest.mark.parametrize("size", [64, 50])
def test_cache_gives_the_same_without_reading(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    first = load(files, size, tmp_path)
    assert [path.suffix for path in tmp_path.iterdir()] == [".npz"]

    def refuse(path: Path) -> None:
        pytest.fail(f"{path} was read again")

    monkeypatch.setattr(module, "read_photograph", refuse)
    assert_same(load(files, size, tmp_path), first)


def test_cache_is_of_these_files_at_this_size(files: list[Path], tmp_path: Path) -> None:
    load(files, 64, tmp_path)
    assert load(files, 32, tmp_path).images.shape[1] == 32
    assert len(load(files[:2], 64, tmp_path)) == 2


def test_failed_cache_leaves_nothing(files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(file: object, **arrays: np.ndarray) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(OSError, match="no space left"):
        load(files, 64, tmp_path)
    assert list(tmp_path.iterdir()) == []


def assert_same(first: Photographs, second: Photographs) -> None:
    np.testing.assert_array_equal(first.images, second.images)
    np.testing.assert_array_equal(first.masks, second.masks)
    assert first.paths == second.paths
