"""Every failure a caller may meet.

::

    CofenetError
    ├── PhotographError          one photograph cannot be worked on; the others can
    │   ├── UnreadableError      not an image, truncated, empty, no permission
    │   ├── TooLargeError        more pixels than we agree to decode
    │   ├── NotFundusError       a picture in which no retinal field of view is found
    │   └── UnwritableError      the result cannot be stored
    ├── ParameterError           a degradation parameter is missing, unknown or out of range
    ├── ModelError               a weights file is missing, damaged or does not fit its card
    └── UsageError               the request itself makes no sense
"""

from __future__ import annotations

from pathlib import Path


class CofenetError(Exception):
    """Base of all errors raised on purpose by this package."""


class PhotographError(CofenetError):
    """One photograph cannot be worked on.

    Attributes:
        reason: what is wrong, as a phrase without the file's name.
        path: the file, if the photograph came from one.
    """

    def __init__(self, reason: str, path: Path | None = None) -> None:
        super().__init__(reason if path is None else f"{path}: {reason}")
        self.reason = reason
        self.path = path

    def at(self, path: Path) -> PhotographError:
        """Return the same error naming `path`."""
        return type(self)(self.reason, path)


class UnreadableError(PhotographError):
    """The file cannot be read as a photograph."""


class TooLargeError(PhotographError):
    """The photograph has more pixels than may be decoded."""


class NotFundusError(PhotographError):
    """No retinal field of view is found in the picture, or none that shows anything."""


class UnwritableError(PhotographError):
    """The result cannot be stored."""


class ParameterError(CofenetError):
    """A degradation parameter is missing, unknown or out of range; the message names the field."""


class ModelError(CofenetError):
    """A weights file is missing, damaged or does not fit its card."""


class UsageError(CofenetError):
    """The request itself makes no sense."""
