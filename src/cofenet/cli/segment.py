"""`cofenet segment`: photographs in, masks and measurements out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cofenet.batch.verbs.segment import Segment
from cofenet.cli.report import Report
from cofenet.cli.sheet import Sheet
from cofenet.cli.table import Table
from cofenet.cli.verbs import OutputOption, OverwriteOption, PhotosArgument, ReportOption, plan, run
from cofenet.errors import UsageError
from cofenet.tasks.segmentation import STRUCTURES, Structure


def segment(
    photos: PhotosArgument,
    output: OutputOption,
    structures: Annotated[str, typer.Option(help="Which to look for, with commas between.")] = ",".join(STRUCTURES),
    probabilities: Annotated[bool, typer.Option("--probabilities", help="Write 16-bit probabilities, too.")] = False,
    overlays: Annotated[bool, typer.Option("--overlays", help="Write the photographs with what was found.")] = False,
    table: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write the measurements; - for stdout.")
    ] = None,
    report: ReportOption = None,
    sheet: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a PNG of what was found.")] = None,
    overwrite: OverwriteOption = False,
    dicom: Annotated[bool, typer.Option("--dicom", help="Write DICOM Segmentations of DICOM files, too.")] = False,
) -> None:
    """Find vessels, optic disc and optic cup, and measure them.

    For a photograph a.jpg: masks a.jpg.vessels.png, a.jpg.disc.png and a.jpg.cup.png, 0 or 255 at its own size, and
    a.jpg.json with the measurements. A disc that is not found has an empty mask and no measures. With --dicom, the
    masks of a DICOM file a.dcm are in a.dcm.segmentation.dcm, too. In overlays, vessels are tinted green, the disc is
    outlined white and the cup blue.

    Measurements: vessel_density, share of the field of view that is vessel; disc_confidence, 0 to 1; disc_x and disc_y,
    its centre of mass, and its vertical and horizontal diameter, in pixels; cup_to_disc, the ratio of the vertical
    diameters of cup and disc; fov_confidence, 0 to 1: below 0.3 the photograph may be a part of a field of view, and
    the disc a part of a disc.

    Example: cofenet segment photographs/ -o masks/ --csv measurements.csv --overlays
    """
    wanted, pictures = _parsed(structures), Sheet(sheet)
    places = plan(photos, output, "same", (report, sheet, table), overwrite=overwrite)
    summary = Report("segment", {"structures": structures}, report)
    rows = Table(table, summary)
    work = Segment(
        places, wanted, pictures if sheet else None, rows, probabilities=probabilities, overlays=overlays, dicom=dicom
    )
    raise run(places, work, summary, pictures, rows)


def _parsed(structures: str) -> tuple[Structure, ...]:
    named = [name.strip() for name in structures.split(",") if name.strip()]
    unknown = [name for name in named if name not in STRUCTURES]
    if unknown or not named:
        raise UsageError(f"--structures: {', '.join(unknown) or 'nothing'} is none of {', '.join(STRUCTURES)}")
    return tuple(name for name in STRUCTURES if name in named)
