"""`import cofenet` is quick and pulls in nothing heavy."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {"cv2", "onnx", "onnxruntime", "pydantic", "torch", "typer"}
LIMIT = 0.5
"""Seconds of processor time, so that a busy machine makes no difference."""

PROGRAM = """
import sys, time
start = time.process_time()
import cofenet
print(time.process_time() - start, *sys.modules)
"""


def import_cofenet() -> tuple[float, set[str]]:
    answer = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True).stdout
    seconds, *modules = answer.split()
    return float(seconds), set(modules)


def test_import_loads_nothing_heavy() -> None:
    _, modules = import_cofenet()
    assert "cofenet" in modules
    assert not modules & HEAVY


def test_import_is_quick() -> None:
    assert min(import_cofenet()[0] for _ in range(3)) < LIMIT
