"""Degrade one file: a good photograph in, low-quality versions and their parameters out."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cofenet import __version__
from cofenet.batch.outcome import Outcome, Pictures, clock, skipped
from cofenet.batch.places import Places
from cofenet.degradation.maps import degradation_maps
from cofenet.degradation.parameters import Parameters
from cofenet.degradation.sampling import sample
from cofenet.degradation.simulate import Pixels, simulate
from cofenet.fov import FieldOfView, find_fov
from cofenet.io import Metadata, Photograph, read_photograph, write_atomically, write_photograph

Versions = Callable[[Pixels, Path], Iterator[tuple[Path, Parameters]]]
"""From a photograph and the place of its result to the place and the parameters of each low-quality version."""


def drawn(kind: str, preset: str, seed: int, count: int) -> Versions:
    """Draw `count` versions. Chance hangs on seed and pixels, not on names and order."""
    sample(np.random.default_rng(seed), kind, preset=preset)  # what makes no sense is told before the work

    def versions(pixels: Pixels, target: Path) -> Iterator[tuple[Path, Parameters]]:
        for number in range(1, count + 1):
            rng = np.random.default_rng([seed, zlib.crc32(pixels.tobytes()), number])
            yield target if count == 1 else numbered(target, number), sample(rng, kind, preset=preset)

    return versions


@dataclass(frozen=True)
class Degrade:
    """Degrade photographs.

    Attributes:
        places: where results go.
        versions: which low-quality versions to make of each.
        severity: 0 to 1.
        output: the folder of the results.
        maps: where to write what was changed; None for nowhere.
        sheet: shown before and after.
    """

    places: Places
    versions: Versions
    severity: float
    output: Path
    maps: Path | None = None
    sheet: Pictures | None = None

    def __call__(self, source: Path, target: Path) -> Iterator[Outcome]:
        """Make all low-quality versions of one file."""
        seconds = clock()
        photograph = read_photograph(source)
        target = self.places.target(source, target, photograph)
        fov = find_fov(photograph.pixels)
        for version, parameters in self.versions(photograph.pixels, target):
            self.places.refuse_taken(version, by=source)
            if self.places.passes_over(version):
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
        write_atomically(parameters_file(target), parameters.to_json().encode())
        text = {"cofenet": _provenance(parameters)}
        written = write_photograph(target, replace(photograph, pixels=degraded), format=self.places.format, text=text)
        if self.sheet:
            self.sheet.add(target.name, photograph.pixels, degraded)
        names = [factor.model_dump()["factor"] for factor in parameters.factors]
        return Outcome(
            photograph.path or target, "degraded", written,
            seconds={"read": read, "degrade": worked, "write": next(seconds)},
            notes=(f"kind {parameters.kind}: {', '.join(names)}",), results={"parameters": parameters_file(target)},
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


def parameters_file(target: Path) -> Path:
    """Where the parameters of a low-quality version are stored."""
    return target.with_name(f"{target.name}.json")


def numbered(target: Path, number: int) -> Path:
    """The place of one of several versions, from 1."""
    return target.with_name(f"{target.stem}_{number}{target.suffix}")
