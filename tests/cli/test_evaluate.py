"""`cofenet evaluate eyeq` on a small folder with labels."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from cofenet.errors import UsageError

Run = Callable[..., Result]


def labels(folder: Path, text: str) -> Path:
    path = folder / "labels.csv"
    path.write_text(text)
    return path


def test_the_protocol(run: Run, folder: Path, tmp_path: Path) -> None:
    told = labels(tmp_path, ",image,quality,DR_grade\n0,1.png,0,0\n1,sub/2.jpeg,2,0\n2,missing.jpeg,1,0\n")
    report, table = tmp_path / "r.json", tmp_path / "t.csv"
    result = run("evaluate", "eyeq", "--images", folder, "--labels", told, "--report", report, "--csv", table)
    assert result.exit_code == 1
    assert "missing" in result.stderr
    content = json.loads(report.read_text())
    figures = content["figures"]
    assert figures["photographs"] == 2
    assert sum(map(sum, figures["confusion"])) == 2
    assert figures["confusion"][1] == [0, 0, 0]
    assert figures.keys() >= {"accuracy", "precision", "recall", "f1", "kappa", "auc", "fiqa_before", "fiqa_after"}
    assert "accuracy" in result.stdout
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["truth"] for row in rows if not row["failure"]] == ["0", "2"]
    assert all("corrected_good" in row for row in rows)


def test_without_correction(run: Run, folder: Path, tmp_path: Path) -> None:
    told = labels(tmp_path, "\ufeffimage,quality\n1.png,0\n")  # as a spreadsheet writes it
    result = run("evaluate", "eyeq", "--images", folder, "--labels", told, "--no-corrected")
    assert result.exit_code == 0
    assert "fiqa_after" not in result.stdout


@pytest.mark.parametrize("taken", ["1.png", "labels.csv"])
def test_what_is_read_is_not_overwritten(run: Run, folder: Path, taken: str) -> None:
    told = labels(folder, "image,quality\n1.png,0\n")
    before = (folder / taken).read_bytes()
    result = run("evaluate", "eyeq", "--images", folder, "--labels", told, "--csv", folder / taken)
    assert isinstance(result.exception, UsageError)
    assert (folder / taken).read_bytes() == before


def test_report_and_table_are_two_files(run: Run, folder: Path, tmp_path: Path) -> None:
    told, one = labels(tmp_path, "image,quality\n1.png,0\n"), tmp_path / "one.json"
    result = run("evaluate", "eyeq", "--images", folder, "--labels", told, "--csv", one, "--report", one)
    assert isinstance(result.exception, UsageError)
    assert not one.exists()


def test_only_a_photograph_stands_for_another_of_its_name(run: Run, folder: Path, tmp_path: Path) -> None:
    (folder / "1.bak").write_text("no photograph")
    told = labels(tmp_path, "image,quality\n1.jpeg,0\n")
    result = run("evaluate", "eyeq", "--images", folder, "--labels", told, "--no-corrected")
    assert result.exit_code == 0


@pytest.mark.parametrize(
    "text",
    [
        "image\n1.png\n", "image,quality\n1.png,good\n", "image,quality\n1.png,3\n", "image,quality\n",
        "image,quality\n1.png,0\n1.png,2\n", "image,quality\n1.png,0\n1.jpeg,0\n", "image,quality\n,0\n",
    ],
)  # fmt: skip
def test_bad_labels_are_refused(run: Run, folder: Path, tmp_path: Path, text: str) -> None:
    result = run("evaluate", "eyeq", "--images", folder, "--labels", labels(tmp_path, text))
    assert result.exit_code == 2 or isinstance(result.exception, UsageError)
