"""The restoration table: test photographs degraded by fixed parameters, every method, PSNR and SSIM in the FOV.

    python benchmarks/restoration.py --data ../shared/data [--out docs/results/restoration.json]

Protocol: `cofenet.evaluation.restoration`. Photographs: rows of manifest.csv with split "test" and task "clean".
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import json
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from cofenet.engine.card import load_card
from cofenet.errors import NotFundusError
from cofenet.evaluation.restoration import METHODS, SIZE, Score, score
from cofenet.fov import FieldOfView, find_fov
from cofenet.geometry import Circle, Crop
from cofenet.io import read_photograph
from readme import onto_card, publish

IDENTICAL = 60.0
"""dB that stand for a picture equal to the truth, so that a mean can be taken."""

KINDS = ("111", "001", "010", "100", "000")


def main() -> None:
    """Print the tables and store the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="test")
    parser.add_argument("--out", type=Path, default=Path("docs/results/restoration.json"))
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--publish", action="store_true", help="put the figures into README.md and onto the card")
    options = parser.parse_args()
    with (options.data / "manifest.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == options.split and row["task"] == "clean"]
    with ProcessPoolExecutor(options.processes) as pool:
        parts = list(pool.map(_photograph, [options.data / row["path"] for row in rows]))
    scores = [item for part in parts for item in part]
    figures = {kind: {method: _summary(scores, kind, method) for method in METHODS} for kind in KINDS}
    content = {
        "model": load_card("light").sha256,
        "photographs": sum(map(bool, parts)),
        "split": options.split,
        "kinds": figures,
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(content, indent=2) + "\n")
    options.out.with_suffix(".csv").write_text(_csv(scores))
    print(table(content))
    if options.publish:
        publish("restoration", table(content))
        _onto_card(content)


def table(content: dict) -> str:
    """The figures as a Markdown table."""
    lines = [
        "| kind | method | PSNR dB | SSIM | worse than input |",
        "|---|---|---|---|---|",
    ]
    for kind, methods in content["kinds"].items():
        for method, f in methods.items():
            psnr = f"{f['psnr']:.2f} ± {f['psnr_ci']:.2f}"
            lines.append(f"| {kind} | {method} | {psnr} | {f['ssim']:.3f} | {f['worse']:.1%} |")
    return "\n".join(lines)


def _onto_card(content: dict) -> None:
    light = {kind: methods["light"] for kind, methods in content["kinds"].items()}
    figures = {f"{kind} {name}": f[name] for kind, f in light.items() for name in ("psnr", "ssim", "worse")}
    before = content["kinds"]["111"]["input"]
    onto_card("light", figures | {f"111 input {name}": before[name] for name in ("psnr", "ssim")})


def _photograph(path: Path) -> list[Score]:
    cv2.setNumThreads(1)
    pixels = read_photograph(path).pixels
    try:
        fov = find_fov(pixels)
    except NotFundusError as error:
        print(f"left out: {error.at(path)}")
        return []
    crop = Crop.around(fov.circle, SIZE)
    mask = crop.take(fov.mask.astype(np.uint8) * 255) > 127
    clean = np.where(mask[..., None], crop.take(pixels), np.uint8(0))
    square = FieldOfView(mask, Circle(SIZE / 2, SIZE / 2, SIZE / 2), fov.confidence)
    return [item for kind in KINDS for item in score(path.name, clean, square, kind)]


def _summary(scores: Iterable[Score], kind: str, method: str) -> dict[str, float]:
    """Means with half a bootstrap 95 % interval; a good photograph (000) is summed up by its median."""
    ours = [item for item in scores if (item.kind, item.method) == (kind, method)]
    before = {item.photograph: item.psnr for item in scores if (item.kind, item.method) == (kind, "input")}
    psnr, ssim = np.array([min(item.psnr, IDENTICAL) for item in ours]), np.array([item.ssim for item in ours])
    centre = np.median if kind == "000" else np.mean
    worse = float(np.mean([item.psnr < before[item.photograph] for item in ours]))
    return {
        "psnr": float(centre(psnr)), "psnr_ci": _interval(psnr, centre),
        "ssim": float(centre(ssim)), "ssim_ci": _interval(ssim, centre), "worse": worse,
    }  # fmt: skip


def _interval(values: np.ndarray, centre: Callable[..., np.ndarray]) -> float:
    picks = np.random.default_rng(0).integers(len(values), size=(2000, len(values)))
    low, high = np.percentile(centre(values[picks], axis=1), [2.5, 97.5])
    return float(high - low) / 2


def _csv(scores: Iterable[Score]) -> str:
    rows = [dataclasses.asdict(item) for item in scores]
    lines = [",".join(rows[0])] + [
        ",".join(f"{v:.4f}" if isinstance(v, float) else v for v in r.values()) for r in rows
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
