"""Modules are short and named for what they are about."""

from __future__ import annotations

from pathlib import Path

import cofenet

SOURCE = Path(cofenet.__file__).parent
LONGEST = 300
LONGER: frozenset[str] = frozenset()
"""Modules that may have more lines than that."""

VAGUE = {"common", "core", "helpers", "misc", "utils", "util"}


def test_modules_are_short() -> None:
    lengths = {
        str(path.relative_to(SOURCE)): len(path.read_text("utf-8").splitlines()) for path in SOURCE.rglob("*.py")
    }
    assert lengths
    assert {name: length for name, length in lengths.items() if length > LONGEST and name not in LONGER} == {}


def test_no_module_has_a_vague_name() -> None:
    names = {part for path in SOURCE.rglob("*.py") for part in path.relative_to(SOURCE).with_suffix("").parts}
    assert names & VAGUE == set()
