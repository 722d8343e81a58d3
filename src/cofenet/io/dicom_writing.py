"""Write a photograph that came from a DICOM file as a derived DICOM object. Needs the extra `dicom`.

Patient, study, eye, spatial calibration and whatever else the source's header says stay as they are. What no longer
holds is replaced or dropped: the object is a new one in a new series, its type is DERIVED, its pixels are uncompressed,
and it names its source and what was done. What compression lost before stays lost, and stays said.
Attributes: DICOM PS3.3, C.7.6.1 (General Image), C.7.6.3 (Image Pixel), C.12.1 (SOP Common); codes: PS3.16.
"""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from pydicom import Dataset, dcmwrite, uid
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from cofenet.io.dicom import gather
from cofenet.io.dicom_codes import code_item, series_number
from cofenet.io.dicom_text import add_text
from cofenet.io.metadata import Samples

if TYPE_CHECKING:
    from cofenet.io.deidentify import Deidentifier

_SHORT, _LONG = 64, 1024
"""Characters that a value of LO and of ST may have (PS3.5, 6.2)."""

_STALE: Final = (
    "SmallestImagePixelValue", "LargestImagePixelValue", "IconImageSequence", "DigitalSignaturesSequence",
    "MACParametersSequence", "DataSetTrailingPadding", "ExtendedOffsetTable", "ExtendedOffsetTableLengths",
    "InstanceCreatorUID",
)  # fmt: skip
"""Of the source's pixels or of its file, and not of the new ones."""

_OF_GREY: Final = (
    "PresentationLUTShape", "WindowCenter", "WindowWidth", "WindowCenterWidthExplanation", "VOILUTFunction",
    "VOILUTSequence", "ModalityLUTSequence", "RescaleIntercept", "RescaleSlope", "RescaleType",
    "PixelIntensityRelationship", "PixelIntensityRelationshipSign", "PresentationLUTSequence", "PixelPaddingValue",
    "PixelPaddingRangeLimit",
)  # fmt: skip
"""How to show grey samples; colours must not have them."""

_OPHTHALMIC: Final = (uid.OphthalmicPhotography8BitImageStorage, uid.OphthalmicPhotography16BitImageStorage)

_FOR_COLOURS: Final = {
    uid.MultiFrameGrayscaleByteSecondaryCaptureImageStorage: uid.MultiFrameTrueColorSecondaryCaptureImageStorage
}
"""Of classes for grey alone, the one for colours."""

_WORDS: Final = {"correct": "corrected", "degrade": "degraded", "deidentify": "de-identified"}
"""What each operation made of a photograph."""

_SERIES_OFFSET: Final = 1000
"""Between the number of a series and that of the results made from it."""


def encode_dicom(
    planes: Sequence[Samples], header: Dataset, text: Mapping[str, str], deidentifier: Deidentifier | None = None
) -> bytes:
    """A whole DICOM file: Explicit VR Little Endian, uncompressed.

    Args:
        planes: a frame each, all alike: uint8 or uint16, (H, W) grey or (H, W, 3) RGB, full range.
        header: of the source, as `Metadata.dicom`.
        text: under "cofenet", JSON that says how the pixels were made: version, operation, and if there are, model,
            model_sha256 and settings.
        deidentifier: takes the patient out.

    Raises:
        ValueError: no class of objects holds such pixels, or the text does not say how they were made.
    """
    made = _made(text)
    derived = deepcopy(header)
    if deidentifier:
        deidentifier.deidentify(derived)
    moment = None if deidentifier else _now(derived)
    _name_source(derived)
    _describe(derived, made)
    _identify(derived, made, moment)
    _add_equipment(derived, codes.DCM.ProcessingEquipment, made, moment)
    if deidentifier:
        _add_equipment(derived, codes.DCM.DeIdentifyingEquipment, made, moment)
    add_text(derived, text["cofenet"])
    _store(derived, planes)
    return _file(derived)


def _made(text: Mapping[str, str]) -> dict[str, Any]:
    made = json.loads(text.get("cofenet", "null"))
    if not isinstance(made, dict) or "version" not in made or made.get("operation") not in _WORDS:
        raise ValueError("what a derived object was made by must be given: version and operation")
    return made


def _now(header: Dataset) -> datetime:
    """The time, in the zone in which the header tells times."""
    try:
        zone = datetime.strptime(str(header.get("TimezoneOffsetFromUTC") or ""), "%z").tzinfo
    except ValueError:  # the header tells none
        zone = None
    return datetime.now(zone).astimezone(zone)


def _name_source(derived: Dataset) -> None:
    source = Dataset()
    source.ReferencedSOPClassUID = derived.SOPClassUID
    source.ReferencedSOPInstanceUID = derived.SOPInstanceUID
    source.SpatialLocationsPreserved = "YES"
    source.PurposeOfReferenceCodeSequence = [code_item(codes.DCM.SourceImageForImageProcessingOperation)]
    derived.SourceImageSequence = [source]


