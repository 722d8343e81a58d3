"""Put measured figures where they are read: between markers in README.md and docs, and on the cards of the networks."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from cofenet.engine.card import card_path, load_card

README = Path(__file__).parents[1] / "README.md"


def publish(name: str, text: str, page: Path = README) -> None:
    """Replace what stands between `<!-- name -->` and `<!-- /name -->`.

    Raises:
        ValueError: the page has no such place: what was measured would not be read by anybody.
    """
    block = f"<!-- {name} -->\n\n{text}\n\n<!-- /{name} -->"
    old = page.read_text("utf-8")
    new, count = re.subn(rf"<!-- {name} -->.*?<!-- /{name} -->", lambda _: block, old, flags=re.DOTALL)
    if not count:
        raise ValueError(f"{page}: has no <!-- {name} --> … <!-- /{name} -->")
    page.write_text(new, "utf-8")


def published(name: str, page: Path = README) -> str:
    """What stands there."""
    found = re.search(rf"<!-- {name} -->(.*?)<!-- /{name} -->", page.read_text("utf-8"), re.DOTALL)
    return found.group(1).strip() if found else ""


def onto_card(model: str, figures: Mapping[str, float]) -> None:
    """Replace the figures of a shipped network."""
    rounded = {name: round(value, 4) for name, value in figures.items()}
    card_path(model).write_text(json.dumps(load_card(model).model_dump() | {"figures": rounded}, indent=2) + "\n")
