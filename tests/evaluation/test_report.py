"""The page: whole, alone, and with what the figures say."""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, sync_playwright
from playwright.sync_api import Page as Opened

from cofenet.evaluation.cost import Cost
from cofenet.evaluation.methods import chosen
from cofenet.evaluation.photographs import listed
from cofenet.evaluation.protocols import protocol
from cofenet.evaluation.report import page, write_report
from cofenet.evaluation.runner import TRUTH, Record, Setup, run
from cofenet.evaluation.summary import LEVEL, summarise
from cofenet.evaluation.tables import markdown
from cofenet.io import Photograph, write_photograph
from cofenet.metrics.significance import signed_rank

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
    found = Page(written)
    assert found.open == []
    pictures = [image["src"] for image in found.all("img") if image.get("src")]
    assert len(pictures) == 2 * 3
    for source in pictures:
        assert base64.b64decode(str(source).removeprefix("data:image/jpeg;base64,")).startswith(b"\xff\xd8")
    assert len(found.all("svg")) == 2 * 6 + 1  # dots and cost of each condition, severity
    methods = {figure["data-method"] for figure in found.all("figure")}
    assert methods == {"input", "clahe", TRUTH}
    assert len(found.all("script")) == 1
    assert "&lt;script&gt;alert(1)" in written
    assert "severity-0.25" in written
    assert "2 photographs, 176 pixels" in written


def test_an_overview_has_a_line_for_each_condition(opened: Opened) -> None:
    head, *lines = opened.locator("table").first.locator("tr").all()
    assert head.locator("th").all_inner_texts() == ["", "input", "clahe"]
    assert len(lines) == 6
    first = opened.locator("details table").first.locator("tr", has_text="clahe").inner_text().split("\t")[1]
    assert lines[0].locator("td").all_inner_texts()[2] == first.split(" ")[0]


def test_too_few_to_mark_anything_is_said(tmp_path: Path) -> None:
    def record(number: int) -> Record:
        names = {"photograph": str(number), "source": "", "patient": str(number), "family": "kind", "level": None}
        figures = {"condition": "real", "method": "input", "score": 0.5, "vessels_kept": 1.0}
        return Record(str(number), [], {}, [names | figures], [])

    plan = Setup(protocol("real"), chosen(["input"]), tmp_path, 176)
    five, six = (summarise(plan, map(record, range(count)), {})[0] for count in (5, 6))
    for told in (page(five, {}), markdown(five)):
        assert "Of fewer than 6 patients" in told
    for told in (page(six, {}), markdown(six)):
        assert "Of fewer than" not in told
    assert signed_rank(np.arange(1, 6)) > LEVEL > signed_rank(np.arange(1, 7))


def test_it_needs_nothing_else(written: str) -> None:
    """No address but the name of SVG's own language, which nobody fetches."""
    found = set(re.findall(r"(?:https?:)?//[\w.]+", re.sub(r"data:[^\"]+", "", written)))
    script = resources.files("cofenet.evaluation").joinpath("page.js").read_text("utf-8")
    assert {address for address in found if "." in address} <= {"http://www.w3.org"}
    assert not re.search(r"\b(src|href)=\"(?!data:)", written)
    assert "fetch(" not in script
    assert "XMLHttpRequest" not in script


@pytest.fixture
def opened(written: str, tmp_path: Path) -> Iterator[Opened]:
    """The page in Chromium."""
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("chromium is not installed; .ci/debian-tools says why")
    (tmp_path / "report.html").write_text(written, "utf-8")
    with sync_playwright() as player:
        chromium = player.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        page.goto((tmp_path / "report.html").as_uri())
        yield page
        chromium.close()


def test_in_a_browser_it_asks_for_nothing_and_complains_of_nothing(opened: Opened) -> None:
    asked, complaints = [], []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
    opened.reload()
    assert [url for url in asked if not url.startswith("data:")] == [opened.url]
    assert complaints == []
    sizes = opened.eval_on_selector_all("img", "images => images.map(image => image.naturalWidth)")
    assert min(sizes) > 0
    assert opened.evaluate("document.documentElement.scrollWidth") <= 1280


def test_slider_and_zoom(opened: Opened) -> None:
    sheet = opened.locator(".sheet").first
    under, over = sheet.locator(".stage img").all()
    stage = sheet.locator(".stage").bounding_box()
    assert cut(over) == pytest.approx(stage["width"] / 2, abs=1)
    sheet.locator(".split").fill("25")
    assert cut(over) == pytest.approx(0.75 * stage["width"], abs=1)
    sheet.locator(".zoom").fill("4")
    assert under.bounding_box()["width"] == pytest.approx(4 * stage["width"], rel=0.01)
    assert over.bounding_box() == under.bounding_box()
    sheet.locator(".stage").hover()
    stage, before = sheet.locator(".stage").bounding_box(), under.bounding_box()  # it was scrolled to
    opened.mouse.down()
    opened.mouse.move(stage["x"] + stage["width"] / 2 + 40, stage["y"] + stage["height"] / 2 + 30)
    opened.mouse.up()
    after = under.bounding_box()
    assert (after["x"] - before["x"], after["y"] - before["y"]) == pytest.approx((40, 30), abs=1)


def test_other_pictures_can_be_chosen(opened: Opened) -> None:
    sheet = opened.locator(".sheet").first
    under, over = sheet.locator(".stage img").all()
    for method, modifiers, shown in ((TRUTH, [], under), ("clahe", ["Shift"], over)):
        figure = sheet.locator(f'figure[data-method="{method}"]')
        figure.click(modifiers=modifiers)
        assert shown.get_attribute("src") == figure.locator("img").get_attribute("src")


def cut(picture: Locator) -> float:
    """Pixels that are cut from the right of a picture."""
    return float(picture.evaluate("image => image.style.clipPath").split()[1].removesuffix("px"))
