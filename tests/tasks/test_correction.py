"""`cofenet.correct` with the shipped network, on the shipped photographs and on drawn ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

import cofenet
from cofenet.degradation import sample
from cofenet.engine.card import load_card
from cofenet.engine.session import session
from cofenet.errors import ModelError, NotFundusError, UsageError
from cofenet.geometry import Crop
from cofenet.io import read_photograph
from cofenet.metrics.fidelity import psnr
from cofenet.tasks.correction import _corrects
from cofenet.tasks.native import apply_natively
from cofenet.tasks.proposal import propose

SAMPLES = Path(__file__).parents[2] / "samples"
NAMES = sorted(path.stem for path in (SAMPLES / "good").glob("*.jpg"))


def pair(name: str) -> tuple[np.ndarray, np.ndarray]:
    return tuple(read_photograph(SAMPLES / folder / f"{name}.jpg").pixels for folder in ("good", "low-quality"))  # type: ignore[return-value]


def low_quality(image: np.ndarray) -> np.ndarray:
    return np.asarray(cofenet.degrade(image, sample(np.random.default_rng(0), "111")), np.uint8)


@pytest.mark.parametrize("name", NAMES)
def test_the_samples_come_nearer_to_the_truth(name: str) -> None:
    good, low = pair(name)
    correction = cofenet.correct(low)
    mask = correction.fov.mask & cofenet.find_fov(good).mask
    assert correction.image.shape == low.shape
    assert correction.image.dtype == low.dtype
    assert correction.verdict.status in ("safe", "caution")
    assert psnr(correction.image, good, mask) > psnr(low, good, mask) + 2
    np.testing.assert_array_equal(correction.image[~correction.fov.mask], low[~correction.fov.mask])


@pytest.mark.parametrize("name", NAMES)
def test_a_good_photograph_stays_nearly_itself(name: str) -> None:
    good, _ = pair(name)
    correction = cofenet.correct(good)
    assert correction.verdict.status in ("safe", "unchanged")
    assert psnr(correction.image, good, correction.fov.mask) > 30


def test_no_line_is_drawn_along_the_rim_of_a_good_photograph() -> None:
    """Nor would one be, if the photograph did not come back as it is."""
    changed = 0
    for name in NAMES:
        good, _ = pair(name)
        fov = cofenet.find_fov(good)
        crop = Crop.around(fov.circle, 512)
        correctors = propose(session("light"), good, fov, crop).correctors
        change = np.abs(apply_natively(good, fov, crop, correctors, 1.0).astype(int) - good).max(axis=2)
        from_rim = cv2.distanceTransform(np.pad(fov.mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
        from_rim /= fov.circle.diameter
        rim, beside = ((from_rim > near) & (from_rim <= far) for near, far in ((0, 1 / 128), (1 / 64, 1 / 16)))
        assert change[rim].mean() < change[beside].mean() + 1, name
        assert np.percentile(change[rim], 99) < np.percentile(change[beside], 99) + 3, name
        changed += bool(change.any())
    assert changed >= len(NAMES) - 1  # one is so good that no pixel of it would change


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("plane", ["luma", "green"])
def test_a_grey_photograph_stays_grey(plane: str, dtype: type) -> None:
    _, low = pair("hrf_03_g")
    grey = cv2.cvtColor(low, cv2.COLOR_RGB2GRAY) if plane == "luma" else low[..., 1]
    full = np.repeat(grey[..., None], 3, 2).astype(dtype) * dtype(np.iinfo(dtype).max // 255)
    correction = cofenet.correct(full, judged=False)
    assert np.ptp(correction.image, axis=2).max() == 0
    assert correction.verdict.mean_change > 0.05


def test_strength_zero_is_the_photograph_itself(draw: Callable[..., np.ndarray]) -> None:
    image = draw(1)
    correction = cofenet.correct(image, strength=0.0)
    np.testing.assert_array_equal(correction.image, image)
    assert correction.image is not image
    assert correction.verdict.status == "unchanged"


def test_what_would_hardly_change_does_not_change_at_all(draw: Callable[..., np.ndarray]) -> None:
    image = low_quality(draw(1))
    correction = cofenet.correct(image, strength=0.005)
    assert correction.verdict.status == "unchanged"
    assert correction.verdict.largest_change > 0
    np.testing.assert_array_equal(correction.image, image)


def test_strength_blends(draw: Callable[..., np.ndarray]) -> None:
    image = low_quality(draw(2))
    half, full = (cofenet.correct(image, strength=s, judged=False).image.astype(float) for s in (0.5, 1.0))
    assert np.abs(full - image).max() > 10
    inside = (full > 0) & (full < 255)
    assert np.abs(half - (image + full) / 2)[inside].max() <= 1.01


def test_sixteen_bits_keep_their_depth(draw: Callable[..., np.ndarray]) -> None:
    image = draw(3)
    deep = cofenet.correct(image.astype(np.uint16) * 257, judged=False)
    assert deep.image.dtype == np.uint16
    assert np.abs(deep.image / 257 - cofenet.correct(image, judged=False).image).mean() < 1
    assert len(np.unique(deep.image % 257)) > 200


def test_the_input_is_not_touched_and_the_answer_repeats(draw: Callable[..., np.ndarray]) -> None:
    image = draw(4)
    kept = image.copy()
    first, second = cofenet.correct(image), cofenet.correct(image)
    np.testing.assert_array_equal(image, kept)
    np.testing.assert_array_equal(first.image, second.image)


@pytest.mark.parametrize("scale", [1, 2, 5])
def test_any_size(draw: Callable[..., np.ndarray], scale: int) -> None:
    correction = cofenet.correct(draw(5, 160 * scale, 190 * scale))
    assert correction.image.shape == (160 * scale, 190 * scale, 3)
    assert correction.provenance.crop.size == 512


def test_provenance_and_verdict_say_what_was_done(draw: Callable[..., np.ndarray]) -> None:
    correction = cofenet.correct(low_quality(draw(6)), strength=0.7)
    told = json.loads(correction.provenance.to_json())
    assert told["version"] == cofenet.__version__
    assert told["settings"] == {"strength": 0.7}
    assert told["verdict"]["status"] == correction.verdict.status
    assert len(told["model_sha256"]) == 64
    verdict = correction.verdict
    assert verdict.reasons
    assert 0 <= verdict.mean_change <= verdict.largest_change <= 1
    assert correction.activation.shape == (512, 512)
    assert 0 <= correction.activation.min() <= correction.activation.max() <= 1


def test_what_is_lost_is_named(draw: Callable[..., np.ndarray]) -> None:
    image = draw(7)
    image[60:130, 80:140] = 255
    assert any("burnt out" in reason for reason in cofenet.correct(image).verdict.reasons)


def test_no_fundus_is_refused() -> None:
    with pytest.raises(NotFundusError):
        cofenet.correct(np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8))


@pytest.mark.parametrize("work", [cofenet.correct, cofenet.assess, cofenet.segment])
def test_twelve_bits_in_sixteen_are_refused(work: Callable[..., object], draw: Callable[..., np.ndarray]) -> None:
    image = draw(7).astype(np.uint16) * 16
    image[:20, :40] = 65535  # a caption beside the retina
    with pytest.raises(NotFundusError, match=r"hardly a value is above 4095 .* full range"):
        work(image)
    work(image * 2)


@pytest.mark.parametrize(
    ("image", "strength", "message"),
    [
        (np.zeros((64, 64, 3), np.float32), 1.0, "uint8 or uint16"),
        (np.zeros((64, 64), np.uint8), 1.0, "uint8 or uint16"),
        ("photograph.jpg", 1.0, "expected an array.*got str"),
        (np.zeros((64, 64, 3), np.uint8), 1.5, "strength"),
        (np.zeros((64, 64, 3), np.uint8), float("nan"), "strength"),
        (np.zeros((64, 64, 3), np.uint8), "much", "strength must be a number.*'much'"),
    ],
)
def test_bad_requests_are_refused(image: np.ndarray, strength: float, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        cofenet.correct(image, strength=strength)


def test_an_unknown_model_is_refused(draw: Callable[..., np.ndarray]) -> None:
    with pytest.raises(ModelError, match=r"no model 'heavy'.*shipped models: .*light"):
        cofenet.correct(draw(0), model="heavy")
    with pytest.raises(ModelError, match=r"no model 'mine\.onnx'"):
        cofenet.correct(draw(0), model=Path("mine.onnx"))
    with pytest.raises(ModelError, match="not NoneType"):
        cofenet.correct(draw(0), model=None)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="not list"):
        cofenet.correct(draw(0), model=["light"])  # type: ignore[arg-type]


def test_a_model_may_be_a_path(draw: Callable[..., np.ndarray]) -> None:
    image = low_quality(draw(1))
    told = cofenet.correct(image, judged=False, model=Path(cofenet.__file__).parent / "weights" / "light.onnx")
    assert np.array_equal(told.image, cofenet.correct(image, judged=False).image)


def test_the_field_of_view_may_be_told(draw: Callable[..., np.ndarray]) -> None:
    image = low_quality(draw(1))
    found = cofenet.correct(image, judged=False)
    told = cofenet.correct(image, judged=False, fov=found.fov)
    assert np.array_equal(told.image, found.image)
    smaller = replace(found.fov, mask=cv2.erode(found.fov.mask.astype(np.uint8), np.ones((31, 31))) > 0)
    inner = cofenet.correct(image, judged=False, fov=smaller).image
    assert np.array_equal(inner[~smaller.mask], image[~smaller.mask])
    with pytest.raises(UsageError, match="field of view"):
        cofenet.correct(image[:-2], fov=found.fov)


@pytest.mark.parametrize(
    ("outputs", "large", "corrects"),
    [
        ({"filters", "fine"}, 1024, True), ({"filters", "fine"}, 512, False), ({"fine"}, 1024, False),
        ({"filters"}, 1024, False), ({"filters"}, None, True), (set(), None, True),
    ],
)  # fmt: skip
def test_a_model_for_correction_has_all_that_its_parts_need(
    outputs: set[str], large: int | None, corrects: bool
) -> None:
    card = load_card("light")
    inputs = {name: tensor for name, tensor in card.inputs.items() if name != "large"}
    if large:
        inputs["large"] = card.inputs["large"].model_copy(update={"shape": (1, 7, large, large)})
    given = {"field", "residual", "activation"} | outputs
    told = {name: tensor for name, tensor in card.outputs.items() if name in given}
    assert _corrects(card.model_copy(update={"inputs": inputs, "outputs": told})) == corrects


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_large_blurred_photograph_is_corrected_alike_in_8_and_16_bits_and_where_it_is_cut(
    draw: Callable[..., np.ndarray], dtype: type
) -> None:
    image = cv2.blur(draw(3, 1100, 1100), (11, 11))
    whole = cofenet.correct(image, judged=False).image.astype(float)
    deep = image.astype(dtype) * dtype(np.iinfo(dtype).max // 255)
    cut = cofenet.correct(deep[120:-120], judged=False).image / float(np.iinfo(dtype).max // 255)
    assert cut.shape == (860, 1100, 3)
    assert np.abs(cut - whole[120:-120])[200:-200, 200:-200].mean() < 4
