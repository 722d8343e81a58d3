"""The transforms in pipelines of the real MONAI."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import numpy as np
import pytest
import torch
from monai.data import CacheDataset, DataLoader, Dataset, MetaTensor, set_track_meta
from monai.transforms import Compose, EnsureChannelFirstd, RandomizableTransform, ScaleIntensityRanged

from cofenet.degradation import simulate
from cofenet.errors import NotFundusError, ParameterError, UsageError
from cofenet.fov import find_fov
from cofenet.pipelines.monai import RandDegrade, RandDegradeD, RandDegraded, RandDegradeDict


@pytest.fixture
def pixels(draw: Callable[..., np.ndarray]) -> np.ndarray:
    return draw(1)


@pytest.fixture
def image(pixels: np.ndarray) -> np.ndarray:
    """uint8 (3, H, W)."""
    return np.ascontiguousarray(np.moveaxis(pixels, -1, 0))


def seeded(seed: int = 137, **arguments: object) -> RandDegrade:
    transform = RandDegrade(**{"prob": 1, **arguments})
    transform.set_random_state(seed)
    return transform


def test_the_same_seed_gives_the_same_photographs(image: np.ndarray) -> None:
    one, other = seeded(), seeded()
    first, second = one(image), one(image)
    assert torch.equal(other(image), first)
    assert torch.equal(other(image), second)
    assert not torch.equal(first, second)
    assert not torch.equal(seeded(138)(image), first)
    state = RandDegrade(prob=1).set_random_state(state=np.random.RandomState(137))
    assert torch.equal(state(image), first)


def test_what_was_drawn_can_be_stored(pixels: np.ndarray, image: np.ndarray) -> None:
    transform = seeded(preset="clinical")
    out = transform(image)
    np.testing.assert_array_equal(np.moveaxis(out.numpy(), 0, -1), simulate(pixels, transform.parameters))
    assert torch.equal(transform(image, randomize=False), out)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("tensor", [False, True])
def test_nothing_changes_outside_and_the_input_is_kept(
    pixels: np.ndarray, image: np.ndarray, dtype: type, tensor: bool
) -> None:
    image = image if dtype == np.uint8 else image.astype(dtype) / 255
    given = torch.from_numpy(image.copy()) if tensor else image.copy()
    out = seeded()(given)
    outside = ~find_fov(pixels).mask
    np.testing.assert_array_equal(given, image)
    np.testing.assert_array_equal(out.numpy()[:, outside], image[:, outside])
    assert (out.numpy() != image).any()
    assert out.numpy().dtype == dtype
    assert out.shape == image.shape


@pytest.mark.parametrize("arguments", [{"prob": 0}, {"severity": 0}, {"severity": (0, 0)}])
def test_identity(image: np.ndarray, arguments: dict[str, float]) -> None:
    floats = image / np.float32(255.3)
    np.testing.assert_array_equal(seeded(**arguments)(image), image)
    np.testing.assert_array_equal(seeded(**arguments)(floats), floats)


@pytest.mark.parametrize("prob", [0, 1])
def test_metadata_is_kept(image: np.ndarray, prob: float) -> None:
    affine = torch.diag(torch.tensor([2.0, 3.0, 1.0, 1.0], dtype=torch.float64))
    given = MetaTensor(image, affine=affine, meta={"filename_or_obj": "eye.png"})
    out = seeded(prob=prob)(given)
    assert isinstance(out, MetaTensor)
    assert torch.equal(out.affine, affine)
    assert out.meta["filename_or_obj"] == "eye.png"
    assert out.dtype == torch.uint8


def test_metadata_can_be_switched_off(image: np.ndarray) -> None:
    expected = seeded()(image)
    assert isinstance(expected, MetaTensor)
    set_track_meta(False)
    try:
        out = seeded()(image)
    finally:
        set_track_meta(True)
    assert type(out) is torch.Tensor
    assert torch.equal(out, expected.as_tensor())


def test_all_keys_are_degraded_alike_and_as_arrays_are(image: np.ndarray, draw: Callable[..., np.ndarray]) -> None:
    other = np.moveaxis(draw(2), -1, 0)
    given = {"image": image, "other": other, "label": 1}
    arrays = seeded(prob=0.6)
    dictionaries = RandDegraded(["image", "other"], prob=0.6).set_random_state(137)
    left = []
    for _ in range(6):
        out = dictionaries(given)
        assert torch.equal(out["image"], arrays(image))
        assert torch.equal(out["other"], arrays(other, randomize=False))
        assert out["label"] == 1
        left.append(torch.equal(out["image"].as_tensor(), torch.from_numpy(image)))
    assert set(left) == {False, True}
    assert given["image"] is image


def test_conventions(image: np.ndarray) -> None:
    assert RandDegradeD is RandDegradeDict is RandDegraded
    assert issubclass(RandDegraded, RandomizableTransform)
    with pytest.raises(KeyError, match="other"):
        RandDegraded(["image", "other"])({"image": image})
    assert set(RandDegraded(["image", "other"], allow_missing_keys=True)({"image": image})) == {"image"}
    copy = pickle.loads(pickle.dumps(seeded()))
    assert torch.equal(copy(image), seeded()(image))


def test_composed(pixels: np.ndarray) -> None:
    compose = Compose(
        [
            EnsureChannelFirstd("image", channel_dim=-1),
            ScaleIntensityRanged("image", 0, 255, 0, 1),
            RandDegraded("image", prob=1, severity=(0.5, 1)),
        ]
    )
    first, other, again = (compose.set_random_state(seed)({"image": pixels, "label": 3})["image"] for seed in (1, 2, 1))
    assert isinstance(first, MetaTensor)
    assert first.shape == (3, *pixels.shape[:2])
    assert 0 <= first.min() <= first.max() <= 1
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.filterwarnings("ignore:This DataLoader will create 2 worker processes:UserWarning")  # on one processor
@pytest.mark.parametrize("kind", [Dataset, CacheDataset])
def test_workers_and_epochs_draw_other_numbers(image: np.ndarray, kind: type[Dataset]) -> None:
    options = {"progress": False} if kind is CacheDataset else {}
    data = kind([{"image": image, "label": number} for number in range(4)], RandDegraded("image", prob=1), **options)
    loader = DataLoader(data, batch_size=2, num_workers=2, generator=torch.Generator().manual_seed(0))
    batches = [batch for _ in range(2) for batch in loader]
    assert [batch["label"].tolist() for batch in batches] == [[0, 1], [2, 3]] * 2
    assert all(batch["image"].shape == (2, *image.shape) for batch in batches)
    assert len({photograph.numpy().tobytes() for batch in batches for photograph in batch["image"]}) == 8


def test_what_is_no_photograph_is_refused() -> None:
    black = np.zeros((3, 64, 64), np.uint8)
    with pytest.raises(NotFundusError):
        seeded()(black)
    with pytest.raises(RuntimeError, match="applying transform") as raised:
        Compose([RandDegraded("image", prob=1)])({"image": black})
    assert isinstance(raised.value.__cause__, NotFundusError)
    for wrong in (np.zeros((64, 64, 3), np.uint8), np.full((3, 64, 64), 200, np.float32)):
        with pytest.raises(UsageError, match="expected"):
            seeded()(wrong)


def test_wrong_arguments_are_refused_at_once() -> None:
    for arguments in ({"kind": "000"}, {"severity": (1, 0)}, {"preset": "clincal"}):
        with pytest.raises(ParameterError):
            RandDegraded("image", **arguments)
