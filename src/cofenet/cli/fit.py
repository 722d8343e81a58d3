"""`cofenet fit-degradation`: low-quality photographs in, the preset of their degradation out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from cofenet.cli.report import progress
from cofenet.cli.sheet import Sheet
from cofenet.cli.verbs import make_writable
from cofenet.degradation import sample, simulate
from cofenet.degradation.fit import KIND, fit
from cofenet.degradation.measure import Measurement, measure
from cofenet.errors import CofenetError, PhotographError, UsageError
from cofenet.fov import find_fov
from cofenet.io import find_photographs, read_photograph, write_atomically

_SHOWN = 24
"""Pairs on a sheet."""


def fit_degradation(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO…", help="Low-quality photographs, or folders.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The preset, a TOML file.")],
    good: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Good photographs, best of the same camera, to compare with.")
    ] = None,
    sheet: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a PNG: yours, and simulated from --good beside them.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a preset or sheet that is there.")] = False,
) -> None:
    """Fit the degradation model to your camera: light, colour, contrast, blur and noise.

    The preset holds the ranges from which the simulator draws, so that what it makes of good photographs resembles
    yours. Without --good yours are compared with good photographs of several other cameras, and what your camera does
    differently is taken for degradation.

    Example: cofenet fit-degradation low-quality/ -o mine.toml --good good/ --sheet sheet.png
    """
    if sheet and not good:
        raise UsageError("--sheet needs --good: the good photographs from which to simulate")
    if sheet == output:
        raise UsageError(f"{output}: cannot be the preset and the sheet")
    side_by_side = Sheet(sheet)
    sources = [source for source, _ in find_photographs(photos)]
    references = [source for source, _ in find_photographs([good])] if good else []
    for path in (output, *([sheet] if sheet else [])):
        _refuse_taken(path, [*sources, *references], overwrite=overwrite)
        make_writable(path.parent)
    measured, failed = _measured(sources)
    reference, unfit = _measured(references)
    text = fit(list(measured.values()), list(reference.values()) if good else None)
    write_atomically(output, text.encode())
    typer.echo(f"{output}: fitted to {len(measured)} of {len(sources)} photographs", err=True)
    if sheet:
        _fill(side_by_side, list(measured), list(reference), output)
        side_by_side.write()
    raise typer.Exit(int(failed + unfit > 0))


def _refuse_taken(path: Path, sources: Sequence[Path], *, overwrite: bool) -> None:
    if path.is_dir():
        raise UsageError(f"{path}: is a folder; give the name of a file")
    if path.exists() and any(path.samefile(source) for source in sources if source.exists()):
        raise UsageError(f"{path}: would overwrite a photograph; choose another name")
    if path.exists() and not overwrite:
        raise UsageError(f"{path}: is there already; choose another name, or give --overwrite")


def _measured(sources: Sequence[Path]) -> tuple[dict[Path, Measurement], int]:
    """The measurements of all that can be measured, and how many cannot; these are named on stderr."""
    measured: dict[Path, Measurement] = {}
    for source in progress(sources):
        try:
            pixels = read_photograph(source).pixels
            measured[source] = measure(pixels, find_fov(pixels))
        except PhotographError as error:
            typer.echo(f"cofenet: {error if error.path else error.at(source)}", err=True)
        except CofenetError as error:
            typer.echo(f"cofenet: {source}: {error}", err=True)
    return measured, len(sources) - len(measured)


def _fill(sheet: Sheet, real: Sequence[Path], good: Sequence[Path], preset: Path) -> None:
    """The first photographs, each beside a simulation from a good one; the same every time."""
    for index, source in enumerate(real[:_SHOWN]):
        pixels = read_photograph(good[index % len(good)]).pixels
        parameters = sample(np.random.default_rng(index), KIND, preset=preset)
        sheet.add(source.name, read_photograph(source).pixels, simulate(pixels, parameters))
