"""What a run does to each photograph: one verb or a chain of them, checked before the work."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from cofenet import __version__
from cofenet.batch.outcome import Work
from cofenet.batch.places import Format, Places
from cofenet.batch.verbs.assess import Assess
from cofenet.batch.verbs.correct import Correct
from cofenet.batch.verbs.degrade import Degrade, drawn
from cofenet.batch.verbs.segment import MODELS, Segment
from cofenet.engine.card import load_card
from cofenet.engine.session import session
from cofenet.errors import UsageError
from cofenet.io.discover import renamed
from cofenet.tasks.quality import GRADES, Grade
from cofenet.tasks.safety import JUDGES
from cofenet.tasks.segmentation import STRUCTURES, Structure

Share = Annotated[float, Field(ge=0, le=1)]


class _Verb(BaseModel):
    """One verb with its settings.

    Attributes:
        grades: do it only if the last assessment gave one of these grades; empty for any.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    folder: ClassVar[str] = ""
    """Where in the destination its results go; empty if it has none but numbers."""
    makes_photographs: ClassVar[bool] = False
    """Whether the next verb goes on with the result."""
    grades: tuple[Grade, ...] = ()

    def models(self) -> tuple[str, ...]:
        """The networks it needs."""
        return ()

    def files(self) -> tuple[str, ...]:
        """Files, other than of networks, on which the result hangs."""
        return ()

    def work(self, places: Places, folder: Path) -> Work:
        """What it does to one file, with results below `folder`."""
        raise NotImplementedError

    def named(self, name: str) -> str:
        """What its result is called, for a photograph called `name`."""
        return name


class DoAssess(_Verb):
    """Grade and scores; see `cofenet assess`."""

    do: Literal["assess"] = "assess"

    def models(self) -> tuple[str, ...]:
        """The one that grades."""
        return ("quality",)

    def work(self, places: Places, folder: Path) -> Work:
        """Assess one file."""
        return Assess()


class DoCorrect(_Verb):
    """A corrected photograph; see `cofenet correct`."""

    folder: ClassVar[str] = "corrected"
    makes_photographs: ClassVar[bool] = True
    do: Literal["correct"] = "correct"
    model: str = "light"
    strength: Share = 1.0
    force: bool = False
    judge: bool = True
    format: Format = "same"

    def models(self) -> tuple[str, ...]:
        """The chosen one, and those that judge it."""
        return (self.model, *(JUDGES if self.judge else ()))

    def work(self, places: Places, folder: Path) -> Work:
        """Correct one file."""
        return Correct(places, self.model, self.strength, self.force, self.judge)

    def named(self, name: str) -> str:
        """With the ending of the chosen format."""
        return str(renamed(Path(name), self.format))


class DoSegment(_Verb):
    """Masks and measurements; see `cofenet segment`."""

    folder: ClassVar[str] = "segmented"
    do: Literal["segment"] = "segment"
    structures: tuple[Structure, ...] = Field(STRUCTURES, min_length=1)
    probabilities: bool = False
    overlays: bool = False
    dicom: bool = False

    def models(self) -> tuple[str, ...]:
        """Those of the structures."""
        return tuple(sorted({model for name in self.structures for model in MODELS[name]}))

    def work(self, places: Places, folder: Path) -> Work:
        """Segment one file."""
        wanted = tuple(name for name in STRUCTURES if name in self.structures)
        return Segment(
            places, wanted, probabilities=self.probabilities, overlays=self.overlays, dicom=self.dicom
        )  # fmt: skip


