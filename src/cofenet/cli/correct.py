"""`cofenet correct`: photographs in, corrected photographs out."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

import typer

from cofenet.batch.verbs.correct import HEAT, HOTTEST, Correct
from cofenet.cli.report import Report
from cofenet.cli.sheet import Sheet
from cofenet.cli.verbs import (
    FormatOption,
    OutputOption,
    OverwriteOption,
    PhotosArgument,
    ReportOption,
    SheetOption,
    plan,
    run,
)
from cofenet.engine.session import session
from cofenet.errors import UsageError

if TYPE_CHECKING:
    from cofenet.io.deidentify import Deidentifier


def correct(
    photos: PhotosArgument,
    output: OutputOption,
    model: Annotated[str, typer.Option(help="A shipped model, or the path of an ONNX file with its card.")] = "light",
    strength: Annotated[float, typer.Option(min=0.0, max=1.0, help="0 changes nothing, 1 corrects fully.")] = 1.0,
    format: FormatOption = "same",  # noqa: A002
    report: ReportOption = None,
    sheet: SheetOption = None,
    overwrite: OverwriteOption = False,
    force: Annotated[
        bool, typer.Option("--force", help="Correct also what had better stay as it was; the result says so.")
    ] = False,
    judge: Annotated[
        bool, typer.Option("--judge/--no-judge", help="Judge whether each correction is safe; takes half of the time.")
    ] = True,
    deidentify: Annotated[
        bool, typer.Option("--deidentify", help="Take the patient out of DICOM files; their names stay.")
    ] = False,
) -> None:
    """Correct photographs at their own size: uneven light, spots and blur.

    Results keep their path relative to the folder they were found in. A source is never overwritten; results that are
    there already are passed over, and so is the output folder where it lies in a folder of photographs.

    Each correction is judged against its own photograph: safe, caution (look at both), or unchanged, if it needs no
    correction or cannot be corrected safely. Reasons are in the report; the sheet shows each photograph before and
    after, and where it was changed.

    A DICOM file becomes a derived DICOM object of the same patient and study, in a new series; all its frames are
    corrected. With --deidentify it follows the basic profile of PS3.15, and what belonged together in a run still does.

    Example: cofenet correct photographs/ -o corrected/ --report report.json --sheet sheet.png
    """
    session(model)
    deidentifier = _deidentifier() if deidentify else None
    before_after = Sheet(sheet, ("photograph", "corrected", f"change, 0 to {HOTTEST:g} of full range:"), HEAT)
    places = plan(photos, output, format, (report, sheet), overwrite=overwrite)
    settings: dict[str, str | float | None] = {"model": model, "strength": strength, "format": format}
    settings |= {"force": force, "judge": judge, "deidentify": deidentify}
    work = Correct(places, model, strength, force=force, judged=judge, sheet=before_after, deidentifier=deidentifier)
    summary = Report("correct", settings, report, figures={"verdicts": work.verdicts})
    raise run(places, work, summary, before_after)


def _deidentifier() -> Deidentifier:
    if find_spec("pydicom") is None:
        raise UsageError("--deidentify is for DICOM, which needs the extra: pip install '.[dicom]'")
    from cofenet.io.deidentify import Deidentifier  # noqa: PLC0415 - the command line works without pydicom

    return Deidentifier()
