"""The segmentation tables: vessels, disc and cup against people; what degradation costs and correction gives back.

    python benchmarks/segmentation.py --data ../shared/data [--out docs/results/segmentation.json] [--good FOLDER]

Protocol: `cofenet.evaluation.segmentation`. FOLDER holds vessels-good.onnx and disc-good.onnx, exports of the recipes
of those names: the shipped networks learned from degraded photographs, too, and ones that did not tell what correction
is worth to them. Photographs: rows of manifest.csv with split "test" and the tasks vessels (with a second observer's
drawing beside the first's, where there is one), disc, disc_cup (which a published network drew) and lesions; those with
a disc are degraded DRAWS times. All at their own size, and once more cut to their field of view, SMALL pixels a side.

Intervals are of 95 % and by patient, for some gave both eyes: of means by Student's t of the patients' means, of the
share found by Clopper and Pearson, of what is recovered by bootstrap.
"""

from __future__ import annotations

import argparse
import csv
import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
from scipy.stats import binomtest, t

from cofenet.engine.card import load_card
from cofenet.evaluation.segmentation import Image, Mask, Score, disc_scores, place_score, recovered, vessel_scores
from cofenet.fov import FieldOfView, find_fov
from cofenet.geometry import Circle, Crop
from cofenet.io import read_photograph
from cofenet.metrics.overlap import dice
from cofenet.tasks.segmentation import Structure, segment
from readme import onto_card, publish
from timing import milliseconds, small_photograph

DISC_DIAMETER = 0.15
"""Of the field of view's: the median of those drawn; distances of disc centres are told in it."""

DRAWS = 4
"""Degradations of each photograph with a disc: few have one drawn, and what each takes differs widely."""

SMALL = 512
"""Pixels a side at which what is recovered is measured once more: the working resolution of `light`."""

SOURCES = {"chase": "CHASE_DB1", "hrf": "HRF, half size", "stare": "STARE"}
VERSIONS = ("clean", "degraded", "clahe", "background-subtraction", "light")
GOOD = " by a segmenter of good photographs"
NETWORK = "teacher"
"""The source of discs and cups that a published network drew."""

ALSO = ", those drawn by a network, too"
RECOVERED = ("vessels", f"vessels{GOOD}", "disc", f"disc{ALSO}", f"disc{GOOD}", f"disc{GOOD}{ALSO}")
AT_SMALL = f" at {SMALL} pixels"
MODELS = ("vessels", "disc-finder", "disc", "light")
Row = dict[str, str]
Values = dict[str, list[float]]
"""Of each patient."""


