"""The restoration table of the README: test photographs degraded by fixed parameters, PSNR and SSIM in the FOV.

    python benchmarks/restoration.py --data ../shared/data [--out docs/results/restoration.json]

It is `cofenet evaluate restoration` on the rows of manifest.csv with split "test" and task "clean", and four methods;
then the family `clinical` of `cofenet evaluate robustness` on the same.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cofenet.engine.card import load_card
from cofenet.evaluation.measures import IDENTICAL, Figures
from cofenet.evaluation.methods import PUBLISHED, built_in
from cofenet.evaluation.photographs import Image, Square, listed
from cofenet.evaluation.protocols import Protocol, protocol
from cofenet.evaluation.restoration import published
from cofenet.evaluation.runner import Row, Setup, run
from cofenet.evaluation.scenes import KINDS, Scene
from cofenet.metrics.fidelity import psnr, ssim
from readme import onto_card, publish


def main() -> None:
    """Print the table and store the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="test")
    parser.add_argument("--out", type=Path, default=Path("docs/results/restoration.json"))
    parser.add_argument("--folder", type=Path, help="keep rows and parameters there, and go on from those that are")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--publish", action="store_true", help="put the figures into README.md and onto the card")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asked = options.data, options.split, options.folder or Path(folder), options.processes
        rows = measured(protocol("restoration"), *asked)
        clinical = measured(protocol("robustness", ("clinical",)), *asked)
    content = {
        "model": load_card("light").sha256,
        "photographs": len({row["photograph"] for row in rows}),
        "split": options.split,
        "kinds": {kind: {method: published(rows, kind, method) for method in PUBLISHED} for kind in KINDS},
        "clinical": {method: _harm(clinical, method) for method in PUBLISHED},
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(content, indent=2) + "\n")
    options.out.with_suffix(".csv").write_text(_csv(rows))
    print(table(content))
    if options.publish:
        publish("restoration", table(content))
        _onto_card(content)


def measured(asked: Protocol, data: Path, split: str, folder: Path, processes: int) -> list[Row]:
    """The rows of a protocol; what cannot be read is told and left out."""
    plan = replace(asked, measure=_two)
    methods = {name: built_in()[name] for name in PUBLISHED}
    setup = Setup(plan, methods, folder / plan.name, plan.size, sheets=0)
    rows = []
    for record in run(setup, listed(data / "manifest.csv", where={"split": split, "task": "clean"}), processes):
        rows += record.rows
        for failure in record.failures:
            print(f"left out: {failure['reason']}")
    return rows


def _two(_: Square, scene: Scene, image: Image) -> Figures:
    """What is published; the protocol's other measures take longer than the methods."""
    truth, mask = scene.truth, scene.fov.mask
    return {"psnr": min(psnr(image, truth, mask), IDENTICAL), "ssim": ssim(image, truth, mask)}


def _harm(rows: Sequence[Row], method: str) -> dict[str, float]:
    """What is published, and the share of photographs that are further from the truth by more than a decibel."""
    before = {row["photograph"]: row["psnr"] for row in rows if row["method"] == "input"}
    lost = [before[row["photograph"]] - row["psnr"] for row in rows if row["method"] == method]
    return published(rows, "clinical", method) | {"harmed": sum(one > 1 for one in lost) / len(lost)}


def table(content: dict) -> str:
    """The figures as a Markdown table, and in words."""
    lines = [
        "| kind | method | PSNR dB | SSIM | worse than input |",
        "|---|---|---|---|---|",
    ]
    for kind, methods in content["kinds"].items():
        for method, f in methods.items():
            psnr = f"{f['psnr']:.2f} ± {f['psnr_ci']:.2f}"
            lines.append(f"| {kind} | {method} | {psnr} | {f['ssim']:.3f} | {f['worse']:.1%} |")
    clinical = content["clinical"]
    told = [f"{name} {f['psnr']:.2f} ± {f['psnr_ci']:.2f} dB, {f['ssim']:.3f}" for name, f in clinical.items()]
    harm = ", ".join(f"{name} {f['harmed']:.1%}" for name, f in clinical.items() if name != "input")
    return "\n".join([
        *lines, "",
        "The preset `clinical`, with what the published model lacks, haze, motion, shadows and more: "
        f"{'; '.join(told)}. Made worse by more than 1 dB: {harm}.",
    ])  # fmt: skip


def _onto_card(content: dict) -> None:
    light = {kind: methods["light"] for kind, methods in content["kinds"].items()}
    figures = {f"{kind} {name}": f[name] for kind, f in light.items() for name in ("psnr", "ssim", "worse")}
    before = content["kinds"]["111"]["input"]
    onto_card("light", figures | {f"111 input {name}": before[name] for name in ("psnr", "ssim")})


def _csv(rows: Sequence[Row]) -> str:
    lines = ["photograph,kind,method,psnr,ssim"]
    for row in rows:
        name = Path(row["photograph"]).name
        lines.append(f"{name},{row['condition']},{row['method']},{row['psnr']:.4f},{row['ssim']:.4f}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
