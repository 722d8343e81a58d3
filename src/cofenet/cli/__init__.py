"""The command line: one thin command a verb. Human text goes to stderr, results to stdout or files."""

from __future__ import annotations

import signal
import sys
from typing import Annotated

import typer

from cofenet import __version__
from cofenet.cli import assess, correct, degrade, evaluate, explain, fit, learn, models, run, segment
from cofenet.errors import CofenetError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Correct low-quality retinal fundus photographs, and simulate how photographs lose quality.

    Exit status: 0 all done; 1 some photographs failed, each named on stderr; 2 bad usage; 130 stopped.
    """
    if version:
        typer.echo(__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


app.command()(correct.correct)
app.command()(degrade.degrade)
app.command()(assess.assess)
app.command()(segment.segment)
app.command()(run.run)
app.command("fit-degradation")(fit.fit_degradation)
app.command()(explain.explain)
app.command()(models.models)
app.add_typer(evaluate.app, name="evaluate")
app.command()(learn.train)
app.command()(learn.export)


def _stop(*_: object) -> None:
    """Take a polite request to end, as schedulers send it, like Ctrl-C: reports are written, ledgers closed."""
    raise KeyboardInterrupt


def main() -> None:
    """Run the command line; an error we raise on purpose is one line and exit status 2."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        app()
    except CofenetError as error:
        typer.echo(f"cofenet: {error}", err=True)
        sys.exit(2)