def _describe(derived: Dataset, made: dict[str, Any]) -> None:
    """Say that it is derived, and how."""
    kept = list(derived.get("ImageType") or [])[1:] or ["PRIMARY"]
    if derived.SOPClassUID in _OPHTHALMIC and len(kept) == 1:  # then a third value must say how (PS3.3, C.8.17.2.1.4)
        kept.append(_word(made).upper().replace("-", ""))
    derived.ImageType = ["DERIVED", *kept]
    derived.DerivationDescription = _plain(_story(made), _LONG)
    derived.DerivationCodeSequence = [code_item(codes.DCM.ImageProcessing)]
    derived.SeriesDescription = f"{_word(made)} {derived.get('SeriesDescription') or ''}".strip()[:_SHORT]
    derived.ContentQualification = "RESEARCH"


def _identify(derived: Dataset, made: dict[str, Any], moment: datetime | None) -> None:
    """Make it a new object in a new series, which the results of one series by the same means share."""
    means = json.dumps([made.get(key) for key in ("version", "operation", "model_sha256", "settings")], sort_keys=True)
    derived.SeriesInstanceUID = _uid(uuid.uuid5(uuid.NAMESPACE_OID, f"{derived.SeriesInstanceUID} {means}"))
    derived.SOPInstanceUID = _uid(uuid.uuid4())
    derived.SeriesNumber = series_number(derived, _SERIES_OFFSET)
    for keyword in ("SeriesDate", "SeriesTime", "InstanceCreationDate", "InstanceCreationTime"):
        if keyword in derived:
            delattr(derived, keyword)
    if moment:
        derived.InstanceCreationDate = derived.ContentDate = f"{moment:%Y%m%d}"
        derived.InstanceCreationTime = derived.ContentTime = f"{moment:%H%M%S.%f}"


def _add_equipment(derived: Dataset, purpose: Code, made: dict[str, Any], moment: datetime | None) -> None:
    """Add us to the equipment that contributed: version, and hash of the model's weights."""
    ours = Dataset()
    ours.PurposeOfReferenceCodeSequence = [code_item(purpose)]
    ours.Manufacturer = "cofenet"
    ours.ManufacturerModelName = _plain(f"cofenet {made.get('model', '')}".strip(), _SHORT)
    ours.SoftwareVersions = [made["version"], *filter(None, [made.get("model_sha256")])]
    ours.ContributionDescription = _plain(_story(made), _LONG)
    if moment:
        ours.ContributionDateTime = f"{moment:%Y%m%d%H%M%S.%f%z}"
    derived.ContributingEquipmentSequence = [*derived.get("ContributingEquipmentSequence", []), ours]


def _store(derived: Dataset, planes: Sequence[Samples]) -> None:
    """Put the pixels in, and take out what was true of the old ones alone."""
    first = planes[0]
    allocated, channels = 8 * first.itemsize, 1 if first.ndim == 2 else 3
    bits = int(derived.BitsStored) if derived.BitsAllocated == allocated else allocated
    for keyword in _STALE if channels == 1 else (*_STALE, *_OF_GREY):
        if keyword in derived:
            delattr(derived, keyword)
    derived.SOPClassUID = _class(derived.SOPClassUID, channels, allocated)
    derived.SamplesPerPixel, derived.PhotometricInterpretation = channels, "MONOCHROME2" if channels == 1 else "RGB"
    if channels == 3:
        derived.PlanarConfiguration = 0
    derived.Rows, derived.Columns = first.shape[:2]
    derived.BitsAllocated, derived.BitsStored, derived.HighBit = allocated, bits, bits - 1
    derived.PixelRepresentation = 0
    stored = [gather(frame, bits).astype(f"<u{first.itemsize}").tobytes() for frame in planes]
    derived.add_new("PixelData", "OB" if allocated == 8 else "OW", b"".join(stored))


def _class(source: str, channels: int, allocated: int) -> uid.UID:
    """The class of the source, where it holds such pixels."""
    kind = uid.UID(source)
    if kind in _OPHTHALMIC:
        return _OPHTHALMIC[allocated == 16]
    if channels == 3 and kind == uid.MultiFrameGrayscaleWordSecondaryCaptureImageStorage:
        raise ValueError("no class of DICOM objects holds several frames of 16-bit colours")
    return _FOR_COLOURS.get(kind, kind) if channels == 3 else kind


def _file(derived: Dataset) -> bytes:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = derived.SOPClassUID, derived.SOPInstanceUID
    file = FileDataset("", derived, preamble=bytes(128), file_meta=meta)
    stream = io.BytesIO()
    dcmwrite(stream, file, enforce_file_format=True)
    return stream.getvalue()


def _word(made: dict[str, Any]) -> str:
    return _WORDS[made["operation"]]


def _story(made: dict[str, Any]) -> str:
    """How it was made, for a person."""
    told = [f"{_word(made).capitalize()} by cofenet {made['version']}"]
    if made["operation"] == "deidentify":
        return f"{told[0]}; pixels stored uncompressed and unchanged"
    if "model" in made:
        told.append(f"model {made['model']} (sha256 {made['model_sha256']})")
    told += [f"{name} {value}" for name, value in made.get("settings", {}).items()]
    return "; ".join(told)


def _plain(text: str, length: int) -> str:
    """`text` as any character set holds it, without the separator of values, and cut."""
    return text.encode("ascii", "replace").decode().replace("\\", "/")[:length]


def _uid(number: uuid.UUID) -> uid.UID:
    return uid.UID(f"2.25.{number.int}")
