"""`cofenet run` as a user has it."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from cofenet.batch.drive import Count
from cofenet.cli.run import _Progress
from cofenet.errors import UsageError

Run = Callable[..., Result]


def test_a_manifest_in_a_report_out(run: Run, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("id,path,eye\np1,photos/1.png,left\np2,photos/sub/2.jpg,right\n")
    result = run("run", tmp_path / "list.csv", "-o", tmp_path / "out", "--do", "degrade", "--workers", 1)
    assert result.exit_code == 0, result.stderr
    assert result.stderr == "2 photographs, 0 failed\n"
    assert [Path(line).name for line in result.stdout.splitlines()][:3] == ["report.csv", "report.json", "report.html"]
    with (tmp_path / "out/report.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["id"], row["eye"], row["degrade.output"]) for row in rows] == [
        ("p1", "left", "degraded/p1.png"), ("p2", "right", "degraded/p2.jpg"),
    ]  # fmt: skip
    from pyarrow import parquet

    assert parquet.read_table(tmp_path / "out/report.parquet").column("eye").to_pylist() == ["left", "right"]
    refused = run("run", tmp_path / "list.csv", "-o", tmp_path / "out", "--do", "degrade")
    assert isinstance(refused.exception, UsageError)
    again = run("run", tmp_path / "list.csv", "-o", tmp_path / "out", "--do", "degrade", "--resume")
    assert again.stderr == "2 photographs, 2 of them done before, 0 failed\n"


@pytest.mark.parametrize("shard", ["3", "a/b", "1/", "-1/2"])
def test_a_shard_is_two_numbers(run: Run, folder: Path, tmp_path: Path, shard: str) -> None:
    result = run("run", folder, "-o", tmp_path / "out", "--shard", shard)
    assert isinstance(result.exception, UsageError)
    assert "expected I/N" in str(result.exception)


def test_progress_rate_and_time_left(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    times = iter([0.0, 10.0, 50.0])
    monkeypatch.setattr("cofenet.cli.run.time.monotonic", lambda: next(times))
    progress = _Progress()
    progress.tell(Count(1000, 110, 100, 0))
    progress.tell(Count(1000, 200, 100, 3))
    assert capsys.readouterr().err == "200 of 1000 photographs, 2.0/s, 0 h 07 min left, 3 failed\n"
