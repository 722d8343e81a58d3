"""Figures of drawn rows: what must come out is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from cofenet.evaluation.cost import Cost
from cofenet.evaluation.methods import chosen
from cofenet.evaluation.runner import Record, Setup
from cofenet.evaluation.summary import Summary, summarise
from cofenet.evaluation.tables import cells, markdown

MakeSetup = Callable[..., Setup]
COUNT = 30


def records(of: Callable[[int], dict[str, dict[str, float]]], condition: str = "111") -> Iterator[Record]:
    """Photographs of two sources, two of each patient, with the figures of each method."""
    for number in range(COUNT):
        names = {
            "photograph": f"{number}.png", "source": "XY"[number % 2], "patient": f"p{number // 2}", "family": "kind",
            "condition": condition, "level": None, "seconds": 0.1,
        }  # fmt: skip
        rows = [names | {"method": method} | figures for method, figures in of(number).items()]
        yield Record(f"{number}.png", [], {}, rows, [])


@pytest.fixture
def better(setup: MakeSetup) -> Summary:
    """clahe is better by about 2, but worse on three photographs."""
    noise = np.random.default_rng(0).normal(0, 0.5, COUNT)

    def of(number: int) -> dict[str, dict[str, float]]:
        gain = -1.0 if number in (3, 10, 20) else 2.0
        return {"input": {"psnr": 20.0 + number}, "clahe": {"psnr": 20.0 + number + gain + noise[number]}}

    return summarise(setup("restoration", "111"), records(of), {"clahe": Cost(12.3, 99.6)})[0]


def test_figures(better: Summary) -> None:
    clahe, before = (better["conditions"]["111"][name] for name in ("clahe", "input"))
    assert clahe["worse"] == pytest.approx(0.1)
    assert before["worse"] == 0
    figure = clahe["figures"]["psnr"]
    assert figure["low"] < figure["mean"] < figure["high"]
    assert (figure["count"], figure["groups"]) == (30, 15)
    (test,) = better["tests"]["111"]
    assert (test["one"], test["other"], test["pairs"]) == ("input", "clahe", 15)
    assert test["difference"] == pytest.approx(before["figures"]["psnr"]["mean"] - figure["mean"])
    assert test["p"] < 0.01
    assert better["sources"].keys() == {"X", "Y"}
    assert better["sources"]["X"]["input"]["count"] == 15
    assert (better["photographs"], better["patients"]) == (30, 15)
    assert better["marked"] == {}


def test_tables_are_ranked(better: Summary) -> None:
    head, *lines = cells(better, "111")
    assert head == ["method", "PSNR dB", "PSNR dB worse than input", "ms", "MB"]
    assert [line[0] for line in lines] == ["clahe", "input"]
    assert lines[0][2:] == ["10%", "12", "100"]
    assert lines[1][2:] == ["–", "–", "–"]
    told = markdown(better)
    assert told.startswith("**111**\n\n| method | PSNR dB |")
    assert all(line.count("|") == 6 for line in told.splitlines() if line.startswith("|"))


def looks(setup: MakeSetup, score: float, kept: float) -> Summary:
    noise = np.random.default_rng(1).normal(0, 0.02, (2, COUNT))

    def of(number: int) -> dict[str, dict[str, float]]:
        return {
            "input": {"score": 0.4, "vessels_kept": 1.0},
            "clahe": {"score": score + noise[0, number], "vessels_kept": kept + noise[1, number]},
        }

    return summarise(setup("real"), records(of, "real"), {})[0]


def test_who_wins_by_looks_and_loses_structure_is_marked(setup: MakeSetup) -> None:
    found = looks(setup, 0.8, 0.7)
    assert list(found["marked"]) == ["clahe"]
    assert "quality score +0.39" in found["marked"]["clahe"]
    assert "vessels kept -0.30" in found["marked"]["clahe"]
    assert "| clahe † |" in markdown(found)
    assert "† clahe looks better, and has lost structure" in markdown(found)


@pytest.mark.parametrize(("score", "kept"), [(0.8, 0.97), (0.3, 0.7), (0.3, 0.97)])
def test_who_keeps_structure_or_wins_nothing_is_not(setup: MakeSetup, score: float, kept: float) -> None:
    assert looks(setup, score, kept)["marked"] == {}


def test_a_method_without_figures_is_in_the_table(setup: MakeSetup) -> None:
    plan = setup("restoration", "111", methods=chosen(["clahe", "gamma"]))

    def of(number: int) -> dict[str, dict[str, float]]:
        return {"input": {"psnr": 1.0}} | ({"gamma": {"psnr": 2.0}} if number < 4 else {})

    failures = [{"photograph": "x", "condition": "111", "method": "clahe", "reason": "it hurts"}]
    summary, rows = summarise(plan, [*records(of), Record("x", [], {}, [], failures)], {})
    assert summary["failures"] == failures
    assert summary["conditions"]["111"]["gamma"]["figures"]["psnr"]["count"] == 4
    assert summary["conditions"]["111"]["clahe"] == {"figures": {}, "worse": None}
    assert len(rows) == COUNT + 4
    head, *lines = cells(summary, "111")
    assert head[-1] == "photographs"
    counts = [("gamma", "4 of 30"), ("input", "30 of 30"), ("clahe", "0 of 30")]
    assert [(line[0], line[-1]) for line in lines] == counts
    assert lines[-1][1:] == ["–", "–", "0 of 30"]


def test_one_patient_has_no_interval(setup: MakeSetup) -> None:
    (one, *_) = records(lambda _: {"input": {"psnr": 20.0}})
    summary, _ = summarise(setup("restoration", "111"), [one], {})
    assert cells(summary, "111")[1][1] == "20.00"


def test_rows_come_in_the_order_of_the_methods(setup: MakeSetup) -> None:
    plan = setup("restoration", "111")
    _, rows = summarise(plan, records(lambda _: {"clahe": {"psnr": 1.0}, "input": {"psnr": 1.0}}), {})
    assert [row["method"] for row in rows[:4]] == ["input", "clahe"] * 2


def test_nothing_measured(setup: MakeSetup) -> None:
    summary, rows = summarise(setup("restoration", "111"), [], {})
    assert rows == []
    assert summary["conditions"] == {}
    assert markdown(summary) == ""
