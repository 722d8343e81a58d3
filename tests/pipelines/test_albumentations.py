"""The transform in pipelines of the real albumentations."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import albumentations as A  # noqa: N812 - its own convention
import numpy as np
import pytest

from cofenet.degradation import Parameters, sample, simulate
from cofenet.errors import CofenetError, NotFundusError, ParameterError, UsageError
from cofenet.fov import find_fov
from cofenet.pipelines.albumentations import Degrade


@pytest.fixture
def photograph(draw: Callable[..., np.ndarray]) -> np.ndarray:
    return draw(1)


def pipeline(seed: int | None = 137, **arguments: object) -> A.Compose:
    return A.Compose([Degrade(**{"p": 1, **arguments})], seed=seed)


def recording(seed: int, *transforms: A.BasicTransform, **arguments: object) -> A.ReplayCompose:
    compose = A.ReplayCompose(transforms, **arguments)
    compose.set_random_seed(seed)
    return compose


def test_the_same_seed_gives_the_same_photographs(photograph: np.ndarray) -> None:
    one, other, third = pipeline(), pipeline(), pipeline(138)
    first, second = (one(image=photograph)["image"] for _ in range(2))
    np.testing.assert_array_equal(other(image=photograph)["image"], first)
    np.testing.assert_array_equal(other(image=photograph)["image"], second)
    assert (first != second).any()
    assert (third(image=photograph)["image"] != first).any()


def test_global_generators_are_not_touched(photograph: np.ndarray) -> None:
    np.random.seed(0)  # noqa: NPY002
    expected = np.random.get_state()[1].copy()  # noqa: NPY002
    first = pipeline()(image=photograph)["image"]
    np.testing.assert_array_equal(np.random.get_state()[1], expected)  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    np.testing.assert_array_equal(pipeline()(image=photograph)["image"], first)


def test_nothing_changes_outside_and_the_input_is_kept(photograph: np.ndarray) -> None:
    kept = photograph.copy()
    out = pipeline()(image=photograph)["image"]
    mask = find_fov(photograph).mask
    np.testing.assert_array_equal(photograph, kept)
    np.testing.assert_array_equal(out[~mask], photograph[~mask])
    assert (out[mask] != photograph[mask]).any()
    assert (out.dtype, out.shape) == (photograph.dtype, photograph.shape)


@pytest.mark.parametrize("arguments", [{"p": 0}, {"severity": 0}, {"severity": (0, 0)}, {"parameters": Parameters()}])
def test_identity(photograph: np.ndarray, arguments: dict[str, object]) -> None:
    np.testing.assert_array_equal(pipeline(**arguments)(image=photograph)["image"], photograph)


def test_p_is_how_often(photograph: np.ndarray) -> None:
    compose = pipeline(p=0.5)
    changed = [bool((compose(image=photograph)["image"] != photograph).any()) for _ in range(40)]
    assert 8 <= sum(changed) <= 32  # beyond four standard deviations of one half


def test_given_parameters_are_applied(photograph: np.ndarray) -> None:
    parameters = sample(np.random.default_rng(3), "101")
    expected = simulate(photograph, parameters)
    for given in (parameters, json.loads(parameters.to_json())):
        np.testing.assert_array_equal(pipeline(None, parameters=given)(image=photograph)["image"], expected)


def test_annotations_and_further_images(photograph: np.ndarray, draw: Callable[..., np.ndarray]) -> None:
    """All images of one call are degraded alike; what is no image stays."""
    mask = (photograph[..., 0] > 100).astype(np.uint8)
    points = np.array([[20.0, 30.0], [100.0, 90.0]], np.float32)
    boxes = np.array([[10.0, 10.0, 50.0, 60.0]], np.float32)
    compose = A.Compose(
        [Degrade(p=1), A.NoOp()],  # boxes alone would warn that nothing moves them
        keypoint_params=A.KeypointParams("xy"),
        bbox_params=A.BboxParams("pascal_voc", label_fields=["labels"]),
        additional_targets={"other": "image"},
        save_applied_params=True,
        strict=True,
        seed=1,
    )
    other = draw(2)
    out = compose(image=photograph, mask=mask, keypoints=points, bboxes=boxes, labels=[1], other=other)
    np.testing.assert_array_equal(out["mask"], mask)
    np.testing.assert_array_equal(out["keypoints"], points)
    np.testing.assert_allclose(out["bboxes"], boxes, rtol=1e-6)
    told = out["applied_transforms"][0][1]["parameters"]
    parameters = Parameters.from_json(json.dumps(told))
    np.testing.assert_array_equal(out["image"], simulate(photograph, parameters))
    np.testing.assert_array_equal(out["other"], simulate(other, parameters))


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"kind": "010", "severity": 0.4, "preset": "clinical", "p": 0.3},
        {"severity": [0.2, np.float32(0.5)], "preset": "training"},
        {"parameters": sample(np.random.default_rng(0), preset="clinical")},
    ],
)
@pytest.mark.parametrize("data_format", ["dict", "json", "yaml"])
def test_serialised_pipelines_do_the_same(
    photograph: np.ndarray, tmp_path: Path, arguments: dict[str, object], data_format: str
) -> None:
    stored = pipeline(**arguments)
    if data_format == "dict":
        loaded = A.from_dict(json.loads(json.dumps(A.to_dict(stored))))
    else:
        A.save(stored, tmp_path / "pipeline", data_format=data_format)
        loaded = A.load(tmp_path / "pipeline", data_format=data_format)
    assert A.to_dict(loaded) == A.to_dict(stored)
    assert repr(loaded) == repr(stored)
    results = []
    for compose in (stored, loaded):
        compose.set_random_seed(5)
        results.append(compose(image=photograph)["image"])
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("seed", range(3))
def test_replay_is_the_same_bit_for_bit(photograph: np.ndarray, seed: int) -> None:
    """Noise and all, by the stored numbers alone."""
    compose = recording(seed, A.HorizontalFlip(p=1), Degrade(preset="clinical", severity=(0.2, 1), p=1))
    result = compose(image=photograph)
    stored = json.loads(json.dumps(result["replay"]))
    np.testing.assert_array_equal(A.ReplayCompose.replay(stored, image=photograph)["image"], result["image"])
    parameters = Parameters.from_json(json.dumps(stored["transforms"][1]["params"]["parameters"]))
    flipped = np.ascontiguousarray(photograph[:, ::-1])
    np.testing.assert_array_equal(simulate(flipped, parameters), result["image"])


def test_replay_of_a_photograph_left_as_it_was(photograph: np.ndarray) -> None:
    result = recording(0, Degrade(p=0))(image=photograph)
    assert not result["replay"]["transforms"][0]["applied"]
    np.testing.assert_array_equal(A.ReplayCompose.replay(result["replay"], image=photograph)["image"], photograph)


def test_replay_degrades_another_size_alike(draw: Callable[..., np.ndarray]) -> None:
    large = draw(1, 384, 448)
    replay = recording(0, Degrade(kind="001", p=1))(image=draw(1))["replay"]
    parameters = Parameters.from_json(json.dumps(replay["transforms"][0]["params"]["parameters"]))
    np.testing.assert_array_equal(A.ReplayCompose.replay(replay, image=large)["image"], simulate(large, parameters))


@pytest.mark.parametrize(
    "arguments",
    [
        {"kind": "000"},
        {"severity": 1.5},
        {"severity": (0.9, 0.1)},
        {"severity": (0, 0.5, 1)},
        {"severity": float("nan")},
        {"preset": "clincal"},
        {"p": 1.5},
        {"parameters": {"version": 1, "factors": [{"factor": "smudge"}]}},
    ],
)
def test_wrong_arguments_are_refused_at_once(arguments: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        Degrade(**arguments)


@pytest.mark.parametrize(
    ("image", "error"),
    [
        (np.zeros((64, 64, 3), np.uint8), NotFundusError),
        (np.zeros((64, 64), np.uint8), UsageError),
        (np.zeros((64, 64, 3), np.float32), UsageError),
    ],
)
def test_what_is_no_photograph_is_refused(image: np.ndarray, error: type[CofenetError]) -> None:
    with pytest.raises(error):
        pipeline()(image=image)
