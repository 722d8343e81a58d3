"""How fast `cofenet run` is, and what it costs to keep account.

    python benchmarks/cohort.py [--photographs 200] [--rows 100000] [--out docs/results/cohort.json] [--publish]

Drawn degradations of the public-domain retina of scikit-image, uneven light and spots (kind 011: blur as the published
model has it is not found in real photographs, and takes longer), 1024 × 1024, JPEG, corrected: by a plain loop in one
process, one photograph after the other, on one processor and with all; and by runs with 1, 2, … worker processes, which
share all; then blurred ones (kind 111), half as many, with a worker for each processor. Each is timed from the first
result to the last, so that the start of processes, which a cohort pays for once, does not count; the start is told by
itself. What the ledger costs is the time that the driver spends in it, over the time of the run. Start, resume, report
and memory of the driver are measured in a process of its own, on rows without work.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import cv2
import numpy as np

import cofenet
from cofenet.batch.drive import Count, Drive
from cofenet.batch.engine import Lost
from cofenet.batch.job import parse
from cofenet.batch.ledger import Ledger, Row
from cofenet.batch.outcome import attempted
from cofenet.batch.places import Places
from cofenet.batch.pool import Pool
from cofenet.batch.report import write_report
from cofenet.batch.sources import read_cohort
from cofenet.batch.storage import open_storage
from cofenet.batch.verbs.correct import Correct
from cofenet.batch.work import Answer, Task, Workplace
from cofenet.degradation import sample
from cofenet.engine.threads import available
from cofenet.io import Photograph, write_photograph
from cofenet.tasks.quality import FACTORS
from readme import publish

COHORTS = Path(__file__).parents[1] / "docs/cohorts.md"

_SIDE = 1024


def main() -> None:
    """Measure, print, store, and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=int, default=200)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--out", type=Path, default=Path("docs/results/cohort.json"))
    parser.add_argument("--publish", action="store_true", help="put the figures into README.md and docs/cohorts.md")
    parser.add_argument("--driver", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--loop", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.loop:
        print(_loop(options.loop / "photos", options.loop / f"loop-{available()}"))
        return
    if options.driver:
        print(json.dumps(_driver(options.driver, options.rows)))
        return
    figures: dict[str, object] = {
        "cpus": available(), "model": _model(), "photographs": options.photographs, "side": _SIDE, "rows": options.rows,
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _photographs(folder / "photos", options.photographs, "011")
        _photographs(folder / "blurred", options.photographs // 2, "111")
        counts = sorted({1, available(), *(2**power for power in range(1, 8) if 2**power < available())})
        runs = {count: _run(folder / "photos", folder / f"run-{count}", count) for count in counts}
        figures["blurred_per_second"] = _run(folder / "blurred", folder / "run-blurred", available())["per_second"]
        everything = os.sched_getaffinity(0)
        figures["loop_per_second"] = _itself("--loop", folder, processors=everything)
        figures["loop_on_one_per_second"] = _itself("--loop", folder, processors={min(everything)})
        figures["workers"] = {str(count): run for count, run in runs.items()}
        (folder / "driver").mkdir()
        for what in ("start", "resume"):
            figures[what] = _itself("--driver", folder / "driver", "--rows", options.rows, processors=everything)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(figures, indent=2) + "\n")
    print(sentence(figures), paper(figures), sep="\n\n")
    if options.publish:
        publish("cohort", sentence(figures))
        publish("cohort-paper", paper(figures), COHORTS)


def _itself(*options: object, processors: set[int]) -> object:
    """What this programme prints with other options, in a process of its own on these processors."""
    command = [sys.executable, __file__, *map(str, options)]
    bound = partial(os.sched_setaffinity, 0, processors)
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, preexec_fn=bound).stdout)


def sentence(figures: dict) -> str:
    """The figures in words."""
    workers, side = figures["workers"], figures["side"]
    one = figures["loop_on_one_per_second"]
    speeds = "; ".join(
        f"{run['per_second']:.1f} with {count} worker{'s' if count != '1' else ''}"
        f" ({run['per_second'] / one:.2f} times)"
        for count, run in workers.items()
    )
    best = workers[max(workers, key=int)]
    start, resume = figures["start"], figures["resume"]
    return (
        f"On {figures['cpus']} processors, {side} × {side} pixels corrected from JPEG to JPEG, photographs a second: "
        f"{one:.1f} in a plain loop on one processor, {figures['loop_per_second']:.1f} in one that has all; {speeds}. "
        f"Of photographs blurred as the published model blurs, whose fine structures are restored, too, "
        f"{figures['blurred_per_second']:.1f} with {max(workers, key=int)}. "
        f"The ledger takes {best['ledger_share']:.1%} of the time. {figures['rows']:,} photographs: "
        f"the first is given out after {start['first_s']:.1f} s, all are looked through on resuming in "
        f"{resume['all_s']:.1f} s, and their report is written in {resume['report_s']:.0f} s; the driver takes at most "
        f"{max(start['peak_mb'], resume['peak_mb']):.0f} MB."
    )


