"""`cofenet assess` as a user has it: a table on the terminal, JSON, CSV and a sheet."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

from cofenet.engine.card import load_card, verified_weights
from cofenet.errors import ModelError, UsageError
from cofenet.io import read_photograph
from cofenet.tasks.quality import FACTORS, GRADES, assess

Run = Callable[..., Result]


def test_table_json_csv_and_sheet(run: Run, folder: Path, tmp_path: Path) -> None:
    report, table, sheet = tmp_path / "q.json", tmp_path / "q.csv", tmp_path / "q.png"
    result = run("assess", folder, "--json", report, "--csv", table, "--sheet", sheet)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == ""
    assert "2 assessed" in result.stderr
    with table.open(newline="") as file:
        rows = {Path(row["photograph"]).name: row for row in csv.DictReader(file)}
    told = {Path(row["source"]).name: row for row in json.loads(report.read_text())["photographs"]}
    for name in ("1.png", "sub/2.jpg"):
        found = assess(read_photograph(folder / name).pixels)
        row, facts = rows[Path(name).name], told[Path(name).name]
        assert row["grade"] == facts["grade"] == found.grade
        assert facts["probabilities"] == found.probabilities
        assert facts["factors"] == found.factors
        assert all(float(row[key]) == {**found.probabilities, **found.factors}[key] for key in (*GRADES, *FACTORS))
    assert read_photograph(sheet).pixels.shape == (384, 4 * 384, 3)


def test_json_to_stdout_and_failures_are_rows(run: Run, folder: Path) -> None:
    (folder / "3.png").write_text("no picture")
    result = run("assess", folder, "--json", "-")
    assert result.exit_code == 1
    content = json.loads(result.stdout)
    assert content["counts"] == {"assessed": 2, "failed": 1}
    assert "3.png" in result.stderr


def test_table_to_stdout_and_nothing_beside_it(run: Run, folder: Path) -> None:
    result = run("assess", folder, "--csv", "-")
    assert [Path(row["photograph"]).name for row in csv.DictReader(result.stdout.splitlines())] == ["1.png", "2.jpg"]
    assert isinstance(run("assess", folder, "--csv", "-", "--json", "-").exception, UsageError)


def test_photographs_of_one_name_are_all_assessed(run: Run, folder: Path) -> None:
    (folder / "sub/1.png").write_bytes((folder / "1.png").read_bytes())
    result = run("assess", folder / "1.png", folder / "sub/1.png", "--csv", "-")
    rows = list(csv.DictReader(result.stdout.splitlines()))
    assert [Path(row["photograph"]).relative_to(folder).as_posix() for row in rows] == ["1.png", "sub/1.png"]


def test_nothing_is_written_unless_asked_for(run: Run, folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    assert run("assess", folder).exit_code == 0
    assert sorted(folder.rglob("*")) == before


def test_graded_by_a_model_of_ones_own(run: Run, folder: Path, tmp_path: Path) -> None:
    card = load_card("quality")
    (tmp_path / "mine.onnx").write_bytes(verified_weights("quality"))
    (tmp_path / "mine.json").write_text(card.model_copy(update={"name": "mine", "file": "mine.onnx"}).model_dump_json())
    report = tmp_path / "q.json"
    assert run("assess", folder, "--model", tmp_path / "mine.onnx", "--json", report).exit_code == 0
    assert json.loads(report.read_text())["settings"]["model"] == card.sha256
    refused = run("assess", folder, "--model", "vessels").exception
    assert isinstance(refused, ModelError)
    assert "vessels is not for quality assessment" in str(refused)
