"""`cofenet run`: a cohort in, results, ledger and report out."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from cofenet.batch.drive import Count
from cofenet.batch.run import Request
from cofenet.batch.run import run as run_request
from cofenet.errors import UsageError

_EVERY = 30.0
"""Seconds between two lines of progress where stderr is no terminal."""


def run(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="Folder, manifest (.csv, .parquet), or URL (s3://, gs://, zip://).")
    ],
    output: Annotated[str, typer.Option("--output", "-o", metavar="DEST", help="Folder or bucket for the results.")],
    do: Annotated[
        str, typer.Option(metavar="STEPS", help="Verbs with commas between, or a TOML file; see below.")
    ] = "correct",
    workers: Annotated[int | None, typer.Option(min=1, help="Worker processes. (default: one a processor)")] = None,
    engine: Annotated[Literal["local", "dask"], typer.Option(help="This computer, or a Dask cluster.")] = "local",
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Of Dask, such as tcp://host:8786; without, one is started.")
    ] = None,
    shard: Annotated[
        str | None, typer.Option(metavar="I/N", help="Do one of N parts, for array jobs; I counts from 1.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an earlier run: do only what is missing.")
    ] = False,
    retry: Annotated[
        bool, typer.Option("--retry", help="With --resume, try unreadable photographs and the like again, too.")
    ] = False,
    ledger: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for the ledger while running. (default: DEST)")
    ] = None,
    memory: Annotated[
        int | None, typer.Option(min=1, metavar="MB", help="Memory a worker may take beyond its networks.")
    ] = None,
) -> None:
    r"""Do one verb or a chain of them to a cohort of photographs, on all processors or many computers.

    A manifest has the columns path and, optional, id, which names the results; other columns go into the report.

    STEPS are some of assess, correct, segment and degrade, such as assess,correct@usable+reject,assess,segment: after
    "@" are the grades, by the last assessment, for which a step is done. A TOML file has a table [\[step]] for each,
    with `do`, its settings, and `grades`.

    In DEST, each verb has a folder (corrected, segmented, degraded); report.csv, .json, .html (and .parquet) tell all
    of each photograph; ledger.sqlite holds a row a photograph and step. A run that was stopped, whatever stopped it,
    goes on with --resume; what has changed since, source, settings or network, is done anew. After runs with --shard,
    the same command without it, with --resume, brings them together and writes the report.

    Example: cofenet run photographs/ -o cohort/ --do assess,correct,assess
    """
    part = _shard(shard) if shard else None
    request = Request(
        source, output, do, workers, engine, scheduler, part, resume, retry, ledger, memory * 10**6 if memory else None
    )
    try:
        with _Progress() as progress:
            done = run_request(request, progress.tell, progress.failed)
    except KeyboardInterrupt:
        typer.echo("cofenet: stopped; go on with --resume", err=True)
        raise typer.Exit(130) from None
    count = done.count
    before = f", {count.before} of them done before" if count.before else ""
    typer.echo(f"{count.done} photographs{before}, {count.failed} failed", err=True)
    for name in done.report:
        typer.echo(f"{output.rstrip('/')}/{name}")
    raise typer.Exit(int(count.failed > 0))


def _shard(text: str) -> tuple[int, int]:
    number, slash, count = text.partition("/")
    if not (slash and number.isdecimal() and count.isdecimal()):
        raise UsageError(f"--shard: expected I/N, such as 3/16, got {text!r}")
    return int(number), int(count)


class _Progress:
    """Progress, rate and time left on stderr: a bar on a terminal, else a line now and then."""

    def __init__(self) -> None:
        self._start = self._told = time.monotonic()
        self._bar: Progress | None = None
        if sys.stderr.isatty():
            columns = (
                TextColumn("photographs"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"),
                TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.fields[failed]} failed"),
            )  # fmt: skip
            self._bar = Progress(*columns, console=Console(stderr=True))
            self._task = self._bar.add_task("photographs", total=None, rate="", failed=0)

    def __enter__(self) -> _Progress:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def failed(self, photograph: str, reason: str) -> None:
        """Name a photograph that failed."""
        line = f"cofenet: {photograph}: {reason}"
        if self._bar:
            self._bar.console.print(line, markup=False, emoji=False, highlight=False, soft_wrap=True)
        else:
            typer.echo(line, err=True)

    def tell(self, count: Count) -> None:
        """Show how far it is; what was done before does not count for the rate."""
        now = time.monotonic()
        rate = (count.done - count.before) / max(now - self._start, 1e-6)
        if self._bar:
            self._bar.update(
                self._task, total=count.total, completed=count.done, rate=f"{rate:.1f}/s", failed=count.failed
            )
        elif now - self._told > _EVERY and rate:
            self._told = now
            left = (count.total - count.done) / rate
            hours, minutes = divmod(round(left / 60), 60)
            typer.echo(
                f"{count.done} of {count.total} photographs, {rate:.1f}/s, {hours} h {minutes:02} min left, "
                f"{count.failed} failed", err=True,
            )  # fmt: skip
