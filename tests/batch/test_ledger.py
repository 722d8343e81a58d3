"""The ledger keeps what it is told, belongs to one run, and can take over others."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from cofenet.batch.ledger import Ledger, Output, Row, Seen
from cofenet.errors import UsageError

ROW = Row("assess", "1f", "m", "{}", "assessed", None, False, (Output("a/b", 3, "2e"),), {"grade": "good"}, 0.25)
SEEN = Seen("a.png", "/x/a.png", 5, "77", "1f")


def test_it_keeps_what_it_is_told(tmp_path: Path) -> None:
    with closing(Ledger(tmp_path / "l.sqlite")) as ledger:
        ledger.write("a", SEEN, [ROW])
        ledger.write("bad\udcff", None, [Row("assess", "", "m", "{}", "failed", "is bad")])
    assert [path.name for path in tmp_path.iterdir()] == ["l.sqlite"]
    with closing(Ledger(tmp_path / "l.sqlite")) as ledger:
        assert ledger.rows("a") == {"assess": ROW}
        assert ledger.rows("bad\udcff")["assess"].reason == "is bad"
        assert ledger.seen("a") == SEEN
        assert list(ledger.with_content("1f")) == [("a", "a.png")]
        ledger.write("b\udcff", SEEN)
        assert list(ledger.all_seen()) == [("a", SEEN, {"assess": ROW}), ("b\udcff", SEEN, {})]
        assert next(ledger.all_seen(facts=False)) == ("a", SEEN, {"assess": ROW._replace(facts={})})
        ledger.write("a", None, gone=["assess"])
        assert ledger.rows("a") == {}
        assert ledger.seen("b") is None


def test_it_belongs_to_one_run(tmp_path: Path) -> None:
    with closing(Ledger(tmp_path / "l.sqlite")), pytest.raises(UsageError, match="another run is using this ledger"):
        Ledger(tmp_path / "l.sqlite")
    Ledger(tmp_path / "l.sqlite").close()


def test_something_else_is_no_ledger(tmp_path: Path) -> None:
    (tmp_path / "l.sqlite").write_bytes(b"something else " * 100)
    with pytest.raises(UsageError, match="is no ledger of a run"):
        Ledger(tmp_path / "l.sqlite")


def test_it_takes_over_what_it_does_not_know(tmp_path: Path) -> None:
    with closing(Ledger(tmp_path / "other.sqlite")) as other:
        other.write("a", Seen("old", "old", 1, "1", "0"), [])
        other.write("b", SEEN, [ROW])
    with closing(Ledger(tmp_path / "l.sqlite")) as ledger:
        ledger.write("a", SEEN, [ROW])
        ledger.absorb(tmp_path / "other.sqlite")
        ledger.absorb(tmp_path / "other.sqlite")
        assert ledger.seen("a") == SEEN
        assert ledger.rows("b") == {"assess": ROW}
