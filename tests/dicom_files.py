"""DICOM files of photographs as cameras write them, made by pydicom and independent of the code under test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom import Dataset, FileDataset, uid
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate

OP8 = uid.OphthalmicPhotography8BitImageStorage
OP16 = uid.OphthalmicPhotography16BitImageStorage
CAPTURE = uid.SecondaryCaptureImageStorage
CAPTURES = uid.MultiFrameTrueColorSecondaryCaptureImageStorage
BYTES = uid.MultiFrameGrayscaleByteSecondaryCaptureImageStorage
WORDS = uid.MultiFrameGrayscaleWordSecondaryCaptureImageStorage
VISIBLE = uid.VLPhotographicImageStorage

PATIENT = "Müller^Anna Katharina"


def item(**attributes: object) -> Dataset:
    dataset = Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def code(value: str, scheme: str, meaning: str) -> Dataset:
    return item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


def photograph(
    pixels: np.ndarray, kind: str = OP8, bits: int | None = None, study: str | None = None, **others: object
) -> FileDataset:
    """An object that `dciodvfy` accepts.

    Args:
        pixels: uint8 or uint16, (H, W), (H, W, 3), (N, H, W) or (N, H, W, 3) as stored, RGB or grey.
        kind: SOP class.
        bits: stored, of those allocated.
        study: its UID.
        others: further attributes.
    """
    colours = pixels.shape[-1] == 3
    several = pixels.ndim == (4 if colours else 3)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    file = FileDataset("", {}, preamble=bytes(128), file_meta=meta)
    file.update(identity(study))
    file.SOPClassUID = meta.MediaStorageSOPClassUID = kind
    file.SOPInstanceUID = meta.MediaStorageSOPInstanceUID = uid.generate_uid()
    file.SeriesInstanceUID = uid.generate_uid()
    file.update(taking(several))
    if kind in (OP8, OP16):
        file.update(ophthalmic())
        del file.Laterality  # of an image, and not of a series
    if kind in (CAPTURE, CAPTURES, BYTES, WORDS):
        file.ConversionType, file.ImageType = "WSD", ["ORIGINAL", "SECONDARY"]
        file.Modality = "OT"
    if kind == VISIBLE:
        file.Modality, file.ImageType, file.LossyImageCompression = "XC", ["ORIGINAL", "PRIMARY"], "00"
        file.AcquisitionContextSequence = []
    if kind in (CAPTURES, BYTES, WORDS):
        file.NumberOfFrames = file.get("NumberOfFrames", 1)
        file.FrameIncrementPointer = 0x00181065
        file.FrameTimeVector = [0.0] * int(file.NumberOfFrames)
    if kind in (BYTES, WORDS):
        file.RescaleIntercept, file.RescaleSlope, file.RescaleType = "0", "1", "US"
    if not colours:
        file.PresentationLUTShape = "IDENTITY"
    if several:
        file.NumberOfFrames = pixels.shape[0]
    store(file, pixels, bits)
    file.update(item(**others))
    return file


def identity(study: str | None) -> Dataset:
    return item(
        SpecificCharacterSet="ISO_IR 192", PatientName=PATIENT, PatientID="MRN-4711", PatientBirthDate="19520314",
        PatientSex="F", StudyInstanceUID=study or uid.generate_uid(), StudyDate="20260102", StudyTime="101112",
        StudyID="17", AccessionNumber="ACC-99", ReferringPhysicianName="Huber^Otto", SeriesNumber=3,
        InstanceNumber=5, StudyDescription="Check-up of Anna", SeriesDescription="Right eye",
    )  # fmt: skip


def taking(several: bool) -> Dataset:
    made = item(
        Modality="OP", Manufacturer="Topcon", ManufacturerModelName="TRC-NW400", DeviceSerialNumber="SN-123456",
        InstitutionName="Klinik Nord", SoftwareVersions="1.2", SeriesDate="20260102", SeriesTime="101300",
        ContentDate="20260102", ContentTime="101314", AcquisitionDateTime="20260102101314",
        ImageType=["ORIGINAL", "PRIMARY"], BurnedInAnnotation="NO", LossyImageCompression="00",
        PatientOrientation=["L", "F"], Laterality="R",
    )  # fmt: skip
    made.InstanceCreationDate, made.InstanceCreationTime = "20260102", "101315"
    made.private_block(0x0099, "TOPCON PRIVATE", create=True).add_new(1, "LO", "Anna took this")
    made.ContributingEquipmentSequence = [
        item(
            PurposeOfReferenceCodeSequence=[code("109101", "DCM", "Acquisition Equipment")],
            Manufacturer="Topcon", InstitutionName="Klinik Nord", DeviceSerialNumber="SN-123456",
        )
    ]  # fmt: skip
    return made


def ophthalmic() -> Dataset:
    """The modules of Ophthalmic Photography: PS3.3, A.41."""
    made = item(
        SynchronizationFrameOfReferenceUID="1.2.840.10008.15.1.1", SynchronizationTrigger="NO TRIGGER",
        AcquisitionTimeSynchronized="N", ImageLaterality="R",
        PupilDilated="NO", HorizontalFieldOfView=45.0, RefractiveStateSequence=[], EmmetropicMagnification=2.0,
        IntraOcularPressure=14.0, PixelSpacing=[0.0065, 0.0065], DetectorType="CMOS", AcquisitionContextSequence=[],
        PatientEyeMovementCommanded="NO", NumberOfFrames=1, FrameIncrementPointer=0x00181065, FrameTimeVector=[0.0],
    )  # fmt: skip
    made.AcquisitionDeviceTypeCodeSequence = [code("409898007", "SCT", "Fundus Camera")]
    made.AnatomicRegionSequence = [code("5665001", "SCT", "Retina")]
    made.IlluminationTypeCodeSequence = []
    made.LightPathFilterTypeStackCodeSequence = []
    made.ImagePathFilterTypeStackCodeSequence = []
    made.LensesCodeSequence = []
    return made


def store(file: FileDataset, pixels: np.ndarray, bits: int | None = None) -> None:
    """Put uncompressed pixels in."""
    colours = pixels.shape[-1] == 3
    allocated = 8 * pixels.itemsize
    file.Rows, file.Columns = pixels.shape[-3:-1] if colours else pixels.shape[-2:]
    file.SamplesPerPixel, file.PhotometricInterpretation = (3, "RGB") if colours else (1, "MONOCHROME2")
    if colours:
        file.PlanarConfiguration = 0
    file.BitsAllocated, file.BitsStored = allocated, bits or allocated
    file.HighBit, file.PixelRepresentation = file.BitsStored - 1, 0
    if "FrameTimeVector" in file:
        file.FrameTimeVector = [0.0] * (pixels.shape[0] if pixels.ndim == (4 if colours else 3) else 1)
    file.add_new("PixelData", "OB" if allocated == 8 else "OW", pixels.astype(f"<u{pixels.itemsize}").tobytes())


def encapsulated(file: FileDataset, syntax: str, coded: list[bytes], **changes: object) -> FileDataset:
    """The object with frames that are compressed already."""
    file.file_meta.TransferSyntaxUID = syntax
    file.add_new("PixelData", "OB", encapsulate(coded))
    file["PixelData"].is_undefined_length = True
    file.update(item(**changes))
    return file


def save(file: FileDataset, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    file.save_as(path, enforce_file_format=True)
    return path
