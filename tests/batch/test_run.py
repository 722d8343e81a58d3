"""Whole runs, with real steps and worker processes."""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from cofenet.batch.run import Done, Request
from cofenet.batch.run import run as run_request
from cofenet.errors import UsageError

from .conftest import told, tree


def run(source: Path, out: Path, do: str = "correct", **how: object) -> Done:
    return run_request(Request(str(source), str(out), do, workers=1, **how))


@pytest.mark.slow
def test_a_chain_is_the_verbs_one_after_the_other(photos: Path, command: Callable, tmp_path: Path) -> None:
    done = run(photos, tmp_path / "out", "assess,correct@reject+usable+good,assess,segment")
    assert (done.count.done, done.count.failed) == (6, 1)
    command("correct", photos, "-o", tmp_path / "verb/corrected")
    command("segment", tmp_path / "verb/corrected", "-o", tmp_path / "verb/segmented")
    command("assess", photos, "--csv", tmp_path / "before.csv")
    results = {name: content for name, content in tree(tmp_path / "out").items() if "/" in name}
    assert results == tree(tmp_path / "verb")
    with (tmp_path / "out/report.csv").open(newline="") as file, (tmp_path / "before.csv").open(newline="") as verb:
        rows = {row["id"]: row for row in csv.DictReader(file)}
        grades = {
            Path(row["photograph"]).relative_to(photos).as_posix(): row
            for row in csv.DictReader(verb)
            if not row["failure"]
        }
    assert {name: row["score"] for name, row in grades.items()} == {
        name: row["assess.score"] for name, row in rows.items() if row["status"] == "done"
    }
    assert rows["bad.png"]["reason"] == "assess: is not a PNG, JPEG, TIFF or DICOM image"
    content = json.loads((tmp_path / "out/report.json").read_text())
    assert content["counts"] == {"done": 5, "failed": 1}
    assert [step["step"] for step in content["steps"]] == ["assess", "correct", "assess-2", "segment"]
    page = (tmp_path / "out/report.html").read_text()
    HTMLParser().feed(page)
    assert page.count("data:image/jpeg;base64,") == 10
    assert "is not a PNG, JPEG, TIFF or DICOM image" in page
    assert "http" not in page
    with sqlite3.connect(tmp_path / "out/ledger.sqlite") as ledger:
        seconds = dict(ledger.execute("SELECT photograph, seconds FROM steps WHERE step = 'correct'"))
    ledger.close()
    assert min(seconds["0.png"], seconds["sub/again.png"]) == 0 < max(seconds["0.png"], seconds["sub/again.png"])


@pytest.mark.slow
def test_shards_merge_into_the_whole(photos: Path, tmp_path: Path) -> None:
    run(photos, tmp_path / "whole", "degrade")
    shards = [run(photos, tmp_path / "out", "degrade", shard=(number, 3)) for number in (1, 2, 3)]
    assert sum(shard.count.done for shard in shards) == 6
    assert all(not shard.report for shard in shards)
    with pytest.raises(UsageError, match="go on with it by --resume"):
        run(photos, tmp_path / "out", "degrade")
    merged = run(photos, tmp_path / "out", "degrade", resume=True)
    assert (merged.count.done, merged.count.before, merged.count.failed) == (6, 6, 1)
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")
    assert told(tmp_path / "out/ledger.sqlite") == told(tmp_path / "whole/ledger.sqlite")


@pytest.mark.slow
def test_a_changed_setting_touches_its_step_and_what_hangs_on_it(photos: Path, tmp_path: Path) -> None:
    job = tmp_path / "job.toml"
    text = '[[step]]\ndo = "assess"\n[[step]]\ndo = "degrade"\nseed = {}\n[[step]]\ndo = "assess"\n'
    job.write_text(text.format(1))
    run(photos, tmp_path / "out", str(job))
    with sqlite3.connect(tmp_path / "out/ledger.sqlite") as ledger:
        before = dict(ledger.execute("SELECT photograph || step, seconds FROM steps WHERE status != 'failed'"))
    ledger.close()
    job.write_text(text.format(2))
    run(photos, tmp_path / "out", str(job), resume=True)
    run(photos, tmp_path / "fresh", str(job))
    assert tree(tmp_path / "out") == tree(tmp_path / "fresh")
    assert told(tmp_path / "out/ledger.sqlite") == told(tmp_path / "fresh/ledger.sqlite")
    with sqlite3.connect(tmp_path / "out/ledger.sqlite") as ledger:
        after = dict(ledger.execute("SELECT photograph || step, seconds FROM steps WHERE status != 'failed'"))
    ledger.close()
    kept = {name for name in before if before[name] and before[name] == after[name]}
    assert kept == {name for name in before if name.endswith("assess") and before[name]}


def test_a_lying_name_takes_nobodys_place(photos: Path, tmp_path: Path) -> None:
    shutil.copy(photos / "0.png", photos / "lies.jpg")
    (photos / "lies.jpg.png").write_bytes((photos / "sub/2.png").read_bytes())
    for name in ("1.jpg", "sub/3.jpg", "sub/again.png", "bad.png", "0.png", "sub/2.png"):
        (photos / name).unlink()
    done = run_request(Request(str(photos), str(tmp_path / "out"), "degrade", workers=1))
    assert (done.count.done, done.count.failed) == (2, 1)
    with (tmp_path / "out/report.csv").open(newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    assert rows["lies.jpg"]["reason"] == "degrade: is no .jpg file, and the name lies.jpg.png belongs to another"
    assert rows["lies.jpg.png"]["degrade.output"] == "degraded/lies.jpg.png"


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"shard": (4, 3)}, "--shard must be from 1/n to n/n, got 4/3"),
        ({"scheduler": "tcp://x:1"}, "--scheduler is for --engine dask"),
        ({"engine": "dask", "memory": 1}, "--memory is for the local engine"),
    ],
)
def test_what_makes_no_sense_is_told(photos: Path, tmp_path: Path, how: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError) as told_:
        run(photos, tmp_path / "out", **how)
    assert words in str(told_.value)


def test_a_wrong_source_leaves_no_destination(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no folder and no manifest"):
        run(tmp_path / "none", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_bucket_needs_a_ledger_here(photos: Path) -> None:
    with pytest.raises(UsageError, match="--ledger DIR"):
        run_request(Request(str(photos), "memory://bucket/out", "assess"))


@pytest.mark.parametrize("path", ["corrected/0.png", "link.png", "linked/0.png", "file://{out}/corrected/0.png"])
def test_a_source_is_never_overwritten(photos: Path, tmp_path: Path, path: str) -> None:
    out = tmp_path / "out"
    (out / "corrected").mkdir(parents=True)
    shutil.copy(photos / "0.png", out / "corrected/0.png")
    (out / "link.png").symlink_to("corrected/0.png")
    (out / "linked").symlink_to("corrected")
    (out / "list.csv").write_text(f"id,path\n0.png,{path.format(out=out)}\n")
    before = (out / "corrected/0.png").read_bytes()
    with pytest.raises(UsageError, match="might be overwritten by a result"):
        run(out / "list.csv", out)
    assert (out / "corrected/0.png").read_bytes() == before
