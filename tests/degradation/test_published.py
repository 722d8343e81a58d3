from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cofenet.degradation import KINDS, Parameters, sample, simulate
from cofenet.degradation.color import Color
from cofenet.degradation.halo import Halo
from cofenet.degradation.published import from_published, replay, to_published
from cofenet.degradation.spots import Spots
from cofenet.errors import ParameterError, UsageError
from cofenet.fov import FieldOfView
from cofenet.geometry import Circle

HERE = Path(__file__).parent
_spec = importlib.util.spec_from_file_location("reference", HERE / "reference.py")
assert _spec is not None
assert _spec.loader is not None
reference = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(reference)

DATA = Path(os.environ.get("COFENET_DATA", HERE.parents[1] / ".." / "shared" / "data")).resolve()
REPLAYS = sorted((DATA / "published").glob("*.json"))
NINE = sorted((DATA / "parameters").glob("*.json"))
needs_data = pytest.mark.skipif(
    not REPLAYS or not NINE, reason=f"published files are not at {DATA}; COFENET_DATA names another folder"
)
FULL = Circle(256, 256, 256)


def released(kind: str = "111", seed: int = 0) -> dict[str, Any]:
    """What the released code writes."""
    params = reference.draw_params(np.random.default_rng(seed), kind)
    return {"name": "drawn.jpeg", "type": kind, "params": params}


def example() -> dict[str, Any]:
    """The form of the nine example files, with stored values that no formula gives."""
    content = released()
    halo = content["params"]["illumination"]["halo"]
    halo |= {"style_num": halo.pop("num"), "gauss_rad": 101, "sigma": 60.0}
    halo["leak_style"] = [[1.0, 0.5, 0.25], [1.0, 0.6, 0.35], [1.0, 0.7, 0.45]]
    for spot in content["params"]["spots"]:
        spot |= {"A": 0.5, "t": 0.75}
    return content


