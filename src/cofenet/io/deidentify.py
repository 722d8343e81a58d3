"""Take the patient out of a DICOM header: the Basic Application Level Confidentiality Profile of DICOM PS3.15, annex E.

What is done to which attribute is table E.1-1, as the package dicom-anonymizer holds it (edition 2026c). Where the
table leaves a choice that depends on the kind of object, it is made for photographs: attributes that they may lack are
removed. Attributes that the standard does not know, private ones among them, are removed. Pixels are not touched.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from pathlib import Path
from typing import Final

from dicomanonymizer.dicomfields_selector import dicom_anonymization_database_selector
from pydicom import DataElement, Dataset
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.multival import MultiValue
from pydicom.sr.codedict import codes
from pydicom.tag import BaseTag
from pydicom.uid import UID

from cofenet.errors import UnwritableError, UsageError
from cofenet.io.dicom_codes import code_item

_EDITION: Final = "dicomfields_2026c"

# X remove, Z empty, D replace by a value that says nothing, U replace the UID, K keep and look inside.
_CHOICES: Final = {
    "X_TAGS": "X", "Z_TAGS": "Z", "D_TAGS": "D", "U_TAGS": "U", "Z_D_TAGS": "D", "X_Z_TAGS": "X", "X_D_TAGS": "X",
    "X_Z_D_TAGS": "X", "X_Z_U_STAR_TAGS": "K",
}  # fmt: skip
_DEMANDED: Final = {tag_for_keyword("AcquisitionContextSequence"): "Z"}
"""Of Ophthalmic Photography, which must have it, empty or not (PS3.3, C.7.6.14)."""

_SAYS_NOTHING: Final = {
    "DA": "19000101", "TM": "000000", "DT": "19000101000000", "AS": "000Y", "DS": "0", "IS": "0", "FD": 0.0, "FL": 0.0,
    "UR": "http://anonymized.invalid", "US": 0, "SS": 0, "UL": 0, "SL": 0,
} | dict.fromkeys(("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"), "ANONYMIZED")  # fmt: skip

_OVERLAYS: Final = (0x60000000, 0xFF000000)
"""Tags of overlays: start and mask. The table takes their drawings, and would leave what they are called."""

_OF_THE_STANDARD: Final = "1.2.840.10008."
"""UIDs that begin so name things of the standard itself, and nobody."""


class Deidentifier:
    """De-identifies headers, so that what belonged together still does.

    The same UID or patient becomes the same new one each time; without `key` nobody can tell which.
    """

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key or secrets.token_bytes(32)
        self._actions, self._ranges = _table()

    def refuse_unfit(self, header: Dataset | None, path: Path) -> None:
        """Refuse what would not be de-identified, though it seemed so; `path` is named.

        Raises:
            UsageError: it is no DICOM header.
            UnwritableError: the pixels are said to show annotations, which may name the patient.
        """
        if header is None:
            raise UsageError(f"{path}: only DICOM files can be de-identified")
        burned_in = str(header.get("BurnedInAnnotation") or "NO")
        if burned_in.strip().upper() != "NO":
            reason = f"cannot be de-identified: its pixels may show annotations (BurnedInAnnotation is {burned_in})"
            raise UnwritableError(reason, path)

    def deidentify(self, header: Dataset) -> None:
        """De-identify `header` in place, and note in it that this was done."""
        # A name may be spelled in several ways, so it counts only where there is no number.
        patient = f"{header.get('IssuerOfPatientID', '')} {header.get('PatientID') or header.get('PatientName', '')}"
        self._clean(header)
        # The table allows to empty both; but then servers take all patients for one.
        number = self._digest(patient).hex()[:16].upper()
        header.PatientName, header.PatientID = f"ANONYMOUS^{number}", number
        header.PatientIdentityRemoved = "YES"
        header.LongitudinalTemporalInformationModified = "REMOVED"
        header.DeidentificationMethod = "Basic Application Confidentiality Profile, PS3.15 annex E"
        header.DeidentificationMethodCodeSequence = [code_item(codes.DCM.BasicApplicationConfidentialityProfile)]

    def _clean(self, dataset: Dataset) -> None:
        for element in list(dataset):
            action = self._action(element.tag)
            if action == "X" or (action == "D" and element.VR not in _SAYS_NOTHING):
                del dataset[element.tag]
            elif action == "Z":
                element.clear()
            elif action == "D":
                element.value = _SAYS_NOTHING[element.VR]
            elif action == "U":
                self._replace(element)
            elif element.VR == "SQ":
                for item in element.value:
                    self._clean(item)

    def _action(self, tag: BaseTag) -> str:
        if tag in self._actions:
            return self._actions[tag]
        if tag.is_private or any(tag & mask == start for start, mask in self._ranges) or not _known(tag):
            return "X"
        return "K"

    def _replace(self, element: DataElement) -> None:
        if isinstance(element.value, MultiValue):
            element.value = [self._uid(value) for value in element.value]
        elif element.value:
            element.value = self._uid(element.value)

    def _uid(self, old: str) -> UID:
        """A UID made of a 128-bit number (PS3.5, B.2)."""
        if old.startswith(_OF_THE_STANDARD):
            return UID(old)
        return UID(f"2.25.{int.from_bytes(self._digest(old)[:16])}")

    def _digest(self, text: str) -> bytes:
        return hmac.digest(self._key, text.encode("utf-8", "surrogateescape"), hashlib.sha256)


def _table() -> tuple[dict[int, str], list[tuple[int, int]]]:
    """What to do by tag; and ranges of tags to remove: start and mask."""
    actions: dict[int, str] = {}
    ranges: list[tuple[int, int]] = [_OVERLAYS]
    stored = dicom_anonymization_database_selector(_EDITION)
    for choice, action in _CHOICES.items():
        for group, element, *masks in stored[choice]:
            if masks:
                ranges.append((group << 16 | element, masks[0] << 16 | masks[1]))
            else:
                actions[group << 16 | element] = action
    return actions | {tag: action for tag, action in _DEMANDED.items() if tag}, ranges


def _known(tag: BaseTag) -> bool:
    try:
        return bool(dictionary_VR(tag))
    except KeyError:
        return False
