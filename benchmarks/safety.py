"""The verdict's tables: planted harms and false alarms, whether "safe" is safe, and what becomes of lesions.

    python benchmarks/safety.py --data ../shared/data [--out docs/results/safety.json]
    python benchmarks/safety.py --data ../shared/data --size 1024 --each 8 --out docs/results/safety-large.json
    python benchmarks/safety.py --data ../shared/data --split train --each 14 --model light.onnx --out train.json

Protocol: `cofenet.evaluation.safety`, on rows of manifest.csv with task "clean" and the split asked for; the limits
were chosen on the splits val and train, at 512 pixels. At another size that is all: above 563 the part for fine
structures takes part. At 512, then the photographs of lowquality/ as a user has them, and the exudates of
HEI-MED (task "lesions"): contrast of the marked regions, as they are, degraded, and corrected; where they are fainter
than FAINT to begin with, the share that is left means nothing, and the photograph is left out. To choose limits, see
benchmarks/limits.py, which reads what is stored for each case.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from cofenet.engine.card import load_card
from cofenet.errors import NotFundusError
from cofenet.evaluation.safety import Case, cases, degraded, exudate_contrast, worse
from cofenet.fov import FieldOfView, find_fov
from cofenet.geometry import Circle, Crop
from cofenet.io import read_photograph
from cofenet.tasks.correction import correct
from cofenet.tasks.safety import decide, limits
from readme import publish

SAFETY = Path(__file__).parents[1] / "docs/safety.md"
SIZE = 512
MODELS = ("light", "vessels", "disc-finder", "disc", "quality")
HARMS = (
    "vessel drawn", "vessel erased", "lesion painted over", "lesion painted over, taken for a spot",
    "disc shifted", "colour cast", "blur", "other eye",
)  # fmt: skip
MARGINS = {"psnr": 0.0, "vessels": 0.02, "disc": 0.02}
"""By how much a figure must fall to count as worse: PSNR at all; Dice by what two observers differ in."""

FAINT = 0.05
"""Contrast of exudates, in the good photograph, below which what becomes of it is not told."""

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
    of = {task: [row for row in rows if row["task"] == task] for task in ("clean", "lowquality", "lesions")}
    clean = each([row for row in of["clean"] if row["split"] == options.split], options.each)
    usual = options.size == SIZE
    marked = each([row for row in of["lesions"] if row["split"] == options.split], options.each) if usual else []
    real = of["lowquality"] if options.split == "test" and usual else []
    with ProcessPoolExecutor(options.processes) as pool:
        # Another patient's photograph for each: the one that comes before it in the list.
        model = [options.model] * max(len(clean), len(real), len(marked))
        parts = list(pool.map(partial(_cases, size=options.size), clean, clean[-1:] + clean[:-1], model))
        verdicts = list(pool.map(_verdict, real, model))
        contrasts = [one for one in pool.map(_contrasts, marked, model) if one]
    strong = [one for one in contrasts if one["clean"] >= FAINT]
    found = [case for part in parts for case in part]
    options.out.with_suffix(".csv").write_text(_csv(found))
    return {
        "models": {name: load_card(options.model if name == "light" else name).sha256 for name in MODELS},
        "split": options.split,
        "size": options.size,
        "cases": figures(found),
        "safe": safe(found),
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
    return content | {"cases": figures(found), "safe": safe(found), "lowquality": verdicts}


def case_of(row: Row) -> Case:
    """A case as it is stored."""
    truth = {
        name: (float(row[f"{name} before"]), float(row[f"{name} after"]))
        for name in MARGINS
        if row.get(f"{name} before")
    }
    found = {rule: float(row[rule]) for rule in limits() if row.get(rule)}
    return Case(row["photograph"], row["case"], found, truth, float(row["mean_change"]))


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


def figures(found: Iterable[Case]) -> dict[str, dict[str, object]]:
    """For each kind of case how many there are, how many got which status, and which rule decided how often."""
    groups: dict[str, list[Case]] = {}
    for case in found:
        groups.setdefault(case.harm, []).append(case)
        if case.harm == "honest" and not worse(case, MARGINS):
            groups.setdefault("honest, not worse than its input", []).append(case)
    decided = {name: [decide(case.findings) for case in group] for name, group in groups.items()}
    return {
        name: {
            "count": len(group),
            "statuses": dict(Counter(one[0] for one in group)),
            "rules": dict(Counter(one[1] for one in group)),
        }
        for name, group in decided.items()
    }


def safe(found: Iterable[Case]) -> dict[str, dict[str, float]]:
    """Of honest corrections, all and those called safe: how many are worse than their input, by which figure."""
    honest = [case for case in found if case.harm == "honest"]
    groups = {"all": honest, "safe": [case for case in honest if decide(case.findings)[0] == "safe"]}
    told: dict[str, dict[str, float]] = {}
    for group, members in groups.items():
        for figure, margin in MARGINS.items():
            pairs = [case.truth[figure] for case in members if figure in case.truth]
            told[f"{group} {figure}"] = {
                "count": len(pairs),
                "worse": sum(after < before - margin for before, after in pairs),
                "lower at all": sum(after < before for before, after in pairs),
            }
        told[f"{group} any"] = {"count": len(members), "worse": sum(worse(case, MARGINS) for case in members)}
    return told


def table(content: dict) -> str:  # type: ignore[type-arg]
    """The figures as Markdown."""
    of = content["cases"]
    lines = ["| planted into a correction | flagged | left as it was |", "|---|---|---|"]
    for harm in (*HARMS, "honest, not worse than its input", "honest", "good"):
        if harm not in of:
            continue
        count, statuses = of[harm]["count"], of[harm]["statuses"]
        flagged = count - statuses.get("safe", 0)
        title = {
            "honest, not worse than its input": "nothing, and by the truth not worse (false alarms)",
            "honest": "nothing (all)", "good": "nothing, a good photograph corrected",
        }.get(harm, harm)  # fmt: skip
        lines.append(f"| {title} | {flagged / count:.1%} of {count} | {statuses.get('unchanged', 0) / count:.1%} |")
    told = content["safe"]
    lines += ["", "| worse than the input | all corrections | those called safe |", "|---|---|---|"]
    titles = {
        "psnr": "PSNR, at all", "vessels": "Dice of vessels, by more than 0.02",
        "disc": "Dice of the disc, by more than 0.02", "any": "any of these",
    }  # fmt: skip
    for figure, title in titles.items():
        cells = [
            f"{told[f'{group} {figure}']['worse']} of {told[f'{group} {figure}']['count']}" for group in ("all", "safe")
        ]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    if content["lowquality"]:
        statuses = Counter(row["status"] for row in content["lowquality"])
        lines += [
            "",
            "Real low-quality photographs: " + ", ".join(f"{n} {s}" for s, n in sorted(statuses.items())) + ".",
        ]
    if content["exudates"]:
        kept = [one["corrected"] / one["clean"] for one in content["exudates"]]
        before = [one["degraded"] / one["clean"] for one in content["exudates"]]
        faint = content.get("exudates_too_faint")  # figures from before had all of them
        left_out = f"; {faint} more, of a contrast below {FAINT} there, are left out" if faint else ""
        lines += [
            "", f"Contrast of exudates on {len(kept)} photographs of HEI-MED, as a share of that in the good photograph"
            f" (median, and lowest): degraded {np.median(before):.2f} ({min(before):.2f}), corrected "
            f"{np.median(kept):.2f} ({min(kept):.2f}){left_out}.",
        ]  # fmt: skip
    return "\n".join(lines)


def _csv(found: Iterable[Case]) -> str:
    """Every case: what each rule measured, and the truth."""
    found = list(found)
    rules = list(dict.fromkeys(rule for case in found for rule in case.findings))
    truths = list(MARGINS)
    heads = ["photograph", "case", "status", "rule", "mean_change", *rules]
    heads += [f"{name} {when}" for name in truths for when in ("before", "after")]
    lines = [",".join(heads)]
    for case in found:
        status, rule, _ = decide(case.findings)
        cells = [case.photograph, f'"{case.harm}"', status, rule, f"{case.mean_change:.4f}"]
        cells += [f"{case.findings[name]:.4f}" if name in case.findings else "" for name in rules]
        cells += [
            f"{value:.4f}" if value is not None else ""
            for name in truths
            for value in case.truth.get(name, (None, None))
        ]
        lines.append(",".join(cells))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
