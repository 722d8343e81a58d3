"""What the table tells of a photograph."""

from __future__ import annotations

from cofenet.batch.ledger import Output, Row
from cofenet.batch.records import Record
from cofenet.batch.sources import Photograph

ONE = Photograph("a", "a.png", "/x/a.png")


def test_facts_become_columns_and_what_was_not_found_none() -> None:
    row = Row("segment", "", "", "", "segmented", outputs=(Output("segmented/a.png", 1, ""),))
    found = {"disc": {"x": 0.5, "notes": ["a", "b"]}, "cup": 2, "provenance": {"model": "m"}}
    with_disc = Record(ONE, (row._replace(facts=found),), 1).columns()
    assert with_disc == {
        "status": "done", "reason": None, "segment.status": "segmented", "segment.output": "segmented/a.png",
        "segment.disc.x": 0.5, "segment.disc.notes": "a; b", "segment.cup": 2,
    }  # fmt: skip
    without = Record(ONE, (row._replace(facts={"disc": None, "cup": 2}),), 1).columns()
    assert without.keys() < with_disc.keys()


def test_a_chain_that_was_cut_short_is_missing_or_failed() -> None:
    row = Row("assess", "", "", "", "assessed")
    assert Record(ONE, (row,), 2).status == "missing"
    failed = Record(ONE, (row._replace(status="failed", reason="is bad"),), 2)
    assert (failed.status, failed.reason) == ("failed", "assess: is bad")
