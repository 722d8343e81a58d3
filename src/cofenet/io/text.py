"""The text that `write_photograph` put into a file, read back: PNG iTXt, JPEG comment, TIFF ImageDescription, DICOM."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from cofenet.errors import UnreadableError
from cofenet.io.formats import starts_as_dicom

_DESCRIPTION = 270
"""TIFF tag ImageDescription (TIFF 6.0, section 8)."""


def read_text(path: Path, key: str = "cofenet") -> str | None:
    """What stands under `key` in a PNG, JPEG, TIFF or DICOM file; None if nothing does.

    Raises:
        UnreadableError: the file is missing, not permitted or none of these; or it is DICOM, which is not installed.
    """
    try:
        with path.open("rb") as stream:
            if starts_as_dicom(stream):
                return _of_dicom(path)
        with Image.open(path) as picture:
            return _of_picture(picture, key)
    except UnidentifiedImageError as error:
        raise UnreadableError("is not a PNG, JPEG, TIFF or DICOM image", path) from error
    except (OSError, ValueError, SyntaxError) as error:
        raise UnreadableError(getattr(error, "strerror", None) or str(error), path) from error


def _of_picture(picture: Image.Image, key: str) -> str | None:
    if picture.format == "PNG":
        found = picture.info.get(key)
        return None if found is None else str(found)
    told = picture.getexif().get(_DESCRIPTION, "") if picture.format == "TIFF" else picture.info.get("comment", b"")
    stored = told if isinstance(told, bytes) else str(told).encode("latin-1", "replace")  # as Pillow reads it
    lines = [line for line in stored.decode("utf-8", "replace").splitlines() if line.startswith(f"{key}: ")]
    return lines[-1].removeprefix(f"{key}: ") if lines else None


def _of_dicom(path: Path) -> str | None:
    if find_spec("pydicom") is None:
        raise UnreadableError("is a DICOM file, which needs the extra: pip install 'cofenet[dicom]'", path)
    from pydicom import dcmread  # noqa: PLC0415 - the core works without pydicom

    from cofenet.io.dicom_writing import read_text as read_dicom_text  # noqa: PLC0415 - as above

    return read_dicom_text(dcmread(path, stop_before_pixels=True))
