"""Codes in DICOM headers."""

from __future__ import annotations

from pydicom import Dataset
from pydicom.sr.coding import Code


def code_item(code: Code) -> Dataset:
    """An item of a code sequence: value, scheme and meaning (DICOM PS3.3, 8.8)."""
    item = Dataset()
    item.CodeValue = code.value
    item.CodingSchemeDesignator = code.scheme_designator
    item.CodeMeaning = code.meaning
    return item
