"""Put measured figures between the markers in README.md."""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def publish(name: str, text: str) -> None:
    """Replace what stands between `<!-- name -->` and `<!-- /name -->`."""
    block = f"<!-- {name} -->\n\n{text}\n\n<!-- /{name} -->"
    old = README.read_text("utf-8")
    new = re.sub(rf"<!-- {name} -->.*?<!-- /{name} -->", lambda _: block, old, flags=re.DOTALL)
    README.write_text(new, "utf-8")


def published(name: str) -> str:
    """What stands there."""
    found = re.search(rf"<!-- {name} -->(.*?)<!-- /{name} -->", README.read_text("utf-8"), re.DOTALL)
    return found.group(1).strip() if found else ""
