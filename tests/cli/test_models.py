from __future__ import annotations

import json

from typer.testing import CliRunner

from cofenet import __version__
from cofenet.cli import app


def test_the_shipped_models_are_listed() -> None:
    table = CliRunner().invoke(app, ["models"])
    assert table.exit_code == 0
    assert "light" in table.stdout
    cards = json.loads(CliRunner().invoke(app, ["models", "--json"]).stdout)
    assert [card["name"] for card in cards] == ["disc", "disc-finder", "light", "quality", "vessels"]
    assert all("esearch use" in card["licence"] and card["data"] and card["name"] in table.stdout for card in cards)


def test_the_version() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout.strip() == __version__
