"""`cofenet correct` on DICOM files and folders with them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from pydicom import dcmread, uid
from typer.testing import Result

from cofenet.io import read_frames, read_photograph

Run = Callable[..., Result]


def pixels_of(folder: Path) -> np.ndarray:
    """A low-quality sample."""
    return read_photograph(folder / "1.png").pixels


@pytest.fixture
def study(folder: Path, files: ModuleType) -> Path:
    """A folder as it comes from an archive: table of contents, a name without ending, one JPEG 2000."""
    out = folder.parent / "study"
    files.save(files.photograph(pixels_of(folder)), out / "DICOM" / "IM0001")
    coded = files.photograph(pixels_of(folder)[:, ::-1].copy())
    coded.compress(uid.JPEG2000Lossless, generate_instance_uid=False)
    files.save(coded, out / "DICOM" / "left.dcm")
    (out / "DICOMDIR").write_bytes(bytes(128) + b"DICM")
    (out / "README").write_text("not a photograph")
    return out


def test_a_study_is_corrected_into_derived_objects(run: Run, study: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    result = run("correct", study, "-o", tmp_path / "out", "--report", report)
    assert result.exit_code == 0, result.stderr
    assert "2 corrected" in result.stderr
    told = {Path(row["source"]).name: row for row in json.loads(report.read_text())["photographs"]}
    for name in ("IM0001", "left.dcm"):
        source, derived = dcmread(study / "DICOM" / name), dcmread(tmp_path / "out" / "DICOM" / name)
        assert derived.ImageType[0] == "DERIVED"
        assert derived.PatientName == source.PatientName
        assert derived.SourceImageSequence[0].ReferencedSOPInstanceUID == source.SOPInstanceUID
        version, sha256 = derived.ContributingEquipmentSequence[-1].SoftwareVersions
        assert version == told[name]["provenance"]["version"]
        assert sha256 == told[name]["provenance"]["model_sha256"]
        assert (derived.pixel_array != source.pixel_array).any()


def test_a_dicom_file_is_corrected_like_any_other(run: Run, study: Path, folder: Path, tmp_path: Path) -> None:
    run("correct", study / "DICOM" / "IM0001", folder / "1.png", "-o", tmp_path / "out")
    ours, theirs = (read_photograph(tmp_path / "out" / name).pixels for name in ("IM0001", "1.png"))
    np.testing.assert_array_equal(ours, theirs)


def test_every_frame_is_corrected(run: Run, folder: Path, files: ModuleType, tmp_path: Path) -> None:
    frames = np.stack([pixels_of(folder), pixels_of(folder)[:, ::-1]])
    files.save(files.photograph(frames), tmp_path / "two.dcm")
    report = tmp_path / "report.json"
    result = run(
        "correct", tmp_path / "two.dcm", "-o", tmp_path / "out", "--report", report, "--sheet", tmp_path / "sheet.png"
    )
    assert result.exit_code == 0, result.stderr
    run("correct", folder / "1.png", "-o", tmp_path / "out")
    after = read_frames(tmp_path / "out" / "two.dcm")
    np.testing.assert_array_equal(after[0].pixels, read_photograph(tmp_path / "out" / "1.png").pixels)
    assert (after[1].pixels != frames[1]).any()
    (row,) = json.loads(report.read_text())["photographs"]
    assert len(row["frames"]) == 2
    text = dcmread(tmp_path / "out" / "two.dcm").private_block(0x0C0F, "COFENET")[1].value
    assert [frame["circle"] for frame in json.loads(text)["frames"]] == [
        frame["provenance"]["circle"] for frame in row["frames"]
    ]


def test_a_frame_that_is_no_fundus_is_named(run: Run, folder: Path, files: ModuleType, tmp_path: Path) -> None:
    good = pixels_of(folder)
    noise = np.random.default_rng(0).integers(0, 255, good.shape, np.uint8)
    files.save(files.photograph(np.stack([good, noise])), tmp_path / "two.dcm")
    result = run("correct", tmp_path / "two.dcm", "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "two.dcm: frame 2: " in result.stderr
    assert not (tmp_path / "out" / "two.dcm").exists()


def test_bad_files_are_named_and_the_others_are_done(run: Run, study: Path, files: ModuleType, tmp_path: Path) -> None:
    good = (study / "DICOM" / "IM0001").read_bytes()
    (study / "cut").write_bytes(good[: len(good) // 2])
    (study / "empty.dcm").touch()
    (study / "text.dcm").write_text("not a DICOM file")
    private = files.photograph(np.zeros((50, 50, 3), np.uint8))
    files.save(files.encapsulated(private, "1.2.840.113619.5.2", [b"secret"]), study / "private")
    before = {path: path.read_bytes() for path in study.rglob("*") if path.is_file()}
    result = run("correct", study, "-o", tmp_path / "out")
    assert result.exit_code == 1
    for name in ("cut", "empty.dcm", "text.dcm", "private"):
        assert sum(line.startswith("cofenet:") and name in line for line in result.stderr.splitlines()) == 1
    assert "2 corrected" in result.stderr
    assert {path.name for path in (tmp_path / "out").rglob("*") if path.is_file()} == {"IM0001", "left.dcm"}
    assert {path: path.read_bytes() for path in study.rglob("*") if path.is_file()} == before


def test_another_format(run: Run, study: Path, tmp_path: Path) -> None:
    run("correct", study, "-o", tmp_path / "out", "--format", "png")
    assert read_photograph(tmp_path / "out/DICOM/IM0001.png").format == "png"
    assert read_photograph(tmp_path / "out/DICOM/left.png").format == "png"


def test_an_unchanged_photograph_keeps_its_bytes(run: Run, study: Path, tmp_path: Path) -> None:
    run("correct", study, "-o", tmp_path / "out", "--strength", 0)
    assert (tmp_path / "out/DICOM/left.dcm").read_bytes() == (study / "DICOM/left.dcm").read_bytes()


@pytest.mark.parametrize("strength", [0, 1])
def test_deidentified_files_name_nobody(run: Run, study: Path, tmp_path: Path, strength: int) -> None:
    result = run("correct", study, "-o", tmp_path / "out", "--deidentify", "--strength", strength)
    assert result.exit_code == 0, result.stderr
    for name in ("IM0001", "left.dcm"):
        content = (tmp_path / "out/DICOM" / name).read_bytes()
        assert b"Anna" not in content
        assert b"MRN-4711" not in content
        derived, source = dcmread(tmp_path / "out/DICOM" / name), dcmread(study / "DICOM" / name)
        assert derived.PatientIdentityRemoved == "YES"
        assert (derived.pixel_array == source.pixel_array).all() == (strength == 0)
        assert derived.DerivationDescription.startswith("Corrected" if strength else "De-identified by cofenet")
        assert json.loads(run("explain", tmp_path / "out/DICOM" / name).stdout)["settings"]["deidentify"] is True


def test_deidentifying_what_is_no_dicom_file_is_a_failure(run: Run, folder: Path, tmp_path: Path) -> None:
    result = run("correct", folder, "-o", tmp_path / "out", "--deidentify")
    assert result.exit_code == 1
    assert "1.png: only DICOM files can be de-identified" in result.stderr
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


WITHOUT = """
import sys
class Gone:
    def find_spec(self, name, *_):
        if name == "pydicom": raise ModuleNotFoundError(name=name)
import importlib.util
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "pydicom" else real(name, *rest)
sys.meta_path.insert(0, Gone())
from cofenet.cli import main
main()
"""


@pytest.mark.parametrize("option", [[], ["--deidentify"]])
def test_without_pydicom_the_extra_is_named(study: Path, tmp_path: Path, option: list[str]) -> None:
    words = ["correct", str(study / "DICOM/IM0001"), "-o", str(tmp_path / "out"), *option]
    done = subprocess.run([sys.executable, "-c", WITHOUT, *words], capture_output=True, text=True, check=False)
    assert done.returncode == (2 if option else 1)
    assert "pip install '.[dicom]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_one_photograph_commands_refuse_several_frames(
    run: Run, folder: Path, files: ModuleType, tmp_path: Path
) -> None:
    files.save(files.photograph(np.stack([pixels_of(folder)] * 2)), tmp_path / "two.dcm")
    result = run("degrade", tmp_path / "two.dcm", "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "two.dcm: has 2 frames" in result.stderr
