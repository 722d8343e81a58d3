"""The model card: what a weights file expects, learned from, achieves, and may be used for."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cofenet.errors import ModelError


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Tensor(_Part):
    """One input or output: its shape, what the channels are, and the range of values."""

    shape: tuple[int, ...]
    meaning: str


class Data(_Part):
    """One source of training photographs and the terms under which it was used."""

    source: str
    photographs: int
    terms: str


class Card(_Part):
    """All that is known about a weights file.

    Attributes:
        name: as asked for by `--model`.
        file: the weights, beside the card.
        sha256: of that file; checked on loading.
        description: what the network does.
        inputs: by name.
        outputs: by name.
        data: the sources of the training photographs, with their terms.
        training: where the weights came from: recipes, steps done, and how well they did in validation.
        parameters: how many numbers were learned.
        licence: under which the weights may be used.
        figures: measured on the test split, by `make bench`.
    """

    name: str
    file: str = Field(pattern=r"^[^/\\]+$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    description: str
    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]
    data: tuple[Data, ...]
    training: dict[str, str | int | float]
    parameters: int
    licence: str
    figures: dict[str, float]

    @property
    def working_size(self) -> int:
        """Pixels a side of the square at which detail is restored."""
        return self.inputs["local"].shape[-1]

    @property
    def whole_size(self) -> int:
        """Pixels a side of the square in which the whole photograph is looked at."""
        return self.inputs["whole"].shape[-1]


def shipped() -> tuple[str, ...]:
    """Names of the models inside the package."""
    folder = resources.files("cofenet") / "weights"
    if not folder.is_dir():
        return ()
    return tuple(sorted(Path(item.name).stem for item in folder.iterdir() if item.name.endswith(".json")))


@cache
def load_card(name: str | Path) -> Card:
    """Read the card of a shipped model, or the card at a path.

    Raises:
        ModelError: there is no such card, or it is damaged.
    """
    path = card_path(name)
    try:
        return Card.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        known = ", ".join(shipped()) or "none"
        raise ModelError(f"no model {str(name)!r}: {path} is not there; shipped models: {known}") from error
    except OSError as error:
        raise ModelError(f"{path}: cannot read the card: {error.strerror}") from error
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"])) or "card"
        raise ModelError(f"{path}: damaged card: {where}: {problem['msg']}") from error


def card_path(name: str | Path) -> Path:
    """Where the card of a shipped model is, or of a model at a path (the card or the weights file)."""
    if isinstance(name, Path) or name.endswith((".json", ".onnx")):
        return Path(name).with_suffix(".json")
    return Path(str(resources.files("cofenet") / "weights" / f"{name}.json"))


def verified_weights(name: str | Path) -> bytes:
    """Read a model's weights.

    Raises:
        ModelError: the file is missing, or is not the one its card describes.
    """
    card = load_card(name)
    path = card_path(name).with_name(card.file)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot read the weights: {error.strerror}") from error
    if hashlib.sha256(content).hexdigest() != card.sha256:
        raise ModelError(f"{path}: the weights are damaged: their hash is not the one on the card")
    return content
