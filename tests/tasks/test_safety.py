"""The verdict: quiet where nothing was done, and louder the more harm."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cofenet
from cofenet.evaluation import harms
from cofenet.evaluation import safety as safety_experiment
from cofenet.fov import FieldOfView
from cofenet.geometry import Circle, Crop, resize
from cofenet.io import read_photograph
from cofenet.tasks.safety import change, decide, limits, measure

Draw = Callable[..., np.ndarray]
SAMPLES = Path(__file__).parents[2] / "samples"
NO_SPOTS = np.zeros((64, 64), np.float32)
ALL_SPOTS = np.ones((64, 64), np.float32)


def findings(image: np.ndarray, corrected: np.ndarray, fov: FieldOfView, activation: np.ndarray) -> dict[str, float]:
    return measure(image, corrected, fov, activation).findings


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    pixels = np.asarray(read_photograph(SAMPLES / "good/hrf_06_h.jpg").pixels, np.uint8)
    return resize(pixels, (512, 768))


@pytest.fixture(scope="module")
def fov(image: np.ndarray) -> FieldOfView:
    return cofenet.find_fov(image)


def test_the_photograph_itself_has_no_findings(image: np.ndarray, fov: FieldOfView) -> None:
    found = findings(image, image.copy(), fov, NO_SPOTS)
    structure = {"lines", "spots", "hidden", "tinted", "uncompared", "difference", "blur", "invented"}
    assert structure | {"colour", "quality", "disc", "disc_doubtful", "cup_greyed", "vessels_faded"} == found.keys()
    assert max(found.values()) == pytest.approx(0, abs=1e-5)
    assert decide(found)[:2] == ("safe", "none")


@pytest.mark.parametrize("seed", [1, 2])
def test_a_drawn_photograph_itself_has_none_either(draw: Draw, seed: int) -> None:
    drawn = draw(seed)
    assert decide(findings(drawn, drawn, cofenet.find_fov(drawn), NO_SPOTS))[0] == "safe"


def test_light_and_contrast_may_change_slowly(image: np.ndarray, fov: FieldOfView) -> None:
    slope = np.linspace(0.75, 1.1, image.shape[1])[None, :, None]
    found = findings(image, np.clip(image * slope, 0, 255).astype(np.uint8), fov, NO_SPOTS)
    assert decide(found)[0] == "safe", found


@pytest.mark.parametrize(
    ("rules", "harm"),
    [
        ({"lines", "vessels_added"}, harms.draw_vessel),
        ({"blur"}, harms.blur),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_a_planted_harm_is_found_by_its_rule(
    image: np.ndarray, fov: FieldOfView, rules: set[str], harm: Callable[..., np.ndarray], seed: int
) -> None:
    found = findings(image, harm(image, fov, np.random.default_rng(seed)), fov, NO_SPOTS)
    assert any(found.get(rule, 0) >= limits()[rule].caution for rule in rules), found
    assert decide(found)[0] != "safe"


def test_an_erased_vessel_a_lost_lesion_and_a_moved_disc_are_found(image: np.ndarray, fov: FieldOfView) -> None:
    seen = cofenet.segment(image, fov=fov)
    assert seen.vessels is not None
    assert seen.measurements.disc is not None
    rng = np.random.default_rng(3)
    erased = harms.erase_vessel(image, fov, seen.vessels, rng)
    assert erased is not None
    assert decide(findings(image, erased, fov, NO_SPOTS))[0] != "safe"
    lesion, where = harms.draw_lesion(image, fov, rng)
    assert decide(findings(lesion, harms.paint_over(lesion, where, rng), fov, NO_SPOTS))[0] != "safe"
    found = findings(image, harms.shift_disc(image, fov, seen.measurements.disc, rng), fov, NO_SPOTS)
    assert found["disc"] >= limits()["disc"].caution


def test_another_eye_comes_back_unchanged(image: np.ndarray, fov: FieldOfView) -> None:
    mirrored = harms.other_eye(image, fov, np.ascontiguousarray(image[::-1]), _mirrored(fov))
    found = findings(image, mirrored, fov, NO_SPOTS)
    assert found["difference"] >= limits()["difference"].harm
    assert decide(found)[0] == "unchanged"


def _mirrored(fov: FieldOfView) -> FieldOfView:
    circle = dataclasses.replace(fov.circle, y=fov.mask.shape[0] - fov.circle.y)
    return FieldOfView(np.ascontiguousarray(fov.mask[::-1]), circle, fov.confidence)


def test_structure_out_of_the_dark_is_invented(image: np.ndarray, fov: FieldOfView) -> None:
    disc = cofenet.segment(image, structures=["disc"], fov=fov).measurements.disc
    assert disc is not None
    dark = image.copy()
    dark[int(disc.y) - 80 : int(disc.y) + 80, int(disc.x) - 80 : int(disc.x) + 80] = 0
    found = findings(dark, image, fov, NO_SPOTS)
    assert found["invented"] >= limits()["invented"].caution
    assert findings(dark, dark, fov, NO_SPOTS)["invented"] == 0


def around(where: np.ndarray, fov: FieldOfView) -> np.ndarray:
    """The activation of a network that takes for a spot what lies there."""
    return (Crop.around(fov.circle, 512).take(where.astype(np.uint8) * np.uint8(255)) > 0).astype(np.float32)


@pytest.mark.parametrize("seed", [4, 5, 6])
def test_a_bright_spot_that_the_network_found_may_go(image: np.ndarray, fov: FieldOfView, seed: int) -> None:
    x, y = fov.circle.x + 90 * np.cos(seed), fov.circle.y + 90 * np.sin(seed)
    light = cv2.GaussianBlur(Circle(x, y, 9).coverage(image.shape[:2]), (0, 0), 2)
    spotted = np.clip(np.rint(image + 70 * light[..., None]), 0, 255).astype(np.uint8)
    alarmed, quiet = (findings(spotted, image, fov, seen) for seen in (NO_SPOTS, around(light > 0.1, fov)))
    assert alarmed["spots"] > quiet["spots"]
    assert decide(quiet)[0] == "safe", quiet


def test_where_a_spot_may_go_nothing_dark_may_come_or_go(image: np.ndarray, fov: FieldOfView) -> None:
    rng = np.random.default_rng(4)
    vessels = cofenet.segment(image, structures=["vessels"], fov=fov).vessels
    assert vessels is not None
    erased = harms.erase_vessel(image, fov, vessels, rng)
    assert erased is not None
    for harmed in (erased, harms.draw_vessel(image, fov, rng)):
        changed = (np.abs(harmed.astype(int) - image) > 3).any(2)
        found = findings(image, harmed, fov, around(changed, fov))
        assert found["lines"] < limits()["lines"].caution
        assert found["hidden"] >= limits()["hidden"].caution
        assert decide(found)[0] != "safe"


def test_a_network_that_takes_everything_for_spots_gets_nothing_called_safe(
    image: np.ndarray, fov: FieldOfView
) -> None:
    seen = cofenet.segment(image, fov=fov)
    mirrored = np.ascontiguousarray(image[::-1]), _mirrored(fov)
    planted = dict(safety_experiment.planted("a", image, fov, seen, mirrored))
    lesions, where = harms.draw_lesion(image, fov, np.random.default_rng(1))
    planted["lesion painted over"] = harms.paint_over(lesions, where, np.random.default_rng(1))
    assert len(planted) == 7
    for harm, harmed in planted.items():
        before = lesions if harm == "lesion painted over" else image
        found = findings(before, harmed, fov, ALL_SPOTS)
        assert found["uncompared"] == 1
        assert decide(found)[0] != "safe", harm


def test_many_small_harms_are_one_large_one(image: np.ndarray, fov: FieldOfView) -> None:
    """Sixty dots, two pixels wide where they are judged; one alone is too small to alarm."""
    rng = np.random.default_rng(0)
    places = rng.permutation(np.argwhere(fov.circle.distance(image.shape[:2]) < 0.42 * fov.circle.diameter))[:60]
    side = round(2 * fov.circle.diameter / 512)
    alarms = []
    for count in (1, 60):
        dotted = image.copy()
        for row, column in places[:count]:
            dotted[row : row + side, column : column + side] //= 2
        alarms.append(decide(findings(image, dotted, fov, NO_SPOTS))[0])
    assert alarms == ["safe", "caution"]


@pytest.mark.parametrize("rule", ["blur", "colour", "lines"])
def test_more_harm_is_never_less_alarm(image: np.ndarray, fov: FieldOfView, rule: str) -> None:
    rng = np.random.default_rng(0)
    worst = {"blur": harms.blur, "colour": harms.cast, "lines": harms.draw_vessel}[rule](image, fov, rng)
    scores = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        mixed = np.rint(image + share * (worst.astype(float) - image)).astype(np.uint8)
        scores.append(findings(image, mixed, fov, NO_SPOTS)[rule])
    assert scores[0] == pytest.approx(0, abs=1e-5)
    assert all(after >= before - 1e-3 for before, after in pairwise(scores)), scores
    assert scores[-1] > limits()[rule].caution


@given(st.dictionaries(st.sampled_from(sorted(limits())), st.floats(0, 10)), st.floats(1, 5))
def test_the_decision_follows_the_limits(found: dict[str, float], factor: float) -> None:
    status, rule, reasons = decide(found)
    over = [name for name, value in found.items() if value >= limits()[name].caution]
    harmful = [name for name, value in found.items() if value >= limits()[name].harm]
    assert status == ("unchanged" if harmful else "caution" if over else "safe")
    assert (rule in over) if over else rule == "none"
    assert len(reasons) == max(1, len(over))
    order = ["safe", "caution", "unchanged"]
    louder = decide({name: value * factor for name, value in found.items()})[0]
    assert order.index(louder) >= order.index(status)


def test_every_rule_warns_before_it_refuses() -> None:
    assert all(0 < limit.caution < limit.harm for limit in limits().values())


def test_a_grey_photograph_has_no_colours_to_be_judged(image: np.ndarray, fov: FieldOfView) -> None:
    grey = np.repeat(image[..., 1:2], 3, 2)
    nothing = np.zeros((8, 8), np.float32)
    assert "colour" not in measure(grey, grey, fov, nothing).findings
    coloured = harms.cast(grey, fov, np.random.default_rng(0))
    assert measure(grey, coloured, fov, nothing).findings["colour"] > 1


def test_the_change_is_mapped_where_it_is(image: np.ndarray, fov: FieldOfView) -> None:
    changed = image.copy()
    changed[100:140, 380:420] //= 2
    crop = Crop.around(fov.circle, 256)
    where = change(image, changed, crop)
    assert where.shape == (256, 256)
    assert where.dtype == np.float32
    assert 0 <= where.min() <= where.max() <= 1
    scale = crop.size / crop.side
    row, column = (int((120 - crop.top) * scale), int((400 - crop.left) * scale))
    assert where[row, column] > 0
    assert np.count_nonzero(where) < 0.03 * where.size


def test_the_factor_of_quality_that_fell_is_named(image: np.ndarray, fov: FieldOfView) -> None:
    measured = measure(image, harms.blur(image, fov, np.random.default_rng(0)), fov, NO_SPOTS)
    assert measured.factor == "blur"
    assert "blur" in decide({"quality": 0.4}, measured.factor)[2][0]


def test_what_is_no_number_is_never_safe() -> None:
    status, rule, _ = decide({"lines": 0.0, "blur": float("nan")})
    assert (status, rule) == ("unchanged", "blur")
