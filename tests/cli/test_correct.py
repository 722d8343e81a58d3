"""`cofenet correct` as a user has it: files in, files out, words and exit status."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

from cofenet.batch.outcome import Outcome
from cofenet.cli.report import Report, show
from cofenet.errors import UsageError
from cofenet.io import Photograph, read_photograph, write_photograph

Run = Callable[..., Result]


def test_results_keep_their_relative_path_format_and_size(run: Run, folder: Path, tmp_path: Path) -> None:
    result = run("correct", folder, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == ""
    assert "2 corrected" in result.stderr
    for name in ("1.png", "sub/2.jpg"):
        before, after = read_photograph(folder / name), read_photograph(tmp_path / "out" / name)
        assert after.pixels.shape == before.pixels.shape
        assert after.format == before.format
        assert (after.pixels != before.pixels).any()


def test_a_bad_photograph_is_named_and_the_others_are_done(run: Run, folder: Path, tmp_path: Path) -> None:
    (folder / "text.jpg").write_text("not a photograph")
    (folder / "empty.png").touch()
    write_photograph(folder / "noise.png", Photograph(np.random.default_rng(0).integers(0, 255, (99, 99, 3), np.uint8)))
    report = tmp_path / "report.json"
    result = run("correct", folder, tmp_path / "missing.png", "-o", tmp_path / "out", "--report", report)
    assert result.exit_code == 1
    for name in ("text.jpg", "empty.png", "noise.png", "missing.png"):
        assert sum(line.startswith("cofenet:") and name in line for line in result.stderr.splitlines()) == 1
    assert (tmp_path / "out/1.png").exists()
    assert (tmp_path / "out/sub/2.jpg").exists()
    told = json.loads(report.read_text())
    assert told["counts"] == {"corrected": 2, "failed": 4}
    assert {Path(item["source"]).name for item in told["photographs"] if item["status"] == "failed"} == {
        "text.jpg", "empty.png", "noise.png", "missing.png",
    }  # fmt: skip
    done = next(item for item in told["photographs"] if item["status"] == "corrected")
    assert set(done["seconds"]) == {"read", "correct", "write"}
    assert all(seconds > 1e-4 for seconds in done["seconds"].values())
    assert done["verdict"]["reasons"]
    assert done["verdict"]["status"] in ("safe", "caution")
    assert done["verdict"]["rule"] in ("none", *done["verdict"]["findings"])
    assert sum(told["figures"]["verdicts"].values()) == 2
    assert done["provenance"]["circle"]["radius"] > 0


def test_results_that_are_there_are_passed_over_unless_told(run: Run, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run("correct", folder, "-o", out)
    (out / "1.png").write_bytes(b"mine")
    again = run("correct", folder, "-o", out)
    assert again.exit_code == 0
    assert "2 skipped" in again.stderr
    assert (out / "1.png").read_bytes() == b"mine"
    run("correct", folder, "-o", out, "--overwrite")
    assert (out / "1.png").read_bytes() != b"mine"


def test_a_source_is_never_overwritten(run: Run, folder: Path) -> None:
    before = (folder / "1.png").read_bytes()
    result = run("correct", folder, "-o", folder, "--overwrite")
    assert result.exit_code != 0
    assert (folder / "1.png").read_bytes() == before


@pytest.mark.parametrize("option", ["--report", "--sheet"])
def test_neither_report_nor_sheet_overwrites_a_source(run: Run, folder: Path, tmp_path: Path, option: str) -> None:
    before = (folder / "1.png").read_bytes()
    result = run("correct", folder, "-o", tmp_path / "out", option, folder / "1.png")
    assert isinstance(result.exception, UsageError)
    assert (folder / "1.png").read_bytes() == before


def test_results_in_a_folder_of_photographs_are_no_photographs(run: Run, folder: Path) -> None:
    run("correct", folder, "-o", folder / "done")
    again = run("correct", folder, "-o", folder / "done")
    assert again.exit_code == 0
    assert "2 skipped" in again.stderr
    assert not (folder / "done/done").exists()


def test_a_result_under_its_true_ending_takes_no_other_place(run: Run, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copy(folder / "1.png", folder / "lies.jpg")
    run("correct", folder, "-o", out)
    (out / "lies.jpg.png").write_bytes(b"mine")
    assert "3 skipped" in run("correct", folder, "-o", out).stderr
    assert (out / "lies.jpg.png").read_bytes() == b"mine"
    shutil.copy(folder / "1.png", folder / "lies.jpg.png")
    clash = run("correct", folder, "-o", out, "--overwrite")
    assert clash.exit_code == 1
    assert "lies.jpg.png: would overwrite" in clash.stderr


def test_a_folder_in_the_place_of_a_result_is_a_failure(run: Run, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "out/1.png").mkdir(parents=True)
    result = run("correct", folder / "1.png", "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "is a directory" in result.stderr


@pytest.mark.parametrize("name", ["[/b].png", "[red].png", ":eye:.png", "Ünï ☃.png", "bad\udcff.png"])
def test_any_name_is_told_as_it_is(run: Run, folder: Path, tmp_path: Path, name: str) -> None:
    source = tmp_path / name.replace("/", "")
    shutil.copy(folder / "1.png", source)
    result = run("correct", source, "-o", tmp_path / "out", "--sheet", tmp_path / "sheet.png")
    assert result.exit_code == 0
    assert (tmp_path / "out" / source.name).exists()
    assert (tmp_path / "sheet.png").exists()


def test_names_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    show(Report("correct", {}, None, [Outcome(Path("[/b][red] :eye:.png"))]))
    assert "[/b][red] :eye:.png" in capsys.readouterr().err


def test_another_format(run: Run, folder: Path, tmp_path: Path) -> None:
    run("correct", folder, "-o", tmp_path / "out", "--format", "tiff")
    assert read_photograph(tmp_path / "out/1.tif").format == "tiff"
    assert read_photograph(tmp_path / "out/sub/2.tif").format == "tiff"


def test_strength_zero_returns_the_pixels(run: Run, folder: Path, tmp_path: Path) -> None:
    result = run("correct", folder / "1.png", "-o", tmp_path / "out", "--strength", 0)
    assert "1 unchanged" in result.stderr
    np.testing.assert_array_equal(
        read_photograph(tmp_path / "out/1.png").pixels, read_photograph(folder / "1.png").pixels
    )


@pytest.mark.parametrize("name", ["1.png", "sub/2.jpg"])
def test_what_stays_as_it_is_keeps_its_bytes(run: Run, folder: Path, tmp_path: Path, name: str) -> None:
    run("correct", folder, "-o", tmp_path / "out", "--strength", 0)
    assert (tmp_path / "out" / name).read_bytes() == (folder / name).read_bytes()
    run("correct", folder, "-o", tmp_path / "tiff", "--strength", 0, "--format", "tiff")
    again = read_photograph((tmp_path / "tiff" / name).with_suffix(".tif"))
    np.testing.assert_array_equal(again.pixels, read_photograph(folder / name).pixels)


def test_a_sheet_is_a_png(run: Run, folder: Path, tmp_path: Path) -> None:
    result = run("correct", folder, "-o", tmp_path / "out", "--sheet", tmp_path / "sheet.jpg")
    assert isinstance(result.exception, UsageError)
    assert "end in .png" in str(result.exception)
    assert not (tmp_path / "out").exists()


def test_the_result_says_how_it_was_made(run: Run, folder: Path, tmp_path: Path) -> None:
    run("correct", folder / "1.png", "-o", tmp_path / "out")
    assert b"cofenet" in (tmp_path / "out/1.png").read_bytes()
    assert b"model_sha256" in (tmp_path / "out/1.png").read_bytes()


def test_force_and_not_judging_are_in_the_result(run: Run, folder: Path, tmp_path: Path) -> None:
    run("correct", folder / "1.png", "-o", tmp_path / "forced", "--force")
    told = json.loads(run("explain", tmp_path / "forced/1.png").stdout)
    assert told["settings"]["force"] is True
    assert told["verdict"]["reasons"]
    run("correct", folder / "1.png", "-o", tmp_path / "quick", "--no-judge")
    told = json.loads(run("explain", tmp_path / "quick/1.png").stdout)
    assert told["verdict"]["status"] == "not judged"
    assert "force" not in told["settings"]


def test_a_sheet_shows_before_and_after_and_the_scale_of_the_change(run: Run, folder: Path, tmp_path: Path) -> None:
    run("correct", folder, "-o", tmp_path / "out", "--sheet", tmp_path / "sheet.png")
    sheet = read_photograph(tmp_path / "sheet.png").pixels
    strip = len(sheet) - 2 * 384
    assert 0 < strip < 40
    assert sheet.shape[1:] == (3 * 384, 3)
    for left in (0, 384, 768):
        assert sheet[:strip, left : left + 100].max() > 150  # words
    scale = sheet[strip // 2, -130:-10].astype(int).sum(1)
    assert (np.diff(scale) >= 0).all()
    assert scale[0] < 60
    assert scale[-1] > 700
    row = sheet[strip : strip + 384]
    before, after, change = row[:, :384], row[:, 384:768], row[:, 768:]
    assert (before[100:300, 100:300] != after[100:300, 100:300]).mean() > 0.1
    assert change[100:300, 100:300].any()
    assert not change[20:50, 20:50].any()  # the border stays as it was


def test_the_table_gives_verdicts_and_how_many_of_each(run: Run, folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "1.png", folder / "3.png")
    (folder / "text.png").write_text("not a photograph")
    report = tmp_path / "report.json"
    told = run("correct", folder, "-o", tmp_path / "out", "--report", report).stderr
    counts = json.loads(report.read_text())["figures"]["verdicts"]
    assert sum(counts.values()) == 3
    assert re.search(r"^photograph +verdict +seconds +notes *$", told, re.MULTILINE)
    assert f"verdicts: {', '.join(f'{number} {status}' for status, number in sorted(counts.items()))}\n" in told
    assert "failed" in told
    quick = run("correct", folder / "1.png", "-o", tmp_path / "quick", "--no-judge").stderr
    assert "verdicts: 1 not judged\n" in quick
    assert "compared" not in quick  # nothing was


def test_a_report_on_stdout_is_json_alone(run: Run, folder: Path, tmp_path: Path) -> None:
    result = run("correct", folder, "-o", tmp_path / "out", "--report", "-")
    assert json.loads(result.stdout)["counts"] == {"corrected": 2}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--strength", "2"], "strength"),
        (["--format", "gif"], "format"),
        (["--model", "heavy"], "no model 'heavy'"),
    ],
)
def test_bad_usage_exits_with_2_and_one_line(folder: Path, tmp_path: Path, words: list[str], message: str) -> None:
    command = [sys.executable, "-c", "from cofenet.cli import main; main()", "correct", folder, "-o", tmp_path / "out"]
    result = subprocess.run([*map(str, command), *words], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_an_empty_folder_is_bad_usage(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    command = [
        sys.executable,
        "-c",
        "from cofenet.cli import main; main()",
        "correct",
        tmp_path / "empty",
        "-o",
        tmp_path,
    ]
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr.startswith("cofenet: no photographs in")
    assert len(result.stderr.splitlines()) == 1


def test_a_bar_on_a_terminal_and_none_in_a_pipe(folder: Path, tmp_path: Path) -> None:
    """A real pseudo-terminal for stderr shows the bar; a pipe does not."""
    code = "from cofenet.cli import main; main()"
    words = [sys.executable, "-c", code, "correct", str(folder), "-o", str(tmp_path / "out"), "--overwrite"]
    piped = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "photographs ━" not in piped.stderr
    main, terminal = os.openpty()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=terminal, env=os.environ | {"TERM": "xterm"})
    os.close(terminal)
    seen = b""
    while True:
        try:
            part = os.read(main, 4096)
        except OSError:
            break
        if not part:
            break
        seen += part
    os.close(main)
    assert process.wait() == 0
    assert b"photographs" in seen
    assert "━".encode() in seen
