"""How well `fit-degradation` finds what was done to photographs, and how like real ones its simulations are.

    python benchmarks/fit.py --data ../shared/data [--out docs/results/fit.json] [--sheet FILE.png]
    python benchmarks/fit.py --data ../shared/data --reference

1. Known ranges: good photographs (manifest.csv, task "clean", split "test"), cut to their field of view at 512 pixels,
   are degraded by presets whose ranges are known; the presets are fitted again, against the good ones of split "train".
2. Real photographs: a preset is fitted to `lowquality/`, against the good photographs of the same cameras (source
   "eyepacs1024", split "train"); those of split "test" are degraded by it; what is measured on real and on simulated
   ones is laid side by side.

--reference measures the good photographs that the package holds as numbers, src/cofenet/degradation/good.json.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from cofenet.degradation import sample, simulate
from cofenet.degradation.fit import fit
from cofenet.degradation.inverse import Usual, strengths
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

QUANTILES = (5, 25, 50, 75, 95)


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
        real, text = _real(options.data, measured, presets)
    content = {"known": known, "real": real}
    print(table(content))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(content, indent=2) + "\n")
    options.out.with_suffix(".toml").write_text(text)
    if options.sheet:
        _sheet(options, text)


def table(content: dict) -> str:
    """Both tables as Markdown."""
    lines = ["| preset | factor | known | share | fitted | share |", "|---|---|---|---|---|---|"]
    lines += [f"| {' | '.join(map(_shown, row))} |" for row in content["known"]]
    lines += ["", "| measured | " + " | ".join(f"{q} %" for q in QUANTILES) + " |", "|---" * (1 + len(QUANTILES)) + "|"]
    for name, sets in content["real"]["strengths"].items():
        lines += [f"| {name}, {which} | {' | '.join(map(_shown, values))} |" for which, values in sets.items()]
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


def _measured(pool: ProcessPoolExecutor, paths: Iterable[Path], preset: Path | None = None) -> list[Measurement]:
    paths = list(paths)
    return [one for one in pool.map(_one, paths, [preset] * len(paths), range(len(paths))) if one]


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
    seen = crop.take(fov.mask.astype(np.uint8) * 255) > 127
    image, fov = crop.take(image), FieldOfView(seen, Circle(SIZE / 2, SIZE / 2, SIZE / 2), fov.confidence)
    if preset is None:
        return image, fov
    rng = np.random.default_rng([seed, 1])
    load_preset.cache_clear()  # a file of one name with another text
    has = {part.factor.group for part in load_preset(preset).ranges}
    kind = {1: "001", 4: "100", 5: "101"}[("illumination" in has) + 4 * ("blur" in has)]
    return simulate(image, sample(rng, kind, preset=preset), fov), fov


def _known(data: Path, measured: partial, folder: Path) -> list[list[object]]:
    cameras = CAMERAS[:4]  # the others have no photographs of split "test"
    good = [one for source in cameras for one in measured(_some(photographs(data, "train", [source]), A_CAMERA))]
    clean = [path for source in cameras for path in _some(photographs(data, "test", [source]), A_CAMERA // 2)]
    rows: list[list[object]] = []
    for name, text in KNOWN.items():
        truth, fitted = folder / f"{name}.toml", folder / f"{name} fitted.toml"
        factors = [line[1:-1] for line in text.splitlines() if line.startswith("[")]
        truth.write_text(f"order = {json.dumps(factors)}\n{text}", "utf-8")
        fitted.write_text(fit(measured(clean, truth), good), "utf-8")
        found = {row[0]: row[1:] for row in _ranges(fitted)}
        asked = {row[0]: row[1:] for row in _ranges(truth)}
        absent = ["", ""]
        rows += [[name, field, *asked.get(field, absent), *found.get(field, absent)] for field in asked | found]
    return rows


SHOWN = {
    "exposure": ("stops_under", "stops_over"), "cast": ("red", "blue"), "vignetting": ("tangent",), "halo": ("gain",),
    "defocus": ("radius",), "noise": ("shot", "read"), "haze": ("density",), "shadow": ("depth",),
}  # fmt: skip


def _ranges(path: Path) -> list[tuple[str, tuple[float, float], float]]:
    out = []
    for part in load_preset(path).ranges:
        factor = part.factor.model_fields["factor"].default
        for field in SHOWN[factor]:
            share = part.probability
            if factor == "exposure":
                share *= part.over if field == "stops_over" else 1 - part.over
            if share and getattr(part, field) != (1.0, 1.0) and getattr(part, field) != (0.0, 0.0):
                out.append((f"{factor} {field}", getattr(part, field), share))
    return out


def _real(data: Path, measured: partial, folder: Path) -> tuple[dict, str]:
    cameras = CAMERAS[:1]
    real = measured(low_quality(data))
    good = measured(_some(photographs(data, "train", cameras), 90))
    text, preset = fit(real, good), folder / "real.toml"
    preset.write_text(text, "utf-8")
    clean = photographs(data, "test", cameras)
    sets = {"good": measured(clean), "real": real, "simulated": measured(clean * 2, preset)}
    usual = Usual.of(good)
    tables = {which: [strengths(one, usual) for one in part] for which, part in sets.items()}
    figures = {
        name: {
            which: [float(f"{v:.3g}") for v in np.nanpercentile([row[name] for row in rows], QUANTILES)]
            for which, rows in tables.items()
        }
        for name in tables["real"][0]
    }
    return {"photographs": {which: len(part) for which, part in sets.items()}, "strengths": figures}, text


def low_quality(data: Path) -> list[Path]:
    """The real low-quality photographs, without their masks."""
    return sorted(path for path in (data / "lowquality").glob("*.jpg"))


def _sheet(options: argparse.Namespace, text: str) -> None:
    """Real ones left, simulated ones right."""
    preset = options.sheet.with_suffix(".toml")
    preset.write_text(text, "utf-8")
    real = [(path, None) for path in low_quality(options.data)]
    clean = [(path, preset) for path in photographs(options.data, "test", CAMERAS[:1]) * 2]
    halves = []
    for side in (real, clean):
        tiles = []
        for seed, (path, used) in enumerate(side[:60]):
            image, fov = _photograph(path, used, seed)
            tiles.append(Crop.around(fov.circle, 180).take(image))
        tiles += [np.zeros_like(tiles[0])] * (60 - len(tiles))
        halves.append(np.vstack([np.hstack(tiles[i : i + 6]) for i in range(0, 60, 6)]))
    gap = np.full((halves[0].shape[0], 12, 3), 255, np.uint8)
    cv2.imwrite(str(options.sheet), np.hstack([halves[0], gap, halves[1]])[..., ::-1])


if __name__ == "__main__":
    main()
