"""Small parts of the DICOM objects that we make."""

from __future__ import annotations

from typing import Final

from pydicom import Dataset
from pydicom.sr.coding import Code

_LARGEST: Final = 2**31 - 1
"""What a value of IS may be (PS3.5, 6.2)."""


def code_item(code: Code) -> Dataset:
    """An item of a code sequence: value, scheme and meaning (DICOM PS3.3, 8.8)."""
    item = Dataset()
    item.CodeValue = code.value
    item.CodingSchemeDesignator = code.scheme_designator
    item.CodeMeaning = code.meaning
    return item


def series_number(header: Dataset, offset: int) -> int:
    """The number of a series that lies `offset` behind that of the header's own, as far as numbers go."""
    try:
        number = int(header.get("SeriesNumber") or 0)
    except (TypeError, ValueError):  # it is none, or there are several
        number = 0
    return min(number + offset, _LARGEST)
