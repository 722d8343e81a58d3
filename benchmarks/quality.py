"""The quality tables: grades against people's, sizes, and the factors' scores against simulated severities.

    python benchmarks/quality.py --data ../shared/data [--out docs/results/quality.json]
    python benchmarks/quality.py --data ../shared/data --compare runs/quality-single.onnx runs/quality-fusion.onnx

Protocols, on rows of manifest.csv with split "test":
- grades: `cofenet.evaluation.quality`, task "quality".
- sizes: photographs of the tasks quality (those of 512 pixels or more) and clean at 300, 512, 1024 and 3000 pixels
  along the longer side, as they are, with a black border of a tenth all round, and cropped to the field of view;
  compared with the photograph as it is at 512 pixels.
- factors: task clean at 1024 pixels, where the weakest blur is more than a pixel; each factor is drawn once (kinds 001,
  010 and 100 of the preset published, haze of the preset clinical that scatters nothing, a cut at top and bottom of
  0.15 of the rows that are seen) and applied at severities 0, 1/4, 1/2, 3/4, 1; and once more blur, a defocus stronger
  than that of any preset.
  What the whole of it takes from its own score is compared with what it takes from others', and others from its own.
- cameras: good photographs of cameras other than EyePACS's (tasks vessels and clean): how many are called so.
- lowquality: the real photographs, which people called usable, before and after correction.

The second form grades by other models, and writes beside the figures how they compare: docs/results/fusion.json.
"""

from __future__ import annotations

import argparse
import csv
import json
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import pairwise, product
from pathlib import Path

import cv2
import numpy as np

from cofenet.degradation import Parameters, sample, simulate
from cofenet.degradation.defocus import Defocus
from cofenet.degradation.haze import Haze
from cofenet.degradation.preset import load_preset
from cofenet.engine.card import load_card
from cofenet.errors import NotFundusError
from cofenet.evaluation.quality import GRADES, Judged, figures, graded, judge
from cofenet.fov import FieldOfView, find_fov
from cofenet.geometry import Circle, Crop, resize
from cofenet.io import read_photograph
from cofenet.tasks.quality import FACTORS, assess
from readme import onto_card, publish
from timing import milliseconds, small_photograph

SIZES = (300, 512, 1024, 3000)
SEVERITIES = (0.0, 0.25, 0.5, 0.75, 1.0)
CUT = 0.15
STRONG = 0.03
"""Radius of a defocus, of the field of view: three times what a preset has at most."""

TRIED = {factor: factor for factor in FACTORS} | {"strong blur": "blur"}
"""What is done to a photograph, and the factor whose score must tell."""

CAMERAS = {
    "chase": ("CHASE_DB1", "vessels"), "hrf": ("HRF", "vessels"), "stare": ("STARE", "vessels"),
    "heimed": ("HEI-MED", "clean"),
}  # fmt: skip
WORKING = 1024
DOCS = Path(__file__).parents[1] / "docs"
QUALITY, COMPARISON = DOCS / "quality.md", DOCS / "results" / "fusion.json"
ON_CARD = ("accuracy", "f1", "auc", "calibration_error")
Image = np.ndarray
Row = dict[str, str]


