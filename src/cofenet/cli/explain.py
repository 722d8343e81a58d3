"""`cofenet explain`: how a file was made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cofenet.errors import UnreadableError, UsageError
from cofenet.io import read_text


def explain(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A result, or the JSON beside it.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Print how a result was made: version, model with its hash, settings and field of view.

    That stands in the file itself, or in FILE.json beside it. An unchanged photograph is the very file that was given,
    so there is nothing in it.

    Example: cofenet explain corrected/photograph.jpg
    """
    told = _told(file)
    try:
        content = json.loads(told)
    except ValueError as error:
        raise UsageError(f"{file}: what it says of its making is no JSON: {error}") from error
    typer.echo(json.dumps(content, indent=None if as_json else 2))


def _told(file: Path) -> str:
    beside = file if file.suffix.lower() == ".json" else file.with_name(f"{file.name}.json")
    try:
        inside = None if beside == file else read_text(file)
        if inside is None and beside.is_file():
            inside = beside.read_text("utf-8")
    except OSError as error:
        raise UnreadableError((error.strerror or str(error)).lower(), beside) from error
    except UnicodeDecodeError as error:
        raise UnreadableError("is not text", beside) from error
    if inside is None:
        raise UsageError(f"{file}: does not say how it was made, nor does {beside.name} beside it")
    return inside
