"""However a command ends, what was done is told."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from cofenet.io import write_frames

Run = Callable[..., Result]


def test_a_stopped_run_still_reports(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cofenet.batch.verbs.correct.write_frames", stopped)
    result = run("correct", folder, "-o", tmp_path / "out", "--report", tmp_path / "report.json")
    assert result.exit_code == 130
    told = json.loads((tmp_path / "report.json").read_text())
    assert told["photographs"] == []
    assert told["stopped"]
    assert "stopped before the end" in result.stderr


def test_whatever_one_photograph_does_the_others_are_done(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    def write(path: Path, *rest: object, **named: object) -> Path:
        if path.name == "1.png":
            raise RuntimeError("nobody\nexpected this")
        return write_frames(path, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("cofenet.batch.verbs.correct.write_frames", write)
    result = run("correct", folder, "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert f"cofenet: {folder / '1.png'}: RuntimeError: nobody expected this\n" in result.stderr
    assert (tmp_path / "out/sub/2.jpg").exists()


def test_a_terminated_run_still_reports(folder: Path, tmp_path: Path) -> None:
    for number in range(40):
        shutil.copy(folder / "1.png", folder / f"again{number}.png")
    words = ["correct", folder, "-o", tmp_path / "out", "--report", tmp_path / "report.json"]
    code = "from cofenet.cli import main; main()"
    with subprocess.Popen([sys.executable, "-c", code, *words], stderr=subprocess.PIPE, text=True) as running:
        while running.poll() is None and not list((tmp_path / "out").glob("*.png")):
            time.sleep(0.05)
        running.terminate()
        _, said = running.communicate()
    assert running.returncode == 130, said
    assert json.loads((tmp_path / "report.json").read_text())["stopped"]