def main() -> None:
    """Print the tables and store the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("docs/results/quality.json"))
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--publish", action="store_true", help="put the figures into README.md")
    parser.add_argument("--compare", type=Path, nargs="+", metavar="MODEL", help="only grade, by these")
    options = parser.parse_args()
    with (options.data / "manifest.csv").open(newline="") as file:
        rows = [row | {"file": str(options.data / row["path"])} for row in csv.DictReader(file)]
    rows = [row for row in rows if row["split"] == "test"]
    tasks = "quality", "clean", "lowquality", "vessels"
    of = {task: [row for row in rows if row["task"] == task] for task in tasks}
    if options.compare:
        _compare(of["quality"], options)
        return
    cameras = [[row for row in of[task] if row["source"] == source] for source, (_, task) in CAMERAS.items()]
    whole = [row for row in of["quality"] if row["source"] != "eyepacs200"] + of["clean"]
    with ProcessPoolExecutor(options.processes) as pool:
        content = {
            "models": {name: load_card(name).sha256 for name in ("quality", "light")},
            "grades": figures(list(pool.map(_judged, of["quality"], chunksize=8))),
            "sizes": _sizes([one for part in pool.map(_at_sizes, whole) for one in part]),
            "factors": _factors([one for part in pool.map(_at_severities, of["clean"]) for one in part]),
            "cameras": dict(pool.map(_called_good, cameras)),
            "lowquality": _shares(list(pool.map(_judged, of["lowquality"]))),
        }
    content["512x512_ms"] = milliseconds(partial(assess, small_photograph()), 13)
    options.out.write_text(json.dumps(content, indent=2) + "\n")
    print(table(content))
    if options.publish:
        publish("quality", table(content))
        onto_card("quality", {name: content["grades"][name] for name in ON_CARD})


def _compare(rows: list[Row], options: argparse.Namespace) -> None:
    """Grade by several models; store and publish how they compare."""
    told = {}
    with ProcessPoolExecutor(options.processes) as pool:
        for model in options.compare:
            found = figures(list(pool.map(partial(_only_graded, str(model)), rows, chunksize=8)))
            card = load_card(str(model))
            told[model.stem] = found | {"parameters": card.parameters, "training": card.training}
    for model in options.compare:  # alone on the machine
        told[model.stem]["512x512_ms"] = milliseconds(partial(assess, small_photograph(), model=str(model)), 13)
    COMPARISON.write_text(json.dumps(told, indent=2) + "\n")
    publish("fusion", compared(told), QUALITY)
    print(compared(told))


def _only_graded(model: str, row: Row) -> Judged:
    pixels = read_photograph(Path(row["file"])).pixels
    return judge(row["path"], pixels, int(row["label"]), corrected=False, model=model)


def compared(told: dict) -> str:  # type: ignore[type-arg]
    """The comparison as Markdown."""
    lines = [
        "| network | parameters | accuracy | macro F1 | AUC | calibration error | ms |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, of in told.items():
        figures_of = " | ".join(f"{of[figure]:.3f}" for figure in ("accuracy", "f1", "auc", "calibration_error"))
        lines.append(f"| {name} | {of['parameters'] / 1e6:.1f} M | {figures_of} | {of['512x512_ms']:.0f} |")
    return "\n".join(lines)


def _judged(row: Row) -> Judged:
    return judge(row["path"], read_photograph(Path(row["file"])).pixels, int(row["label"]))


def _called_good(rows: list[Row]) -> tuple[str, dict[str, int]]:
    """A source, and how many of its photographs there are and are called good."""
    grades = [graded(read_photograph(Path(row["file"])).pixels) for row in rows]
    return rows[0]["source"], {"photographs": len(rows), "good": sum(int(np.argmax(p)) == 0 for p in grades)}


def _at_sizes(row: Row) -> list[tuple[str, bool, float]]:
    """For each version: its name, whether it has the grade of the photograph at 512 pixels, mean change of p."""
    photograph = np.asarray(read_photograph(Path(row["file"])).pixels, np.uint8)
    reference = np.array(graded(_longest(photograph, 512)))
    found = []
    for size, (name, change) in product(SIZES, _FRAMES.items()):
        now = np.array(graded(change(_longest(photograph, size))))
        kept = bool(now.argmax() == reference.argmax())
        found.append((f"{size} {name}", kept, float(np.abs(now - reference).mean())))
    return found


def _longest(image: Image, size: int) -> Image:
    scale = size / max(image.shape[:2])
    shape = round(image.shape[0] * scale), round(image.shape[1] * scale)
    if scale > 1:
        return np.asarray(cv2.resize(image, shape[::-1], interpolation=cv2.INTER_CUBIC))
    return resize(image, shape)


def _bordered(image: Image) -> Image:
    edge = max(image.shape[:2]) // 10
    return np.asarray(cv2.copyMakeBorder(image, edge, edge, edge, edge, cv2.BORDER_CONSTANT))


def _cropped(image: Image) -> Image:
    try:
        mask = find_fov(image).mask
    except NotFundusError:
        return image
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


_FRAMES: dict[str, Callable[[Image], Image]] = {"as it is": np.asarray, "bordered": _bordered, "cropped": _cropped}


def _sizes(found: list[tuple[str, bool, float]]) -> dict[str, dict[str, float]]:
    names = dict.fromkeys(name for name, *_ in found)
    groups = {name: [one for one in found if one[0] == name] for name in names} | {"all": found}
    return {
        name: {"grade kept": _mean(one[1] for one in group), "probabilities moved": _mean(one[2] for one in group)}
        for name, group in groups.items()
    }


def _at_severities(row: Row) -> list[tuple[str, bool, bool, bool]]:
    """For each factor: whether its score falls all the way, falls more than others', and more than by other factors."""
    photograph = np.asarray(read_photograph(Path(row["file"])).pixels, np.uint8)
    try:
        found_fov = find_fov(photograph)
    except NotFundusError:  # a close-up of the disc
        return []
    crop = Crop.around(found_fov.circle, WORKING)
    image, half = crop.take(photograph), WORKING / 2
    mask = crop.take_mask(found_fov.mask)
    fov = FieldOfView(mask, Circle(half, half, half), found_fov.confidence)
    falling, drops = {}, {}
    for name, factor in TRIED.items():
        rng = np.random.default_rng(zlib.crc32(f"{row['path']} {name}".encode()))
        drawn = _drawn(name, rng)
        scores = []
        for severity in SEVERITIES:
            changed = _cut(image, fov, severity) if factor == "field_of_view" else None
            now = (simulate(image, drawn.scaled(severity), fov), fov) if changed is None else changed
            scores.append(assess(now[0], fov=now[1]).factors)
        falling[name] = all(a[factor] > b[factor] for a, b in pairwise(scores))
        drops[name] = {one: scores[0][one] - scores[-1][one] for one in FACTORS}
    return [
        (
            name,
            falling[name],
            max(drops[name], key=drops[name].__getitem__) == factor,
            max((name, *(other for other in FACTORS if other != factor)), key=lambda one: drops[one][factor]) == name,
        )
        for name, factor in TRIED.items()
    ]


