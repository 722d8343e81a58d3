"""The verdict's tables: planted harms and false alarms, whether "safe" is safe, and what becomes of lesions.

    python benchmarks/safety.py --data ../shared/data [--out docs/results/safety.json]
    python benchmarks/safety.py --data ../shared/data --size 1024 --each 8 --out docs/results/safety-large.json
    python benchmarks/safety.py --data ../shared/data --split train --each 14 --model light.onnx --out train.json

Protocol: `cofenet.evaluation.safety`, on rows of manifest.csv with task "clean" and the split asked for; the limits
were chosen on the splits val and train, at 512 pixels. At another size that is all: above 563 the part for fine
structures takes part. At 512, then photographs at their own size on which somebody drew vessels or disc (tasks
"vessels", "disc" and "disc_cup"), those of lowquality/, and the exudates of HEI-MED (task "lesions"): contrast of the
marked regions, as they are, degraded, and corrected; where they are fainter than FAINT to begin with, the share that is
left means nothing, and the photograph is left out. To choose limits, see benchmarks/limits.py, which reads what is
stored for each case. What is told of the cases: safety_figures.py.
"""

from __future__ import annotations

import argparse
import csv
import json
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from cofenet.engine.card import load_card
from cofenet.errors import NotFundusError
from cofenet.evaluation.safety import Case, cases, degraded, drawn_cases, exudate_contrast
from cofenet.fov import FieldOfView, find_fov
from cofenet.geometry import Circle, Crop
from cofenet.io import read_photograph
from cofenet.tasks.correction import correct
from cofenet.tasks.safety import decide
from cofenet.tasks.segmentation import Structure
from readme import publish
from safety_figures import FAINT, case_of, csv_of, figures, judged, table

SAFETY = Path(__file__).parents[1] / "docs/safety.md"
SIZE = 512
MODELS = ("light", "vessels", "disc-finder", "disc", "quality")
DRAWINGS = {"vessels": 127, "disc": 127, "disc_cup": 60}
"""Tasks, and the grey level from which their labels are vessel or disc."""

Row = dict[str, str]
Square = tuple[np.ndarray, FieldOfView]


