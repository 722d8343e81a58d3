"""A Dask cluster: the same job, the same results, also when workers come, go and die."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest

from cofenet.batch.cluster import Cluster
from cofenet.batch.work import Workplace
from cofenet.errors import UsageError
from cofenet.io import Photograph, write_photograph

from .conftest import COMMAND, Tree, tree

pytestmark = pytest.mark.slow

JOB = ("--do", "correct")
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory, draw: Callable[..., np.ndarray]) -> Path:
    """Enough photographs that a worker can die over them."""
    folder = tmp_path_factory.mktemp("cohort") / "photos"
    for number in range(20):
        write_photograph(folder / f"{number}.png", Photograph(draw(number, 200, 230)), format="png")
    (folder / "copy.png").write_bytes((folder / "0.png").read_bytes())
    (folder / "bad.png").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def plain(many: Path) -> Tree:
    """What the local engine makes of them."""
    out = many.parent / "plain"
    done = subprocess.run([*COMMAND, "run", many, "-o", out, *JOB], check=False, capture_output=True, text=True)
    assert "22 photographs, 1 failed" in done.stderr
    return tree(out)


@contextmanager
def background(*words: str, prefix: tuple[str, ...] = ()) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*prefix, sys.executable, "-m", "distributed.cli.dask_" + words[0], *words[1:]],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def address_of(scheduler: subprocess.Popen[str]) -> str:
    assert scheduler.stderr
    for line in scheduler.stderr:
        found = re.search(r"tcp://[\d.]+:\d+", line)
        if "Scheduler at" in line and found:
            return found[0]
    raise AssertionError("the scheduler did not start")


def worker(address: str, prefix: tuple[str, ...] = ()) -> contextmanager:
    return background(
        "worker", address, "--nworkers", "1", "--nthreads", "1", "--no-dashboard", "--no-nanny", prefix=prefix
    )


def test_workers_come_go_and_die(many: Path, plain: Tree, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with ExitStack() as opened:
        scheduler = opened.enter_context(
            background("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        )
        address = address_of(scheduler)
        first = opened.enter_context(worker(address))
        driver = subprocess.Popen(
            [*COMMAND, "run", many, "-o", out, *JOB, "--engine", "dask", "--scheduler", address],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        wait_for_results(out, driver, 2)
        opened.enter_context(worker(address))
        os.killpg(first.pid, signal.SIGKILL)
        _, words = driver.communicate(timeout=180)
    assert "22 photographs, 1 failed" in words, words
    assert tree(out) == plain


def wait_for_results(out: Path, driver: subprocess.Popen[str], count: int) -> None:
    end = time.monotonic() + 120
    while len(list(out.glob("corrected/**/*.*"))) < count:
        assert time.monotonic() < end
        assert driver.poll() is None
        time.sleep(0.05)


def test_a_cluster_of_its_own(many: Path, plain: Tree, command: Command, tmp_path: Path) -> None:
    done = command("run", many, "-o", tmp_path / "out", *JOB, "--engine", "dask", "--workers", 2)
    assert "22 photographs, 1 failed" in done.stderr, done.stderr
    assert tree(tmp_path / "out") == plain


def test_no_scheduler_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("cofenet.batch.cluster._REACHED", 1)
    with pytest.raises(UsageError, match=r"tcp://127.0.0.1:1: no Dask scheduler answers there"):
        Cluster(Workplace((), str(tmp_path), "run", 1), "tcp://127.0.0.1:1", 1)


HOSTS = """
set -e
ip link set lo up
ip link add cohort type bridge && ip addr add 10.77.0.1/24 dev cohort && ip link set cohort up
for host in 2 3; do
    unshare -n sleep 600 &
    echo $! > "$1/host$host"
    while [ "$(readlink /proc/$!/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
    ip link add to$host type veth peer name eth0 netns $!
    ip link set to$host master cohort up
    nsenter -t $! -n sh -c "ip addr add 10.77.0.$host/24 dev eth0 && ip link set eth0 up && ip link set lo up"
done
shift
exec "$@"
"""
"""A network of its own with three hosts, then a program in the first of them."""


def test_separate_hosts(many: Path, plain: Tree, tmp_path: Path) -> None:
    if subprocess.run(["unshare", "-n", "ip", "link"], check=False, capture_output=True).returncode:
        pytest.skip("network namespaces cannot be had here")
    out = tmp_path / "out"
    program = tmp_path / "inside.py"
    program.write_text(f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n{INSIDE}")
    done = subprocess.run(
        ["unshare", "-n", "bash", "-c", HOSTS, "hosts", tmp_path, sys.executable, program, tmp_path, many, out],
        check=False, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert "22 photographs, 1 failed" in done.stderr, done.stderr
    assert "10.77.0.2" in done.stdout
    assert "10.77.0.3" in done.stdout
    assert tree(out) == plain


INSIDE = """
import os, signal, subprocess, sys, time
from pathlib import Path

hosts, photos, out = map(Path, sys.argv[1:])
dask = [sys.executable, "-m"]
running = []
try:
    scheduler = subprocess.Popen(
        [*dask, "distributed.cli.dask_scheduler", "--host", "10.77.0.1", "--port", "8786", "--no-dashboard"]
    )
    running.append(scheduler)
    for host in (2, 3):
        running.append(subprocess.Popen([
            "nsenter", "-t", (hosts / f"host{host}").read_text().strip(), "-n", *dask, "distributed.cli.dask_worker",
            "tcp://10.77.0.1:8786", "--nworkers", "1", "--nthreads", "1", "--no-dashboard", "--no-nanny",
        ]))
    from distributed import Client
    with Client("tcp://10.77.0.1:8786", timeout=60) as client:
        client.wait_for_workers(2, timeout=60)
        print([worker["host"] for worker in client.scheduler_info(n_workers=-1)["workers"].values()], flush=True)
    command = [sys.executable, "-c", "from cofenet.cli import main; main()", "run", photos, "-o", out]
    driver = subprocess.Popen([*command, "--engine", "dask", "--scheduler", "tcp://10.77.0.1:8786"])
    while len(list(out.glob("corrected/**/*.*"))) < 3 and driver.poll() is None:
        time.sleep(0.05)
    running[1].kill()
    sys.exit(driver.wait())
finally:
    for process in running:
        process.kill()
    for host in (2, 3):
        os.kill(int((hosts / f"host{host}").read_text()), signal.SIGKILL)
"""
