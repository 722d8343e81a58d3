"""The page: whole, alone, and with what the figures say."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from cofenet.evaluation.cost import Cost
from cofenet.evaluation.engine import TRUTH, Record, Setup, run
from cofenet.evaluation.methods import chosen
from cofenet.evaluation.photographs import listed
from cofenet.evaluation.protocols import protocol
from cofenet.evaluation.report import write_report
from cofenet.evaluation.summary import summarise
from cofenet.io import Photograph, write_photograph

Draw = Callable[..., np.ndarray]
VOID = {"meta", "img", "input", "br", "link"}


class Page(HTMLParser):
    """Collects elements, and complains about tags that do not fit."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def written(draw: Draw, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report of a run over two photographs, with a failure whose reason looks like HTML."""
    folder = tmp_path_factory.mktemp("report")
    for seed, name in enumerate(("a.png", "sub/b.png")):
        (folder / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        write_photograph(folder / "photos" / name, Photograph(draw(seed)))
    plan = Setup(protocol("robustness", ("severity", "side")), chosen(["clahe"]), folder / "out", 176, sheets=2)
    records = list(run(plan, listed(folder / "photos")))
    reason = "<script>alert(1)</script>"
    failures = [{"photograph": "x", "condition": "", "method": "", "reason": reason}]
    summary, _ = summarise(plan, [*records, Record("x", [], {}, [], failures)], {"clahe": Cost(10, 90)})
    return write_report(plan.folder, summary, ["a.png", "sub/b.png"]).read_text("utf-8")


def test_the_page(written: str) -> None:
    page = Page(written)
    assert page.open == []
    pictures = [image["src"] for image in page.all("img") if image.get("src")]
    assert len(pictures) == 2 * 3
    for source in pictures:
        assert base64.b64decode(str(source).removeprefix("data:image/jpeg;base64,")).startswith(b"\xff\xd8")
    assert len(page.all("svg")) == 3  # dots, cost, severity
    methods = {figure["data-method"] for figure in page.all("figure")}
    assert methods == {"input", "clahe", TRUTH}
    assert len(page.all("script")) == 1
    assert "&lt;script&gt;alert(1)" in written
    assert "severity-0.25" in written


def test_it_needs_nothing_else(written: str) -> None:
    """No address but the name of SVG's own language, which nobody fetches."""
    found = set(re.findall(r"(?:https?:)?//[\w.]+", re.sub(r"data:[^\"]+", "", written)))
    script = resources.files("cofenet.evaluation").joinpath("page.js").read_text("utf-8")
    assert {address for address in found if "." in address} <= {"http://www.w3.org"}
    assert not re.search(r"\b(src|href)=\"(?!data:)", written)
    assert "fetch(" not in script
    assert "XMLHttpRequest" not in script


def test_every_class_of_the_script_is_on_the_page(written: str) -> None:
    script = resources.files("cofenet.evaluation").joinpath("page.js").read_text("utf-8")
    wanted = set(re.findall(r"querySelector(?:All)?\(\"\.(\w+)\"\)", script))
    there = {name for _, attributes in Page(written).elements for name in str(attributes.get("class", "")).split()}
    assert wanted
    assert wanted <= there


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_the_script_can_be_parsed(tmp_path: Path) -> None:
    with resources.as_file(resources.files("cofenet.evaluation").joinpath("page.js")) as file:
        subprocess.run(["node", "--check", str(file)], check=True, capture_output=True)
