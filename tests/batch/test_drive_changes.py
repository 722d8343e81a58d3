"""Resuming when something has changed: photographs, the job, the destination."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path

from cofenet.batch.drive import Drive
from cofenet.batch.ledger import Ledger, Row, Seen
from cofenet.batch.sources import Cohort, read_cohort
from cofenet.batch.storage import _sizes, open_storage
from cofenet.batch.work import Workplace

from .conftest import Appending, Inline, Stopped, chain, cohort, drive, tree


def test_what_is_missing_from_the_destination_is_made_again(tmp_path: Path) -> None:
    photographs = cohort(tmp_path / "in", ["a", "b", "c"])
    drive(chain("x"), photographs, tmp_path / "out")
    whole = tree(tmp_path / "out")
    (tmp_path / "out/append-1/1.png").unlink()
    (tmp_path / "out/append-1/2.png").write_bytes(b"of another size")
    Appending.done.clear()
    count = drive(chain("x"), photographs, tmp_path / "out")
    assert sorted(Appending.done) == ["1.png", "2.png"]
    assert tree(tmp_path / "out") == whole
    assert (count.done, count.before) == (3, 1)


def test_files_may_go_while_the_destination_is_listed(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text(name)
    listing = _sizes(tmp_path, "")
    first, size = next(listing)
    for name in {"a", "b", "c"} - {first}:
        (tmp_path / name).unlink()
    assert (size, list(listing)) == (1, [])


def test_a_photograph_that_changed_is_done_anew_and_one_that_moved_is_not(tmp_path: Path) -> None:
    drive(chain("x"), cohort(tmp_path / "in", ["a", "bb"]), tmp_path / "out")
    (tmp_path / "in/0.png").write_text("changed")
    (tmp_path / "in/1.png").rename(tmp_path / "in/9.png")
    Appending.done.clear()
    drive(chain("x"), read_cohort(str(tmp_path / "in")), tmp_path / "out")
    assert Appending.done == ["0.png"]
    assert (tmp_path / "out/append-1/0.png").read_bytes() == b"changedx"
    assert (tmp_path / "out/append-1/9.png").read_bytes() == b"bbx"


def test_a_photograph_that_was_only_touched_is_not_done_again(tmp_path: Path) -> None:
    drive(chain("x"), cohort(tmp_path / "in", ["a", "bb"]), tmp_path / "out")
    os.utime(tmp_path / "in/0.png", (1, 1))
    Appending.done.clear()
    count = drive(chain("x"), read_cohort(str(tmp_path / "in")), tmp_path / "out")
    assert Appending.done == []
    assert (count.done, count.before) == (2, 2)


def test_photographs_without_size_and_stamp_are_told_by_their_content(tmp_path: Path) -> None:
    listed = cohort(tmp_path / "in", ["a", "a", "bb"])
    unlisted = Cohort([one._replace(size=None, stamp=None) for one in listed.photographs])
    Appending.done.clear()
    drive(chain("x"), unlisted, tmp_path / "out")
    assert sorted(Appending.done) == ["0.png", "2.png"]
    Appending.done.clear()
    drive(chain("x"), unlisted, tmp_path / "out")
    assert Appending.done == []


def test_results_that_a_new_job_does_not_make_go(tmp_path: Path) -> None:
    photographs = cohort(tmp_path / "in", ["a"])
    drive(chain("x"), photographs, tmp_path / "out")
    (tmp_path / "in/0.png").write_text("bad now")
    drive(chain("x"), read_cohort(str(tmp_path / "in")), tmp_path / "out")
    assert tree(tmp_path / "out") == {}


def test_they_go_also_when_the_driver_dies_right_after_its_note(tmp_path: Path) -> None:
    class Last(Ledger):
        def write(
            self, photograph: str, seen: Seen | None, rows: Iterable[Row] = (), *, gone: Iterable[str] = ()
        ) -> None:
            super().write(photograph, seen, rows, gone=gone)
            raise Stopped

    drive(chain("x"), cohort(tmp_path / "in", ["a"]), tmp_path / "out")
    (tmp_path / "in/0.png").write_text("bad now")
    photographs, place = read_cohort(str(tmp_path / "in")), Workplace(chain("x"), str(tmp_path / "out"), "ledger", 1)
    with closing(Last(tmp_path / "out/ledger.sqlite")) as ledger, suppress(Stopped):
        Drive(chain("x"), photographs, ledger, open_storage(str(tmp_path / "out"))).run(lambda: Inline(place))
    drive(chain("x"), photographs, tmp_path / "out")
    assert tree(tmp_path / "out") == {}
