"""The driver's laws, with steps that cost nothing."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cofenet.batch.drive import Count, Drive
from cofenet.batch.engine import Lost
from cofenet.batch.ledger import Ledger, Row
from cofenet.batch.sources import Cohort, read_cohort
from cofenet.batch.storage import open_storage
from cofenet.batch.work import Answer, Task, Workplace
from cofenet.errors import UnwritableError, UsageError

from .conftest import Appending, Inline, Stopped, chain, cohort, drive, told, tree

QUICK = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Where files are safe as soon as they are written: there are thousands."""

CONTENTS = st.lists(st.sampled_from(["a", "b", "cc", "dd", "bad", "bad2"]), min_size=1, max_size=7)


@given(CONTENTS, st.lists(st.integers(0, 5), max_size=3))
@settings(max_examples=40)
def test_stopped_anywhere_and_resumed_equals_undisturbed(contents: list[str], stops: list[int]) -> None:
    with tempfile.TemporaryDirectory(dir=QUICK) as name:
        folder = Path(name)
        photographs = cohort(folder / "in", contents)
        count = drive(chain("xy"), photographs, folder / "whole")
        for stop in stops:
            with suppress(Stopped):
                drive(chain("xy"), photographs, folder / "parts", until=stop)
        again = drive(chain("xy"), photographs, folder / "parts")
        assert tree(folder / "whole") == tree(folder / "parts")
        assert told(folder / "whole/ledger.sqlite") == told(folder / "parts/ledger.sqlite")
        assert count.done == again.done == len(contents)
        assert count.failed == again.failed == sum(content.startswith("bad") for content in contents)


@given(CONTENTS, st.text("xyz", min_size=1, max_size=3), st.text("xyz", min_size=1, max_size=3))
@settings(max_examples=40)
def test_another_job_equals_a_fresh_run_and_does_no_more_than_it_must(
    contents: list[str], first: str, second: str
) -> None:
    with tempfile.TemporaryDirectory(dir=QUICK) as name:
        folder = Path(name)
        photographs = cohort(folder / "in", contents)
        drive(chain(first), photographs, folder / "out")
        Appending.done.clear()
        drive(chain(second), photographs, folder / "out")
        done = len(Appending.done)
        Appending.done.clear()
        drive(chain(second), photographs, folder / "fresh")
        kept = len(list(itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False))))
        good = {content for content in contents if not content.startswith("bad")}
        assert done <= len(good) * (len(second) - kept) + len(set(contents) - good)
        fresh, out = tree(folder / "fresh"), tree(folder / "out")
        assert {name: out[name] for name in fresh} == fresh


@given(CONTENTS)
@settings(max_examples=20)
def test_the_same_content_is_computed_once(contents: list[str]) -> None:
    with tempfile.TemporaryDirectory(dir=QUICK) as name:
        folder = Path(name)
        Appending.done.clear()
        drive(chain("x"), cohort(folder / "in", contents), folder / "out")
        assert len(Appending.done) == len(set(contents))
        out = tree(folder / "out")
        for number, content in enumerate(contents):
            if not content.startswith("bad"):
                assert out[f"append-1/{number}.png"] == f"{content}x".encode()


class Counting(Ledger):
    """Counts how often it is asked."""

    asked = 0

    def rows(self, photograph: str, *, facts: bool = True) -> dict[str, Row]:
        type(self).asked += 1
        return super().rows(photograph, facts=facts)


@pytest.mark.parametrize("content", ["a", "bad"])
def test_many_of_the_same_content_are_looked_at_a_few_times_each(tmp_path: Path, content: str) -> None:
    photographs, out = cohort(tmp_path / "in", [content] * 100), tmp_path / "out"
    out.mkdir()
    place = Workplace(chain("x"), str(out), "ledger", 1)
    Appending.done.clear()
    Counting.asked = 0
    with closing(Counting(out / "ledger.sqlite")) as ledger:
        Drive(chain("x"), photographs, ledger, open_storage(str(out))).run(lambda: Inline(place))
    assert len(Appending.done) == 1
    assert Counting.asked < 6 * 100


def test_what_is_done_is_asked_for_all_at_once(tmp_path: Path) -> None:
    photographs = cohort(tmp_path / "in", ["a", "bb", "cc", "bad"])
    drive(chain("xy"), photographs, tmp_path / "out")
    Counting.asked = 0
    counts = []
    with closing(Counting(tmp_path / "out/ledger.sqlite")) as ledger:
        Drive(
            chain("xy"), photographs, ledger, open_storage(str(tmp_path / "out")),
            tell=lambda count: counts.append(replace(count)),
        ).run(lambda: pytest.fail("nothing is missing"))  # fmt: skip
    assert Counting.asked == 0
    assert counts == [Count(total=4, done=4, before=4, failed=1)]


