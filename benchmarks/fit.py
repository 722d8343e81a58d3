"""How well `fit-degradation` finds what was done to photographs, and how like real ones its simulations are.

    python benchmarks/fit.py --data ../shared/data [--out docs/results/fit.json] [--sheet FILE.png]
    python benchmarks/fit.py --data ../shared/data --reference

1. Known ranges: good photographs (manifest.csv, task "clean", split "train"), cut to their field of view at 512 pixels,
   are degraded by presets whose ranges are known; the presets are fitted again, against other good ones of that split.
2. Real photographs: a preset is fitted to one half of `lowquality/`, against good photographs of the same cameras
   (source "eyepacs1024", splits "train" and "val"); others of these are degraded by it; `FIGURES`, of which the fit
   knows nothing, of these and of the other half of the real ones are laid side by side.

--reference measures the good photographs that the package holds as numbers, src/cofenet/degradation/good.json.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import count, repeat
from pathlib import Path

import cv2
import numpy as np

from cofenet.degradation import sample, simulate
from cofenet.degradation.fit import fit
from cofenet.degradation.measure import SIZE, Measurement, measure
from cofenet.degradation.preset import load_preset
from cofenet.errors import NotFundusError
from cofenet.fov import FieldOfView, find_fov
from cofenet.geometry import Circle, Crop
from cofenet.io import read_photograph

CAMERAS = ("eyepacs1024", "srahim", "heimed", "hrf", "chase")
"""Sources of whole photographs with known terms."""

REFERENCE = Path(__file__).parents[1] / "src/cofenet/degradation/good.json"
A_CAMERA = 18
"""Good photographs of each source; half as many are degraded by known presets."""

_NO_CAST = "[cast]\nred = [1.0, 1.0]\ngreen = [1.0, 1.0]\nblue = [1.0, 1.0]\n"
_EXPOSURE = "[exposure]\nprobability = {0}\nover = {1}\nstops_over = {2}\nstops_under = {3}\n"
_NOISE = "[noise]\nshot = {0}\nread = {1}\ngrain = [0.001953125, 0.001953125]\n"
_VIGNETTING = "[vignetting]\nprobability = {0}\nx = [0.5, 0.5]\ny = [0.5, 0.5]\ntangent = {1}\n"
_DEFOCUS = "[defocus]\nprobability = {0}\nradius = {1}\n"

KNOWN = {
    "nothing": _NO_CAST + _NOISE.format([0.0, 0.0], [0.0, 0.0]),
    "dark and tinted": _EXPOSURE.format(1.0, 0.0, [0.0, 0.0], [1.0, 3.0])
    + "[cast]\nred = [0.6, 0.9]\ngreen = [1.0, 1.0]\nblue = [1.1, 1.6]\n",
    "vignetted": _VIGNETTING.format(1.0, [0.6, 1.4]) + _NO_CAST,
    "soft and noisy": _DEFOCUS.format(1.0, [0.004, 0.01]) + _NOISE.format([0.0005, 0.002], [0.01, 0.03]),
    "all, half of the time": _VIGNETTING.format(0.5, [0.6, 1.4])
    + _EXPOSURE.format(0.5, 0.0, [0.0, 0.0], [1.0, 3.0])
    + "[cast]\nred = [0.7, 1.0]\ngreen = [1.0, 1.0]\nblue = [1.0, 1.4]\n"
    + _DEFOCUS.format(0.5, [0.004, 0.01])
    + _NOISE.format([0.0, 0.001], [0.005, 0.02]),
}
"""Presets by name, without their order, which is that of their tables."""

QUANTILES = (10, 50, 90)

SIMULATED = 90
"""Good photographs that are degraded by the preset fitted to real ones."""


def main() -> None:
    """Print both tables and store the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("docs/results/fit.json"))
    parser.add_argument("--sheet", type=Path, help="a PNG of real and simulated photographs; it may not be given away")
    parser.add_argument("--reference", action="store_true")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    with ProcessPoolExecutor(options.processes) as pool, tempfile.TemporaryDirectory() as folder:
        measured = partial(_measured, pool)
        if options.reference:
            _store_reference(options.data, measured)
            return
        presets = Path(folder)
        known = _known(options.data, measured, presets)
        real, text = _real(options.data, pool, presets)
    content = {"known": known, "real": real}
    print(table(content))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(content, indent=2) + "\n")
    preset = options.out.with_suffix(".toml")
    preset.write_text(text)
    if options.sheet:
        _sheet(options.data, preset, options.sheet)


def table(content: dict) -> str:
    """Both tables as Markdown."""
    lines = ["| preset | factor | known | share | fitted | share |", "|---|---|---|---|---|---|"]
    lines += [f"| {' | '.join(map(_shown, row))} |" for row in content["known"]]
    figures = content["real"]["figures"]
    lines += ["", "| 10 %, median, 90 % | " + " | ".join(figures[FIGURES[0]]) + " |", "|---" * 5 + "|"]
    for name, sets in figures.items():
        lines.append(f"| {name} | {' | '.join(', '.join(map(_shown, values)) for values in sets.values())} |")
    return "\n".join(lines)


