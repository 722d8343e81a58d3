"""What methods are shown: a photograph degraded by parameters that lie on disk, or as it is."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
from numpy.typing import NDArray

from cofenet.degradation import Parameters, sample, simulate
from cofenet.degradation.jpeg import Jpeg
from cofenet.degradation.preset import load_preset
from cofenet.degradation.ranges import Ranges
from cofenet.degradation.stored import load_parameters
from cofenet.degradation.table import FACTORS
from cofenet.evaluation.photographs import Square
from cofenet.fov import FieldOfView
from cofenet.geometry import Circle, Value, resize
from cofenet.io import write_atomically

Image = NDArray[np.uint8]

KINDS = ("111", "001", "010", "100", "000")
"""All that is wrong, uneven light, spots, blur, and the good photograph itself, which should come back as it is."""

SEVERITIES = (1.0, 0.75, 0.5, 0.25)
SIZES = (256, 384, 768, 1024)
QUALITIES = (90, 70, 50, 30, 10)
COARSE = (256, 128)
"""Pixels of a poor camera across the field of view."""

FRINGES = 0.004
"""By which red is larger and blue is smaller than green: a pixel at the edge of 512."""

FAMILIES = ("severity", "factor", "size", "jpeg", "side", "clinical", "unseen")


@dataclass(frozen=True)
class Scene:
    """One picture to be restored.

    Attributes:
        photograph: the name of the photograph it was made of.
        condition: what was done to it, a word.
        image: uint8 (S, S, 3), RGB, black outside the field of view.
        fov: the field of view.
        truth: the good photograph, like `image`; None if nobody has it.
        family: what conditions belong together on a curve.
        level: where it lies on that curve.
    """

    photograph: str
    condition: str
    image: Image
    fov: FieldOfView
    truth: Image | None
    family: str = "kind"
    level: float | None = None

    @property
    def place(self) -> PurePosixPath:
        """Where its picture, and an outside method's answer, lies: CONDITION/NAME.png."""
        name = PurePosixPath(self.photograph)
        return PurePosixPath(self.condition) / name.with_name(f"{name.name}.png")


@dataclass(frozen=True)
class Drawer:
    """Where parameters lie, so that every method, today and later, here and elsewhere, gets the same pictures.

    Attributes:
        folder: they are written here, NAME.CONDITION.json; those that are there are read.
        given: those of somebody else, under the same names; then none is drawn.
    """

    folder: Path
    given: Path | None = None

    def __call__(self, name: str, condition: str, draw: Callable[[np.random.Generator], Parameters]) -> Parameters:
        """The parameters of one condition of one photograph; drawn by a seed made of the file's name and condition.

        Raises:
            ParameterError: a file is missing from the given ones, or damaged.
            UnwritableError: they cannot be stored.
        """
        file = self.folder / f"{name}.{condition}.json"
        if self.given is not None:
            parameters = load_parameters(self.given / f"{name}.{condition}.json")
        elif file.exists():
            return load_parameters(file)
        else:
            seed = zlib.crc32(f"{PurePosixPath(name).name} {condition}".encode())
            parameters = draw(np.random.default_rng(seed))
        write_atomically(file, parameters.to_json().encode())
        return parameters


@dataclass(frozen=True)
class Kinds:
    """The published kinds, each drawn from the preset `published`; "000" leaves the photograph good."""

    kinds: tuple[str, ...] = KINDS

    def __call__(self, square: Square, drawer: Drawer) -> Iterator[Scene]:
        """Degrade a photograph by each kind."""
        for kind in self.kinds:
            if kind == "000":
                yield Scene(square.name, kind, square.image, square.fov, square.image)
            else:
                yield _degraded(square, kind, drawer(square.name, kind, partial(sample, kind=kind)))


@dataclass(frozen=True)
class Hardships:
    """What may be hard: rising severity, single factors, sizes, compression, the other eye, and much at once.

    `clinical` draws from all factors of that preset; `unseen` is what no preset has.
    """

    families: tuple[str, ...] = FAMILIES

    def __call__(self, square: Square, drawer: Drawer) -> Iterator[Scene]:
        """Each scene of the families that are asked for."""
        whole = drawer(square.name, "111", partial(sample, kind="111"))
        made: dict[str, Callable[[], Iterator[Scene]]] = {
            "severity": lambda: _severities(square, whole, drawer),
            "factor": lambda: _factors(square, drawer),
            "size": lambda: _sizes(square, whole),
            "jpeg": lambda: _compressed(square, whole, drawer),
            "side": lambda: _sides(square, whole),
            "clinical": lambda: iter([_clinical(square, drawer)]),
            "unseen": lambda: _unseen(square),
        }
        for family in self.families:
            yield from made[family]()


