"""`cofenet degrade`: good photographs in, low-quality photographs and the parameters that made them out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count as count_from
from itertools import takewhile
from pathlib import Path
from typing import Annotated

import typer

from cofenet.batch.verbs.degrade import Degrade, Versions, drawn, numbered, parameters_file
from cofenet.cli.report import Report
from cofenet.cli.sheet import Sheet
from cofenet.cli.verbs import (
    FormatOption,
    OutputOption,
    OverwriteOption,
    PhotosArgument,
    ReportOption,
    SheetOption,
    make_writable,
    plan,
    run,
)
from cofenet.degradation.parameters import Parameters
from cofenet.degradation.sampling import KINDS
from cofenet.degradation.simulate import Pixels
from cofenet.degradation.stored import load_parameters
from cofenet.errors import UsageError


def degrade(
    photos: PhotosArgument,
    output: OutputOption,
    kind: Annotated[
        str | None, typer.Option(help=f"{', '.join(KINDS)}: bits for blur, spots, illumination. (default 111)")
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(help="published, training, clinical, or a TOML file of one's own. (default published)"),
    ] = None,
    severity: Annotated[float, typer.Option(min=0.0, max=1.0, help="0 changes nothing, 1 is as drawn.")] = 1.0,
    seed: Annotated[
        int | None, typer.Option(min=0, help="The same photograph and seed give the same result. (default 0)")
    ] = None,
    count: Annotated[int | None, typer.Option(min=1, help="Low-quality versions a photograph. (default 1)")] = None,
    parameters: Annotated[
        Path | None,
        typer.Option(
            metavar="JSON", help="Replay a parameter file, ours or published, or the folder of an earlier run."
        ),
    ] = None,
    maps: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write what illumination and artifacts changed, as 16-bit PNG.")
    ] = None,
    format: FormatOption = "same",  # noqa: A002
    report: ReportOption = None,
    sheet: SheetOption = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Make low-quality photographs of good ones, by the published model of how they lose quality or by a wider one.

    Beside each result, such as a.jpg, a.jpg.json holds its parameters; given back by --parameters they repeat it on any
    machine, and on a photograph of any size. Sources are never overwritten, results that are there already are passed
    over.

    Maps are a.jpg.illumination.png, change of each channel from -1 (black) over 0 (grey, 32768) to 1, and
    a.jpg.artifact.png, 0 to 1.

    Example: cofenet degrade good/ -o low/ --preset clinical --count 3 --seed 1
    """
    drawing = {"kind": kind, "preset": preset, "seed": seed, "count": count}
    given = [f"--{name}" for name, value in drawing.items() if value is not None]
    if parameters and given:
        raise UsageError(f"--parameters replays numbers; {', '.join(given)} would draw others")
    versions = (
        _stored(parameters, output) if parameters
        else drawn(kind or "111", preset or "published", seed or 0, count or 1)
    )  # fmt: skip
    before_after = Sheet(sheet)
    places = plan(photos, output, format, (report, sheet), overwrite=overwrite)
    if maps:
        make_writable(maps)
    work = Degrade(places, versions, severity, output, maps, before_after)
    settings = drawing | {"severity": severity, "parameters": str(parameters) if parameters else None}
    raise run(places, work, Report("degrade", settings, report), before_after)


def _stored(path: Path, output: Path) -> Versions:
    """Read the parameters of one file, for all photographs, or what an earlier run left in a folder for each."""
    shared = None if path.is_dir() else load_parameters(path)

    def versions(pixels: Pixels, target: Path) -> Iterator[tuple[Path, Parameters]]:
        if shared is not None:
            yield target, shared
            return
        candidates = (numbered(target, number) for number in count_from(1))
        several = takewhile(lambda version: parameters_file(path / version.relative_to(output)).exists(), candidates)
        for version in list(several) or [target]:
            yield version, load_parameters(parameters_file(path / version.relative_to(output)))

    return versions