def _shown(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return " to ".join(map(_shown, value))
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def photographs(data: Path, split: str, sources: Sequence[str] = CAMERAS) -> list[Path]:
    """Good photographs of a split."""
    with (data / "manifest.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == split and row["task"] == "clean"]
    return [data / row["path"] for source in sources for row in rows if row["source"] == source]


def _some(paths: Sequence[Path], count: int) -> list[Path]:
    return [paths[i] for i in np.random.default_rng(0).permutation(len(paths))[:count]]


def _store_reference(data: Path, measured: partial) -> None:
    sources = {source: _some(photographs(data, "train", [source]), A_CAMERA) for source in CAMERAS}
    parts = {source: measured(paths) for source, paths in sources.items()}
    rows = [one.model_dump_json() for part in parts.values() for one in part]
    counts = ", ".join(f"{len(part)} {source}" for source, part in parts.items())
    REFERENCE.write_text(f'{{"what": "{counts}", "photographs": [\n' + ",\n".join(rows) + "\n]}\n", "utf-8")
    print(counts)


def _measured(pool: ProcessPoolExecutor, paths: Sequence[Path], preset: Path | None = None) -> list[Measurement]:
    return [one for one in pool.map(_one, paths, repeat(preset), count()) if one]


def _one(path: Path, preset: Path | None, seed: int) -> Measurement | None:
    try:
        image, fov = _photograph(path, preset, seed)
        return measure(image, fov)
    except NotFundusError as error:
        print(f"left out: {error.at(path)}")
        return None


def _photograph(path: Path, preset: Path | None, seed: int) -> tuple[np.ndarray, FieldOfView]:
    cv2.setNumThreads(1)
    image = read_photograph(path).pixels
    fov = find_fov(image)
    crop = Crop.around(fov.circle, SIZE)
    seen = crop.take_mask(fov.mask)
    image, fov = crop.take(image), FieldOfView(seen, Circle(SIZE / 2, SIZE / 2, SIZE / 2), fov.confidence)
    if preset is None:
        return image, fov
    rng = np.random.default_rng([seed, 1])
    load_preset.cache_clear()  # a file of one name with another text
    has = {part.factor.group for part in load_preset(preset).ranges}
    kind = f"{'blur' in has:d}0{'illumination' in has:d}"
    return simulate(image, sample(rng, kind, preset=preset), fov), fov


def _known(data: Path, measured: partial, folder: Path) -> list[list[object]]:
    half = A_CAMERA // 2
    chosen = [_some(photographs(data, "train", [source]), A_CAMERA + half) for source in CAMERAS[:4]]
    good = [one for paths in chosen for one in measured(paths[half:])]
    clean = [path for paths in chosen for path in paths[:half]]
    rows: list[list[object]] = []
    for name, text in KNOWN.items():
        truth, fitted = folder / f"{name}.toml", folder / f"{name} fitted.toml"
        factors = [line[1:-1] for line in text.splitlines() if line.startswith("[")]
        truth.write_text(f"order = {json.dumps(factors)}\n{text}", "utf-8")
        fitted.write_text(fit(measured(clean, truth), good), "utf-8")
        asked, found, absent = _ranges(truth), _ranges(fitted), ("", "")
        rows += [[name, field, *asked.get(field, absent), *found.get(field, absent)] for field in asked | found]
    return rows


SHOWN = {
    "exposure": ("stops_under", "stops_over"), "cast": ("red", "blue"), "vignetting": ("tangent",), "halo": ("gain",),
    "defocus": ("radius",), "noise": ("shot", "read"), "haze": ("density",), "shadow": ("depth",),
}  # fmt: skip


def _ranges(preset: Path) -> dict[str, tuple[tuple[float, float], float]]:
    """The range and the share of photographs of each field that is shown and does something."""
    found = {}
    for part in load_preset(preset).ranges:
        factor = part.factor.model_fields["factor"].default
        sides = {"stops_over": part.over, "stops_under": 1 - part.over} if factor == "exposure" else {}
        for field in SHOWN[factor]:
            limits, share = getattr(part, field), part.probability * sides.get(field, 1)
            if share and limits not in ((0.0, 0.0), (1.0, 1.0)):
                found[f"{factor} {field}"] = limits, share
    return found


FIGURES = (
    "median luminance", "deviation of smooth luminance", "rim over centre", "red over green", "blue over green",
    "contrast of detail", "noise", "darkest place over median", "brightest part of rim over centre",
)  # fmt: skip


def figures_of(image: np.ndarray, fov: FieldOfView) -> list[float]:
    """`FIGURES` of a photograph cut to its field of view, 512 × 512.

    Luminance is BT.601's luma, 0 to 1; smooth: by a Gaussian of D / 12; detail: between Gaussians of D / 400 and
    D / 80, over the local mean, as 1.4826 MAD; noise: J. Immerkær's, of green, likewise.
    """
    x, y = np.meshgrid(*(2 * (np.arange(SIZE) + 0.5) / SIZE - 1,) * 2)
    radius, turn = np.hypot(x, y), np.floor(np.arctan2(y, x) / np.pi * 4) % 8
    seen = cv2.erode(fov.mask.astype(np.uint8), np.ones((13, 13), np.uint8), borderType=cv2.BORDER_CONSTANT) > 0
    light = image.astype(np.float32) / 255
    luma = light @ np.array([0.299, 0.587, 0.114], np.float32)

    def smooth(sigma: float) -> np.ndarray:
        weight = cv2.GaussianBlur(seen.astype(np.float32), (0, 0), sigma)
        return cv2.GaussianBlur(luma * seen, (0, 0), sigma) / np.maximum(weight, 1e-3)

    coarse, rim = smooth(SIZE / 12), seen & (radius > 0.88)
    center = float(np.median(luma[seen & (radius < 0.4)]))
    detail = (smooth(SIZE / 400) - smooth(SIZE / 80)) / np.maximum(smooth(SIZE / 32), 1e-3)
    residual = cv2.filter2D(light[..., 1], -1, np.outer([1, -2, 1], [1, -2, 1]) / 6)
    inner = seen & (radius < 0.8)
    parts = [luma[rim & (turn == part)] for part in range(8)]
    red, green, blue = np.median(light[seen], axis=0)
    return [
        float(np.median(luma[seen])), float(coarse[seen].std()), float(np.median(luma[rim])) / center,
        float(red / green), float(blue / green), 1.4826 * float(np.median(np.abs(detail[inner]))),
        1.4826 * float(np.median(np.abs(residual[inner]))), float(coarse[inner].min() / np.median(luma[seen])),
        max(float(np.median(part)) for part in parts if len(part) > 200) / center,
    ]  # fmt: skip


def _figures(pool: ProcessPoolExecutor, paths: Sequence[Path], preset: Path | None = None) -> list[list[float]]:
    return list(pool.map(_figures_of_one, paths, repeat(preset), count()))


def _figures_of_one(path: Path, preset: Path | None, seed: int) -> list[float]:
    return figures_of(*_photograph(path, preset, seed))


def halves(data: Path) -> tuple[list[Path], list[Path]]:
    """Real photographs to fit to, and to compare with; both eyes of a patient are on the same side."""
    every = low_quality(data)
    patients = sorted({path.stem.split("_")[0] for path in every})
    chosen = set(_some(patients, len(patients) // 2))
    fitted = [path for path in every if path.stem.split("_")[0] in chosen]
    return fitted, [path for path in every if path not in fitted]


def goods(data: Path) -> tuple[list[Path], list[Path]]:
    """Good photographs to fit against, and to degrade; of different patients."""
    every = photographs(data, "train", CAMERAS[:1]) + photographs(data, "val", CAMERAS[:1])
    every = _some(every, len(every))
    degraded = every[:SIMULATED]
    patients = {path.stem.rsplit("_", 1)[0] for path in degraded}
    return [path for path in every if path.stem.rsplit("_", 1)[0] not in patients][:90], degraded


def _real(data: Path, pool: ProcessPoolExecutor, folder: Path) -> tuple[dict, str]:
    (fitted, compared), (reference, degraded) = halves(data), goods(data)
    text, preset = fit(_measured(pool, fitted), _measured(pool, reference)), folder / "real.toml"
    preset.write_text(text, "utf-8")
    sets = {
        "good": _figures(pool, degraded),
        "simulated": _figures(pool, degraded, preset),
        "real, compared": _figures(pool, compared),
        "real, fitted": _figures(pool, fitted),
    }
    quantiles = {which: np.percentile(rows, QUANTILES, axis=0) for which, rows in sets.items()}
    figures = {
        name: {which: [float(f"{v:.3g}") for v in values[:, index]] for which, values in quantiles.items()}
        for index, name in enumerate(FIGURES)
    }
    return {"photographs": {which: len(part) for which, part in sets.items()}, "figures": figures}, text


def low_quality(data: Path) -> list[Path]:
    """The real low-quality photographs, without their masks."""
    return sorted((data / "lowquality").glob("*.jpg"))


def _sheet(data: Path, preset: Path, file: Path, across: int = 7) -> None:
    """Rows of real ones, which the fit has not seen, each above a row of simulated ones."""
    real, simulated = halves(data)[1], goods(data)[1]
    rows = []
    for start in range(0, len(real) - across + 1, across):
        for paths, applied in ((real, None), (simulated, preset)):
            images = (_photograph(paths[seed], applied, seed) for seed in range(start, start + across))
            rows.append(np.hstack([Crop.around(fov.circle, 220).take(image) for image, fov in images]))
    cv2.imwrite(str(file), np.vstack(rows)[..., ::-1])


if __name__ == "__main__":
    main()
