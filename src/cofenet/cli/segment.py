"""`cofenet segment`: photographs in, masks and measurements out."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from cofenet import __version__
from cofenet.cli.jobs import (
    Jobs,
    OutputOption,
    OverwriteOption,
    PhotosArgument,
    ReportOption,
    clock,
    plan,
    run,
    skipped,
)
from cofenet.cli.report import Outcome, Report
from cofenet.cli.sheet import Sheet
from cofenet.cli.table import Table
from cofenet.engine.card import load_card
from cofenet.errors import UsageError
from cofenet.io import (
    Metadata,
    Photograph,
    read_photograph,
    write_atomically,
    write_photograph,
    write_segmentation,
)
from cofenet.tasks.overlay import overlay
from cofenet.tasks.segmentation import STRUCTURES, Disc, Measurements, Segmentation, Structure
from cofenet.tasks.segmentation import segment as segment_array


def segment(
    photos: PhotosArgument,
    output: OutputOption,
    structures: Annotated[str, typer.Option(help="Which to look for, with commas between.")] = ",".join(STRUCTURES),
    probabilities: Annotated[bool, typer.Option("--probabilities", help="Write 16-bit probabilities, too.")] = False,
    overlays: Annotated[bool, typer.Option("--overlays", help="Write the photographs with what was found.")] = False,
    table: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write the measurements.")] = None,
    report: ReportOption = None,
    sheet: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a PNG of what was found.")] = None,
    overwrite: OverwriteOption = False,
    dicom: Annotated[bool, typer.Option("--dicom", help="Write DICOM Segmentations of DICOM files, too.")] = False,
) -> None:
    """Find vessels, optic disc and optic cup, and measure them.

    For a photograph a.jpg: masks a.jpg.vessels.png, a.jpg.disc.png and a.jpg.cup.png, 0 or 255 at its own size, and
    a.jpg.json with the measurements. A disc that is not found has an empty mask and no measures. With --dicom, the
    masks of a DICOM file a.dcm are in a.dcm.segmentation.dcm, too.

    Measurements: vessel_density, share of the field of view that is vessel; disc_confidence, 0 to 1; disc_x and disc_y,
    its centre of mass, and its vertical and horizontal diameter, in pixels; cup_to_disc, the ratio of the vertical
    diameters of cup and disc.

    Example: cofenet segment photographs/ -o masks/ --csv measurements.csv --overlays
    """
    wanted, pictures = _parsed(structures), Sheet(sheet)
    jobs = plan(photos, output, "same", (report, sheet, table), overwrite=overwrite)
    summary = Report("segment", {"structures": structures}, report)
    rows = Table(table)
    work = _Segment(jobs, wanted, pictures, rows, probabilities=probabilities, overlays=overlays, dicom=dicom)
    raise run(jobs, work, summary, pictures, rows)


def _parsed(structures: str) -> tuple[Structure, ...]:
    named = [name.strip() for name in structures.split(",")]
    unknown = [name for name in named if name not in STRUCTURES]
    if unknown:
        raise UsageError(f"--structures: {', '.join(unknown)} is none of {', '.join(STRUCTURES)}")
    return tuple(name for name in STRUCTURES if name in named)


_MODELS = {"vessels": ("vessels",), "disc": ("disc-finder", "disc"), "cup": ("disc-finder", "disc")}


def _row(measured: Measurements) -> dict[str, object]:
    """The measurements, flat; those of a disc that was not found are empty."""
    disc = dataclasses.asdict(measured.disc) if measured.disc else {}
    return {
        "vessel_density": measured.vessel_density, "disc_confidence": measured.disc_confidence,
        "disc_x": disc.get("x"), "disc_y": disc.get("y"), "disc_vertical_diameter": disc.get("vertical_diameter"),
        "disc_horizontal_diameter": disc.get("horizontal_diameter"), "cup_to_disc": disc.get("cup_to_disc"),
    }  # fmt: skip


@dataclass(frozen=True)
class _Segment:
    jobs: Jobs
    structures: tuple[Structure, ...]
    sheet: Sheet
    table: Table
    probabilities: bool
    overlays: bool
    dicom: bool = False

    def __call__(self, source: Path, target: Path) -> Iterator[Outcome]:
        told = _beside(target, "json")
        wanted = [told, *(_beside(target, ending) for ending in self._endings())]
        before = _measured(told) if all(map(self.jobs.passes_over, wanted)) else None
        if before:
            self.table.add(source, _row(before))
            yield skipped(source, told)
            return
        seconds = clock()
        photograph = read_photograph(source)
        read = next(seconds)
        found = segment_array(photograph.pixels, structures=self.structures)
        worked = next(seconds)
        facts = _facts(found, self.structures)
        self._write(photograph, found, target, {"cofenet": json.dumps(facts)})
        # The measurements come last: where they are, everything is.
        write_atomically(told, (json.dumps(facts, indent=2) + "\n").encode())
        self.table.add(source, _row(found.measurements))
        yield Outcome(
            source, "segmented", told, seconds={"read": read, "segment": worked, "write": next(seconds)},
            notes=tuple(_words(found.measurements)), results={"measurements": dataclasses.asdict(found.measurements)},
        )  # fmt: skip

    def _endings(self) -> Iterator[str]:
        """Of the pictures that are asked for."""
        for name in self.structures:
            yield f"{name}.png"
            if self.probabilities:
                yield f"{name}.probability.png"
        if self.dicom:
            yield "segmentation.dcm"
        if self.overlays:
            yield "overlay.png"

    def _write(self, photograph: Photograph, found: Segmentation, target: Path, text: dict[str, str]) -> None:
        for name, probability in found.probabilities.items():
            mask = getattr(found, name)
            _write_plane(_beside(target, f"{name}.png"), np.where(mask, np.uint8(255), np.uint8(0)), text)
            if self.probabilities:
                levels = np.rint(probability * 65535).astype(np.uint16)
                _write_plane(_beside(target, f"{name}.probability.png"), levels, text)
        if self.dicom:
            masks = {str(name): getattr(found, name) for name in found.probabilities}
            hashes = {name: load_card(_MODELS[name][-1]).sha256 for name in masks}
            write_segmentation(_beside(target, "segmentation.dcm"), photograph, masks, hashes, __version__)
        if self.overlays or self.sheet.path:
            drawn = overlay(photograph.pixels, found)
            self.sheet.add(target.name, photograph.pixels, drawn)
            if self.overlays:
                write_photograph(_beside(target, "overlay.png"), Photograph(drawn, photograph.path), text=text)


def _write_plane(path: Path, plane: NDArray[np.uint8] | NDArray[np.uint16], text: dict[str, str]) -> None:
    pixels: NDArray[Any] = np.dstack([plane] * 3)
    write_photograph(path, Photograph(pixels, metadata=Metadata(grey=True)), text=text)


def _measured(told: Path) -> Measurements | None:
    """The measurements of an earlier run; None if the file does not hold them."""
    try:
        content = json.loads(told.read_bytes())["measurements"]
        disc = Disc(**content["disc"]) if content["disc"] else None
        return Measurements(content["vessel_density"], content["disc_confidence"], disc)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _facts(found: Segmentation, structures: tuple[Structure, ...]) -> dict[str, object]:
    models = {name: load_card(name).sha256 for structure in structures for name in _MODELS[structure]}
    return {
        "cofenet": __version__, "operation": "segment", "models": models,
        "circle": dataclasses.asdict(found.fov.circle), "fov_confidence": found.fov.confidence,
        "measurements": dataclasses.asdict(found.measurements),
    }  # fmt: skip


def _words(measured: Measurements) -> Iterator[str]:
    """The measurements for a person."""
    if measured.vessel_density is not None:
        yield f"vessels {measured.vessel_density:.1%}"
    if measured.disc_confidence is not None and measured.disc is None:
        yield f"disc not found ({measured.disc_confidence:.2f})"
    if measured.disc:
        ratio = measured.disc.cup_to_disc
        yield f"disc at {measured.disc.x:.0f}, {measured.disc.y:.0f}" + (f", cup-to-disc {ratio:.2f}" if ratio else "")


def _beside(target: Path, ending: str) -> Path:
    return target.with_name(f"{target.name}.{ending}")
