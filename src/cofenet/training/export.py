"""Bring trained networks into one ONNX file with its card."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from torch import nn

from cofenet.engine.card import Card, Tensor, load_card
from cofenet.errors import UsageError
from cofenet.networks.assessor import FACTORS, GRADES, Assessment, Calibration
from cofenet.networks.detail import Detail
from cofenet.networks.field import GRID, INPUT, IlluminationField
from cofenet.networks.fine import Fine
from cofenet.networks.light import Light
from cofenet.networks.reference import Reference, Residual
from cofenet.networks.segmentation import Probability, Segmenter
from cofenet.networks.sharpening import FINE, FINE_TAPS, Sharpening
from cofenet.training import int8
from cofenet.training.calibration import calibrate
from cofenet.training.onnx_file import Exported, write
from cofenet.training.origin import Training, data_of, history_of
from cofenet.training.pretrained import mean_of, parts_of
from cofenet.training.run import Run

TILE = 512
"""Pixels a side of the tiles in which vessels are looked for."""

_STRUCTURES = {"coarse", "fine"}
"""Parts of a model for correction that learn from what its sharpening makes."""

_log = logging.getLogger(__name__)


def export(
    given: Sequence[str | Path],
    destination: Path,
    terms: Path | None = None,
    calibration: Path | None = None,
    *,
    half: bool = False,
    integers: Path | None = None,
) -> Card:
    """Export the network of a run; or of a field and a detail as one model for correction.

    Beside these two that may have a sharpening, and with a sharpening parts for coarse and fine structures. Of several
    runs that train the same network, one begun with the weights of the other, the mean of the weights is taken
    (Wortsman et al., ICML 2022): it keeps what each has learned.

    Args:
        given: the run folders; and, where some of these five are to stay as they are, the name or path of the
            model for correction that has them. Parts for structures stay only if sharpening and size do.
        destination: the ONNX file; the card gets the ending .json.
        terms: a TOML file with the terms of each source of photographs; `origin.TERMS` if it is not given and one is
            needed, which it is not for a user's own photographs.
        calibration: the manifest on whose split "val" the grades of a quality network are calibrated; they stay as
            they were learned if it is not given.
        half: store the weights in half precision.
        integers: the manifest on whose split "train" the ranges of what a model for correction calculates in integers
            are taken, see `int8`; it calculates in floats alone if it is not given.

    Raises:
        UsageError: the runs do not make a model, or the terms of one of their sources are not known; or integers are
            asked of a model that is not for correction, or the manifest shows too few photographs.
        ModelError: a checkpoint is damaged, or PyTorch and onnxruntime disagree; nothing is left behind.
    """
    runs = [Run(Path(one)) for one in given if Path(one).is_dir()]
    models = [str(one) for one in given if not Path(one).is_dir()]
    parts: dict[str, list[Run]] = {}
    for run in runs:
        parts.setdefault(run.recipe().network, []).append(run)
    networks = {name: _mean([run.averaged() for run in alike]) for name, alike in parts.items()}
    kept = {name: network for model in models for name, network in parts_of(model).items() if name not in networks}
    if "sharpening" in networks or (kept and _size(parts, models) != load_card(models[-1]).working_size):
        for part in _STRUCTURES & kept.keys():
            _log.warning("%s is left out: it learned from what another sharpening makes, or at another size", part)
            del kept[part]
    match sorted(networks | kept):
        case names if _make_light(names):
            exported = light(**(networks | kept), size=_size(parts, models))  # type: ignore[arg-type]
        case ["reference"]:
            exported = reference(cast("Reference", networks["reference"]), parts["reference"][-1].recipe().size)
        case ["quality" | "quality-fusion" as name]:
            network, size, seen = networks[name], parts[name][-1].recipe().size, runs[0].folder.parent / "cache"
            exported = quality(network, size, calibrate(network, calibration, size, seen) if calibration else None)
        case [name] if name in _SEGMENTERS:
            exported = _SEGMENTERS[name](cast("Segmenter", networks[name]))
        case found:
            raise UsageError(
                f"{', '.join(map(str, given))}: runs of {', '.join(found)} make no model; "
                f"give those of field and detail, perhaps with sharpening and, beside that, coarse and fine, "
                f"or one of reference, quality, {', '.join(_SEGMENTERS)}"
            )
    cards = [load_card(model) for model in models]
    training: Training = {key: value for card in cards for key, value in card.training.items() if _about(key) in kept}
    for name, alike in parts.items():
        prefix = f"{name}_" if len(networks | kept) > 1 else ""
        training |= {f"{prefix}{key}": value for key, value in history_of(alike).items()}
    if any("integers" in card.training for card in cards) and not integers:
        _log.warning("calculates in floats alone: ranges of integers are not kept, but taken anew (--int8)")
    scenes = _scenes(exported, integers) if integers else []
    training |= {"integers": f"{int8.LAYERS}*"} if scenes else {}
    return write(exported, destination, data_of(runs, cards, terms), training, half=half, scenes=scenes)


def _scenes(exported: Exported, manifest: Path) -> list[int8.Inputs]:
    if not isinstance(exported.network, Light):
        raise UsageError("only a model for correction with a detail may calculate in integers")
    return int8.scenes(manifest, {name: tensor.shape for name, tensor in exported.inputs.items()})


def _make_light(names: list[str]) -> bool:
    """Whether these are the parts of a model for correction."""
    more = set(names) - {"field", "detail"}
    return len(names) == len(more) + 2 and more <= {"sharpening"} | (_STRUCTURES if "sharpening" in more else set())


def _size(parts: dict[str, list[Run]], models: list[str]) -> int:
    """Pixels a side at which a model for correction restores detail: those at which the detail learned to."""
    return parts["detail"][-1].recipe().canvas if "detail" in parts else load_card(models[-1]).working_size


def _about(key: str) -> str:
    """Which part of a model a line of its card's history is about."""
    return key.partition("_")[0]


