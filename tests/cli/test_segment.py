"""`cofenet segment` as a user has it: masks, measurements, and a row for each photograph."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
from highdicom.seg import segread
from typer.testing import Result

from cofenet.errors import UsageError
from cofenet.io import Photograph, read_photograph, write_photograph
from cofenet.tasks.segmentation import segment

Run = Callable[..., Result]
GOOD = Path(__file__).parents[2] / "samples" / "good"


def test_masks_and_measurements(run: Run, folder: Path, tmp_path: Path) -> None:
    out, table = tmp_path / "out", tmp_path / "m.csv"
    result = run("segment", folder, "-o", out, "--csv", table, "--report", tmp_path / "r.json")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == ""
    assert "2 segmented" in result.stderr
    with table.open(newline="") as file:
        rows = {Path(row["photograph"]).name: row for row in csv.DictReader(file)}
    for name in ("1.png", "sub/2.jpg"):
        pixels = read_photograph(folder / name).pixels
        found = segment(pixels)
        for structure in ("vessels", "disc", "cup"):
            mask = read_photograph(out / f"{name}.{structure}.png").pixels
            np.testing.assert_array_equal(mask[..., 0] == 255, getattr(found, structure))
            assert set(np.unique(mask)) <= {0, 255}
        told = json.loads((out / f"{name}.json").read_text())
        assert told["measurements"]["vessel_density"] == found.measurements.vessel_density
        assert told["models"].keys() == {"vessels", "disc-finder", "disc"}
        assert float(rows[Path(name).name]["vessel_density"]) == found.measurements.vessel_density
    assert len(json.loads((tmp_path / "r.json").read_text())["photographs"]) == 2


def test_on_request_probabilities_overlays_and_a_sheet(run: Run, folder: Path, tmp_path: Path) -> None:
    out, sheet = tmp_path / "out", tmp_path / "s.png"
    words = ("--structures", "disc", "--probabilities", "--overlays", "--sheet", sheet)
    run("segment", folder / "1.png", "-o", out, *words)
    names = {path.name for path in out.iterdir()}
    assert names == {f"1.png.{end}" for end in ("disc.png", "disc.probability.png", "overlay.png", "json")}
    assert read_photograph(out / "1.png.disc.probability.png").pixels.dtype == np.uint16
    assert read_photograph(out / "1.png.overlay.png").pixels.shape == read_photograph(folder / "1.png").pixels.shape
    assert sheet.exists()


def test_what_is_there_is_passed_over_unless_told(run: Run, folder: Path, tmp_path: Path) -> None:
    words = ("segment", folder, "-o", tmp_path / "out", "--structures", "disc")
    run(*words)
    assert "2 skipped" in run(*words).stderr
    assert "2 segmented" in run(*words, "--overwrite").stderr


def test_a_bad_photograph_is_named_and_the_others_are_done(run: Run, folder: Path, tmp_path: Path) -> None:
    (folder / "text.jpg").write_text("not a photograph")
    result = run("segment", folder, "-o", tmp_path / "out", "--structures", "disc")
    assert result.exit_code == 1
    assert "text.jpg" in result.stderr
    assert (tmp_path / "out/1.png.disc.png").exists()


def test_photographs_that_failed_have_rows_with_the_reason(run: Run, folder: Path, tmp_path: Path) -> None:
    bad, table = folder / "text.jpg", tmp_path / "m.csv"
    bad.write_text("not a photograph")
    for photos, columns in (([bad], 2), ([bad, folder / "1.png"], 10)):
        run("segment", *photos, "-o", tmp_path / "out", "--structures", "disc", "--csv", table)
        with table.open(newline="") as file:
            rows = {Path(row["photograph"]).name: row for row in csv.DictReader(file)}
        assert rows.keys() == {path.name for path in photos}
        assert "text.jpg" in rows["text.jpg"]["failure"]
        assert len(rows["text.jpg"]) == columns
    assert rows["1.png"]["failure"] == ""
    assert 0.5 < float(rows["1.png"]["fov_confidence"]) <= 1


def test_a_part_of_a_photograph_is_told(run: Run, tmp_path: Path) -> None:
    retina = read_photograph(GOOD / "retina.jpg").pixels
    write_photograph(tmp_path / "part.png", Photograph(np.ascontiguousarray(retina[400:900, 400:900])))
    result = run("segment", tmp_path / "part.png", "-o", tmp_path / "out", "--structures", "disc")
    assert "(0.20): part of a" in " ".join(result.stderr.split())  # folded into its column


def test_an_unknown_structure_is_bad_usage(run: Run, folder: Path, tmp_path: Path) -> None:
    result = run("segment", folder, "-o", tmp_path / "out", "--structures", "disc,fovea")
    assert isinstance(result.exception, UsageError)
    assert "fovea is none of vessels, disc, cup" in str(result.exception)
    nothing = run("segment", folder, "-o", tmp_path / "out", "--structures", ",")
    assert "nothing is none of vessels, disc, cup" in str(nothing.exception)


def test_a_dicom_file_gets_a_dicom_segmentation(run: Run, folder: Path, files: ModuleType, tmp_path: Path) -> None:
    files.save(files.photograph(read_photograph(folder / "1.png").pixels), tmp_path / "a.dcm")
    result = run("segment", tmp_path / "a.dcm", folder / "1.png", "-o", tmp_path / "out", "--dicom")
    assert result.exit_code == 1
    assert "1.png: a DICOM Segmentation needs a photograph from a DICOM file" in result.stderr
    written = segread(tmp_path / "out/a.dcm.segmentation.dcm")
    vessels = read_photograph(tmp_path / "out/a.dcm.vessels.png").pixels[..., 0] == 255
    np.testing.assert_array_equal(written.pixel_array.reshape(-1, *vessels.shape)[0] == 1, vessels)


def test_a_run_that_goes_on_tells_of_all_and_makes_what_is_missing(run: Run, folder: Path, tmp_path: Path) -> None:
    out, table = tmp_path / "out", tmp_path / "m.csv"
    run("segment", folder / "1.png", "-o", out, "--structures", "disc")
    result = run("segment", folder / "1.png", "-o", out, "--structures", "disc", "--csv", table)
    assert "1 skipped" in result.stderr
    first = table.read_text()
    assert len(first.splitlines()) == 2
    assert "1 segmented" in run("segment", folder / "1.png", "-o", out, "--structures", "disc", "--overlays").stderr
    assert (out / "1.png.overlay.png").exists()
    (out / "1.png.json").write_text("{}")
    assert "1 segmented" in run("segment", folder / "1.png", "-o", out, "--structures", "disc", "--csv", table).stderr
    assert table.read_text() == first
