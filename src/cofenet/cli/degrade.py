"""`cofenet degrade`: good photographs in, low-quality photographs and the parameters that made them out."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count as count_from
from itertools import takewhile
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from cofenet import __version__
from cofenet.cli.jobs import (
    FormatOption,
    Jobs,
    OutputOption,
    OverwriteOption,
    PhotosArgument,
    ReportOption,
    SheetOption,
    clock,
    make_writable,
    plan,
    run,
    skipped,
)
from cofenet.cli.report import Outcome, Report
from cofenet.cli.sheet import Sheet
from cofenet.degradation.maps import degradation_maps
from cofenet.degradation.parameters import Parameters
from cofenet.degradation.sampling import KINDS, sample
from cofenet.degradation.simulate import Pixels, simulate
from cofenet.degradation.stored import load_parameters
from cofenet.errors import UsageError
from cofenet.fov import FieldOfView, find_fov
from cofenet.io import Metadata, Photograph, read_photograph, write_atomically, write_photograph

Versions = Callable[[Pixels, Path], Iterator[tuple[Path, Parameters]]]
"""From a photograph and the place of its result to the place and the parameters of each low-quality version."""


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
    """Make low-quality photographs of good ones, by the published model of how they become low or by a wider one.

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
        else _drawn(kind or "111", preset or "published", seed or 0, count or 1)
    )  # fmt: skip
    before_after = Sheet(sheet)
    jobs = plan(photos, output, format, (report, sheet), overwrite=overwrite)
    if maps:
        make_writable(maps)
    work = _Degrade(jobs, versions, severity, output, maps, before_after)
    settings = drawing | {"severity": severity, "parameters": str(parameters) if parameters else None}
    raise run(jobs, work, Report("degrade", settings, report), before_after)


def _drawn(kind: str, preset: str, seed: int, count: int) -> Versions:
    """Draw `count` versions. Chance hangs on seed and pixels, not on names and order."""
    sample(np.random.default_rng(seed), kind, preset=preset)  # what makes no sense is told before the work

    def versions(pixels: Pixels, target: Path) -> Iterator[tuple[Path, Parameters]]:
        for number in range(1, count + 1):
            rng = np.random.default_rng([seed, zlib.crc32(pixels.tobytes()), number])
            yield target if count == 1 else _numbered(target, number), sample(rng, kind, preset=preset)

    return versions


def _stored(path: Path, output: Path) -> Versions:
    """Read the parameters of one file, for all photographs, or what an earlier run left in a folder for each."""
    shared = None if path.is_dir() else load_parameters(path)

    def versions(pixels: Pixels, target: Path) -> Iterator[tuple[Path, Parameters]]:
        if shared is not None:
            yield target, shared
            return
        numbered = (_numbered(target, number) for number in count_from(1))
        several = takewhile(lambda version: _parameters_file(path / version.relative_to(output)).exists(), numbered)
        for version in list(several) or [target]:
            yield version, load_parameters(_parameters_file(path / version.relative_to(output)))

    return versions


@dataclass(frozen=True)
class _Degrade:
    jobs: Jobs
    versions: Versions
    severity: float
    output: Path
    maps: Path | None
    sheet: Sheet

    def __call__(self, source: Path, target: Path) -> Iterator[Outcome]:
        seconds = clock()
        photograph = read_photograph(source)
        target = self.jobs.target(source, target, photograph)
        fov = find_fov(photograph.pixels)
        for version, parameters in self.versions(photograph.pixels, target):
            self.jobs.refuse_taken(version, by=source)
            if self.jobs.passes_over(version):
                yield skipped(source, version)
            else:
                yield self._make(photograph, fov, version, parameters.scaled(self.severity), seconds)

    def _make(
        self, photograph: Photograph, fov: FieldOfView, target: Path, parameters: Parameters, seconds: Iterator[float]
    ) -> Outcome:
        read = next(seconds)
        degraded = simulate(photograph.pixels, parameters, fov)
        worked = next(seconds)
        if self.maps:
            _write_maps(self.maps / target.relative_to(self.output), photograph.pixels, parameters, fov)
        # The photograph comes last: where it is, everything is.
        write_atomically(_parameters_file(target), parameters.to_json().encode())
        text = {"cofenet": _provenance(parameters)}
        written = write_photograph(target, replace(photograph, pixels=degraded), format=self.jobs.format, text=text)
        self.sheet.add(target.name, photograph.pixels, degraded)
        names = [factor.model_dump()["factor"] for factor in parameters.factors]
        return Outcome(
            photograph.path or target, "degraded", written,
            seconds={"read": read, "degrade": worked, "write": next(seconds)},
            notes=(f"kind {parameters.kind}: {', '.join(names)}",), results={"parameters": _parameters_file(target)},
        )  # fmt: skip


def _write_maps(target: Path, pixels: Pixels, parameters: Parameters, fov: FieldOfView) -> None:
    maps = degradation_maps(pixels, parameters, fov)
    target.parent.mkdir(parents=True, exist_ok=True)
    illumination = np.clip(np.rint(maps.illumination * 32767 + 32768), 0, 65535).astype(np.uint16)
    artifact = np.rint(maps.artifact * 65535).astype(np.uint16)
    for name, picture in (("illumination", illumination), ("artifact", np.dstack([artifact] * 3))):
        metadata = Metadata(grey=name == "artifact")
        write_photograph(target.with_name(f"{target.name}.{name}.png"), Photograph(picture, metadata=metadata))


def _provenance(parameters: Parameters) -> str:
    """What the photograph itself says of how it was made: one line of JSON."""
    done = {"version": __version__, "operation": "degrade", "parameters": parameters.model_dump(mode="json")}
    return json.dumps(done, sort_keys=True)


def _parameters_file(target: Path) -> Path:
    return target.with_name(f"{target.name}.json")


def _numbered(target: Path, number: int) -> Path:
    return target.with_name(f"{target.stem}_{number}{target.suffix}")
