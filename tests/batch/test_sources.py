"""Folders, manifests and their shards."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cofenet.batch.sources import Cohort, Photograph, read_cohort
from cofenet.errors import UsageError

Rows = list[dict[str, str]]


def manifest(path: Path, rows: Rows) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def parquet(path: Path, rows: Rows) -> Path:
    import pyarrow as pa
    from pyarrow import parquet as format_

    format_.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_a_folder(photos: Path) -> None:
    (photos / "done").mkdir()
    (photos / "done/9.png").write_bytes(b"result")
    found = read_cohort(str(photos), leave_out=photos / "done").photographs
    assert [one.id for one in found] == ["0.png", "1.jpg", "bad.png", "sub/2.png", "sub/3.jpg", "sub/again.png"]
    assert [one.url for one in found] == [str(photos / one.id) for one in found]
    assert all(one.size == (photos / one.id).stat().st_size and one.stamp for one in found)
    assert read_cohort(f"file://{photos}", leave_out=photos / "done").photographs == found


@pytest.mark.parametrize(("make", "ending"), [(manifest, "csv"), (parquet, "parquet")])
def test_a_manifest_carries_its_columns(photos: Path, make: Callable[[Path, Rows], Path], ending: str) -> None:
    rows = [
        {"eye": "left", "id": "p1", "path": "0.png", "age": "61"},
        {"eye": "right", "id": "visit/p2", "path": str(photos / "1.jpg"), "age": ""},
        {"eye": "", "id": "p3.png", "path": "none.png", "age": "7"},
    ]
    cohort = read_cohort(str(make(photos / f"list.{ending}", rows)))
    assert cohort.columns == ("eye", "age")
    first, second, third = cohort.photographs
    assert (first.id, first.name, first.url, first.extra) == ("p1", "p1.png", str(photos / "0.png"), ("left", "61"))
    assert (second.name, second.url) == ("visit/p2.jpg", str(photos / "1.jpg"))
    assert (third.name, third.size, third.stamp) == ("p3.png", None, None)
    assert first.size == (photos / "0.png").stat().st_size


def test_without_ids_the_paths_are_ids(photos: Path) -> None:
    (one,) = read_cohort(str(manifest(photos / "list.csv", [{"path": "sub/2.png"}]))).photographs
    assert one.id == one.name == "sub/2.png"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"id": "a", "file": "0.png"}], "has no column `path`"),
        ([{"id": "a", "path": "0.png"}, {"id": "a", "path": "1.png"}], "2 photographs are called 'a.png'"),
        ([{"id": "a", "path": "0.png"}, {"id": "a", "path": "1.jpg"}], "2 photographs are called 'a'"),
        ([{"path": "../0.png"}], "line 2: the id '../0.png' makes no name of a file: give a column `id`"),
        ([{"path": "/x/0.png"}], "give a column `id`"),
        ([{"id": "", "path": "0.png"}], "line 2: the id '' makes no name"),
    ],
)
def test_what_makes_no_sense_is_told(tmp_path: Path, rows: Rows, words: str) -> None:
    with pytest.raises(UsageError) as told:
        read_cohort(str(manifest(tmp_path / "list.csv", rows)))
    assert words in str(told.value)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("list.csv", b"", "is empty"),
        ("list.csv", b"id,path\na\n", "line 2 has 1 values, the header 2"),
        ("list.csv", b"id,path\n", "no photographs in"),
        ("list.parquet", b"nothing", "cannot be read"),
        ("none", b"", "is no folder and no manifest"),
    ],
)
def test_a_damaged_manifest_is_told(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=words):
        read_cohort(str(tmp_path / name))


def test_a_manifest_of_urls_is_looked_up_folder_by_folder(tmp_path: Path) -> None:
    import fsspec

    files = fsspec.filesystem("memory")
    files.pipe("/bucket/a.png", b"abc")
    rows = [{"id": "a", "path": "memory://bucket/a.png"}, {"id": "b", "path": "memory://bucket/none.png"}]
    first, second = read_cohort(str(manifest(tmp_path / "list.csv", rows))).photographs
    assert (first.url, first.size) == ("memory://bucket/a.png", 3)
    assert first.stamp
    assert (second.size, second.stamp) == (None, None)
    files.store.clear()


def test_a_web_server_lists_nothing() -> None:
    with pytest.raises(UsageError, match="give a manifest"):
        read_cohort("https://example.org/photographs/")


@given(st.sets(st.text(min_size=1), min_size=1), st.integers(1, 9))
def test_shards_part_the_photographs(ids: set[str], count: int) -> None:
    whole = Cohort([Photograph(one, one, one) for one in sorted(ids)])
    shards = [whole.shard(number, count).photographs for number in range(1, count + 1)]
    assert sorted(one.id for shard in shards for one in shard) == sorted(ids)
    fewer = Cohort(whole.photographs[1:])
    assert fewer.shard(1, count).photographs == [one for one in shards[0] if one.id != whole.photographs[0].id]
