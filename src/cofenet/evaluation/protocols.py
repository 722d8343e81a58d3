"""The five protocols: which pictures are made of a photograph, and what is measured of what methods make of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cofenet.errors import UsageError
from cofenet.evaluation import measures
from cofenet.evaluation.photographs import Image, Square
from cofenet.evaluation.scenes import FAMILIES, KINDS, AsItIs, Drawer, Hardships, Kinds, Scene


@dataclass(frozen=True)
class Protocol:
    """A documented way to compare methods.

    Attributes:
        name: of the command.
        about: what it asks, in one sentence.
        primary: the measure by which methods are ordered, tested and called worse than the input.
        structure: the measure that a method must not lose while it wins on looks; empty where looks are not judged.
        size: pixels of the squares, unless told otherwise.
        scenes: which pictures are made of a photograph.
        measure: what is measured.
    """

    name: str
    about: str
    primary: str
    structure: str
    size: int
    scenes: Callable[[Square, Drawer], Iterator[Scene]]
    measure: Callable[[Square, Scene, Image], measures.Figures]


CONDITIONS: dict[str, tuple[str, ...]] = {
    "restoration": KINDS, "downstream": KINDS, "quality": KINDS, "robustness": FAMILIES, "real": (),
}  # fmt: skip
"""The protocols, and what each may be asked for."""


def protocol(name: str, conditions: tuple[str, ...] = ()) -> Protocol:
    """The protocol of that name, with some kinds (or, for robustness, families) instead of all.

    Raises:
        UsageError: it has no such conditions.
    """
    known = CONDITIONS[name]
    for condition in conditions:
        if condition not in known and not (known == KINDS and _is_kind(condition)):
            raise UsageError(f"{name} has {', '.join(known) or 'no conditions'}; got {condition!r}")
    return _made(name, conditions)


def _is_kind(text: str) -> bool:
    return len(text) == 3 and set(text) <= {"0", "1"}


def _made(name: str, conditions: tuple[str, ...]) -> Protocol:
    if name == "restoration":
        about = "How near do methods bring degraded photographs to the good ones they were made of?"
        return Protocol(name, about, "psnr", "", 512, Kinds(conditions or KINDS), measures.fidelity)
    if name == "downstream":
        about = "How well are vessels, disc, cup and lesions found on what methods make of degraded photographs?"
        scenes = Kinds(conditions or ("111", "000"))
        return Protocol(name, about, "vessel_dice", "", 768, scenes, measures.structures)
    if name == "quality":
        about = "How good do restored photographs look to a network, and is what they show still true?"
        scenes = Kinds(conditions or ("111", "000"))
        return Protocol(name, about, "score", "centreline_dice", 512, scenes, measures.quality)
    if name == "robustness":
        about = "What happens with rising severity, single factors, other sizes, compression, and the other eye?"
        return Protocol(name, about, "psnr", "", 512, Hardships(conditions or FAMILIES), measures.fidelity)
    about = "What do methods make of real low-quality photographs, of which nobody has a good one?"
    return Protocol(name, about, "score", "vessels_kept", 512, AsItIs(), measures.without_truth)
