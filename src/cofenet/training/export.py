"""Bring trained networks into one ONNX file with its card."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import onnx
import torch
from torch import nn

from cofenet.engine.card import Card, Data, Tensor, load_card
from cofenet.engine.session import Session
from cofenet.errors import ModelError, UsageError
from cofenet.networks.assessor import FACTORS, GRADES, Assessment, Calibration
from cofenet.networks.detail import Detail
from cofenet.networks.field import GRID, INPUT, IlluminationField
from cofenet.networks.light import Light
from cofenet.networks.reference import Reference, Residual
from cofenet.networks.segmentation import Probability, Segmenter
from cofenet.networks.sharpening import FINE, FINE_TAPS, Sharpening
from cofenet.training import own
from cofenet.training.calibration import calibrate
from cofenet.training.half import halve
from cofenet.training.origin import Training, data_of, history_of
from cofenet.training.pretrained import mean_of, parts_of
from cofenet.training.run import Run

TILE = 512
"""Pixels a side of the tiles in which vessels are looked for."""

_LICENCE = "Research use only: the training photographs' terms forbid more."

_TOLERANCE = 1e-4
"""Largest difference between PyTorch and ONNX that is let through, of values about 1."""

_HALF_TOLERANCE = 1 / 255
"""The same for weights in half precision: a grey level."""


@dataclass(frozen=True)
class Exported:
    """What goes into one ONNX file: a network of named inputs and outputs."""

    network: nn.Module
    description: str
    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]


def export(
    given: Sequence[str | Path],
    destination: Path,
    terms: Path | None = None,
    calibration: Path | None = None,
    *,
    half: bool = False,
) -> Card:
    """Export the network of a run; or of a field, a detail and, if wanted, a sharpening as one model for correction.

    Of several runs that train the same network, one begun with the weights of the other, the mean of the weights is
    taken (Wortsman et al., ICML 2022): it keeps what each has learned.

    Args:
        given: the run folders; and, where some of field, detail and sharpening are to stay as they are, the name or
            path of the model for correction that has them.
        destination: the ONNX file; the card gets the ending .json.
        terms: a TOML file with the terms of each source of photographs; `origin.TERMS` if it is not given and one is
            needed, which it is not for a user's own photographs.
        calibration: the manifest on whose split "val" the grades of a quality network are calibrated; they stay as
            they were learned if it is not given.
        half: store the weights in half precision.

    Raises:
        UsageError: the runs do not make a model, or the terms of one of their sources are not known.
        ModelError: a checkpoint is damaged, or PyTorch and onnxruntime disagree; nothing is left behind.
    """
    runs = [Run(Path(one)) for one in given if Path(one).is_dir()]
    models = [str(one) for one in given if not Path(one).is_dir()]
    parts: dict[str, list[Run]] = {}
    for run in runs:
        parts.setdefault(run.recipe().network, []).append(run)
    networks = {name: _mean([run.averaged() for run in alike]) for name, alike in parts.items()}
    kept = {name: network for model in models for name, network in parts_of(model).items() if name not in networks}
    match sorted(networks | kept):
        case ["detail", "field"] | ["detail", "field", "sharpening"]:
            size = parts["detail"][-1].recipe().canvas if "detail" in parts else load_card(models[-1]).working_size
            exported = light(**(networks | kept), size=size)  # type: ignore[arg-type]
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
                f"give those of field and detail, or one of reference, quality, {', '.join(_SEGMENTERS)}"
            )
    cards = [load_card(model) for model in models]
    training: Training = {key: value for card in cards for key, value in card.training.items() if _about(key) in kept}
    for name, alike in parts.items():
        prefix = f"{name}_" if len(networks | kept) > 1 else ""
        training |= {f"{prefix}{key}": value for key, value in history_of(alike).items()}
    return write(exported, destination, data_of(runs, cards, terms), training, half=half)


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


def light(field: IlluminationField, detail: Detail, sharpening: Sharpening | None = None, *, size: int) -> Exported:
    """The model for correction, which restores detail at the size (of the whole photograph) at which it learned to."""
    sharpens = {
        "sharpened": Tensor(shape=(1, 3, size, size), meaning="the part of the residual that sharpens"),
        "filters": Tensor(
            shape=(1, 2, FINE_TAPS),
            meaning=f"along rows and columns, to sharpen the photograph at {FINE * size} pixels instead",
        ),
    }
    return Exported(
        Light(field, detail, sharpening), "Corrects retinal fundus photographs: uneven light, spots and blur.",
        {
            "whole": Tensor(shape=(1, 4, INPUT, INPUT), meaning="RGB and field of view, 0 to 1, whole photograph"),
            "local": Tensor(shape=(1, 4, size, size), meaning="the same at working size"),
        },
        {
            "field": Tensor(shape=(1, 12, GRID, GRID), meaning="3 x 4 colour transforms, differences from identity"),
            "residual": Tensor(shape=(1, 3, size, size), meaning="to be added first, -1 to 1"),
            "activation": Tensor(shape=(1, 1, size, size), meaning="where it is degraded, 0 to 1"),
        } | (sharpens if sharpening else {}),
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


def write(
    exported: Exported, destination: Path, data: tuple[Data, ...], training: Training, *, half: bool = False
) -> Card:
    """Write a model as ONNX with its card beside it.

    Args:
        exported: the trained network.
        destination: the ONNX file; the card gets the ending .json.
        data: what was learned from.
        training: how.
        half: store the weights in half precision, see `half`.

    Raises:
        UsageError: the destination does not end in .onnx.
        ModelError: PyTorch and onnxruntime disagree; nothing is left behind.
    """
    if destination.suffix != ".onnx":
        raise UsageError(f"{destination}: the name must end in .onnx")
    network = exported.network.eval()
    generator = torch.Generator().manual_seed(0)
    example = {name: torch.rand(tensor.shape, generator=generator) for name, tensor in exported.inputs.items()}
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".cofenet-", dir=destination.parent) as folder:
        weights = Path(folder, destination.name)
        torch.onnx.export(
            network, tuple(example.values()), weights,
            input_names=list(exported.inputs), output_names=list(exported.outputs),
            opset_version=18, dynamo=True, external_data=False, optimize=True, verbose=False,
        )  # fmt: skip
        _tidy(weights, half=half)
        card = _card(exported, weights, data, training)
        weights.with_suffix(".json").write_text(json.dumps(card.model_dump(), indent=2) + "\n", "utf-8")
        _compare(network, weights, example, _HALF_TOLERANCE if half else _TOLERANCE)
        for made in (weights, weights.with_suffix(".json")):
            made.replace(destination.with_name(made.name))
    return card


def _card(exported: Exported, weights: Path, data: tuple[Data, ...], training: Training) -> Card:
    return Card(
        name=weights.stem, file=weights.name, sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
        description=exported.description, inputs=exported.inputs, outputs=exported.outputs,
        data=data, training=training, parameters=sum(p.numel() for p in exported.network.parameters()),
        licence=_LICENCE if {part.source for part in data} != {own.SOURCE} else own.LICENCE, figures={},
    )  # fmt: skip


def _tidy(weights: Path, *, half: bool) -> None:
    """Remove what the exporter notes of the machine it ran on, stack traces with paths; halve the weights if wanted."""
    model = onnx.load(weights)
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    if half:
        halve(model)
    onnx.save(model, weights)


@torch.no_grad()
def _compare(network: nn.Module, weights: Path, example: dict[str, torch.Tensor], tolerance: float) -> None:
    ours = network(*example.values())
    theirs = Session(str(weights)).run(**{name: tensor.numpy() for name, tensor in example.items()})
    for tensor, (name, array) in zip(ours if isinstance(ours, tuple) else (ours,), theirs.items(), strict=True):
        difference = float(np.abs(tensor.numpy() - array).max())
        if not difference <= tolerance:
            raise ModelError(f"PyTorch and ONNX disagree in {name}: {difference:.2e}")