def main() -> None:
    """Print the tables and store the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("docs/results/segmentation.json"))
    parser.add_argument("--good", type=Path, metavar="FOLDER", help="networks that saw good photographs only")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--publish", action="store_true", help="put the figures into README.md")
    options = parser.parse_args()
    with (options.data / "manifest.csv").open(newline="") as file:
        tasks = ("vessels", "disc", "disc_cup", "lesions")
        rows = [row for row in csv.DictReader(file) if row["split"] == "test" and row["task"] in tasks]
    with ProcessPoolExecutor(options.processes) as pool:
        parts = list(pool.map(partial(_scores, options.data, options.good), rows))
    values = _values([(row["patient"], *item) for row, part in zip(rows, parts, strict=True) for item in part])
    content = {
        "models": {name: load_card(name).sha256 for name in MODELS},
        "figures": _figures(values),
        "recovered": {
            name + size: _recovered(values[f"{name}{size} all"])
            for name, size in product(RECOVERED, ("", AT_SMALL))
            if f"{name} all" in values
        },
        "512x512_ms": milliseconds(partial(segment, small_photograph()), 7),
    }
    if options.good:
        content["good"] = {name: load_card(_good(options.good, name)).sha256 for name in ("vessels", "disc")}
    options.out.write_text(json.dumps(content, indent=2) + "\n")
    print(table(content))
    if options.publish:
        publish("segmentation", table(content))
        _onto_cards(content["figures"])


def _scores(data: Path, good: Path | None, row: Row) -> list[tuple[str, Score]]:
    """The scores of one row, each with its group."""
    image = np.asarray(read_photograph(data / row["path"]).pixels, np.uint8)
    if row["task"] == "lesions":
        place = place_score(row["path"], image, float(row["disc_x"]), float(row["disc_y"]), DISC_DIAMETER)
        return [("HEI-MED", place)]
    label = read_photograph(data / row["label"]).pixels[..., 0]
    fov = find_fov(image)
    if row["task"] == "vessels":
        given = read_photograph(_beside(data, row, "fov")).pixels[..., 0] > 127
        drawn: dict[Structure, Mask] = {"vessels": label > 127}
        fov = FieldOfView(given, fov.circle, fov.confidence)
    else:
        drawn = {"disc": label > 127} if row["task"] == "disc" else {"disc": label > 60, "cup": label > 190}
    scores = _drawn_scores(row, image, drawn, fov, good)
    small = (
        replace(score, structure=score.structure + AT_SMALL)
        for score in _drawn_scores(row, *_reduced(image, drawn, fov), good)
    )
    if row["task"] == "vessels" and (second := _beside(data, row, "vessel2")).exists():
        observer = dice(read_photograph(second).pixels[..., 0] > 127, drawn["vessels"], fov.mask)
        scores.append(Score(row["path"], "vessels", "second observer", {"dice": observer}))
    return [(row["source"], score) for score in (*scores, *small)]


def _beside(data: Path, row: Row, what: str) -> Path:
    """The file of another label of a photograph with vessels."""
    return data / row["label"].replace("_vessel1", f"_{what}")


def _drawn_scores(
    row: Row, image: Image, drawn: dict[Structure, Mask], fov: FieldOfView, good: Path | None
) -> list[Score]:
    """The scores of one photograph against what people drew."""
    structure = row["task"].removesuffix("_cup")
    models = {"": structure} | ({GOOD: _good(good, structure)} if good else {})
    if structure == "vessels":
        models = {f"vessels{told}": model for told, model in models.items()}
        return list(vessel_scores(row["path"], image, drawn["vessels"], fov, models))
    names = [row["path"], *(f"{row['path']} {draw}" for draw in range(1, DRAWS))]
    return [
        score
        for name in names
        for score in disc_scores(name, image, drawn, fov, models)
        if score.version != "clean" or name == row["path"]
    ]


def _reduced(
    image: Image, drawn: dict[Structure, Mask], fov: FieldOfView
) -> tuple[Image, dict[Structure, Mask], FieldOfView]:
    """The same, cut to the field of view, SMALL pixels a side."""
    crop, half = Crop.around(fov.circle, SMALL), SMALL / 2
    mask = crop.take_mask(fov.mask)
    taken = {structure: crop.take_mask(truth) for structure, truth in drawn.items()}
    return crop.take(image), taken, FieldOfView(mask, Circle(half, half, half), fov.confidence)


def _good(folder: Path, structure: str) -> str:
    return str(folder / f"{structure}-good.onnx")


def _values(scores: list[tuple[str, str, Score]]) -> dict[str, dict[str, dict[str, Values]]]:
    """Group, then version, then figure, to the values of each patient."""
    values: dict[str, dict[str, dict[str, Values]]] = {}
    for patient, source, score in scores:
        for group in _groups(score.structure, source):
            figures = values.setdefault(group, {}).setdefault(score.version, {})
            for name, value in score.figures.items():
                figures.setdefault(name, {}).setdefault(patient, []).append(value)
    return values


def _groups(structure: str, source: str) -> list[str]:
    """A source's own, and those of all sources together; of discs those that people drew, and all."""
    size = AT_SMALL if structure.endswith(AT_SMALL) else ""
    structure = structure.removesuffix(size)
    if not structure.startswith("disc"):
        return [f"{structure}{size} {source}", f"{structure}{size} all"]
    people = [f"{structure}{size} all"] if source != NETWORK else []
    return [f"{structure}{size} {source}", *people, f"{structure}{ALSO}{size} all"]


def _figures(values: dict[str, dict[str, dict[str, Values]]]) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    """Group, then version, then figure, to mean, 95 % interval, and counts."""
    return {
        group: {
            version: {name: _summary(name, found) for name, found in figures.items()}
            for version, figures in of_group.items()
        }
        for group, of_group in values.items()
    }


