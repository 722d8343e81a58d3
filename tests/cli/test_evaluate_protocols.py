"""`cofenet evaluate restoration|downstream|quality|robustness|real` as a user has them."""

from __future__ import annotations

import csv
import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

from cofenet.errors import UsageError
from cofenet.io import Photograph, write_photograph

Run = Callable[..., Result]
Draw = Callable[..., np.ndarray]
SMALL = ("--size", 176, "--no-cost", "--sheets", 1)


@pytest.fixture
def photos(draw: Draw, tmp_path: Path) -> Path:
    for seed in range(2):
        write_photograph(tmp_path / f"photos/{seed}.png", Photograph(draw(seed)))
    return tmp_path / "photos"


@pytest.mark.parametrize(
    ("words", "figures", "conditions"),
    [
        (("restoration", "--kind", "111"), {"psnr", "ssim", "ms_ssim", "ciede2000"}, {"111"}),
        (("downstream", "--kind", "001"), {"vessel_dice", "vessel_auc", "centreline_dice"}, {"001"}),
        (("quality", "--kind", "000"), {"good", "score", "centreline_dice", "ssim"}, {"000"}),
        (("robustness", "--family", "jpeg"), {"psnr"}, {f"jpeg-{quality}" for quality in (90, 70, 50, 30, 10)}),
        (("real",), {"good", "score", "vessels_kept", "vessels_added", "change"}, {"real"}),
    ],
)
def test_every_protocol(
    run: Run, photos: Path, tmp_path: Path, words: tuple[str, ...], figures: set[str], conditions: set[str]
) -> None:
    out = tmp_path / "out"
    result = run("evaluate", *words, "--photos", photos, "-o", out, "--method", "gamma", *SMALL)
    assert result.exit_code == 0, result.output
    with (out / "rows.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["condition"] for row in rows} == conditions
    assert {row["method"] for row in rows} == {"input", "gamma"}
    assert len(rows) == 2 * 2 * len(conditions)
    assert all(row[name] for row in rows for name in figures)
    results = json.loads((out / "results.json").read_text())
    assert results["conditions"].keys() == conditions
    assert (out / "table.md").read_text() in result.stdout + "\n"
    assert (out / "report.html").stat().st_size > 10_000
    assert (out / "parameters").exists() == (words[0] != "real" and words[-1] != "000")


def test_a_rival_by_command_and_one_that_fails(run: Run, photos: Path, tmp_path: Path) -> None:
    python = shlex.quote(sys.executable)
    copy = f"copy={python} -c 'import sys, shutil; shutil.copy(*sys.argv[1:])' {{input}} {{output}}"
    words = ("--photos", photos, "-o", tmp_path / "out", "--kind", "001", "--method", "gamma", *SMALL)
    result = run("evaluate", "restoration", *words, "--method", copy, "--method", "bad=false {input} {output}")
    assert result.exit_code == 1
    assert "0.png 001 bad: false: exit status 1" in result.stderr
    found = json.loads((tmp_path / "out/results.json").read_text())
    assert found["conditions"]["001"]["copy"]["figures"] == found["conditions"]["001"]["input"]["figures"]
    assert len(found["failures"]) == 2
    assert "exit status 1" in (tmp_path / "out/failures.csv").read_text()
    again = run("evaluate", "restoration", *words)
    assert again.exit_code == 0
    assert "copy" not in again.stdout


def test_a_manifest_and_parameters_of_an_earlier_run(run: Run, photos: Path, tmp_path: Path) -> None:
    (photos / "m.csv").write_text("path,split,source\n0.png,test,X\n1.png,train,Y\n")
    words = ("--photos", photos / "m.csv", "--where", "split=test", "--kind", "111", "--method", "gamma", *SMALL)
    assert run("evaluate", "restoration", *words, "-o", tmp_path / "one").exit_code == 0
    given = ("--parameters", tmp_path / "one/parameters")
    assert run("evaluate", "restoration", *words, *given, "-o", tmp_path / "two").exit_code == 0
    one, two = (json.loads((tmp_path / name / "results.json").read_text()) for name in ("one", "two"))
    assert one["conditions"] == two["conditions"]
    assert one["sources"].keys() == {"X"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("restoration",), "--photos or --demo"),
        (("real",), "--photos is missing"),
        (("restoration", "--demo", "--kind", "112"), "got '112'"),
        (("robustness", "--photos", "DIR", "--family", "weather"), "got 'weather'"),
        (("restoration", "--demo", "--method", "magic"), "no method 'magic'"),
        (("restoration", "--photos", "DIR", "--where", "split"), "COLUMN=VALUE"),
        (("restoration", "--demo", "--parameters", "nowhere"), "no such folder of parameters"),
    ],
)
def test_what_makes_no_sense(run: Run, photos: Path, tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    result = run("evaluate", *(str(photos) if word == "DIR" else word for word in words), "-o", tmp_path / "out")
    assert isinstance(result.exception, UsageError)
    assert told in str(result.exception)


@pytest.mark.slow
def test_the_demonstration_with_costs(run: Run, tmp_path: Path) -> None:
    words = ("--demo", "-o", tmp_path / "out", "--kind", "111", "--method", "gamma", "--size", 176)
    result = run("evaluate", "restoration", *words)
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "out/results.json").read_text())
    assert found["photographs"] == 5
    assert found["cost"]["gamma"]["milliseconds"] > found["cost"]["input"]["milliseconds"]
