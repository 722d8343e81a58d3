"""Which photographs a request means, and where each result goes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cofenet.errors import UnreadableError, UsageError
from cofenet.io import destinations, find_photographs, read_photograph
from cofenet.io.discover import natural


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def outputs(found: list[tuple[Path, Path]]) -> list[str]:
    return [relative.as_posix() for _, relative in found]


def test_a_folder_keeps_its_subfolders_in_natural_order(tmp_path: Path) -> None:
    make(tmp_path, "10.jpg", "9.PNG", "sub/2.tiff", "sub/deep/1.Tif", "1.jpeg", "notes.txt", "scan.dcm")
    found = find_photographs([tmp_path])
    assert outputs(found) == ["1.jpeg", "9.PNG", "10.jpg", "scan.dcm", "sub/2.tiff", "sub/deep/1.Tif"]
    assert all(source == tmp_path / relative for source, relative in found)


def test_a_dicom_file_may_have_any_name(tmp_path: Path) -> None:
    make(tmp_path, "IM0001", "1.2.840.1", "notes.txt", "DICOMDIR", "short")
    for name in ("IM0001", "1.2.840.1", "DICOMDIR"):
        (tmp_path / name).write_bytes(bytes(128) + b"DICM")
    (tmp_path / "short").write_bytes(bytes(128) + b"DIC")
    assert outputs(find_photographs([tmp_path])) == ["1.2.840.1", "IM0001"]
    assert outputs(find_photographs([tmp_path], format="png")) == ["1.2.840.1.png", "IM0001.png"]


def test_hidden_files_folders_and_links_to_folders_are_passed_over(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", ".b.jpg", "._a.jpg", ".hidden/c.jpg", "folder.jpg/d.txt")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert outputs(find_photographs([tmp_path])) == ["a.jpg"]


def test_named_files_are_listed_whatever_they_are(tmp_path: Path) -> None:
    make(tmp_path, ".hidden.jpg", "scan", "notes.txt")
    names = [tmp_path / name for name in (".hidden.jpg", "notes.txt", "scan", "gone.jpg")]
    found = find_photographs(names)
    assert {source for source, _ in found} == set(names)
    with pytest.raises(UnreadableError, match=r"gone\.jpg: no such file"):
        read_photograph(tmp_path / "gone.jpg")


def test_several_folders_keep_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "left/1.jpg", "right/1.jpg", "3.jpg")
    assert outputs(find_photographs([tmp_path / "left", tmp_path / "right", tmp_path / "3.jpg"])) == [
        "3.jpg",
        "left/1.jpg",
        "right/1.jpg",
    ]
    monkeypatch.chdir(tmp_path / "left")
    assert outputs(find_photographs([Path(), Path("../right")])) == ["left/1.jpg", "right/1.jpg"]


def test_a_photograph_reached_twice_is_listed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a.jpg", "sub/b.jpg")
    monkeypatch.chdir(tmp_path)
    assert outputs(find_photographs([Path(), tmp_path / "a.jpg", Path("sub/../a.jpg"), Path("./")])) == [
        "a.jpg",
        "sub/b.jpg",
    ]


@pytest.mark.parametrize(
    ("names", "form"),
    [(["a/1.jpg", "b/1.jpg"], "same"), (["1.jpg", "1.png"], "tiff"), (["1.jpg", "1.png"], "png")],
)
def test_two_results_of_one_name_are_refused_naming_both(tmp_path: Path, names: list[str], form: str) -> None:
    make(tmp_path, *names)
    found = find_photographs([tmp_path / name for name in names], format=form)
    with pytest.raises(UsageError) as caught:
        destinations(found, tmp_path / "out")
    assert all(str(tmp_path / name) in str(caught.value) for name in names)


def test_the_format_decides_the_ending(tmp_path: Path) -> None:
    make(tmp_path, "a.jpeg", "b.JPG", "c.png", "scan", "scan.v2")
    named = [tmp_path, tmp_path / "scan", tmp_path / "scan.v2"]
    assert outputs(find_photographs(named, format="jpeg")) == ["a.jpeg", "b.JPG", "c.jpg", "scan.jpg", "scan.v2.jpg"]
    assert outputs(find_photographs([tmp_path], format="tiff")) == ["a.tif", "b.tif", "c.tif"]
    with pytest.raises(UsageError, match="choose one of"):
        find_photographs([tmp_path], format="gif")


def test_a_folder_without_photographs_gives_none(tmp_path: Path) -> None:
    assert find_photographs([tmp_path]) == []


def test_results_are_placed(tmp_path: Path) -> None:
    make(tmp_path, "in/a.jpg", "in/sub/b.jpg")
    placed = destinations(find_photographs([tmp_path / "in"]), tmp_path / "out")
    assert [output for _, output in placed] == [tmp_path / "out" / "a.jpg", tmp_path / "out" / "sub" / "b.jpg"]


@pytest.mark.parametrize("link", ["same folder", "linked folder", "hard link"])
def test_no_result_takes_the_place_of_any_source(tmp_path: Path, link: str) -> None:
    make(tmp_path, "in/a.jpg", "in/a.png")
    folder = tmp_path / "out"
    if link == "same folder":
        folder = tmp_path / "in"
    elif link == "linked folder":
        folder.symlink_to(tmp_path / "in")
    else:
        folder.mkdir()
        (folder / "a.png").hardlink_to(tmp_path / "in" / "a.png")
    # The result of a.jpg would be a.png, which is a source too.
    found = [(tmp_path / "in" / "a.jpg", Path("a.png")), (tmp_path / "in" / "a.png", Path("b.png"))]
    with pytest.raises(UsageError, match=r"a\.png: would overwrite the photograph .*a\.png"):
        destinations(found, folder)


@given(st.lists(st.integers(0, 10**6), min_size=2, unique=True))
def test_numbers_sort_by_value(numbers: list[int]) -> None:
    paths = sorted((Path(f"eye{number}.jpg") for number in numbers), key=lambda path: natural(path.as_posix()))
    assert paths == [Path(f"eye{number}.jpg") for number in sorted(numbers)]


@given(st.lists(st.text("0123ab-/.", min_size=1, max_size=8), max_size=8, unique=True))
def test_names_sort_part_by_part_and_run_by_run(names: list[str]) -> None:
    def runs(name: str) -> list[list[tuple[int, int, str]]]:
        """Digits by their value, then by the zeros before it, and before letters."""
        found = [re.findall("[0-9]+|[^0-9]+", part) for part in name.split("/")]
        return [[(0, int(run), run) if run.isdigit() else (1, 0, run) for run in part] for part in found]

    zeros = re.compile(r"(?<![0-9])00+(?![0-9])")  # how 0 and 00 compare is of no interest
    told = [name for name in names if not zeros.search(name)]
    assert sorted(told, key=natural) == sorted(told, key=runs)
    assert len({natural(name) for name in names}) == len(names)
