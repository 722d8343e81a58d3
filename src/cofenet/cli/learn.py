"""`cofenet train` and `cofenet export`: make the networks. Needs the extra `train`."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from cofenet.errors import UsageError

TERMS = Path("recipes/terms.toml")


def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="A TOML recipe, such as recipes/light-field.toml.")],
    data: Annotated[Path, typer.Option(metavar="CSV", help="The manifest: columns path, split, source, task, label.")],
    run: Annotated[Path, typer.Option(metavar="DIR", help="Folder for checkpoint and log; a run there goes on.")],
    start: Annotated[Path | None, typer.Option(metavar="DIR", help="A run whose weights to begin with.")] = None,
    threads: Annotated[int, typer.Option(help="Processor threads; 0 for all.")] = 0,
) -> None:
    """Train a network as a recipe says; a killed run goes on from its last checkpoint."""
    _require_torch()
    from cofenet.training.loop import train as run_training  # noqa: PLC0415 - the command line works without torch
    from cofenet.training.recipe import load_recipe  # noqa: PLC0415

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    run_training(load_recipe(recipe), data, run, threads, start=start)


def export(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN…", help="A run folder; or those of field and detail.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The ONNX file; its card is put beside it.")
    ],
    terms: Annotated[Path, typer.Option(metavar="TOML", help="The terms of each source of photographs.")] = TERMS,
    calibrate: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Calibrate the grades of a quality network on its split val.")
    ] = None,
) -> None:
    """Export a trained network as an ONNX file with its card; refuses if PyTorch and ONNX disagree.

    The runs of an illumination field and of a detail become one model for correction. Of runs of the same network, one
    begun with the weights of the other, the mean is taken.
    """
    _require_torch()
    from cofenet.training.export import export as export_runs  # noqa: PLC0415

    card = export_runs(runs, output, terms, calibrate)
    typer.echo(f"{output} {card.sha256}")


def _require_torch() -> None:
    if find_spec("torch") is None:
        raise UsageError("training needs the extra: pip install 'cofenet[train]'")
