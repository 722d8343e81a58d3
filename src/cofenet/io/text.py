"""What `write_photograph` was told under "cofenet", read back: PNG iTXt, JPEG comment, TIFF ImageDescription, DICOM."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from PIL import Image

from cofenet.errors import UnreadableError
from cofenet.io.decode import decoding, opened
from cofenet.io.formats import Format, starts_as_dicom

_KEY = "cofenet"

_DESCRIPTION = 270
"""TIFF tag ImageDescription (TIFF 6.0, section 8)."""


def read_text(path: Path) -> str | None:
    """How a PNG, JPEG, TIFF or DICOM file says it was made; None if it does not say.

    Raises:
        UnreadableError: the file is missing, not permitted or none of these; or it is DICOM, which is not installed.
    """
    try:
        with path.open("rb") as stream, decoding(path):
            return _of_dicom(path) if starts_as_dicom(stream) else _of_picture(*opened(stream, path))
    except OSError as error:
        raise UnreadableError(error.strerror or str(error), path) from error


def _of_picture(picture: Image.Image, format_: Format) -> str | None:
    if format_ == "png":
        found = picture.info.get(_KEY)
        return None if found is None else str(found)
    told = picture.getexif().get(_DESCRIPTION, "") if format_ == "tiff" else picture.info.get("comment", b"")
    stored = told if isinstance(told, bytes) else str(told).encode("latin-1", "replace")  # as Pillow reads it
    lines = [line for line in stored.decode("utf-8", "replace").splitlines() if line.startswith(f"{_KEY}: ")]
    return lines[-1].removeprefix(f"{_KEY}: ") if lines else None


def _of_dicom(path: Path) -> str | None:
    if find_spec("pydicom") is None:
        raise UnreadableError("is a DICOM file, which needs the extra: pip install '.[dicom]'", path)
    from pydicom import dcmread  # noqa: PLC0415 - the core works without pydicom

    from cofenet.io.dicom_text import read_text as read_dicom_text  # noqa: PLC0415 - as above

    return read_dicom_text(dcmread(path, stop_before_pixels=True))