@dataclass(frozen=True)
class AsItIs:
    """The photograph itself, of which nobody has a better one."""

    def __call__(self, square: Square, drawer: Drawer) -> Iterator[Scene]:
        """That one scene."""
        del drawer
        yield Scene(square.name, "real", square.image, square.fov, None)


def _severities(square: Square, whole: Parameters, drawer: Drawer) -> Iterator[Scene]:
    for severity in SEVERITIES:
        name = f"severity-{severity:.2f}"
        softened = drawer(square.name, name, partial(_fixed, whole.scaled(severity)))
        yield replace(_degraded(square, name, softened), family="severity", level=severity)


def _factors(square: Square, drawer: Drawer) -> Iterator[Scene]:
    """Every factor there is, alone, from the clinical preset or else the published one."""
    presets = [load_preset(name).ranges for name in ("published", "clinical")]
    ranges = {part.factor: part for preset in presets for part in preset}
    for name, table in FACTORS.items():
        if table.factor in ranges:
            drawn = drawer(square.name, f"factor-{name}", partial(_alone, ranges[table.factor]))
            yield replace(_degraded(square, f"factor-{name}", drawn), family="factor")


def _alone(part: Ranges, rng: np.random.Generator) -> Parameters:
    return Parameters(factors=(part.draw(rng),))


def _fixed(parameters: Parameters, rng: np.random.Generator) -> Parameters:
    """Parameters that follow from others: no chance is in them."""
    del rng
    return parameters


def _sizes(square: Square, whole: Parameters) -> Iterator[Scene]:
    """The same degradation of the same photograph at other sizes, with the detail that it has there."""
    for size in SIZES:
        yield replace(_degraded(square.at(size), f"size-{size}", whole), family="size", level=float(size))


def _compressed(square: Square, whole: Parameters, drawer: Drawer) -> Iterator[Scene]:
    for quality in QUALITIES:
        step = Jpeg(quality=quality, size=len(square.image))
        name = f"jpeg-{quality}"
        parameters = drawer(square.name, name, partial(_fixed, Parameters(factors=(*whole.factors, step))))
        yield replace(_degraded(square, name, parameters), family="jpeg", level=float(quality))


def _sides(square: Square, whole: Parameters) -> Iterator[Scene]:
    """The degraded photograph and its mirror image: the other eye, for all that a method can know."""
    scene = _degraded(square, "side-given", whole)
    yield replace(scene, family="side", level=0.0)
    size = len(square.image)
    circle = Circle(size - square.fov.circle.x, square.fov.circle.y, square.fov.circle.radius)
    fov = FieldOfView(_mirrored(square.fov.mask), circle, square.fov.confidence)
    image, truth = _mirrored(scene.image), _mirrored(square.image)
    yield Scene(square.name, "side-mirrored", image, fov, truth, "side", 1.0)


def _clinical(square: Square, drawer: Drawer) -> Scene:
    drawn = drawer(square.name, "clinical", partial(sample, preset="clinical"))
    return replace(_degraded(square, "clinical", drawn), family="clinical")


def _unseen(square: Square) -> Iterator[Scene]:
    """What no preset has, so that no network of ours can have learned it; no chance is in it."""
    for pixels in COARSE:
        few = resize(resize(square.image, (pixels, pixels)), square.image.shape[:2])
        yield _changed(square, f"unseen-{pixels}-pixels", few)
    yield _changed(square, "unseen-fringes", _fringed(square.image))


def _changed(square: Square, condition: str, image: Image) -> Scene:
    seen = np.where(square.fov.mask[..., None], image, np.uint8(0))
    return Scene(square.name, condition, seen, square.fov, square.image, "unseen")


def _fringed(image: Image) -> Image:
    """Lateral chromatic aberration: each colour is imaged at a size of its own, about the middle."""
    middle, size = len(image) / 2, image.shape[1::-1]
    planes = [
        cv2.warpAffine(plane, cv2.getRotationMatrix2D((middle - 0.5, middle - 0.5), 0, scale), size)
        for plane, scale in zip(cv2.split(image), (1 + FRINGES, 1, 1 - FRINGES), strict=True)
    ]
    return np.asarray(cv2.merge(planes), np.uint8)


def _mirrored(plane: NDArray[Value]) -> NDArray[Value]:
    return np.ascontiguousarray(plane[:, ::-1])


def _degraded(square: Square, condition: str, parameters: Parameters) -> Scene:
    image = np.asarray(simulate(square.image, parameters, square.fov), np.uint8)
    return Scene(square.name, condition, image, square.fov, square.image)
