"""Make docs/images/degradation/*.jpg: every factor on one sample, at severity 0, ¼, ½, ¾ and 1.

python docs/degradation.py
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from cofenet.degradation import Parameters, simulate
from cofenet.degradation.factor import Factor
from cofenet.degradation.preset import load_preset
from cofenet.degradation.table import FACTORS
from cofenet.fov import find_fov
from cofenet.geometry import Crop
from cofenet.io import read_photograph

ROOT = Path(__file__).parents[1]
SEVERITIES = (0.0, 0.25, 0.5, 0.75, 1.0)
SIZE, SHOWN = 512, 160
DETAIL = {"blur", "defocus", "motion", "noise", "jpeg"}
"""Factors that are seen only from near: their strips show a part of the photograph."""

SEEDS = {
    "crescent": 4,
    "flare": 34,
    "lashes": 4,
    "dust": 39,
    "cast": 2,
    "vignetting": 4,
    "motion": 10,
    "defocus": 10,
    "jpeg": 34,
    "noise": 10,
    "blur": 4,
}
"""Draws that show what the factor is; 0 for the others."""


def main() -> None:
    """Write a strip for each factor."""
    photograph = read_photograph(ROOT / "samples/good/hrf_03_g.jpg").pixels
    retina = Crop.around(find_fov(photograph).circle, SIZE).take(photograph)
    preset = load_preset("clinical")
    for name in FACTORS:
        factor = getattr(preset, name).draw(np.random.default_rng(SEEDS.get(name, 0)))
        encoded = cv2.imencode(".jpg", strip(retina, factor, name)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
        (ROOT / f"docs/images/degradation/{name}.jpg").write_bytes(encoded.tobytes())


def strip(retina: np.ndarray, factor: Factor, name: str) -> np.ndarray:
    """The photograph at each severity, side by side: uint8 (160, 800, 3)."""
    fov = find_fov(retina)
    degraded = (simulate(retina, Parameters(factors=(factor.scaled(s),)), fov) for s in SEVERITIES)
    if name in DETAIL:
        return np.hstack([image[170 : 170 + SHOWN, 310 : 310 + SHOWN] for image in degraded])
    return np.hstack([cv2.resize(image, (SHOWN, SHOWN), interpolation=cv2.INTER_AREA) for image in degraded])


if __name__ == "__main__":
    main()