def _summary(name: str, values: Values) -> dict[str, float]:
    every = np.concatenate(list(map(np.asarray, values.values())))
    counts = {"count": len(every), "patients": len(values)}
    if name == "distance":
        near = int((every <= 0.5).sum())
        interval = binomtest(near, len(every)).proportion_ci(0.95, "exact")
        return {"within half a diameter": near / len(every), "low": interval.low, "high": interval.high, **counts}
    means = np.array([np.mean(found) for found in values.values()])
    freedom = len(means) - 1
    width = float(t.ppf(0.975, freedom) * means.std(ddof=1) / np.sqrt(len(means))) if freedom else 0.0
    return {"mean": float(every.mean()), "width": width, **counts}


def _recovered(versions: dict[str, dict[str, Values]]) -> dict[str, float]:
    """What correction gives back of the mean Dice, with its interval over 2000 draws of patients."""
    dice_of = [versions[version]["dice"] for version in ("clean", "degraded", "light")]
    patients = sorted(dice_of[0])
    sums = np.array([[(np.sum(one[patient]), len(one[patient])) for patient in patients] for one in dice_of])
    draws = np.random.default_rng(0).integers(len(patients), size=(2000, len(patients)))
    means = [one[draws, 0].sum(1) / one[draws, 1].sum(1) for one in sums]
    low, high = np.percentile(recovered(*means), [2.5, 97.5])
    share = recovered(*(float(one[:, 0].sum() / one[:, 1].sum()) for one in sums))
    return {"share": share, "low": float(low), "high": float(high)}


def table(content: dict) -> str:  # type: ignore[type-arg]
    """The figures as Markdown."""
    figures = content["figures"]
    lines = ["| vessels | Dice | AUC | centreline Dice | second observer's Dice |", "|---|---|---|---|---|"]
    for source, title in SOURCES.items():
        clean = figures[f"vessels {source}"]["clean"]
        second = figures[f"vessels {source}"].get("second observer")
        cells = (_told(clean["dice"]), _told(clean["auc"]), _told(clean["centreline_dice"]))
        lines.append(
            f"| {title} ({clean['dice']['count']}) | {' | '.join(cells)} | {_told(second['dice']) if second else '–'} |"
        )
    disc, cup, place = (figures[f"{name} all"]["clean"] for name in ("disc", "cup", "place"))
    missed = round(disc["missed"]["mean"] * disc["missed"]["count"])
    lines += [
        "", f"Optic disc, against ophthalmologists' drawings: Dice {_told(disc['dice'])} on {disc['dice']['count']} "
        f"photographs, {missed} missed. Its centre is within half a disc diameter on "
        f"{place['distance']['within half a diameter']:.1%} of {place['distance']['count']} photographs of HEI-MED "
        f"({place['distance']['low']:.0%} to {place['distance']['high']:.0%}). "
        f"Optic cup: agreement (Dice) with a published network, not with people, {_told(cup['dice'])} on "
        f"{cup['dice']['count']}.",
        "", "| Dice on | clean | degraded (111) | CLAHE | background subtraction | corrected by light | recovered "
        f"| at {SMALL} pixels |", "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name in (name for name in RECOVERED if name in content["recovered"]):
        means = [figures[f"{name} all"][version]["dice"]["mean"] for version in VERSIONS]
        shares = (content["recovered"][name + size] for size in ("", AT_SMALL))
        told = (f"{back['share']:.0%} ({back['low']:.0%} to {back['high']:.0%})" for back in shares)
        lines.append(f"| {name} | {' | '.join(f'{mean:.3f}' for mean in means)} | {' | '.join(told)} |")
    lines += ["", f"All three structures of a photograph of 512 × 512 pixels: {content['512x512_ms']:.0f} ms."]
    return "\n".join(lines)


def _onto_cards(figures: dict) -> None:  # type: ignore[type-arg]
    """The figures of clean test photographs."""
    wanted = product(SOURCES, ("dice", "auc", "centreline_dice"))
    vessels = {f"{source} {name}": figures[f"vessels {source}"]["clean"][name]["mean"] for source, name in wanted}
    outlines = {f"{name} dice": figures[f"{name} all"]["clean"]["dice"]["mean"] for name in ("disc", "cup")}
    place = figures["place all"]["clean"]["distance"]["within half a diameter"]
    found = {"heimed within half a diameter": place, "disc missed": figures["disc all"]["clean"]["missed"]["mean"]}
    for model, told in (("vessels", vessels), ("disc", outlines), ("disc-finder", found)):
        onto_card(model, told)


def _told(figure: dict[str, float]) -> str:
    return f"{figure['mean']:.3f} ± {figure['width']:.3f}"


if __name__ == "__main__":
    main()
