"""De-identification: nothing that names anybody stays, and what belonged together still does."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from pydicom import Dataset, FileDataset, dcmread, uid

from cofenet.errors import UnwritableError, UsageError
from cofenet.io import Photograph, read_frames, write_frames
from cofenet.io.deidentify import Deidentifier

TEXT = {"cofenet": json.dumps({"version": "0.1.0", "operation": "correct"})}
PIXELS = np.random.default_rng(0).integers(0, 255, (40, 50, 3), np.uint8)
TELLING = (
    "Müller", "Anna", "MRN-4711", "19520314", "ACC-99", "Huber", "Klinik", "SN-123456", "20260102", "101314",
    "Check-up",
)  # fmt: skip


def deidentified(source: Path, deidentifier: Deidentifier | None = None) -> FileDataset:
    target = source.with_name(f"{source.name}.result")
    write_frames(target, read_frames(source), text=TEXT, deidentifier=deidentifier or Deidentifier())
    return dcmread(target)


def test_nothing_telling_is_left_in_the_file(files: ModuleType, tmp_path: Path) -> None:
    nested = files.item(ReferencedSOPClassUID=files.OP8, ReferencedSOPInstanceUID=uid.generate_uid())
    nested.InstitutionName = "Klinik Nord"
    nested.private_block(0x0011, "MAKER", create=True).add_new(1, "LO", "Anna")
    file = files.photograph(PIXELS, ReferencedImageSequence=[nested], PatientComments="Anna sees Dr Huber")
    file.add_new(0x60003000, "OW", b"Anna")
    file.add_new(0x60020022, "LO", "Anna's overlay")
    file.add_new(0x00080003, "LO", "Anna, in no dictionary")
    path = files.save(file, tmp_path / "a")
    content = path.read_bytes()
    result = deidentified(path)
    after = Path(result.filename).read_bytes()
    for word in TELLING:
        assert word.encode() in content, word
        assert word.encode() not in after, word
    identifiers = {str(element.value) for element in file.iterall() if element.VR == "UI"}
    ours = {value for value in identifiers if not value.startswith("1.2.840.10008.")}
    assert len(ours) == 4
    assert not [value for value in ours if value.encode() in after]
    np.testing.assert_array_equal(result.pixel_array, PIXELS)


def test_it_says_what_was_done(files: ModuleType, tmp_path: Path) -> None:
    result = deidentified(files.save(files.photograph(PIXELS), tmp_path / "a"))
    assert result.PatientIdentityRemoved == "YES"
    (code,) = result.DeidentificationMethodCodeSequence
    assert (code.CodeValue, code.CodingSchemeDesignator) == ("113100", "DCM")
    assert result.LongitudinalTemporalInformationModified == "REMOVED"
    purposes = [item.PurposeOfReferenceCodeSequence[0].CodeValue for item in result.ContributingEquipmentSequence]
    assert purposes == ["109101", "109102", "109104"]
    assert "ContributionDateTime" not in result.ContributingEquipmentSequence[-1]
    assert result.StudyDate == result.PatientBirthDate == ""
    assert result.ContentDate == "19000101"


def test_what_a_photograph_needs_stays(files: ModuleType, tmp_path: Path) -> None:
    source = files.photograph(PIXELS)
    result = deidentified(files.save(source, tmp_path / "a"))
    for keyword in ("SOPClassUID", "ImageLaterality", "PixelSpacing", "HorizontalFieldOfView", "BurnedInAnnotation",
                    "LossyImageCompression", "AnatomicRegionSequence", "Manufacturer",
                    "SynchronizationFrameOfReferenceUID"):  # fmt: skip
        assert result[keyword] == source[keyword]


def test_what_belonged_together_still_does(files: ModuleType, tmp_path: Path) -> None:
    study, series = uid.generate_uid(), uid.generate_uid()
    first = files.photograph(PIXELS, study=study, SeriesInstanceUID=series)
    link = files.item(ReferencedSOPClassUID=files.OP8, ReferencedSOPInstanceUID=first.SOPInstanceUID)
    second = files.photograph(PIXELS, study=study, SeriesInstanceUID=series, ReferencedImageSequence=[link])
    second.PatientName = "Mueller^Anna"
    other = files.photograph(PIXELS, PatientID="MRN-4712")
    together = Deidentifier()
    one, two, three = (
        deidentified(files.save(file, tmp_path / name), together)
        for name, file in (("a", first), ("b", second), ("c", other))
    )
    assert one.StudyInstanceUID == two.StudyInstanceUID != three.StudyInstanceUID
    assert one.SeriesInstanceUID == two.SeriesInstanceUID != three.SeriesInstanceUID
    assert one.PatientID == two.PatientID != three.PatientID
    assert one.SOPInstanceUID != two.SOPInstanceUID
    original = one.SourceImageSequence[0].ReferencedSOPInstanceUID
    assert two.ReferencedImageSequence[0].ReferencedSOPInstanceUID == original
    assert deidentified(tmp_path / "a").PatientID != one.PatientID
    assert deidentified(tmp_path / "a", Deidentifier(b"k")).PatientID == deidentified(
        tmp_path / "a", Deidentifier(b"k")
    ).PatientID  # fmt: skip


def test_every_attribute_of_the_table_is_treated(files: ModuleType) -> None:
    """Each one that the profile removes, empties or replaces, with a telling value, at the top and inside an item."""
    from dicomanonymizer.dicomfields_selector import dicom_anonymization_database_selector
    from pydicom.datadict import dictionary_VR

    tags = [tag for tag in dicom_anonymization_database_selector("dicomfields_2026c")["ALL_TAGS"] if len(tag) == 2]
    header, inner = files.photograph(PIXELS), Dataset()
    texts = {"LO", "SH", "ST", "LT", "UT", "PN", "UC"}
    told = [tag for tag in tags if tag[0] != 2 and _vr(dictionary_VR, tag) in texts]
    assert len(told) > 200
    for where in (header, inner):
        for tag in told:
            where.add_new(tag, dictionary_VR(tag), "telling")
    header.AnatomicRegionSequence = [inner]
    Deidentifier().deidentify(header)
    assert [element for element in header.iterall() if element.value == "telling"] == []


def _vr(dictionary, tag) -> str:  # noqa: ANN001 - the retired ones are in no dictionary
    try:
        return dictionary(tag)
    except KeyError:
        return ""


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
@pytest.mark.parametrize("said", ["YES", "yes"])
def test_burned_in_annotation_is_refused(files: ModuleType, tmp_path: Path, said: str) -> None:
    path = files.save(files.photograph(PIXELS, BurnedInAnnotation=said), tmp_path / "a")
    with pytest.raises(UnwritableError, match="a: cannot be de-identified: its pixels may show annotations"):
        deidentified(path)
    assert not (tmp_path / "a.result").exists()


def test_only_dicom_is_deidentified(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="only DICOM"):
        write_frames(tmp_path / "a.png", [Photograph(PIXELS)], deidentifier=Deidentifier())
    assert not (tmp_path / "a.png").exists()
