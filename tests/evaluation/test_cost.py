from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from cofenet.evaluation.cost import costs, measured
from cofenet.evaluation.outside import Command, Folder, OutsideError
from cofenet.evaluation.photographs import Square
from cofenet.evaluation.scenes import AsItIs, Drawer, Scene


@pytest.fixture
def scene(square: Square, tmp_path: Path) -> Scene:
    return next(AsItIs()(square, Drawer(tmp_path)))


class Slow:
    """Sleeps, the first time longer."""

    identity = "slow"
    calls = 0

    def __call__(self, scene: Scene) -> np.ndarray:
        self.calls += 1
        time.sleep(0.02 if self.calls > 1 else 0.2)
        return scene.image


class Failing:
    """Fails."""

    identity = "failing"

    def __call__(self, scene: Scene) -> np.ndarray:
        raise OutsideError("it hurts")


def test_the_first_time_does_not_count(scene: Scene) -> None:
    found = measured(Slow(), scene)
    assert found is not None
    assert 20 <= found.milliseconds < 150
    assert measured(Failing(), scene) is None


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the memory of a process")
def test_memory_is_that_of_the_method(scene: Scene, tmp_path: Path) -> None:
    """A command that takes 300 MB is seen to; a folder has no cost."""
    hungry = "import sys, shutil; x = bytearray(300_000_000); shutil.copy(sys.argv[1], sys.argv[2])"
    command = Command(f"{shlex.quote(sys.executable)} -c '{hungry}' {{input}} {{output}}")
    found = costs({"hungry": command, "folder": Folder(tmp_path)}, scene)
    assert found.keys() == {"hungry"}
    assert found["hungry"].megabytes is not None
    assert found["hungry"].megabytes > 300
