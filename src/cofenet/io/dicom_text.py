"""What we say of the making of a DICOM object, in the object: JSON in a private block."""

from __future__ import annotations

from pydicom import Dataset

_GROUP, _CREATOR, _ELEMENT = 0x0C0F, "COFENET", 1


def add_text(made: Dataset, text: str) -> None:
    """Put `text` into an object that was made."""
    made.private_block(_GROUP, _CREATOR, create=True).add_new(_ELEMENT, "UT", text)


def read_text(header: Dataset) -> str | None:
    """What `add_text` put in; None if another made the object."""
    try:
        told = header.private_block(_GROUP, _CREATOR)[_ELEMENT].value
    except KeyError:
        return None
    return told.rstrip(b"\0 ").decode() if isinstance(told, bytes) else str(told)  # bytes, where types are not stored
