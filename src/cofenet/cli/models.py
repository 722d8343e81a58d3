"""`cofenet models`: what is shipped."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cofenet.engine.card import load_card, shipped


def models(as_json: Annotated[bool, typer.Option("--json", help="Print the cards as JSON.")] = False) -> None:
    """List the models inside the package."""
    cards = [load_card(name) for name in shipped()]
    if as_json:
        typer.echo(json.dumps([card.model_dump() for card in cards], indent=2))
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("model", "parameters", "what it does", "licence"):
        table.add_column(heading)
    for card in cards:
        table.add_row(card.name, f"{card.parameters / 1e6:.2f} M", card.description, card.licence)
    Console().print(table)