def paper(figures: dict) -> str:
    """What a million photographs cost: computed from the figures, not measured."""
    workers = figures["workers"]
    count = max(workers, key=int)
    each = workers[count]["per_second"] / int(count)
    hours = 1e6 / each / 3600
    driver = figures["start"]["all_s"] / figures["rows"]
    return (
        f"A million photographs of {figures['side']} × {figures['side']} pixels take {hours:.0f} processor-hours: "
        f"{each:.2f} photographs a second and processor with {count} at work. That is {hours / 64:.1f} hours on a "
        f"computer of 64 processors, and {hours / 1024:.1f} on 16 such computers, if storage keeps up with "
        f"{64 * each:.0f} and {1024 * each:.0f} photographs a second. Giving them out and keeping account takes the "
        f"driver {driver * 1e6:.0f} µs each: it alone could feed {1 / (driver * each):.0f} processors."
    )


def _model() -> str:
    return cofenet.engine.card.load_card("light").sha256


def _photographs(folder: Path, count: int, kind: str) -> None:
    from skimage.data import retina  # noqa: PLC0415

    picture = cv2.resize(retina(), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    for number in range(count):
        low = cofenet.degrade(picture, sample(np.random.default_rng(number), kind))
        write_photograph(folder / f"{number}.jpg", Photograph(low), format="jpeg")


def _loop(source: Path, out: Path) -> float:
    """Photographs a second, one after the other: the same work on each, and nothing else."""
    times = []
    for photograph in sorted(source.iterdir()):
        target = out / photograph.name
        list(attempted(photograph, target, Correct(Places([(photograph, target)]))))
        times.append(time.perf_counter())
    return (len(times) - 1) / (times[-1] - times[0])


class _Timed(Ledger):
    """A ledger that knows how long it was busy."""

    busy = 0.0

    def __getattribute__(self, name: str) -> object:
        found = super().__getattribute__(name)
        if name not in ("seen", "rows", "write", "with_content"):
            return found

        def timed(*given: object, **how: object) -> object:
            start = time.perf_counter()
            try:
                return found(*given, **how)
            finally:
                _Timed.busy += time.perf_counter() - start

        return timed


def _run(source: Path, out: Path, count: int) -> dict[str, float]:
    out.mkdir()
    _Timed.busy = 0.0
    times: list[float] = []
    place = Workplace(parse("correct"), str(out), "ledger", max(1, available() // count))
    start = time.perf_counter()
    with closing(_Timed(out / "ledger.sqlite")) as ledger:
        drive = Drive(
            place.job, read_cohort(str(source)), ledger, open_storage(str(out)),
            tell=lambda count: times.append(time.perf_counter()) if count.done else None,
        )  # fmt: skip
        done = drive.run(lambda: Pool(place, count))
    if done.failed:
        raise SystemExit(f"{done.failed} photographs failed")
    # The first of each worker is not counted: processes begin at different moments.
    steady = times[count - 1 :]
    return {
        "per_second": (len(steady) - 1) / (steady[-1] - steady[0]), "first_s": times[0] - start,
        "ledger_share": _Timed.busy / (times[-1] - start),
    }  # fmt: skip


class _Nothing:
    """Does no work, at once."""

    def __init__(self, place: Workplace) -> None:
        self.first: float | None = None
        self._place, self._tasks = place, deque[Task]()

    def room(self) -> int:
        return 128 - len(self._tasks)

    def submit(self, task: Task) -> None:
        self.first = self.first or time.perf_counter()
        self._tasks.append(task)

    def answers(self) -> Iterator[tuple[Task, Answer | Lost]]:
        while self._tasks:
            task = self._tasks.popleft()
            content, step = f"{task.number:064x}", self._place.job[0]
            facts = {"grade": "good", "score": 0.5, "factors": dict.fromkeys(FACTORS, 0.5)}
            row = Row(step.name, content, step.model, step.parameters, "assessed", facts=facts, seconds=0.1)
            yield task, Answer(content, (row,))

    def close(self) -> None:
        pass


def _driver(folder: Path, rows: int) -> dict[str, float]:
    """What a driver takes for a folder of small files, and the report of them; the second time, all is done before."""
    source = folder / "photos"
    if not source.exists():
        source.mkdir()
        for number in range(rows):
            (source / f"{number}.jpg").write_bytes(b"\0" * (number + 1 if number < 1000 else 1000 + number))
    start = time.perf_counter()
    job = parse("assess")
    engine = _Nothing(Workplace(job, str(folder / "out"), "ledger", 1))
    (folder / "out").mkdir(exist_ok=True)
    with closing(Ledger(folder / "out/ledger.sqlite")) as ledger:
        cohort = read_cohort(str(source))
        drive = Drive(job, cohort, ledger, open_storage(str(folder / "out")))
        count: Count = drive.run(lambda: engine)
        end = time.perf_counter()
        write_report(job, cohort, ledger, open_storage(str(folder / "out")), "ledger")
    reported = time.perf_counter()
    if count.done != rows:
        raise SystemExit(f"{count.done} of {rows} are done")
    return {
        "first_s": (engine.first or end) - start, "all_s": end - start, "report_s": reported - end, "peak_mb": _peak(),
    }  # fmt: skip


def _peak() -> float:
    """Megabytes of this process at most; what getrusage tells began with those of its parent."""
    told = Path("/proc/self/status").read_text()
    return int(told.split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    main()
