"""`cofenet degrade` as a user has it: what it writes can be repeated, and says how it was made."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

from cofenet.degradation import degradation_maps, load_parameters, simulate
from cofenet.errors import CofenetError
from cofenet.io import read_photograph

Run = Callable[..., Result]


def test_photograph_and_parameters_belong_together(run: Run, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run("degrade", folder, "-o", out, "--kind", "011")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == ""
    assert "2 degraded" in result.stderr
    for name in ("1.png", "sub/2.jpg"):
        parameters = load_parameters(out / f"{name}.json")
        assert parameters.kind == "011"
        before, after = read_photograph(folder / name), read_photograph(out / name)
        assert after.format == before.format
        if name.endswith("png"):
            np.testing.assert_array_equal(after.pixels, simulate(before.pixels, parameters))
    assert b"parameters" in (out / "1.png").read_bytes()


def test_the_same_seed_gives_the_same_files_and_another_seed_others(run: Run, folder: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 4), ("b", 4), ("c", 5)):
        run("degrade", folder, "-o", tmp_path / name, "--seed", seed)
    first, same, other = (tmp_path / name / "1.png.json" for name in "abc")
    assert first.read_bytes() == same.read_bytes() != other.read_bytes()
    assert (tmp_path / "a/1.png").read_bytes() == (tmp_path / "b/1.png").read_bytes()


def test_chance_hangs_on_the_photograph_and_not_on_its_name(run: Run, folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "1.png", tmp_path / "alone.png")
    run("degrade", folder, "-o", tmp_path / "a")
    run("degrade", tmp_path / "alone.png", "-o", tmp_path / "b")
    assert (tmp_path / "a/1.png.json").read_bytes() == (tmp_path / "b/alone.png.json").read_bytes()


def test_a_count_of_versions_each_of_its_own(run: Run, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run("degrade", folder, "-o", out, "--count", 3, "--preset", "clinical")
    assert "6 degraded" in result.stderr
    texts = {(out / f"1_{number}.png.json").read_text() for number in (1, 2, 3)}
    assert len(texts) == 3
    assert (out / "sub/2_3.jpg").exists()


@pytest.mark.parametrize("count", [1, 2])
def test_the_folder_of_an_earlier_run_repeats_it(run: Run, folder: Path, tmp_path: Path, count: int) -> None:
    first, again = tmp_path / "first", tmp_path / "again"
    run("degrade", folder, "-o", first, "--count", count, "--severity", 0.7)
    assert run("degrade", folder, "-o", again, "--parameters", first).exit_code == 0
    files = sorted(path.relative_to(first) for path in first.rglob("*.*"))
    assert len(files) == 4 * count
    for name in files:
        assert (first / name).read_bytes() == (again / name).read_bytes()


def test_one_file_of_parameters_for_all(run: Run, folder: Path, tmp_path: Path) -> None:
    run("degrade", folder / "1.png", "-o", tmp_path / "a")
    stored = tmp_path / "a/1.png.json"
    run("degrade", folder, "-o", tmp_path / "b", "--parameters", stored)
    assert (tmp_path / "b/sub/2.jpg.json").read_bytes() == stored.read_bytes()


def test_a_photograph_without_stored_parameters_is_named(run: Run, folder: Path, tmp_path: Path) -> None:
    run("degrade", folder / "1.png", "-o", tmp_path / "a")
    result = run("degrade", folder, "-o", tmp_path / "b", "--parameters", tmp_path / "a")
    assert result.exit_code == 1
    assert "2.jpg.json: no such file" in result.stderr
    assert (tmp_path / "b/1.png").exists()


def test_severity_zero_changes_nothing(run: Run, folder: Path, tmp_path: Path) -> None:
    run("degrade", folder / "1.png", "-o", tmp_path / "out", "--severity", 0)
    np.testing.assert_array_equal(
        read_photograph(tmp_path / "out/1.png").pixels, read_photograph(folder / "1.png").pixels
    )


def test_maps_are_what_the_parameters_did(run: Run, folder: Path, tmp_path: Path) -> None:
    run("degrade", folder / "1.png", "-o", tmp_path / "out", "--maps", tmp_path / "maps")
    pixels = read_photograph(folder / "1.png").pixels
    maps = degradation_maps(pixels, load_parameters(tmp_path / "out/1.png.json"))
    illumination, artifact = (
        read_photograph(tmp_path / f"maps/1.png.{name}.png").pixels for name in ("illumination", "artifact")
    )
    assert illumination.dtype == artifact.dtype == np.uint16
    np.testing.assert_allclose((illumination.astype(float) - 32768) / 32767, maps.illumination, atol=2e-5)
    np.testing.assert_allclose(artifact[..., 0] / 65535, maps.artifact, atol=1e-5)
    assert not (tmp_path / "out/maps").exists()


def test_results_that_are_there_are_passed_over_unless_told(run: Run, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run("degrade", folder, "-o", out)
    (out / "1.png").write_bytes(b"mine")
    assert "2 skipped" in run("degrade", folder, "-o", out).stderr
    assert (out / "1.png").read_bytes() == b"mine"
    assert "2 degraded" in run("degrade", folder, "-o", out, "--overwrite").stderr


def test_a_version_never_takes_the_place_of_a_source(run: Run, folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "1.png", tmp_path / "1_1.png")
    shutil.copy(folder / "1.png", tmp_path / "1.png")
    before = (tmp_path / "1_1.png").read_bytes()
    words = ("degrade", tmp_path / "1.png", tmp_path / "1_1.png", "-o", tmp_path, "--count", 1, "--overwrite")
    assert run(*words).exit_code != 0
    assert run("degrade", tmp_path / "1.png", "-o", tmp_path / "new", "--count", 2).exit_code == 0
    assert (tmp_path / "1_1.png").read_bytes() == before


def test_a_bad_photograph_is_named_and_the_others_are_done(run: Run, folder: Path, tmp_path: Path) -> None:
    (folder / "text.jpg").write_text("not a photograph")
    result = run("degrade", folder, "-o", tmp_path / "out", "--count", 2, "--report", tmp_path / "r.json")
    assert result.exit_code == 1
    assert sum("text.jpg" in line for line in result.stderr.splitlines() if line.startswith("cofenet:")) == 1
    told = json.loads((tmp_path / "r.json").read_text())
    assert told["counts"] == {"degraded": 4, "failed": 1}
    assert told["settings"]["count"] == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--kind", "112"], "kind must be one of 001"),
        (["--preset", "nowhere.toml"], "nowhere.toml"),
        (["--kind", "010", "--parameters", "p.json"], "--kind would draw others"),
        (["--parameters", "missing.json"], "missing.json: no such file"),
    ],
)
def test_bad_usage_is_told_before_the_work(
    run: Run, folder: Path, tmp_path: Path, words: list[str], message: str
) -> None:
    result = run("degrade", folder, "-o", tmp_path / "out", *words)
    assert isinstance(result.exception, CofenetError)
    assert message in str(result.exception)
    assert not (tmp_path / "out").exists()


def test_a_bad_parameter_names_field_and_range(run: Run, folder: Path, tmp_path: Path) -> None:
    content = {"factors": [{"factor": "jpeg", "quality": 900, "size": 512}]}
    (tmp_path / "p.json").write_text(json.dumps(content))
    result = run("degrade", folder, "-o", tmp_path / "out", "--parameters", tmp_path / "p.json")
    assert "p.json: factors.0.jpeg.quality: Input should be less than or equal to 100" in str(result.exception)
