"""A run is killed, starved and run out of disk; after --resume nothing shows of it."""

from __future__ import annotations

import csv
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from cofenet.io import Photograph, write_photograph

from .conftest import COMMAND, Tree, tree

pytestmark = pytest.mark.slow

JOB = ("--do", "assess,correct", "--workers", "2")
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory, draw: Callable[..., np.ndarray]) -> Path:
    """Photographs for some seconds of work, with all that is odd."""
    folder = tmp_path_factory.mktemp("cohort") / "photos"
    folder.mkdir()
    for number in range(24):
        kind = "jpeg" if number % 2 else "png"
        pixels = draw(number, 300, 330)
        if number % 3 == 0:
            pixels = cv2.GaussianBlur(pixels, (0, 0), 3)
        write_photograph(folder / f"{number}.{kind}", Photograph(pixels), format=kind)
    (folder / "copy.png").write_bytes((folder / "2.png").read_bytes())
    (folder / "bad.jpg").write_bytes(b"no picture")
    (folder / "cut.png").write_bytes((folder / "0.png").read_bytes()[:5000])
    return folder


@pytest.fixture(scope="module")
def undisturbed(cohort: Path) -> Tree:
    out = cohort.parent / "undisturbed"
    done = subprocess.run([*COMMAND, "run", cohort, "-o", out, *JOB], check=False, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert "27 photographs, 2 failed" in done.stderr
    assert "cofenet: bad.jpg: is not a PNG, JPEG, TIFF or DICOM image\n" in done.stderr
    assert "cofenet: cut.png: " in done.stderr
    return tree(out)


def start(cohort: Path, out: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, "run", cohort, "-o", out, *JOB, "--resume"],
        start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def workers(driver: subprocess.Popen[str]) -> list[int]:
    """Its children that are workers; the standard library starts a process of its own, too."""
    return [pid for pid in children(driver.pid) if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def wait_for(what: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


def some_results(out: Path) -> int:
    return len(list((out / "corrected").glob("*"))) if (out / "corrected").is_dir() else 0


def finish(cohort: Path, out: Path) -> None:
    driver = start(cohort, out)
    _, words = driver.communicate(timeout=120)
    assert driver.returncode == 1, words
    assert "27 photographs, " in words


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_killed_workers(cohort: Path, undisturbed: Tree, tmp_path: Path) -> None:
    out, chance = tmp_path / "out", random.Random(1)
    driver = start(cohort, out)
    killed = 0
    for results in (1, 5, 10):
        wait_for(lambda results=results: some_results(out) >= results or driver.poll() is not None)
        time.sleep(chance.uniform(0, 0.2))
        for pid in chance.sample(workers(driver), 1) if driver.poll() is None else ():
            os.kill(pid, signal.SIGKILL)
            killed += 1
    _, words = driver.communicate(timeout=120)
    assert killed
    assert "27 photographs, " in words, words
    if "2 failed" not in words:  # one may have died twice over the same photograph
        finish(cohort, out)
    assert tree(out) == undisturbed


def test_killed_driver_killed_run_and_a_request_to_end(cohort: Path, undisturbed: Tree, tmp_path: Path) -> None:
    out, chance = tmp_path / "out", random.Random(2)
    for results, end in ((1, kill_driver), (4, kill_all), (7, ask_to_end)):
        driver = start(cohort, out)
        wait_for(lambda results=results, driver=driver: some_results(out) >= results or driver.poll() is not None)
        time.sleep(chance.uniform(0, 0.2))
        mine = workers(driver)
        assert mine
        end(driver)
        wait_for(lambda mine=mine: all(map(gone, mine)))
    finish(cohort, out)
    assert tree(out) == undisturbed


def kill_driver(driver: subprocess.Popen[str]) -> None:
    driver.kill()
    driver.communicate(timeout=60)


def kill_all(driver: subprocess.Popen[str]) -> None:
    os.killpg(driver.pid, signal.SIGKILL)
    driver.communicate(timeout=60)


def ask_to_end(driver: subprocess.Popen[str]) -> None:
    driver.terminate()
    _, words = driver.communicate(timeout=60)
    assert driver.returncode == 130
    assert words.splitlines()[-1] == "cofenet: stopped; go on with --resume"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, of 1 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=False, capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk(cohort: Path, undisturbed: Tree, small_disk: Path) -> None:
    out = small_disk / "out"
    driver = start(cohort, out)
    _, words = driver.communicate(timeout=120)
    assert driver.returncode == 2, words
    assert words.count("\n") == 1
    assert "no space left on device" in words or "database or disk is full" in words
    done = some_results(out)
    assert 0 < done < 25
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    finish(cohort, out)
    assert tree(out) == undisturbed


def test_a_photograph_that_exhausts_memory(command: Command, draw: Callable[..., np.ndarray], tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(3):
        write_photograph(folder / f"{number}.png", Photograph(draw(number, 300, 330)), format="png")
    large = cv2.resize(draw(7, 300, 330), (6000, 6000), interpolation=cv2.INTER_NEAREST)
    write_photograph(folder / "large.png", Photograph(large), format="png")
    narrow = command("run", folder, "-o", tmp_path / "out", "--do", "assess", "--workers", 1, "--memory", 150)
    assert narrow.returncode == 1, narrow.stderr
    assert "4 photographs, 1 failed" in narrow.stderr
    with (tmp_path / "out/report.csv").open(newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    assert rows["large.png"]["status"] == "failed"
    assert "memory" in rows["large.png"]["reason"]
    assert [rows[f"{number}.png"]["status"] for number in range(3)] == ["done"] * 3
    wide = command("run", folder, "-o", tmp_path / "out", "--do", "assess", "--workers", 1, "--resume")
    assert wide.returncode == 0, wide.stderr
    assert "4 photographs, 3 of them done before, 0 failed" in wide.stderr
