"""A training recipe: everything a run needs to know, in one TOML file."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from cofenet.degradation.preset import load_preset
from cofenet.errors import ParameterError, UsageError

Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Beta = Annotated[float, Field(ge=0, lt=1)]
Kind = Literal["000", "001", "010", "011", "100", "101", "110", "111"]
Network = Literal[
    "field", "detail", "sharpening", "coarse", "fine", "reference",
    "vessels", "disc-finder", "disc", "quality", "quality-fusion",
]  # fmt: skip
Loss = Literal[
    "absolute", "root_mean_square", "decibels", "gradient", "structure", "contrast", "chromaticity",
    "activation", "vessels", "disc",
    "cross_entropy", "overlap",
    "grade", "severity", "change",
]  # fmt: skip

_OF_PICTURES = {"absolute", "root_mean_square", "decibels", "gradient", "structure", "contrast", "chromaticity"}
_OF_STRUCTURES = {"cross_entropy", "overlap"}
_OF_QUALITY = {"grade", "severity", "change"}
_LOSSES: dict[str, set[str]] = {
    "field": _OF_PICTURES, "detail": _OF_PICTURES | {"activation"}, "sharpening": _OF_PICTURES,
    "coarse": _OF_PICTURES, "fine": _OF_PICTURES,
    "reference": _OF_PICTURES | {"activation", "vessels", "disc"},
    "vessels": _OF_STRUCTURES, "disc-finder": _OF_STRUCTURES, "disc": _OF_STRUCTURES,
    "quality": _OF_QUALITY, "quality-fusion": _OF_QUALITY,
}  # fmt: skip
"""The losses that each network may be trained by."""

_SEEN = {"coarse": 512, "fine": 1024}
"""Pixels a side of the photographs of which the networks for structures see patches, whatever the canvas."""

_STRUCTURE_SIZE = 192, 32
"""Smallest side of what the reference network may see with its retinal structure activation, and its divisor."""


def _some(weights: dict[str, float]) -> dict[str, float]:
    if not sum(weights.values()) > 0:
        raise ValueError("at least one weight must be above 0")
    return weights


def _known(presets: dict[str, float]) -> dict[str, float]:
    for name in presets:
        try:
            load_preset(name)
        except ParameterError as error:
            raise ValueError(str(error)) from error
    return presets


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Part):
    """Photographs to learn from: rows of the manifest.

    Attributes:
        tasks: rows of which tasks.
        labels: rows with which labels; empty for all.
        taught: nobody drew the structures on them: they are what the shipped networks see, before degradation.
    """

    tasks: tuple[str, ...] = ("clean",)
    labels: tuple[str, ...] = ()
    taught: bool = False


class Mixture(_Part):
    """How examples are drawn.

    Attributes:
        kinds: weight of each published kind; "000" leaves the photograph as it is.
        presets: weight of each sampling preset.
        partial: share of examples with a severity drawn from 0 to 1 instead of 1.
        recolor: share of photographs whose colours are changed first, as another camera would.
        spread: how much they are; 1 for what lies between cameras of one kind.
        contrast: the same for a gamma of all colours together, by which what is dark may become far darker; as `spread`
            if it is not told.
        cut: share of photographs cut off at top and bottom.
        taught: share of photographs to be segmented that come from sources that are taught.
        corrected: share of photographs to be segmented that `light`, as shipped, has corrected, as its users' are.
        scale: photographs to be segmented, and those for `coarse` and `fine`, are reduced to a share of the canvas from
            this range.
        pairs: an example for quality assessment is two pictures: of one degraded photograph, the second with another
            severity of one factor; or of two that people graded.
    """

    kinds: Annotated[dict[Kind, Weight], AfterValidator(_some)] = {"111": 1.0}
    presets: Annotated[dict[str, Weight], AfterValidator(_some), AfterValidator(_known)] = {"published": 1.0}
    partial: Share = 0.0
    recolor: Share = 0.0
    spread: Weight = 1.0
    contrast: Weight | None = None
    cut: Share = 0.0
    taught: Share = 0.0
    corrected: Share = 0.0
    scale: tuple[Annotated[float, Field(gt=0, le=1)], Annotated[float, Field(gt=0, le=1)]] = (1.0, 1.0)
    pairs: bool = False


class Shape(_Part):
    """What the reference network is made of.

    Attributes:
        width: channels at full resolution; 32 as published.
        lqa: with the low-quality activation.
        rsa: with the retinal structure activation.
        scales: 2: half size, then full size; 1: full size only.
    """

    width: Annotated[int, Field(ge=1)] = 32
    lqa: bool = True
    rsa: bool = True
    scales: Literal[1, 2] = 2


class Recipe(_Part):
    """A run.

    Attributes:
        name: what the recipe is called; its file's name if it does not say.
        network: what is trained.
        widths: its channels, of `coarse` and `fine` channels and blocks; empty for the network's own.
        reference: what the reference network is made of.
        sources: training photographs; validation uses the same tasks and labels of the split "val".
        even: leave out those whose own light is uneven, see `cofenet.training.evenness`; for networks that give
            a picture.
        mixture: how photographs are varied and degraded.
        canvas: pixels a side at which photographs are degraded.
        size: pixels a side of what the network sees: the whole photograph, or a patch.
        patches: patches a photograph, for networks that see patches.
        batch: photographs a step.
        steps: length of the run.
        rate: highest learning rate (AdamW); rises over `warmup` steps.
        schedule: then falls: "cosine", to a hundredth along a cosine; "linear", from the middle of the run to 0.
        betas: of AdamW.
        clip: largest norm of the gradient; 0 for any.
        decay: of the weights (AdamW).
        averaging: decay of the weights' exponential moving average, which is what is validated and exported.
        losses: weight of each loss.
        frozen: parts of the network, as its attributes are called, that stay as they begin.
        seed: of all that is drawn; example number i is a pure function of recipe, seed and i.
        validate_every: steps between validations.
    """

    name: str = ""
    network: Network
    widths: tuple[Annotated[int, Field(ge=1)], ...] = ()
    reference: Shape = Shape()
    sources: tuple[Source, ...] = Field((Source(),), min_length=1)
    even: bool = False
    mixture: Mixture = Mixture()
    canvas: int = Field(512, ge=32)
    size: int = Field(128, ge=32, multiple_of=16)
    patches: int = Field(1, ge=1)
    batch: int = Field(16, ge=1)
    steps: int = Field(ge=1)
    rate: float = Field(1e-3, gt=0)
    warmup: int = Field(100, ge=0)
    schedule: Literal["cosine", "linear"] = "cosine"
    betas: tuple[Beta, Beta] = (0.9, 0.99)
    clip: float = Field(1.0, ge=0, allow_inf_nan=False)
    decay: float = Field(1e-4, ge=0)
    averaging: float = Field(0.998, ge=0, lt=1)
    losses: Annotated[dict[Loss, Weight], AfterValidator(_some)]
    frozen: tuple[str, ...] = ()
    seed: int = Field(0, ge=0)
    validate_every: int = Field(500, ge=1)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        stages = {"field": 4, "detail": 3, "sharpening": 1, "coarse": 2, "fine": 2}.get(self.network)
        if self.widths and stages and len(self.widths) != stages:
            raise ValueError(f"widths: {self.network} has {stages}, got {len(self.widths)}")
        if self.size > (seen := _SEEN.get(self.network, self.size)):
            raise ValueError(f"size: {self.size} is more than the {seen} at which {self.network} sees photographs")
        if self.size > self.canvas:
            raise ValueError(f"size: {self.size} is more than canvas, {self.canvas}")
        for loss in self.losses:
            if loss not in _LOSSES[self.network]:
                raise ValueError(f"losses.{loss}: is not for {self.network}")
        if self.even and not _LOSSES[self.network] >= _OF_PICTURES:
            raise ValueError(f"even: is not for {self.network}")
        if "change" in self.losses and not self.mixture.pairs:
            raise ValueError("losses.change: needs mixture.pairs")
        self._check_taught()
        self._check_reference()
        return self

    def _check_taught(self) -> None:
        taught = [source.taught for source in self.sources]
        if any(taught) and (all(taught) or _OF_STRUCTURES.isdisjoint(self.losses)):
            raise ValueError("sources.taught: is for photographs to be segmented, beside those that people drew on")
        if any(taught) is not (self.mixture.taught > 0):
            raise ValueError("mixture.taught: goes with sources that are taught")

    def _check_reference(self) -> None:
        shape, ours = self.reference, self.network == "reference"
        if not ours and shape != Shape():
            raise ValueError(f"reference: is not for {self.network}")
        if ours and self.widths:
            raise ValueError("widths: the reference network has one, reference.width")
        smallest, divisor = _STRUCTURE_SIZE
        if ours and shape.rsa and (self.size < smallest or self.size % divisor):
            raise ValueError(f"size: with rsa it must be a multiple of {divisor} from {smallest} on, got {self.size}")
        for loss, there in (("activation", shape.lqa), ("vessels", shape.rsa)):
            if ours and loss in self.losses and not there:
                raise ValueError(f"losses.{loss}: {self.network} as it is has no {loss}")


def load_recipe(path: Path) -> Recipe:
    """Read a recipe, TOML, or the JSON that a run keeps.

    A recipe with a `base`, the path of another beside it, is that one but for the fields and tables it names itself.
    Presets that are files are beside it, too.

    Raises:
        UsageError: the file cannot be read, or a field is missing, unknown or wrong; the message names it.
    """
    try:
        return Recipe.model_validate({"name": path.stem} | _content(path))
    except ValidationError as error:
        problems = (": ".join([".".join(map(str, p["loc"])), p["msg"]]).removeprefix(": ") for p in error.errors())
        raise UsageError(f"{path}: {'; '.join(problems)}") from error
    except RecursionError as error:
        raise UsageError(f"{path}: base: goes round in a circle") from error
    except OSError as error:
        where = "" if error.filename == str(path) else f"{error.filename}: "
        raise UsageError(f"{path}: {where}{(error.strerror or str(error)).lower()}") from error
    except (ValueError, TypeError) as error:  # damaged TOML, JSON and UTF-8 are ValueErrors
        raise UsageError(f"{path}: {error}") from error


def _content(path: Path) -> dict[str, Any]:
    text = path.read_text("utf-8")
    content: dict[str, Any] = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    base = content.pop("base", None)
    if isinstance(mixture := content.get("mixture"), dict) and isinstance(presets := mixture.get("presets"), dict):
        mixture["presets"] = {_beside(path, name): weight for name, weight in presets.items()}
    return content if base is None else {**_content(path.parent / base), **content}


def _beside(recipe: Path, preset: str) -> str:
    return str((recipe.parent / preset).resolve()) if preset.endswith(".toml") else preset