def photograph(seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A drawn retina that fills 512 × 512 pixels, and its mask with soft edges; uint8."""
    rng = np.random.default_rng(seed)
    y, x = (np.mgrid[:512, :512] - 255.5) / 256
    light = rng.uniform(0.5, 0.8) - 0.2 * (x**2 + y**2) + rng.uniform(-0.1, 0.1) * x
    for bend in (*rng.uniform(0.3, 1, 3), *rng.uniform(-1, -0.3, 3)):
        light *= 1 - 0.35 * np.exp(-(((y - bend * np.sqrt(np.abs(0.5 - x))) / 0.015) ** 2))
    image = light[..., None] * rng.uniform((0.9, 0.4, 0.15), (1.1, 0.7, 0.4)) + rng.normal(0, 0.01, (512, 512, 1))
    image += np.exp(-(((x - 0.5) / 0.12) ** 2 + (y / 0.14) ** 2))[..., None] * np.array([0.2, 0.35, 0.2])
    cover = np.clip(256 * (1 - np.hypot(x, y)), 0, 1)
    return np.rint(255 * np.clip(image * cover[..., None], 0, 1)).astype(np.uint8), (255 * cover).astype(np.uint8)


def assert_equal_pictures(ours: NDArray[np.uint8], theirs: NDArray[np.uint8]) -> None:
    error = np.abs(ours.astype(np.float64) - theirs)
    assert 10 * np.log10(255**2 / (error**2).mean()) >= 45
    assert (error <= 2).mean() >= 0.995


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", KINDS)
def test_replays_the_published_formulas(kind: str, seed: int) -> None:
    image, mask = photograph(seed)
    content = released(kind, seed)
    ours = replay(image, from_published(json.dumps(content)), mask)
    assert_equal_pictures(ours, reference.degrade(image, mask, content["params"]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(5))
def test_the_released_form_survives_a_round_trip(kind: str, seed: int) -> None:
    parameters = from_published(json.dumps(released(kind, seed)))
    assert parameters.kind == kind
    written = to_published(parameters, "drawn.jpeg")
    assert from_published(written) == parameters
    assert json.loads(written).keys() == released().keys()


def test_pixels_become_fractions_of_the_frame() -> None:
    content = released("001")
    content["params"]["illumination"]["halo"] |= {"center_a": [256, 200], "center_b": [256, 200], "dia_a": 401.9}
    halo = from_published(json.dumps(content)).factors[1]
    assert isinstance(halo, Halo)
    assert (halo.x, halo.y, halo.inner_radius) == (256.5 / 512, 200.5 / 512, 200 / 512)
    assert halo.kernel == 223 / 512  # 2 · 312 − 401.9, cut to 222, then odd
    assert halo.sigma == pytest.approx(2 / 3 * 222 / 512)


def test_stored_values_go_before_formulas() -> None:
    parameters = from_published(json.dumps(example()))
    _, halo, _, spots, _ = parameters.factors
    assert isinstance(halo, Halo)
    assert isinstance(spots, Spots)
    number = released()["params"]["illumination"]["halo"]["num"]
    assert halo.color == tuple(row[number] for row in example()["params"]["illumination"]["halo"]["leak_style"])
    assert (halo.kernel, halo.sigma) == (101 / 512, 60 / 512)
    assert {spot.amplitude for spot in spots.spots} == {0.125}


def test_both_names_of_the_halos_colour_are_read() -> None:
    text = json.dumps(released("001"))
    assert from_published(text.replace('"num"', '"style_num"')) == from_published(text)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("params.illumination.color.brightness_factor", "bright", "illumination.color.brightness_factor"),
        ("params.illumination.color.contrast_factor", -1, r"color\.contrast_factor"),
        ("params.illumination.halo.num", 3, r"halo\.num"),
        ("params.illumination.halo.center_b", [1, 2], r"halo\.center_b: must equal center_a"),
        ("params.illumination.halo.glow", 1, r"halo\.glow"),
        ("params.illumination.hole.rad_w", 4, r"hole\.rad_w.*odd"),
        ("params.illumination.hole.brightness_factor", 0.2, r"hole\.brightness_factor"),
        ("params.illumination.hole", None, r"illumination\.hole"),
        ("params.spots.0.center", [600, 2], r"spots\.0\.center\.0"),
        ("params.spots.1.radius", 0, r"spots\.1\.radius"),
        ("params.blur.sigma", 0, r"blur\.sigma"),
        ("type", "001", "type: says 001, but .* 111"),
    ],
)
def test_a_bad_field_is_named(path: str, value: object, message: str) -> None:
    content = released()
    *parents, last = path.split(".")
    place: Any = content
    for parent in parents:
        place = place[int(parent) if parent.isdigit() else parent]
    place[last] = value
    with pytest.raises(ParameterError, match=message):
        from_published(json.dumps(content))


@pytest.mark.parametrize("text", ["", "{", b"\xff", "[]", '{"name": "a"}'])
def test_no_parameter_file_is_refused(text: str | bytes) -> None:
    with pytest.raises(ParameterError):
        from_published(text)


def changed(index: int, **values: object) -> Parameters:
    factors = list(from_published(json.dumps(released())).factors)
    factors[index] = factors[index].model_copy(update=values)
    return Parameters(factors=tuple(factors))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (changed(0, levels=None), r"color\.levels"),
        (changed(1, gain=0.5), r"halo\.gain"),
        (changed(1, color=(0.1, 0.2, 0.3)), r"halo\.color"),
        (changed(1, sigma=0.01), r"halo\.kernel, halo\.sigma"),
        (changed(1, x=0.5), r"halo\.x.*whole"),
        (changed(2, slope=0.05), r"hole\.slope"),
        (changed(2, kernel_x=100 / 512), r"hole\.kernel_x.*odd"),
        (changed(2, x=-0.5 + 0.5 / 512), r"hole\.x.*outside"),
        (changed(4, kernel_y=0.5 / 512), r"blur\.kernel_y.*whole"),
        (from_published(json.dumps(example())).only("artifact"), r"spots\.0\.amplitude"),
        (Parameters(factors=(Color(brightness=1, contrast=1, saturation=1, levels=255),)), "halo: missing"),
        (Parameters(factors=changed(0).factors[::-1]), "factors:"),
    ],
)
def test_what_cannot_be_written_is_named(parameters: Parameters, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        to_published(parameters, "a.jpeg")


def test_drawn_parameters_are_no_whole_pixels() -> None:
    with pytest.raises(ParameterError, match="cannot be written"):
        to_published(sample(np.random.default_rng(0)), "a.jpeg")


def test_severity_zero_is_the_photograph_itself_at_any_depth() -> None:
    image, mask = photograph(0)
    parameters = from_published(json.dumps(released())).scaled(0)
    deep = image.astype(np.uint16) * 257 + 100
    np.testing.assert_array_equal(simulate(deep, parameters, FieldOfView(mask > 0, FULL, 1.0)), deep)


def test_sixteen_bits_agree_with_eight() -> None:
    image, mask = photograph(1)
    fov, parameters = FieldOfView(mask > 0, FULL, 1.0), from_published(json.dumps(released()))
    deep = simulate(image.astype(np.uint16) * 257, parameters, fov)
    assert np.abs(deep / 257 - simulate(image, parameters, fov)).max() <= 0.51


def test_a_mask_of_another_size_is_refused() -> None:
    image, mask = photograph(0)
    with pytest.raises(UsageError, match="mask of its size"):
        replay(image, from_published(json.dumps(released())), mask[:100])


@needs_data
@pytest.mark.parametrize("path", REPLAYS, ids=lambda path: path.stem)
def test_replays_the_published_pictures(path: Path) -> None:
    stem = path.stem.rpartition("_")[0]
    image, mask = read(path.with_name(f"{stem}.png")), read(path.with_name(f"{stem}_mask.png"))[..., 0]
    assert_equal_pictures(replay(image, from_published(path.read_bytes()), mask), read(path.with_suffix(".png")))


@needs_data
@pytest.mark.parametrize("path", NINE, ids=lambda path: path.stem)
def test_the_nine_files_replay_on_any_photograph(path: Path, draw: Callable[..., NDArray[np.uint8]]) -> None:
    image = draw(3, 300, 360)
    parameters = from_published(path.read_bytes())
    fov = FieldOfView(image.max(axis=2) > 20, Circle(180, 150, 120), 1.0)
    out = simulate(image, parameters, fov)
    assert parameters.kind == "111"
    assert (out[fov.mask] != image[fov.mask]).mean() > 0.5


@needs_data
@pytest.mark.parametrize("path", NINE, ids=lambda path: path.stem)
def test_the_nine_pictures_have_their_spots_where_the_files_say(path: Path) -> None:
    """Each spot in view against the ring around it; and the same places with x and y exchanged, where nothing is."""
    picture = read(path.parent / f"{path.stem}1.png").astype(np.float64).mean(axis=2)
    spots = from_published(path.read_bytes()).factors[3]
    assert isinstance(spots, Spots)
    inside = [s for s in spots.spots if np.hypot(s.x - 0.5, s.y - 0.5) < 0.42]
    there = np.median([contrast(picture, s.x, s.y, s.radius) for s in inside])
    elsewhere = np.median([contrast(picture, s.y, s.x, s.radius) for s in inside])
    assert there > 2
    assert there > elsewhere + 2


def contrast(picture: NDArray[np.float64], x: float, y: float, radius: float) -> float:
    """Mean grey of the disc above that of the ring around it; 0 to 255."""
    distance = Circle(512 * x, 512 * y, 1).distance((512, 512)) - 512 * radius
    return float(picture[distance <= 0].mean() - picture[(distance > 6) & (distance < 12)].mean())


def read(path: Path) -> NDArray[np.uint8]:
    pixels = cv2.imread(str(path))
    assert pixels is not None
    return np.asarray(pixels[..., ::-1].copy(), np.uint8)
