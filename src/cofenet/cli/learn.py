"""`cofenet train` and `cofenet export`: make the networks. Needs the extra `train`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from cofenet.cli.pace import following
from cofenet.errors import UsageError

Terms = Annotated[
    Path | None,
    typer.Option(
        metavar="TOML", help="The terms of each source of photographs; recipes/terms.toml where they are needed."
    ),
]


def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="A TOML recipe, such as recipes/first-field.toml.")],
    run: Annotated[Path, typer.Option(metavar="DIR", help="Folder for checkpoint and logs; a run there goes on.")],
    photos: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Good photographs of your own; a tenth is validated on.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Or a manifest: columns path, split, source, task, label.")
    ] = None,
    start: Annotated[
        list[str],
        typer.Option(
            metavar="MODEL",
            help="Weights to begin with: a run folder, ONNX file, shipped model; of several, the mean.",
        ),
    ] = [],  # noqa: B006 - Typer asks for a list
    threads: Annotated[int, typer.Option(min=0, help="Processor threads a process; 0 for all.")] = 0,
    devices: Annotated[int, typer.Option(min=1, help="GPUs, or processes, on each machine.")] = 1,
    nodes: Annotated[int, typer.Option(min=1, help="Machines; see docs/training.md.")] = 1,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Processes that make examples; by default all processors beside a GPU.")
    ] = None,
    precision: Annotated[
        Literal["auto", "32", "bf16"], typer.Option(help="Of the layers; auto: bf16 on a GPU, 32 elsewhere.")
    ] = "auto",
    terms: Terms = None,
) -> None:
    """Train a network as a recipe says; a killed run goes on from its last checkpoint.

    At the end the network is exported into the run folder, if it makes a model alone.
    """
    _require_torch()
    from cofenet.training.finish import finish  # noqa: PLC0415 - the command line works without torch
    from cofenet.training.loop import train as run_training  # noqa: PLC0415
    from cofenet.training.machine import Machine  # noqa: PLC0415
    from cofenet.training.own import survey  # noqa: PLC0415
    from cofenet.training.recipe import load_recipe  # noqa: PLC0415
    from cofenet.training.run import Run  # noqa: PLC0415

    if (photos is None) == (data is None):
        raise UsageError("name the photographs by one of --photos and --data")
    plan = load_recipe(recipe)
    with following() as stepped:
        manifest = data or survey(cast("Path", photos), Run(run).manifest, plan)
        machine = Machine(devices, nodes, precision, threads, workers)
        run_training(plan, manifest, run, machine, start=start, stepped=stepped)
        finish(run, terms)


def export(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN…",
            help="A run folder; or those of field, detail, sharpening, coarse, fine; what is missing of these is taken "
            "from a model named after them.",
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The ONNX file; its card is put beside it.")
    ],
    terms: Terms = None,
    calibrate: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Calibrate the grades of a quality network on its split val.")
    ] = None,
    half: Annotated[bool, typer.Option("--half", help="Store the weights in half precision: half the size.")] = False,
    int8: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV",
            help="Let a model for correction calculate its deepest layers in 8-bit integers, in less time; their "
            "ranges are taken from the good photographs of this manifest's split train.",
        ),
    ] = None,
) -> None:
    """Export a trained network as an ONNX file with its card; refuses if PyTorch and ONNX disagree.

    The runs of an illumination field and of a detail, and of a sharpening and parts for structures if there are,
    become one model for correction. Of runs of the same network, one begun with the weights of the other, the mean is
    taken.
    """
    _require_torch()
    from cofenet.training.export import export as export_runs  # noqa: PLC0415

    card = export_runs(runs, output, terms, calibrate, half=half, integers=int8)
    typer.echo(f"{output} {card.sha256}")


def _require_torch() -> None:
    if find_spec("torch") is None or find_spec("lightning_fabric") is None:
        raise UsageError("training needs the extra: pip install '.[train]'")