class DoDegrade(_Verb):
    """A low-quality version and its parameters; see `cofenet degrade`."""

    folder: ClassVar[str] = "degraded"
    makes_photographs: ClassVar[bool] = True
    do: Literal["degrade"] = "degrade"
    kind: str = "111"
    preset: str = "published"
    severity: Share = 1.0
    seed: int = Field(0, ge=0)
    format: Format = "same"

    def files(self) -> tuple[str, ...]:
        """A preset of one's own."""
        return (self.preset,) if self.preset.endswith(".toml") else ()

    def work(self, places: Places, folder: Path) -> Work:
        """Degrade one file."""
        return Degrade(places, drawn(self.kind, self.preset, self.seed, 1), self.severity, folder)

    def named(self, name: str) -> str:
        """With the ending of the chosen format."""
        return str(renamed(Path(name), self.format))


Verb = Annotated[DoAssess | DoCorrect | DoSegment | DoDegrade, Field(discriminator="do")]


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    step: tuple[Verb, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Step:
    """One verb in its place of the chain.

    Attributes:
        name: "assess", and "assess-2" where it comes again.
        verb: what is done.
        folder: where in the destination its results go; empty if it has none but numbers.
        model: hash of all weights it uses; empty if it uses none.
        parameters: all else on which the result hangs, with the version of this package, as JSON.
    """

    name: str
    verb: DoAssess | DoCorrect | DoSegment | DoDegrade
    folder: str
    model: str
    parameters: str

    def applies(self, grade: str | None) -> bool:
        """Whether it is to be done to a photograph of that grade."""
        return not self.verb.grades or grade in self.verb.grades

    def load(self) -> None:
        """Load its networks, which are then kept."""
        for name in self.verb.models():
            session(name)


Job = tuple[Step, ...]


def parse(text: str) -> Job:
    """Read what is to be done.

    Args:
        text: verbs with commas between, such as "assess,correct@usable+reject,assess", each with the grades for which
            it is done after "@", if not for all; or the path of a TOML file with a table `[[step]]` a verb.

    Raises:
        UsageError: it is not understood, a setting is wrong, or grades are asked for before any assessment.
        ModelError: there is no such model.
        ParameterError: there is no such preset or kind.
    """
    content = (
        _from_toml(Path(text)) if text.endswith(".toml") else {"step": [_inline(part) for part in text.split(",")]}
    )
    try:
        verbs = TypeAdapter(_File).validate_python(content).step
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"] if not isinstance(part, int))
        raise UsageError(f"{text}: {where}: {problem['msg']}") from error
    assessed = False
    for verb in verbs:
        if verb.grades and not assessed:
            raise UsageError(
                f"{text}: {verb.do} is for the grades {', '.join(verb.grades)}, but nothing assesses before"
            )
        assessed = assessed or verb.do == "assess"
    return tuple(_step(verbs, place) for place in range(len(verbs)))


def _inline(part: str) -> dict[str, object]:
    verb, _, grades = part.strip().partition("@")
    unknown = [grade for grade in grades.split("+") if grades and grade not in GRADES]
    if unknown:
        raise UsageError(f"{part}: {', '.join(unknown)} is none of the grades {', '.join(GRADES)}")
    return {"do": verb} | ({"grades": tuple(grades.split("+"))} if grades else {})


def _from_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from error
    except ValueError as error:
        raise UsageError(f"{path}: is no TOML: {error}") from error


def _step(verbs: Sequence[Any], place: int) -> Step:
    verb = verbs[place]
    again = sum(other.do == verb.do for other in verbs[:place]) + 1
    ordinal = f"-{again}" if again > 1 else ""
    if verb.do == "degrade":
        drawn(verb.kind, verb.preset, verb.seed, 1)
    hashes = [load_card(name).sha256 for name in verb.models()]
    model = hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest() if hashes else ""
    files = {name: hashlib.sha256(Path(name).read_bytes()).hexdigest() for name in verb.files()}
    parameters = {"cofenet": __version__} | verb.model_dump() | ({"files": files} if files else {})
    folder = f"{verb.folder}{ordinal}" if verb.folder else ""
    return Step(f"{verb.do}{ordinal}", verb, folder, model, json.dumps(parameters, sort_keys=True))
