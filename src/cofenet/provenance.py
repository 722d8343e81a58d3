"""What was done to a photograph, in a form that can travel with the result."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

from cofenet.geometry import Circle, Crop


@dataclass(frozen=True)
class Provenance:
    """How a result was made.

    Attributes:
        version: of this package.
        operation: the verb, for example "correct".
        model: name of the network.
        model_sha256: hash of its weights file.
        settings: what the caller chose.
        circle: the circle of the field of view, pixels of the photograph.
        fov_confidence: how sure its finding was, 0 to 1.
        crop: the square given to the network, and its working size.
        verdict: of a correction its status, the rule that decided, the reasons, and whether it was made by force.
    """

    version: str
    operation: str
    model: str
    model_sha256: str
    settings: dict[str, float | str | bool]
    circle: Circle
    fov_confidence: float
    crop: Crop
    verdict: dict[str, object] | None = None

    def to_dict(self) -> dict[str, object]:
        """Plain dicts, numbers and strings."""
        return dataclasses.asdict(self)

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(self.to_dict(), sort_keys=True)
