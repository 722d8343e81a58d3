"""Which rows still stand, and what photographs of the same content have in common."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cofenet.batch.chain import renamed, standing, suffix
from cofenet.batch.job import Step, parse
from cofenet.batch.ledger import Output, Row

from .conftest import chain

JOB = chain("xy")


def rows_of(job: tuple[Step, ...]) -> dict[str, Row]:
    """A chain that went well: each step made content 1, 2, … of what came before."""
    return {
        step.name: Row(
            step.name, str(number), step.model, step.parameters, "corrected",
            outputs=(Output(f"{step.folder}/a.png", 1, str(number + 1)),),
        )
        for number, step in enumerate(job)
    }  # fmt: skip


def test_all_stands() -> None:
    state = standing(JOB, "0", "a.png", rows_of(JOB), lambda _: True)
    assert state.over
    assert (state.content, state.name, state.output) == ("2", "a.png", "append-2/a.png")


@pytest.mark.parametrize("change", [{"input": "9"}, {"model": "9"}, {"parameters": "9"}, {"again": True}])
@pytest.mark.parametrize("place", [0, 1])
def test_what_differs_stands_no_more_nor_what_follows(change: dict[str, str], place: int) -> None:
    rows = rows_of(JOB)
    name = JOB[place].name
    status = "failed" if "again" in change else "corrected"
    rows[name] = rows[name]._replace(status=status, **change)
    state = standing(JOB, "0", "a.png", rows, lambda _: True)
    assert not state.over
    assert len(state.rows) == place
    assert state.content == str(place)


def test_a_missing_file_is_made_again_and_a_failure_ends_the_chain() -> None:
    rows = rows_of(JOB)
    assert not standing(JOB, "0", "a.png", rows, lambda output: output.name != "append-2/a.png").over
    rows["append-1"] = rows["append-1"]._replace(status="failed", outputs=())
    state = standing(JOB, "0", "a.png", rows, lambda _: True)
    assert state.over
    assert len(state.rows) == 1
    assert not standing(JOB, "0", "a.png", rows, lambda _: True, retry=True).over


@pytest.mark.parametrize(("grade", "status", "stands"), [
    ("good", "skipped", True), ("usable", "skipped", False),
    ("usable", "corrected", True), ("good", "corrected", False),
])  # fmt: skip
def test_a_condition_is_looked_at_again(grade: str, status: str, stands: bool) -> None:
    job = parse("assess,correct@usable")
    rows = {
        step.name: Row(step.name, "0", step.model, step.parameters, how, facts=facts)
        for step, how, facts in zip(job, ("assessed", status), ({"grade": grade}, {}), strict=True)
    }
    assert standing(job, "0", "a.png", rows, lambda _: True).over == stands
    rows["correct"] = rows["correct"]._replace(model="9", parameters="9")
    assert standing(job, "0", "a.png", rows, lambda _: True).over == (grade == "good" and status == "skipped")


@given(st.text("ab./", min_size=1, max_size=6), st.text("ab./", min_size=1, max_size=6), st.sampled_from([".png", ""]))
def test_a_twin_has_the_same_names_under_its_own_stem(one: str, other: str, ending: str) -> None:
    names = [f"{stem}{ending}" if ending else stem.replace(".", "") or "a" for stem in (one, other)]
    if suffix(names[0]) != suffix(names[1]):
        return
    outputs = [tuple(Output(f"out/{name}{extra}", 1, "") for extra in ("", ".json")) for name in names]
    row = Row("s", "", "", "", "corrected", outputs=outputs[0])
    (copy,) = renamed((row,), *names)
    assert copy.outputs == outputs[1]
