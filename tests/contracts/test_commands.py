"""Every command explains itself and is in the README."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from cofenet.cli import app

ROOT = Path(__file__).parents[2]


def commands() -> Iterator[tuple[str, typer._click.Command]]:
    """Every command under its full name, such as "cofenet correct"."""
    waiting = [("cofenet", typer.main.get_command(app))]
    while waiting:
        name, command = waiting.pop()
        children = getattr(command, "commands", {})
        waiting += [(f"{name} {child}", below) for child, below in children.items()]
        if not children:
            yield name, command


def test_there_are_commands() -> None:
    assert {"cofenet correct", "cofenet models", "cofenet train", "cofenet export"} <= dict(commands()).keys()


@pytest.mark.parametrize("name", sorted(dict(commands())))
def test_command_explains_itself(name: str) -> None:
    command = dict(commands())[name]
    assert command.help
    assert [parameter.name for parameter in command.params if not getattr(parameter, "help", None)] == []


@pytest.mark.parametrize("name", sorted(dict(commands())))
def test_command_is_in_the_readme(name: str) -> None:
    assert name in (ROOT / "README.md").read_text("utf-8")