def test_failures_of_a_photograph_are_kept_until_they_are_to_be_tried_again(tmp_path: Path) -> None:
    photographs = cohort(tmp_path / "in", ["bad"])
    drive(chain("x"), photographs, tmp_path / "out")
    Appending.done.clear()
    assert drive(chain("x"), photographs, tmp_path / "out").failed == 1
    assert Appending.done == []
    assert drive(chain("x"), photographs, tmp_path / "out", retry=True).failed == 1
    assert Appending.done == ["0.png"]


def test_memory_is_bounded_by_the_engine(tmp_path: Path) -> None:
    photographs = cohort(tmp_path / "in", [str(number) * number for number in range(1, 20)])
    engine = Inline(Workplace(chain("x"), str(tmp_path / "out"), "ledger", 1), width=4)
    (tmp_path / "out").mkdir()
    with closing(Ledger(tmp_path / "out/ledger.sqlite")) as ledger:
        Drive(chain("x"), photographs, ledger, open_storage(str(tmp_path / "out"))).run(lambda: engine)
    assert engine.most == 4


class Deadly(Inline):
    """Loses a photograph's worker as often as `deaths` says."""

    deaths = 1

    def answers(self) -> Iterator[tuple[Task, Answer | Lost]]:
        for task, answer in super().answers():
            if task.name == "1.png" and self.deaths:
                type(self).deaths -= 1
                yield task, Lost("it died")
            else:
                yield task, answer


@pytest.mark.parametrize(("deaths", "failed"), [(1, 0), (2, 1), (5, 1)])
def test_a_photograph_over_which_workers_die_is_tried_twice(tmp_path: Path, deaths: int, failed: int) -> None:
    photographs = cohort(tmp_path / "in", ["a", "bb", "ccc"])
    (tmp_path / "out").mkdir()
    Deadly.deaths = deaths
    place = Workplace(chain("x"), str(tmp_path / "out"), "ledger", 1)
    with closing(Ledger(tmp_path / "out/ledger.sqlite")) as ledger:
        count = Drive(chain("x"), photographs, ledger, open_storage(str(tmp_path / "out"))).run(lambda: Deadly(place))
        row = ledger.rows("1.png")["append-1"]
    assert (count.done, count.failed) == (3, failed)
    assert (row.reason, row.again) == (("it died", True) if failed else (None, False))
    assert Deadly.deaths == max(0, deaths - 2)


def test_a_photograph_that_changes_meanwhile_keeps_none_waiting(tmp_path: Path) -> None:
    class Changing(Inline):
        def submit(self, task: Task) -> None:
            if task.number == 0 and not task.hash_only:
                Path(task.url).write_text("changed")
            super().submit(task)

    photographs, out = cohort(tmp_path / "in", ["a", "a"]), tmp_path / "out"
    out.mkdir()
    with closing(Ledger(out / "ledger.sqlite")) as ledger:
        count = Drive(chain("x"), photographs, ledger, open_storage(str(out))).run(
            lambda: Changing(Workplace(chain("x"), str(out), "ledger", 1))
        )
    assert count.done == 2
    assert (out / "append-1/0.png").read_bytes() == b"changedx"
    assert (out / "append-1/1.png").read_bytes() == b"ax"


def test_a_full_disk_stops_the_run(tmp_path: Path) -> None:
    class Full(Inline):
        def answers(self) -> Iterator[tuple[Task, Answer | Lost]]:
            for task, answer in super().answers():
                yield task, Answer(None, full="no space left on device") if task.number == 1 else answer

    photographs = cohort(tmp_path / "in", ["a", "bb", "ccc"])
    (tmp_path / "out").mkdir()
    place = Workplace(chain("x"), str(tmp_path / "out"), "ledger", 1)
    with closing(Ledger(tmp_path / "out/ledger.sqlite")) as ledger:
        with pytest.raises(UnwritableError, match="no space left on device: stopped; make room"):
            Drive(chain("x"), photographs, ledger, open_storage(str(tmp_path / "out"))).run(lambda: Full(place))
        assert ledger.rows("0.png")
        assert not ledger.rows("1.png")


def test_a_shard_may_be_empty(tmp_path: Path) -> None:
    assert drive(chain("x"), Cohort([]), tmp_path / "out") == Count(total=0)


def test_two_photographs_that_would_become_one_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.png", "a.jpg"):
        (folder / name).write_text(name)
    verb = Appending(letter="x", format="png")
    job = (chain("x")[0].__class__("append", verb, "append", "", "x"),)
    (tmp_path / "out").mkdir()
    with closing(Ledger(tmp_path / "out/ledger.sqlite")) as ledger, pytest.raises(UsageError, match=r"2 photographs"):
        Drive(job, read_cohort(str(folder)), ledger, open_storage(str(tmp_path / "out")))
