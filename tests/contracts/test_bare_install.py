"""The lean install, without torch and with OpenCV 4, does the same as this one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

import cofenet
from cofenet.io import Photograph, write_photograph

ROOT = Path(__file__).parents[2]

FIND_FOV = """
import sys, numpy as np, cofenet
for name in sys.argv[1:]:
    found = cofenet.find_fov(np.load(name))
    np.savez(name + ".npz", mask=found.mask, circle=[found.circle.x, found.circle.y, found.circle.radius])
"""


@pytest.fixture(scope="module")
def bare() -> Path:
    """Python of the lean install."""
    python = ROOT / os.environ.get("COFENET_BARE", ".venv-bare/bin/python")
    if not python.exists():
        pytest.fail(f"{python} is missing: `make test` makes it, or name another lean install in COFENET_BARE")
    return python


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)


def test_bare_install_has_no_torch(bare: Path) -> None:
    result = run(bare, "-c", "import torch")
    assert "ModuleNotFoundError: No module named 'torch'" in result.stderr


def test_bare_install_has_the_older_opencv(bare: Path) -> None:
    result = run(bare, "-c", "import cv2; print(cv2.__version__)")
    assert result.stdout.startswith("4.")
    assert not cv2.__version__.startswith("4."), "then there is nothing to compare with"


def test_field_of_view_is_the_same(bare: Path, draw: Callable[..., np.ndarray], tmp_path: Path) -> None:
    photographs = [draw(1), draw(2, 300, 260), draw(3, 900, 1300), np.rot90(draw(4, 512, 512))[40:-40].copy()]
    files = [tmp_path / f"{number}.npy" for number in range(len(photographs))]
    for file, photograph in zip(files, photographs, strict=True):
        np.save(file, photograph)
    result = run(bare, "-c", FIND_FOV, *files)
    assert result.returncode == 0, result.stderr
    for file, photograph in zip(files, photographs, strict=True):
        ours = cofenet.find_fov(photograph)
        with np.load(f"{file}.npz") as theirs:
            np.testing.assert_array_equal(theirs["mask"], ours.mask)
            circle = (ours.circle.x, ours.circle.y, ours.circle.radius)
            np.testing.assert_allclose(theirs["circle"], circle, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("option", "answer"), [("--version", cofenet.__version__), ("models", "")])
def test_command_works_without_torch(bare: Path, option: str, answer: str) -> None:
    result = run(bare.parent / "cofenet", option)
    assert result.returncode == 0, result.stderr
    assert answer in result.stdout
    assert result.stderr == ""


def test_a_cohort_needs_no_extra(bare: Path, draw: Callable[..., np.ndarray], tmp_path: Path) -> None:
    write_photograph(tmp_path / "a.png", Photograph(draw(1)), format="png")
    (tmp_path / "list.csv").write_text("id,path,eye\n1,a.png,left\n")
    result = run(
        bare.parent / "cofenet", "run", tmp_path / "list.csv", "-o", tmp_path / "out", "--do", "degrade,assess"
    )
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "out/degraded/1.png").exists()
    assert {path.name for path in (tmp_path / "out").glob("report.*")} == {"report.csv", "report.json", "report.html"}


@pytest.mark.parametrize(
    ("words", "extra"),
    [("s3://bucket/x -o {}", "cloud"), ("x.parquet -o {}", "cloud"), ("{} -o {}/out --engine dask", "cluster")],
)
def test_a_cohort_that_needs_an_extra_names_it(
    bare: Path, draw: Callable[..., np.ndarray], tmp_path: Path, words: str, extra: str
) -> None:
    write_photograph(tmp_path / "a.png", Photograph(draw(1)), format="png")
    result = run(bare.parent / "cofenet", "run", *words.replace("{}", str(tmp_path)).split())
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
    assert f"pip install '.[{extra}]'" in result.stderr


@pytest.mark.parametrize("command", ["train x --data y --run z", "export x y -o z.onnx"])
def test_learning_without_torch_names_the_extra(bare: Path, command: str) -> None:
    result = run(bare.parent / "cofenet", *command.split())
    assert result.returncode == 2
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert "pip install '.[train]'" in result.stderr