def main() -> None:
    """Print the tables and store the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="test")
    parser.add_argument("--each", type=int, help="photographs of each source at most; all if not given")
    parser.add_argument("--out", type=Path, default=Path("docs/results/safety.json"))
    parser.add_argument("--size", type=int, default=SIZE, help="pixels a side to which photographs are cut")
    parser.add_argument("--model", default="light", help="which corrects: a shipped model, or an ONNX file")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--publish", action="store_true", help="put the figures into README.md")
    parser.add_argument(
        "--decide", action="store_true", help="only decide again, by other limits, on what was measured"
    )
    options = parser.parse_args()
    content = _decided_again(options.out) if options.decide else _measured(options)
    options.out.write_text(json.dumps(content, indent=2) + "\n")
    print(table(content))
    if options.publish and options.size != SIZE:
        publish("safety-large", table(content), SAFETY)
    elif options.publish:
        publish("safety", table(content))
        publish("safety", table(content), SAFETY)


def _measured(options: argparse.Namespace) -> dict[str, object]:
    """Run through everything; the cases are stored beside the figures."""
    with (options.data / "manifest.csv").open(newline="") as file:
        rows = [row | {"file": str(options.data / row["path"])} for row in csv.DictReader(file)]
    rows = [row for row in rows if row["split"] == options.split]
    usual = options.size == SIZE
    clean = each([row for row in rows if row["task"] == "clean"], options.each)
    drawn = each(_once([row for row in rows if row["task"] in DRAWINGS]), options.each) if usual else []
    marked = each([row for row in rows if row["task"] == "lesions"], options.each) if usual else []
    real = [row for row in rows if row["task"] == "lowquality"] if usual else []
    with ProcessPoolExecutor(options.processes) as pool:
        # Another patient's photograph for each: the one that comes before it in the list.
        model = [options.model] * max(map(len, (clean, drawn, real, marked)))
        parts = list(pool.map(partial(_cases, size=options.size), clean, clean[-1:] + clean[:-1], model))
        parts += pool.map(partial(_drawn_cases, options.data), drawn, model)
        verdicts = list(pool.map(_verdict, real, model))
        contrasts = [one for one in pool.map(_contrasts, marked, model) if one]
    strong = [one for one in contrasts if one["clean"] >= FAINT]
    found = [case for part in parts for case in part]
    options.out.with_suffix(".csv").write_text(csv_of(found))
    return {
        "models": {name: load_card(options.model if name == "light" else name).sha256 for name in MODELS},
        "split": options.split,
        "size": options.size,
        "cases": figures(found),
        **judged(found),
        "lowquality": verdicts,
        "exudates": strong,
        "exudates_too_faint": len(contrasts) - len(strong),
    }


def _decided_again(stored: Path) -> dict[str, object]:
    """The stored figures, decided by the present limits."""
    content = json.loads(stored.read_text())
    if content["models"] != {name: load_card(name).sha256 for name in MODELS}:
        raise SystemExit(f"{stored}: measured with other networks")
    with stored.with_suffix(".csv").open(newline="") as file:
        found = [case_of(row) for row in csv.DictReader(file)]
    verdicts = [row | (_told(row["findings"]) if row["findings"] else {}) for row in content["lowquality"]]
    return content | {"cases": figures(found), **judged(found), "lowquality": verdicts}


def _once(rows: list[Row]) -> list[Row]:
    """Without those whose structure is drawn in another row, too: discs are, with and without their cup."""
    return list({(row["path"], row["task"] == "vessels"): row for row in rows}.values())


def each(rows: list[Row], number: int | None) -> list[Row]:
    """At most `number` of each source, evenly picked."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["source"], []).append(row)
    return [
        row for group in groups.values() for row in group[:: max(1, len(group) // number) if number else 1][:number]
    ]


def square(row: Row, size: int = SIZE) -> Square | None:
    """A photograph cut to its field of view, `size` pixels a side; None if it has none."""
    photograph = np.asarray(read_photograph(Path(row["file"])).pixels, np.uint8)
    try:
        fov = find_fov(photograph)
    except NotFundusError:  # a close-up of the disc
        return None
    crop, half = Crop.around(fov.circle, size), size / 2
    mask = crop.take_mask(fov.mask)
    image = np.where(mask[..., None], crop.take(photograph), np.uint8(0))
    return image, FieldOfView(mask, Circle(half, half, half), fov.confidence)


def _cases(row: Row, other: Row, model: str, size: int) -> list[Case]:
    cv2.setNumThreads(1)
    found = square(row, size)
    if found is None:
        return []
    another = square(other, size) if other["patient"] != row["patient"] else None
    return list(cases(Path(row["path"]).name, *found, another, model))


def _drawn_cases(data: Path, row: Row, model: str) -> list[Case]:
    cv2.setNumThreads(1)
    photograph = np.asarray(read_photograph(Path(row["file"])).pixels, np.uint8)
    label = read_photograph(data / row["label"]).pixels[..., 0] > DRAWINGS[row["task"]]
    structure: Structure = "vessels" if row["task"] == "vessels" else "disc"
    try:
        return list(drawn_cases(row["path"], photograph, {structure: label}, find_fov(photograph), model))
    except NotFundusError:  # a close-up of the disc
        return []


def _verdict(row: Row, model: str) -> dict[str, object]:
    """Of a whole file: status, rule, and what was measured, if anything was."""
    try:
        verdict = correct(read_photograph(Path(row["file"])).pixels, model=model).verdict
    except NotFundusError:
        return {"photograph": row["path"], "status": "no field of view", "rule": "", "findings": {}}
    told = {"status": verdict.status, "rule": verdict.rule, "findings": verdict.findings}
    return {"photograph": row["path"], **told}


def _told(found: dict[str, float]) -> dict[str, object]:
    status, rule, _ = decide(found)
    return {"status": status, "rule": rule}


def _contrasts(row: Row, model: str) -> dict[str, Any] | None:
    """Contrast of the marked exudates in three versions, and the verdict; None where none is marked."""
    photograph = np.asarray(read_photograph(Path(row["file"])).pixels, np.uint8)
    label = read_photograph(Path(row["file"]).with_name(Path(row["path"]).stem + "_exudate.png")).pixels[..., 0] > 127
    if not label.any():
        return None
    fov = find_fov(photograph)
    low = degraded(Path(row["path"]).name, photograph, fov)
    made = correct(low, model=model, force=True)
    versions = (("clean", photograph), ("degraded", low), ("corrected", np.asarray(made.image, np.uint8)))
    told = {name: exudate_contrast(image, label, fov.mask) for name, image in versions}
    return {"photograph": row["path"], **told, "verdict": f"{made.verdict.status}: {made.verdict.rule}"}


if __name__ == "__main__":
    main()
