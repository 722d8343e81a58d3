"""Write masks as a DICOM Segmentation of the photograph they were found in. Needs the extra `dicom`.

The object belongs to the photograph's patient and study, in a series of its own. highdicom builds it.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Final

import numpy as np
from highdicom import UID, AlgorithmIdentificationSequence
from highdicom.seg import SegmentAlgorithmTypeValues, Segmentation, SegmentationTypeValues, SegmentDescription
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import VLPhotographicImageStorage

from cofenet.io.dicom_codes import series_number
from cofenet.io.dicom_text import add_text

_SERIES_OFFSET: Final = 2000
"""Between the number of the photograph's series and that of its segmentations."""

_EXPECTED: Final = (
    "PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyID", "StudyDate", "StudyTime",
    "AccessionNumber", "ReferringPhysicianName",
)  # fmt: skip
"""Attributes that a photograph must have, empty or not, and some have not."""

_CODES: Final = {
    "vessels": Code("59820001", "SCT", "Blood vessel"),
    "disc": Code("81016008", "SCT", "Optic nerve head"),
    "cup": Code("optic-cup", "99COFENET", "Optic cup"),  # no code for it in the dictionaries of PS3.16
}


@dataclass(frozen=True, eq=False)
class Segment:
    """One structure.

    Attributes:
        name: "vessels", "disc" or "cup".
        mask: bool (H, W), of the photograph's size.
        sha256: hash of the weights that found it.
    """

    name: str
    mask: NDArray[np.bool_]
    sha256: str


def encode_segmentation(segments: Sequence[Segment], header: Dataset, version: str, text: str) -> bytes:
    """A whole DICOM file with a binary segment for each structure; an empty mask is a segment without frame.

    Args:
        segments: what was found, one at least.
        header: of the photograph, as `Metadata.dicom`.
        version: of this package.
        text: JSON that says how they were found.

    Raises:
        ValueError: the header cannot be referred to.
    """
    masks = np.stack([segment.mask for segment in segments], axis=-1)[None]
    file = Segmentation(
        [_single(header)], masks, SegmentationTypeValues.BINARY,
        [_description(number, segment, version) for number, segment in enumerate(segments, 1)],
        series_instance_uid=UID(), series_number=series_number(header, _SERIES_OFFSET),
        sop_instance_uid=UID(), instance_number=1, manufacturer="cofenet", manufacturer_model_name="cofenet segment",
        software_versions=version, device_serial_number="none", series_description="Vessels, optic disc and cup",
        content_label="FUNDUS",
    )  # fmt: skip
    for element in file.iterall():
        if element.keyword == "ReferencedSOPClassUID":
            element.value = header.SOPClassUID
    file.PatientOrientation = header.get("PatientOrientation")  # the standard wants it of pictures without a frame
    file.ContentQualification = "RESEARCH"
    add_text(file, text)
    stream = io.BytesIO()
    file.save_as(stream)
    return stream.getvalue()


def _description(number: int, segment: Segment, version: str) -> SegmentDescription:
    algorithm = AlgorithmIdentificationSequence(
        name=f"cofenet {segment.name}", family=codes.cid7162.ArtificialIntelligence, version=version,
        parameters={"sha256": segment.sha256},
    )  # fmt: skip
    return SegmentDescription(
        number, segment.name, codes.SCT.AnatomicalStructure, _CODES[segment.name],
        SegmentAlgorithmTypeValues.AUTOMATIC, algorithm,
    )  # fmt: skip


def _single(header: Dataset) -> Dataset:
    """The header as highdicom can refer to it.

    It takes Ophthalmic Photography for multi-frame with functional groups, which it has not; and what it writes of
    pixels with a spacing but no slice thickness, it cannot read. The photograph itself says how large its pixels are.
    """
    single = deepcopy(header)
    single.decode()
    single.SpecificCharacterSet = "ISO_IR 192"  # which holds them all; some sets, highdicom does not know
    single.SOPClassUID = VLPhotographicImageStorage
    for keyword in _EXPECTED:
        if keyword not in single:
            setattr(single, keyword, None)
    for keyword in ("PixelSpacing", "NumberOfFrames"):
        if keyword in single:
            delattr(single, keyword)
    return single
