"""Libraries are imported with the module that needs them, and the documented examples run."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from cofenet.errors import UsageError

LIBRARIES = ("albumentations", "monai", "torch")
PAGE = Path(__file__).parents[2] / "docs" / "degradation.md"


def test_the_package_loads_no_library() -> None:
    program = "import sys, cofenet.pipelines.draws; print(*sys.modules)"
    answer = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert "cofenet.pipelines" in answer.split()
    assert not set(LIBRARIES) & set(answer.split())


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_missing_library_is_named(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"cofenet.pipelines.{library}"
    monkeypatch.setitem(sys.modules, library, None)
    for loaded in [module for module in sys.modules if module.startswith(f"{library}.")]:
        monkeypatch.setitem(sys.modules, loaded, None)
    monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(UsageError, match=f"pip install '{library}>="):
        importlib.import_module(name)


@pytest.mark.filterwarnings("ignore:This DataLoader will create 2 worker processes:UserWarning")  # on one processor
def test_documented_examples_run(draw: Callable[..., np.ndarray]) -> None:
    section = PAGE.read_text("utf-8").split("## In other people's pipelines")[1].split("\n## ")[0]
    examples = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    assert len(examples) == 3
    image = draw(0)
    planes = np.moveaxis(image, -1, 0)
    names = {
        "image": image,
        "mask": image[..., 0] > 100,
        "rows": [{"image": image, "label": number} for number in range(4)],
        "batch": torch.from_numpy(np.stack([planes, planes])),
    }
    for example in examples:
        exec(example, names)
    np.testing.assert_array_equal(names["again"]["image"], names["result"]["image"])
    assert [batch["image"].shape[0] for batch in names["loader"]] == [2, 2]
    assert names["batch"].shape == (2, *planes.shape)
