"""Files appear whole or not at all."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import cofenet.io
from cofenet.errors import UnwritableError
from cofenet.io import read_photograph, write_atomically


def test_makes_folders_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c.bin"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


def test_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    write_atomically(tmp_path / "ours", b"x")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_link_is_replaced_and_its_target_kept(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    write_atomically(tmp_path / "link", b"new")
    assert (tmp_path / "target").read_bytes() == b"old"
    assert (tmp_path / "link").read_bytes() == b"new"


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, error: BaseException
) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(os, "fsync", fail) if step == "fsync" else monkeypatch.setattr(Path, "replace", fail)
    expected = UnwritableError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected) as caught:
        write_atomically(path, b"new")
    if expected is UnwritableError:
        assert str(caught.value) == f"{path}: cannot be written: no space left on device"
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    really_open = Path.open
    monkeypatch.setattr(Path, "open", lambda _, mode: really_open(Path("/dev/full"), mode.replace("x", "w")))
    with pytest.raises(UnwritableError, match=r"a\.bin: cannot be written: no space left") as caught:
        write_atomically(tmp_path / "a.bin", b"x" * 100_000)
    assert caught.value.path == tmp_path / "a.bin"


def test_a_folder_or_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(UnwritableError, match="folder: cannot be written: "):
        write_atomically(tmp_path / "folder", b"x")
    with pytest.raises(UnwritableError, match=r"a\.bin: cannot be written: (file exists|not a directory)"):
        write_atomically(tmp_path / "file" / "a.bin", b"x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


WRITE_FOR_EVER = """
import itertools, sys
from pathlib import Path
import numpy as np
from cofenet.io import Photograph, write_photograph
for turn in itertools.count():
    pixels = np.full((300, 300, 3), 40 * (turn % 3 + 1), np.uint8)
    pixels[::2, ::2] += np.arange(150, dtype=np.uint8)[:, None] % 8
    for form in ("png", "jpeg", "tiff"):
        write_photograph(Path(sys.argv[1], form), Photograph(pixels), format=form)
    if turn == 1:
        print("running", flush=True)
"""


@pytest.mark.slow
def test_killed_at_any_moment_no_half_file_has_a_final_name(tmp_path: Path) -> None:
    finals = {"png.png", "jpeg.jpg", "tiff.tif"}
    source = str(Path(cofenet.io.__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": source, "PYTHONDONTWRITEBYTECODE": "1"}
    for delay in np.random.default_rng(0).uniform(0, 0.05, 4):
        command = [sys.executable, "-c", WRITE_FOR_EVER, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as writer:
            assert writer.stdout.readline() == b"running\n"
            time.sleep(delay)
            writer.kill()
        for name in finals:
            pixels = read_photograph(tmp_path / name).pixels.astype(int)
            assert pixels.shape == (300, 300, 3)
            assert min(abs(pixels[1::2].mean() - level) for level in (40, 80, 120)) < 2
        others = {path.name for path in tmp_path.iterdir()} - finals
        assert all(name.startswith(".cofenet-") and name.endswith(".part") for name in others)
