"""Runs: nothing is measured twice, what failed is tried again, and results of other settings are not mixed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cofenet.errors import UsageError
from cofenet.evaluation.methods import chosen
from cofenet.evaluation.outside import OutsideError
from cofenet.evaluation.photographs import listed
from cofenet.evaluation.runner import TRUTH, Record, Setup, prepare, run, tile
from cofenet.evaluation.scenes import Scene
from cofenet.io import Photograph, read_photograph, write_photograph

MakeSetup = Callable[..., Setup]
Draw = Callable[..., np.ndarray]


class Counted:
    """A method that counts, and fails where it is told to."""

    def __init__(self, identity: str = "1") -> None:
        self.identity = identity
        self.calls = 0
        self.failing = ""

    def __call__(self, scene: Scene) -> np.ndarray:
        self.calls += 1
        if scene.photograph == self.failing:
            raise OutsideError("it hurts")
        return scene.image


def rows(records: list[Record]) -> list[dict[str, object]]:
    return [{name: row[name] for name in row if name != "seconds"} for record in records for row in record.rows]


def test_resume(photos: Path, setup: MakeSetup) -> None:
    method = Counted()
    plan = setup("restoration", "111", "000", methods=chosen(["input"]) | {"counted": method})
    first = list(run(plan, listed(photos)))
    assert method.calls == 4
    assert [row["method"] for row in first[0].rows] == ["input", "counted"] * 2
    again = list(run(plan, listed(photos)))
    assert method.calls == 4
    assert rows(again) == rows(first)
    method.identity = "2"
    assert rows(list(run(plan, listed(photos)))) != []
    assert method.calls == 8


def test_a_photograph_that_changed_is_measured_again(photos: Path, setup: MakeSetup, draw: Draw) -> None:
    method = Counted()
    plan = setup("restoration", "111", methods=chosen(["input"]) | {"counted": method})
    before = rows(list(run(plan, listed(photos))))
    write_photograph(photos / "a.png", Photograph(draw(9)))
    after = rows(list(run(plan, listed(photos))))
    assert method.calls == 3
    assert before[0]["psnr"] != after[0]["psnr"]
    assert before[2:] == after[2:]


def test_a_failure_is_told_and_tried_again(photos: Path, setup: MakeSetup) -> None:
    method = Counted()
    method.failing = "a.png"
    plan = setup("restoration", "111", methods=chosen(["input"]) | {"counted": method})
    first, second = run(plan, listed(photos))
    assert first.failures == [{"photograph": "a.png", "condition": "111", "method": "counted", "reason": "it hurts"}]
    assert [row["method"] for row in first.rows] == ["input"]
    assert not second.failures
    method.failing = ""
    first, _ = run(plan, listed(photos))
    assert not first.failures
    assert [row["method"] for row in first.rows] == ["input", "counted"]
    assert method.calls == 3


def test_what_fails_when_it_is_measured_again_is_not_done(photos: Path, setup: MakeSetup) -> None:
    """Its old rows are gone; neither its old identity nor a sheet that is missing makes it one that is done."""
    method = Counted("1")
    plan = setup("restoration", "111", methods=chosen(["input"]) | {"counted": method})
    list(run(plan, listed(photos)))
    method.identity, method.failing = "2", "a.png"
    list(run(plan, listed(photos)))
    method.identity, method.failing = "1", ""
    first, _ = run(plan, listed(photos))
    assert [row["method"] for row in first.rows] == ["input", "counted"]


def test_a_photograph_without_retina_is_a_failure_of_its_own(photos: Path, setup: MakeSetup) -> None:
    write_photograph(photos / "black.png", Photograph(np.zeros((64, 64, 3), np.uint8)))
    found = {record.name: record for record in run(setup("restoration", "111"), listed(photos))}
    assert not found["black.png"].rows
    assert "black.png" in found["black.png"].failures[0]["reason"]
    assert found["a.png"].rows


def test_other_settings_need_another_folder(photos: Path, setup: MakeSetup) -> None:
    prepare(setup("restoration", "111"))
    prepare(setup("restoration", "111"))
    with pytest.raises(UsageError, match="other settings: scenes was"):
        prepare(setup("restoration", "001"))
    with pytest.raises(UsageError, match="other settings: protocol was"):
        list(run(setup("quality", "111"), listed(photos)))


def test_damaged_rows_are_named(photos: Path, setup: MakeSetup) -> None:
    plan = setup("restoration", "111")
    list(run(plan, listed(photos)))
    (plan.folder / "rows/a.png.json").write_text("{")
    with pytest.raises(UsageError, match=r"a\.png\.json: damaged"):
        list(run(plan, listed(photos)))


def test_pictures_and_sheets(photos: Path, setup: MakeSetup) -> None:
    plan = setup("restoration", "111", pictures=True, sheets=1)
    records = list(run(plan, listed(photos)))
    shown = read_photograph(plan.folder / "pictures/111/sub/b.png.png").pixels
    assert shown.shape == (176, 176, 3)
    assert {file.stem for file in (plan.folder / "sheets/a.png").iterdir()} == {"input", "clahe", TRUTH}
    assert not (plan.folder / "sheets/sub").exists()
    tile(plan.folder, "a.png", "clahe").unlink()
    again = rows(list(run(plan, listed(photos))))
    assert sorted(map(str, again)) == sorted(map(str, rows(records)))
    assert tile(plan.folder, "a.png", "clahe").exists()


def test_pictures_follow_the_photograph(photos: Path, setup: MakeSetup, draw: Draw) -> None:
    plan = setup("restoration", "000", methods=chosen(["input"]), pictures=True)
    list(run(plan, listed(photos)))
    before = read_photograph(plan.folder / "pictures/000/a.png.png").pixels
    write_photograph(photos / "a.png", Photograph(draw(9)))
    list(run(plan, listed(photos)))
    assert (read_photograph(plan.folder / "pictures/000/a.png.png").pixels != before).any()


def test_an_outside_folder_of_its_own_pictures_scores_as_the_input(photos: Path, setup: MakeSetup) -> None:
    """The way of a rival: take the pictures, give others under the same names."""
    plan = setup("restoration", "111", pictures=True)
    list(run(plan, listed(photos)))
    theirs = setup("restoration", "111", methods=chosen(["clahe", f"theirs={plan.folder / 'pictures'}"]))
    for record in run(theirs, listed(photos)):
        figures = {row["method"]: (row["psnr"], row["ssim"], row["ciede2000"]) for row in record.rows}
        assert figures["theirs"] == figures["input"] != figures["clahe"]


@pytest.mark.slow
def test_several_processes_measure_the_same(photos: Path, setup: MakeSetup, tmp_path: Path) -> None:
    plan = setup("restoration", "111")
    one = rows(list(run(plan, listed(photos))))
    (tmp_path / "out/settings.json").unlink()
    for file in (tmp_path / "out/rows").rglob("*.json"):
        json.loads(file.read_text())
        file.unlink()
    assert rows(list(run(plan, listed(photos), processes=2))) == one
