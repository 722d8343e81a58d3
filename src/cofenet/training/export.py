"""Bring trained networks into one ONNX file with its card."""

from __future__ import annotations

import hashlib
import json
import tempfile
import tomllib
from pathlib import Path
from typing import cast

import numpy as np
import onnx
import torch

from cofenet.engine.card import Card, Data, Tensor
from cofenet.engine.session import Session
from cofenet.errors import ModelError, UsageError
from cofenet.networks.detail import Detail
from cofenet.networks.field import GRID, INPUT, IlluminationField
from cofenet.networks.light import Light
from cofenet.training.run import Run

WORKING_SIZE = 512
"""Pixels a side at which detail is restored: that of the published degradation and networks."""

Training = dict[str, str | int | float]

_TOLERANCE = 1e-4
"""Largest difference between PyTorch and ONNX that is let through, of values about 1."""


def export_light(field: Path, detail: Path, destination: Path, terms: Path) -> Card:
    """Export the networks of two runs.

    Args:
        field: the run folder of the illumination field.
        detail: the run folder of the detail.
        destination: the ONNX file; the card gets the ending .json.
        terms: a TOML file with the terms of each source of photographs.

    Raises:
        UsageError: a folder is not a run of that network, or the terms of one of its sources are not known.
        ModelError: a checkpoint is damaged, or PyTorch and onnxruntime disagree; nothing is left behind.
    """
    runs = {"field": Run(field), "detail": Run(detail)}
    training: Training = {}
    for part, run in runs.items():
        if run.recipe().network != part:
            raise UsageError(f"{run.folder}: a run of {run.recipe().network}, not of {part}")
        training |= {f"{part}_{name}": value for name, value in _history(run).items()}
    networks = (cast("IlluminationField", runs["field"].averaged()), cast("Detail", runs["detail"].averaged()))
    return write_light(*networks, destination, _data(list(runs.values()), terms), training)


def write_light(
    field: IlluminationField, detail: Detail, destination: Path, data: tuple[Data, ...], training: Training
) -> Card:
    """Write `light` as ONNX with its card beside it.

    Args:
        field: the trained illumination field.
        detail: the trained detail.
        destination: the ONNX file; the card gets the ending .json.
        data: what was learned from.
        training: how.

    Raises:
        UsageError: the destination does not end in .onnx.
        ModelError: PyTorch and onnxruntime disagree; nothing is left behind.
    """
    if destination.suffix != ".onnx":
        raise UsageError(f"{destination}: the name must end in .onnx")
    light = Light(field, detail).eval()
    generator = torch.Generator().manual_seed(0)
    example = tuple(torch.rand(1, 4, size, size, generator=generator) for size in (INPUT, WORKING_SIZE))
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".cofenet-", dir=destination.parent) as folder:
        weights = Path(folder, destination.name)
        torch.onnx.export(
            light, example, weights, input_names=["whole", "local"], output_names=["field", "residual", "activation"],
            opset_version=18, dynamo=True, external_data=False, optimize=True, verbose=False,
        )  # fmt: skip
        _strip(weights)
        card = _card(weights, sum(p.numel() for p in light.parameters()), data, training)
        weights.with_suffix(".json").write_text(json.dumps(card.model_dump(), indent=2) + "\n", "utf-8")
        _compare(light, weights, example)
        for made in (weights, weights.with_suffix(".json")):
            made.replace(destination.with_name(made.name))
    return card


def _card(weights: Path, parameters: int, data: tuple[Data, ...], training: Training) -> Card:
    return Card(
        name=weights.stem, file=weights.name, sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
        description="Corrects retinal fundus photographs: uneven light, spots and blur.",
        inputs={
            "whole": Tensor(shape=(1, 4, INPUT, INPUT), meaning="RGB and field of view, 0 to 1, whole photograph"),
            "local": Tensor(shape=(1, 4, WORKING_SIZE, WORKING_SIZE), meaning="the same at working size"),
        },
        outputs={
            "field": Tensor(shape=(1, 12, GRID, GRID), meaning="3 x 4 colour transforms, differences from identity"),
            "residual": Tensor(shape=(1, 3, WORKING_SIZE, WORKING_SIZE), meaning="to be added first, -0.5 to 0.5"),
            "activation": Tensor(shape=(1, 1, WORKING_SIZE, WORKING_SIZE), meaning="where it is degraded, 0 to 1"),
        },
        data=data, training=training, parameters=parameters,
        licence="Research use only: the training photographs' terms forbid more.", figures={},
    )  # fmt: skip


def _history(run: Run) -> Training:
    """Recipe, steps done and the figures of the last validation."""
    history: Training = {"recipe": run.recipe().name, "steps": run.load()["step"]}
    rows = run.rows()
    if rows:
        history |= {name: float(rows[-1][name]) for name in ("psnr_input", "psnr")}
    return history


def _data(runs: list[Run], terms: Path) -> tuple[Data, ...]:
    """Every source of photographs; one that several runs learned from counts as in the run that saw most of it."""
    try:
        known = tomllib.loads(terms.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{terms}: {error}") from error
    counts: dict[str, int] = {}
    for run in runs:
        for source, count in run.sources().items():
            counts[source] = max(count, counts.get(source, 0))
    unknown = [source for source in counts if source not in known]
    if unknown:
        raise UsageError(f"{terms}: no terms for {', '.join(unknown)}")
    return tuple(Data(source=source, photographs=counts[source], terms=known[source]) for source in sorted(counts))


def _strip(weights: Path) -> None:
    """Remove what the exporter notes of the machine it ran on: stack traces with the paths of source files."""
    model = onnx.load(weights)
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    onnx.save(model, weights)


@torch.no_grad()
def _compare(light: Light, weights: Path, example: tuple[torch.Tensor, ...]) -> None:
    ours = light(*example)
    theirs = Session(str(weights)).run(whole=example[0].numpy(), local=example[1].numpy())
    for tensor, (name, array) in zip(ours, theirs.items(), strict=True):
        difference = float(np.abs(tensor.numpy() - array).max())
        if not difference <= _TOLERANCE:
            raise ModelError(f"PyTorch and ONNX disagree in {name}: {difference:.2e}")
