"""Worker processes: they share the processors, and one that cannot start is no endless loop."""

from __future__ import annotations

from pathlib import Path

import pytest

from cofenet.batch.job import Step, parse
from cofenet.batch.pool import Pool
from cofenet.batch.work import Task, Workplace
from cofenet.errors import CofenetError


def test_a_worker_answers_and_ends(photos: Path, tmp_path: Path) -> None:
    pool = Pool(Workplace(parse("degrade"), str(tmp_path / "out"), "run", 1), 1)
    (process,) = pool.processes
    assert pool.room() == 2
    pool.submit(Task(0, str(photos / "0.png"), "0.png"))
    pool.submit(Task(1, str(photos / "bad.png"), "bad.png"))
    assert pool.room() == 0
    answers = {}
    while len(answers) < 2:
        answers |= {task.number: answer for task, answer in pool.answers()}
    assert [answers[number].rows[0].status for number in (0, 1)] == ["degraded", "failed"]
    assert list(pool.answers()) == []
    pool.close()
    assert not Path(f"/proc/{process}").exists()


def test_workers_that_cannot_start_end_the_run(photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (right,) = parse("correct")
    wrong = Step("correct", right.verb.model_copy(update={"model": "none"}), "corrected", "", "")
    pool = Pool(Workplace((wrong,), str(tmp_path / "out"), "run", 1), 1)
    pool.submit(Task(0, str(photos / "0.png"), "0.png"))
    with pytest.raises(CofenetError, match="no worker process can start: the worker process ended"):
        list(pool.answers())
    pool.close()
    assert "no model 'none'" in capfd.readouterr().err
