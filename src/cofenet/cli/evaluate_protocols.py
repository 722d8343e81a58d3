"""`cofenet evaluate restoration|downstream|quality|robustness|real`: methods side by side, on one's own photographs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from cofenet.cli.report import progress
from cofenet.cli.verbs import make_writable
from cofenet.errors import UsageError
from cofenet.evaluation.cost import Cost, costs
from cofenet.evaluation.methods import chosen
from cofenet.evaluation.photographs import Listed, cut, listed
from cofenet.evaluation.protocols import protocol
from cofenet.evaluation.report import write_report
from cofenet.evaluation.runner import Record, Setup, run
from cofenet.evaluation.scenes import FAMILIES, KINDS, Drawer
from cofenet.evaluation.summary import summarise
from cofenet.evaluation.tables import markdown, write_tables
from cofenet.io import find_photographs

PhotosOption = Annotated[
    Path | None, typer.Option(metavar="DIR|CSV", help="Folder of photographs, or a manifest with a column path.")
]
OutputOption = Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for the results.")]
MethodOption = Annotated[
    list[str] | None,
    typer.Option(
        "--method",
        metavar="NAME[=WHAT]",
        help="A method of the package; or another: a folder of its pictures, an ONNX file, or a command with {input} "
        "and {output}. Repeatable; all of the package unless told otherwise.",
    ),
]
WhereOption = Annotated[
    list[str] | None, typer.Option(metavar="COLUMN=VALUE", help="Only these rows of the manifest. Repeatable.")
]
LabelsOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Masks people drew, in folders vessels, disc, cup, lesions, named as the photographs."
    ),
]
SizeOption = Annotated[
    int | None, typer.Option(min=176, max=4096, help="Pixels across the field of view. (default 512; downstream 768)")
]
ParametersOption = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Degrade by the parameters of an earlier run instead of drawing.")
]
PicturesOption = Annotated[
    bool, typer.Option("--pictures", help="Write the pictures methods are shown, to run others on.")
]
SheetsOption = Annotated[int, typer.Option(min=0, help="Photographs to look at in the report, the first ones.")]
ProcessesOption = Annotated[int, typer.Option(min=1, help="Photographs worked on at a time.")]
CostOption = Annotated[bool, typer.Option(help="Measure time and memory of each method, alone, at the end.")]
KindOption = Annotated[
    list[str] | None,
    typer.Option(
        "--kind", metavar="KIND", help=f"Some of {', '.join(KINDS)}: bits for blur, spots, light. Repeatable."
    ),
]
DEMO = Path("samples/good")


def restoration(
    output: OutputOption,
    photos: PhotosOption = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Use samples/good of the source: photographs that may be given away.")
    ] = False,
    methods: MethodOption = None,
    kinds: KindOption = None,
    where: WhereOption = None,
    parameters: ParametersOption = None,
    size: SizeOption = None,
    pictures: PicturesOption = False,
    sheets: SheetsOption = 4,
    processes: ProcessesOption = 1,
    cost: CostOption = True,
) -> None:
    """Degrade good photographs, restore them by every method, compare with the truth: PSNR, SSIM, MS-SSIM, CIEDE2000.

    Example: cofenet evaluate restoration --photos good/ -o results/ --method mine='python mine.py {input} {output}'
    """
    if demo == (photos is not None):
        raise UsageError("give either --photos or --demo")
    found = listed(_demo() if photos is None else photos, None, _where(where))
    setup = _setup("restoration", output, methods, kinds, parameters, size, pictures=pictures, sheets=sheets)
    raise _run(setup, found, processes, cost=cost)


def downstream(
    output: OutputOption,
    photos: PhotosOption = None,
    labels: LabelsOption = None,
    methods: MethodOption = None,
    kinds: KindOption = None,
    where: WhereOption = None,
    parameters: ParametersOption = None,
    size: SizeOption = None,
    pictures: PicturesOption = False,
    sheets: SheetsOption = 4,
    processes: ProcessesOption = 1,
    cost: CostOption = True,
) -> None:
    """Find vessels, disc, cup and lesions on restored photographs.

    Without labels the truth is what is found on the good photographs themselves.

    Example: cofenet evaluate downstream --photos good/ --labels masks/ -o results/
    """
    found = listed(_given(photos), labels, _where(where))
    setup = _setup("downstream", output, methods, kinds, parameters, size, pictures=pictures, sheets=sheets)
    if not any(one.labels for one in found):
        typer.echo("cofenet: no labels: the truth is what is found on the good photographs themselves", err=True)
    raise _run(setup, found, processes, cost=cost)


def quality(
    output: OutputOption,
    photos: PhotosOption = None,
    labels: LabelsOption = None,
    methods: MethodOption = None,
    kinds: KindOption = None,
    where: WhereOption = None,
    parameters: ParametersOption = None,
    size: SizeOption = None,
    pictures: PicturesOption = False,
    sheets: SheetsOption = 4,
    processes: ProcessesOption = 1,
    cost: CostOption = True,
) -> None:
    """Grade restored photographs (FIQA, the share called good), and see whether their vessels are still true.

    Example: cofenet evaluate quality --photos good/ -o results/
    """
    found = listed(_given(photos), labels, _where(where))
    setup = _setup("quality", output, methods, kinds, parameters, size, pictures=pictures, sheets=sheets)
    raise _run(setup, found, processes, cost=cost)


def robustness(
    output: OutputOption,
    photos: PhotosOption = None,
    methods: MethodOption = None,
    families: Annotated[
        list[str] | None,
        typer.Option("--family", metavar="FAMILY", help=f"Some of {', '.join(FAMILIES)}. Repeatable."),
    ] = None,
    where: WhereOption = None,
    parameters: ParametersOption = None,
    size: SizeOption = None,
    pictures: PicturesOption = False,
    sheets: SheetsOption = 4,
    processes: ProcessesOption = 1,
    cost: CostOption = True,
) -> None:
    """Rising severity, single factors that published simulators lack, sizes, JPEG quality, the other eye, by camera.

    Example: cofenet evaluate robustness --photos manifest.csv --where split=test -o results/
    """
    found = listed(_given(photos), None, _where(where))
    setup = _setup("robustness", output, methods, families, parameters, size, pictures=pictures, sheets=sheets)
    raise _run(setup, found, processes, cost=cost)


def real(
    output: OutputOption,
    photos: PhotosOption = None,
    methods: MethodOption = None,
    where: WhereOption = None,
    size: SizeOption = None,
    pictures: PicturesOption = False,
    sheets: SheetsOption = 4,
    processes: ProcessesOption = 1,
    cost: CostOption = True,
) -> None:
    """Real low-quality photographs without a truth: grades before and after, beside what became of their vessels.

    Example: cofenet evaluate real --photos low-quality/ -o results/
    """
    found = listed(_given(photos), None, _where(where))
    setup = _setup("real", output, methods, None, None, size, pictures=pictures, sheets=sheets)
    raise _run(setup, found, processes, cost=cost)


PROTOCOLS: tuple[Callable[..., None], ...] = (restoration, downstream, quality, robustness, real)


def _given(photos: Path | None) -> Path:
    if photos is None:
        raise UsageError("--photos is missing: a folder of photographs, or a manifest")
    return photos


def _demo() -> Path:
    """The photographs that may be given away, where the source is."""
    for root in (Path.cwd(), Path(__file__).parents[3]):
        if (root / DEMO).is_dir() and find_photographs([root / DEMO]):
            return root / DEMO
    raise UsageError(f"--demo needs {DEMO} of the source: run it in its folder, or give a copy as --photos")


def _where(wanted: list[str] | None) -> dict[str, str]:
    pairs = [text.partition("=") for text in wanted or ()]
    if wrong := [column for column, equals, _ in pairs if not (column and equals)]:
        raise UsageError(f"--where needs COLUMN=VALUE, got {wrong[0]}")
    return {column: value for column, _, value in pairs}


def _setup(
    name: str,
    output: Path,
    methods: list[str] | None,
    conditions: list[str] | None,
    parameters: Path | None,
    size: int | None,
    *,
    pictures: bool,
    sheets: int,
) -> Setup:
    if parameters is not None and not parameters.is_dir():
        raise UsageError(f"{parameters}: no such folder of parameters")
    plan, compared = protocol(name, tuple(dict.fromkeys(conditions or ()))), chosen(methods or ())
    make_writable(output)
    return Setup(plan, compared, output, size or plan.size, parameters, pictures, sheets)


def _run(setup: Setup, photographs: list[Listed], processes: int, *, cost: bool) -> typer.Exit:
    """Measure, sum up, write; exit status 1 if anything failed."""
    results = run(setup, photographs, processes)
    records = []
    for _ in progress(photographs):
        record = next(results)
        records.append(record)
        for failure in record.failures:
            told = " ".join(filter(None, (failure["photograph"], failure["condition"], failure["method"])))
            typer.echo(f"cofenet: {told}: {failure['reason']}", err=True)
    summary, rows = summarise(setup, records, _costs(setup, photographs, records) if cost else {})
    write_tables(setup.folder, summary, rows)
    names = [one.name for one in photographs[: setup.sheets]]
    file = write_report(setup.folder, summary, names)
    typer.echo(markdown(summary))
    typer.echo(f"\ncofenet: {file}", err=True)
    return typer.Exit(int(bool(summary["failures"])))


def _costs(setup: Setup, photographs: list[Listed], records: list[Record]) -> dict[str, Cost]:
    """On the first photograph that could be read."""
    first = next((one for one, record in zip(photographs, records, strict=True) if record.rows), None)
    if first is None:
        return {}
    drawer = Drawer(setup.folder / "parameters", setup.given)
    return costs(setup.methods, next(setup.protocol.scenes(cut(first, setup.size), drawer)))
