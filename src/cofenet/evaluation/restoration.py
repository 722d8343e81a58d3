"""Restoration as the README's table has it: sums over the rows of the protocol `restoration`.

Good photographs are degraded by fixed parameters, restored by every method, and compared with themselves, at 512 pixels
across the field of view.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from cofenet.evaluation.runner import Row

Floats = NDArray[np.float64]


def published(rows: Sequence[Row], kind: str, method: str) -> dict[str, float]:
    """Means of PSNR and SSIM with half a bootstrap 95 % interval by patient, and the share worse than the input.

    A good photograph (000) is summed up by its median: one that comes back as it was would hide the others.
    """
    ours = [row for row in rows if (row["condition"], row["method"]) == (kind, method)]
    before = {row["photograph"]: row["psnr"] for row in rows if (row["condition"], row["method"]) == (kind, "input")}
    psnr, ssim = (np.array([row[name] for row in ours]) for name in ("psnr", "ssim"))
    patients = [row["patient"] for row in ours]
    centre = np.median if kind == "000" else np.mean
    worse = float(np.mean([row["psnr"] < before[row["photograph"]] for row in ours]))
    return {
        "psnr": float(centre(psnr)), "psnr_ci": _half(psnr, patients, centre),
        "ssim": float(centre(ssim)), "ssim_ci": _half(ssim, patients, centre), "worse": worse,
    }  # fmt: skip


def _half(values: Floats, patients: Sequence[str], centre: Callable[[Floats], Floats]) -> float:
    names, place = np.unique(patients, return_inverse=True)
    picks = np.random.default_rng(0).integers(len(names), size=(2000, len(names)))
    times = (np.bincount(pick, minlength=len(names))[place] for pick in picks)  # that each photograph is drawn
    low, high = np.percentile([centre(np.repeat(values, drawn)) for drawn in times], [2.5, 97.5])
    return float(high - low) / 2
