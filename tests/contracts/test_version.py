"""The version is the newest one of the change log."""

from __future__ import annotations

import re
from pathlib import Path

import cofenet

CHANGELOG = Path(__file__).parents[2] / "CHANGELOG.md"


def test_version_is_the_newest_of_the_changelog() -> None:
    headings = re.findall(r"^## (.*)$", CHANGELOG.read_text("utf-8"), re.MULTILINE)
    newest = re.fullmatch(r"(\d+\.\d+\.\d+)( — \d{4}-\d{2}-\d{2}| \(unreleased\))", headings[0])
    assert newest, headings[0]
    assert newest[1] == cofenet.__version__
