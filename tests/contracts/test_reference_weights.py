"""The reference at full width, beside the package: its weights are those of its card, and the verdict knows them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cofenet.engine.card import load_card
from cofenet.io import read_photograph
from cofenet.tasks.correction import correct

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "models" / "reference-full.onnx"


def test_it_is_the_released_network_and_fits() -> None:
    assert load_card(str(MODEL)).parameters == 41_217_676
    assert MODEL.stat().st_size < 90e6


@pytest.mark.slow
def test_what_it_paints_is_not_called_safe() -> None:
    photograph = read_photograph(sorted((ROOT / "samples/low-quality").glob("*.jpg"))[0]).pixels
    correction = correct(np.asarray(photograph), model=str(MODEL))
    assert correction.provenance.model == "reference-full"
    assert correction.verdict.status != "safe"
