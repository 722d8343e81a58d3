"""What a shipped card says of its making can be followed."""

from __future__ import annotations

from pathlib import Path

import pytest

from cofenet.engine.card import load_card, shipped

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", shipped())
def test_the_recipes_of_a_shipped_network_are_there_and_their_order_is_told(name: str) -> None:
    told = (ROOT / "CONTRIBUTING.md").read_text("utf-8").split("## Training the shipped networks")[1].split()
    made_by = [recipe for key, recipe in load_card(name).training.items() if key.endswith("recipe")]
    assert made_by
    for recipe in made_by:
        assert (ROOT / f"recipes/{recipe}.toml").is_file()
        assert recipe in told