def _mean(networks: list[nn.Module]) -> nn.Module:
    """The first network with the mean of all their weights."""
    try:
        networks[0].load_state_dict(mean_of([network.state_dict() for network in networks]))
    except (KeyError, RuntimeError) as error:
        raise UsageError("the runs' networks differ in shape: they have no mean") from error
    return networks[0]


def light(
    field: IlluminationField,
    detail: Detail,
    sharpening: Sharpening | None = None,
    coarse: Fine | None = None,
    fine: Fine | None = None,
    *,
    size: int,
) -> Exported:
    """The model for correction, which restores detail at the size (of the whole photograph) at which it learned to."""
    sharpens = {
        "sharpened": Tensor(shape=(1, 3, size, size), meaning="the part of the residual that sharpens"),
        "filters": Tensor(
            shape=(1, 2, FINE_TAPS),
            meaning=f"along rows and columns, to sharpen the photograph at {FINE * size} pixels instead",
        ),
    }
    coarse_out = Tensor(
        shape=(1, 3, size, size), meaning="the part of the residual that undoes blur that sharpening leaves"
    )
    large = FINE * size
    fine_in = Tensor(
        shape=(1, 7, large, large),
        meaning="the photograph at that size, or none: RGB, sharpened, field of view, 0 to 1, what sharpening added",
    )
    fine_out = Tensor(shape=(1, 3, large, large), meaning="to be added to it, -1 to 1")
    return Exported(
        Light(field, detail, sharpening, coarse, fine),
        "Corrects retinal fundus photographs: uneven light, spots and blur.",
        {
            "whole": Tensor(shape=(1, 4, INPUT, INPUT), meaning="RGB and field of view, 0 to 1, whole photograph"),
            "local": Tensor(shape=(1, 4, size, size), meaning="the same at working size"),
        } | ({"large": fine_in} if fine else {}),
        {
            "field": Tensor(shape=(1, 12, GRID, GRID), meaning="3 x 4 colour transforms, differences from identity"),
            "residual": Tensor(shape=(1, 3, size, size), meaning="to be added first, -1 to 1"),
            "activation": Tensor(shape=(1, 1, size, size), meaning="where it is degraded, 0 to 1"),
        }
        | (sharpens if sharpening else {})
        | ({"coarse": coarse_out} if coarse else {})
        | ({"fine": fine_out} if fine else {}),
        frozenset({"large"} if fine else ()),
    )  # fmt: skip


def reference(network: Reference, size: int) -> Exported:
    """The reference as a model for correction, at the size it was trained at: all it changes is residual."""
    seen = "where it is degraded, 0 to 1" if network.activation else "0: this variant has no activation"
    return Exported(
        Residual(network), "Corrects retinal fundus photographs: cofe-Net, trained anew.",
        {
            "whole": Tensor(shape=(1, 4, INPUT, INPUT), meaning="not looked at; as for other models for correction"),
            "local": Tensor(shape=(1, 4, size, size), meaning="RGB and field of view, 0 to 1, whole photograph"),
        },
        {
            "field": Tensor(shape=(1, 12, GRID, GRID), meaning="0: this network gives no colour transforms"),
            "residual": Tensor(shape=(1, 3, size, size), meaning="corrected minus given, -1 to 1"),
            "activation": Tensor(shape=(1, 1, size, size), meaning=seen),
        },
    )  # fmt: skip


def quality(assessor: nn.Module, size: int, calibration: Calibration | None = None) -> Exported:
    """The model for quality assessment."""
    return Exported(
        Assessment(assessor, calibration),
        "Grades a fundus photograph, and estimates what each low-quality factor took from it.",
        {"whole": Tensor(shape=(1, 4, size, size), meaning="RGB and field of view, 0 to 1, whole photograph")},
        {
            "probabilities": Tensor(shape=(1, len(GRADES)), meaning=f"of {', '.join(GRADES)}"),
            "severity": Tensor(shape=(1, len(FACTORS)), meaning=f"of {', '.join(FACTORS)}: 0 nothing taken, 1 all"),
        },
    )  # fmt: skip


def vessels(segmenter: Segmenter) -> Exported:
    """The model for vessels, which looks at tiles."""
    return _probabilities(segmenter, "Finds the vessels in a tile of a fundus photograph.", TILE, "vessels")


def disc_finder(segmenter: Segmenter) -> Exported:
    """The model that finds the disc in a whole photograph."""
    return _probabilities(segmenter, "Finds the optic disc in a whole fundus photograph.", 128, "disc", mirrored=True)


def disc(segmenter: Segmenter) -> Exported:
    """The model for disc and cup, which looks at a square around the disc."""
    return _probabilities(
        segmenter,
        "Outlines optic disc and optic cup, seen from near; the cup as a published network draws it.",
        160,
        "disc, cup",
        mirrored=True,
    )


_SEGMENTERS = {"vessels": vessels, "disc-finder": disc_finder, "disc": disc}


def _probabilities(
    segmenter: Segmenter, description: str, size: int, structures: str, *, mirrored: bool = False
) -> Exported:
    shape = (1, len(structures.split(", ")), size, size)
    return Exported(
        Probability(segmenter, mirrored=mirrored), description,
        {"local": Tensor(shape=(1, 4, size, size), meaning="RGB and field of view, 0 to 1")},
        {"probability": Tensor(shape=shape, meaning=f"of {structures}, 0 to 1")},
    )  # fmt: skip
