"""The methods that are compared: anything that makes a photograph of a photograph, under a name.

Built in are what the package has and what people use without a network. Others come from outside: a network with its
card, a folder of pictures somebody made, or a command (`outside.py`).
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cofenet.engine.card import load_card, shipped
from cofenet.errors import NotFundusError, UsageError
from cofenet.evaluation import classical
from cofenet.evaluation.dpfr import dpfr
from cofenet.evaluation.outside import Command, Folder
from cofenet.evaluation.scenes import Scene
from cofenet.fov import FieldOfView
from cofenet.tasks.correction import correct

Image = NDArray[np.uint8]
Restore = Callable[[Image, FieldOfView], Image]


class Method(Protocol):
    """Makes a picture of a scene."""

    def __call__(self, scene: Scene) -> Image:
        """A picture like `scene.image`; raises CofenetError where there is none."""

    @property
    def identity(self) -> str:
        """What changes when its answers may: results of another identity are computed again."""


def unchanged(image: Image, fov: FieldOfView) -> Image:
    """The photograph as it is: what every method must beat."""
    del fov
    return image


CLASSICAL: dict[str, Restore] = {
    "input": unchanged,
    "clahe": classical.clahe,
    "ben-graham": classical.ben_graham,
    "background-subtraction": classical.background_subtraction,
    "luminosity-contrast": classical.luminosity_contrast,
    "dpfr": dpfr,
    "gamma": classical.gamma,
    "retinex": classical.retinex,
}
"""Those without a network, by name."""

NETWORKS = ("light", "reference")
"""Those with one, where its weights are in the package."""

PUBLISHED = ("input", "clahe", "background-subtraction", "light")
"""Those of the README's tables."""


@dataclass(frozen=True)
class Classical:
    """A method of `CLASSICAL`."""

    name: str

    def __call__(self, scene: Scene) -> Image:
        """Restore."""
        return CLASSICAL[self.name](scene.image, scene.fov)

    @property
    def identity(self) -> str:
        """Its very programme: that of its module."""
        module = inspect.getmodule(CLASSICAL[self.name])
        return f"{self.name} {_hash(inspect.getsource(module) if module and self.name != 'input' else '')}"


@dataclass(frozen=True)
class Network:
    """A network for correction, shipped or by the path of its file; it finds the field of view itself."""

    model: str

    def __call__(self, scene: Scene) -> Image:
        """Correct; a picture in which it finds no field of view stays as it is, as a user would have it."""
        return restored(scene.image, self.model)

    @property
    def identity(self) -> str:
        """Its weights."""
        return f"{self.model} {load_card(self.model).sha256}"


def restored(image: Image, model: str = "light") -> Image:
    """What `correct` makes of a photograph; one in which it finds no field of view stays as it is.

    Not judged: tables say what the network does, not what the verdict keeps back.
    """
    try:
        return np.asarray(correct(image, model=model, judged=False).image, np.uint8)
    except NotFundusError:
        return image


def built_in() -> dict[str, Method]:
    """Every method of the package, by name."""
    found: dict[str, Method] = {name: Classical(name) for name in CLASSICAL}
    return found | {name: Network(name) for name in NETWORKS if name in shipped()}


def chosen(wanted: Sequence[str]) -> dict[str, Method]:
    """Methods as a user names them: NAME of one that is built in, or NAME=WHAT of one from outside.

    WHAT is a folder of pictures, an ONNX file with its card beside it, or a command with {input} and {output}. Given
    only such, the built-in ones take part, too. `input` always does.

    Raises:
        UsageError: there is no such method or folder, or a command names no {input} or {output}.
        ModelError: the network is damaged, or no network for correction.
    """
    inside = built_in()
    named = [text for text in wanted if "=" not in text]
    if unknown := [name for name in named if name not in inside]:
        raise UsageError(f"no method {unknown[0]!r}: there are {', '.join(inside)}; others are given as NAME=WHAT")
    found = {name: inside[name] for name in inside if not named or name in named or name == "input"}
    for text in wanted:
        if "=" in text:
            name, what = text.split("=", 1)
            if not name.replace("-", "").replace("_", "").replace(".", "").isalnum() or name in inside:
                raise UsageError(f"{text}: a method from outside needs a name of its own, of letters and digits")
            found[name] = from_outside(what)
    return found


def from_outside(what: str) -> Method:
    """A folder, a network or a command."""
    if "{input}" in what or "{output}" in what:
        return Command(what)
    if what.endswith(".onnx"):
        load_card(what)
        return Network(what)
    if Path(what).is_dir():
        return Folder(Path(what))
    raise UsageError(f"{what}: no folder, no .onnx file, and no command with {{input}} and {{output}}")


def identities(methods: Mapping[str, Method]) -> dict[str, str]:
    """Of each method."""
    return {name: method.identity for name, method in methods.items()}


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
