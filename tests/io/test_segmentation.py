"""DICOM Segmentations, read back by highdicom and judged by dciodvfy."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from highdicom.seg import segread

from cofenet.errors import UnwritableError
from cofenet.io import Photograph, read_photograph, read_text, write_segmentation

HASHES = {"vessels": "a" * 64, "disc": "b" * 64, "cup": "c" * 64}
TEXT = {"cofenet": '{"version": "0.1.0", "operation": "segment"}'}


def masks(*empty: str) -> dict[str, np.ndarray]:
    drawn = np.random.default_rng(0).random((3, 40, 50)) > 0.6
    return {name: np.zeros_like(mask) if name in empty else mask for name, mask in zip(HASHES, drawn, strict=True)}


@pytest.mark.parametrize("empty", [(), ("disc", "cup"), ("vessels", "disc", "cup")], ids=str)
@pytest.mark.parametrize("spaced", [True, False])
@pytest.mark.parametrize("kind", ["OP8", "CAPTURE", "VISIBLE"])
def test_masks_come_back_and_name_their_photograph(
    files: ModuleType, tmp_path: Path, kind: str, empty: tuple[str, ...], spaced: bool
) -> None:
    source = files.photograph(np.zeros((40, 50, 3), np.uint8), getattr(files, kind))
    source.PixelSpacing = [0.0065, 0.0065]
    if not spaced:
        del source.PixelSpacing
    photograph = read_photograph(files.save(source, tmp_path / "a"))
    written, header = masks(*empty), photograph.metadata.dicom.to_json()
    path = write_segmentation(tmp_path / "b", photograph, written, HASHES, "0.1.0", TEXT)
    back = segread(path)
    assert photograph.metadata.dicom.to_json() == header
    assert [back.get_segment_description(number).segment_label for number in (1, 2, 3)] == list(HASHES)
    pictures = back.pixel_array.reshape(-1, 40, 50)
    filled = [mask for mask in written.values() if mask.any()] or list(written.values())
    np.testing.assert_array_equal(pictures.astype(bool), np.stack(filled))
    assert back.PatientName == files.PATIENT
    assert read_text(path) == TEXT["cofenet"]
    assert back.StudyInstanceUID == source.StudyInstanceUID
    assert back.SourceImageSequence[0].ReferencedSOPInstanceUID == source.SOPInstanceUID
    assert {e.value for e in back.iterall() if e.keyword == "ReferencedSOPClassUID"} == {source.SOPClassUID}
    assert "b" * 64 in str(back.get_segment_description(2).algorithm_identification.parameters)
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy is not installed (Debian package dicom3tools); .ci/debian-tools says why")
    told = subprocess.run(["dciodvfy", path], capture_output=True, text=True, check=False).stderr
    assert [line for line in told.splitlines() if "Error" in line] == []


@pytest.mark.parametrize(
    ("characters", "name"),
    [
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎"),
        (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞"),
        ("ISO_IR 100", "Müller^Anna"),
    ],
)
def test_names_in_any_character_set_are_kept(
    files: ModuleType, tmp_path: Path, characters: str | list[str], name: str
) -> None:
    source = files.photograph(np.zeros((40, 50, 3), np.uint8), SpecificCharacterSet=characters, PatientName=name)
    source.StudyDescription = "Control"
    photograph = read_photograph(files.save(source, tmp_path / "a"))
    back = segread(write_segmentation(tmp_path / "b", photograph, masks(), HASHES, "0.1.0", TEXT))
    assert back.PatientName == name


def test_who_is_unnamed_stays_so(files: ModuleType, tmp_path: Path) -> None:
    source = files.photograph(np.zeros((40, 50, 3), np.uint8))
    del source.PatientID, source.StudyID
    photograph = read_photograph(files.save(source, tmp_path / "a"))
    assert not segread(write_segmentation(tmp_path / "b", photograph, masks(), HASHES, "0.1.0", TEXT)).PatientID


def test_a_picture_from_elsewhere_has_no_patient(tmp_path: Path) -> None:
    with pytest.raises(UnwritableError, match="needs a photograph from a DICOM file"):
        write_segmentation(tmp_path / "b", Photograph(np.zeros((40, 50, 3), np.uint8)), masks(), HASHES, "0.1.0", TEXT)