def _drawn(tried: str, rng: np.random.Generator) -> Parameters:
    if tried == "strong blur":
        return Parameters(factors=(Defocus(radius=STRONG),))
    if tried == "contrast":
        haze = next(part for part in load_preset("clinical").ranges if part.factor is Haze)
        return Parameters(factors=(haze.draw(rng).model_copy(update={"scatter": 0.0}),))  # which would blur, too
    kind = {"illumination": "001", "artifact": "010", "blur": "100"}.get(tried)
    return sample(rng, kind) if kind else Parameters()


def _cut(image: Image, fov: FieldOfView, severity: float) -> tuple[Image, FieldOfView]:
    rows = np.flatnonzero(fov.mask.any(1))
    edge = round(CUT * severity * len(rows))
    mask = fov.mask.copy()
    mask[: rows[0] + edge] = mask[rows[-1] + 1 - edge :] = False
    return image * mask[..., None], FieldOfView(mask, fov.circle, fov.confidence)


def _factors(found: list[tuple[str, bool, bool, bool]]) -> dict[str, dict[str, float]]:
    groups = {name: [one[1:] for one in found if one[0] == name] for name in TRIED}
    figures_of = "falls", "falls most", "falls most by it"
    return {name: dict(zip(figures_of, np.mean(group, 0).tolist(), strict=True)) for name, group in groups.items()}


def _shares(judged: list[Judged]) -> dict[str, dict[str, float]]:
    """The share of each grade before and after correction."""
    before, after = ([np.argmax(p) for p in ps] for ps in zip(*((j.before, j.after) for j in judged), strict=True))
    return {
        when: {grade: _mean(one == number for one in found) for number, grade in enumerate(GRADES)}
        for when, found in (("before", before), ("after", after))
    }


def _mean(values: Iterator[float]) -> float:
    return float(np.mean(list(values)))


def table(content: dict) -> str:  # type: ignore[type-arg]
    """The figures as Markdown."""
    grades, sizes, factors, low = (content[name] for name in ("grades", "sizes", "factors", "lowquality"))
    lines = [
        f"Grades of {grades['photographs']} photographs that people graded: accuracy {grades['accuracy']:.3f}, macro "
        f"precision {grades['precision']:.3f}, recall {grades['recall']:.3f}, F1 {grades['f1']:.3f}, kappa "
        f"{grades['kappa']:.3f}, AUC {grades['auc']:.3f}, expected calibration error "
        f"{grades['calibration_error']:.3f}; called good before correction {grades['fiqa_before']:.1%}, after "
        f"{grades['fiqa_after']:.1%}.",
        "",
        f"Sizes from 300 to 3000 pixels, bordered or cropped: grade kept {sizes['all']['grade kept']:.1%}, "
        f"probabilities moved by {sizes['all']['probabilities moved']:.3f} on average.",
        "",
        "| factor | its score falls at every step of severity | and more than any other | and more than by any other |",
        "|---|---|---|---|",
        *(f"| {name} | " + " | ".join(f"{share:.1%}" for share in of.values()) + " |" for name, of in factors.items()),
        "",
        "Good photographs of other cameras, called good: "
        + ", ".join(f"{CAMERAS[name][0]} {n['good']} of {n['photographs']}" for name, n in content["cameras"].items())
        + ".",
        "",
        "The low-quality photographs of cofe-Net, all called usable by people: "
        + "; ".join(f"{when} correction " + _told(shares) for when, shares in low.items())
        + f". One of 512 × 512 pixels takes {content['512x512_ms']:.0f} ms.",
    ]
    return "\n".join(lines)


def _told(shares: dict[str, float]) -> str:
    return ", ".join(f"{grade} {share:.0%}" for grade, share in shares.items())


if __name__ == "__main__":
    main()
