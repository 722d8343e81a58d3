"""The module, alone, in `nn.Sequential` and in the workers of a `DataLoader`."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from cofenet.degradation import Parameters, sample, simulate
from cofenet.errors import NotFundusError, ParameterError, UsageError
from cofenet.fov import find_fov
from cofenet.pipelines.torch import Degrade, degrade

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


@pytest.fixture
def pixels(draw: Callable[..., np.ndarray]) -> np.ndarray:
    return draw(1)


@pytest.fixture
def image(pixels: np.ndarray) -> Tensor:
    return torch.from_numpy(pixels).movedim(-1, 0).contiguous()


class Repeated(Dataset[Tensor]):
    """The same photograph again and again, so that only what is drawn differs."""

    def __init__(self, image: Tensor, transform: nn.Module, length: int = 4) -> None:
        self.image, self.transform, self.length = image, transform, length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Tensor:
        transformed: Tensor = self.transform(self.image)
        return transformed


def epoch(data: Dataset[Tensor], workers: int = 2, seed: int | None = None) -> list[Tensor]:
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    return list(DataLoader(data, batch_size=None, num_workers=workers, generator=generator))


def all_differ(images: list[Tensor]) -> bool:
    return len({image.numpy().tobytes() for image in images}) == len(images)


def test_bytes_are_degraded_as_arrays_are(pixels: np.ndarray, image: Tensor) -> None:
    parameters = sample(np.random.default_rng(0))
    out = degrade(image, parameters)
    np.testing.assert_array_equal(out.movedim(0, -1).numpy(), simulate(pixels, parameters))
    assert out.is_contiguous()


@pytest.mark.parametrize("dtype", FLOATS)
def test_floats_agree_with_bytes(image: Tensor, dtype: torch.dtype) -> None:
    parameters = sample(np.random.default_rng(0), preset="clinical")
    out = degrade(image.to(dtype) / 255, parameters)
    assert out.dtype == dtype
    error = (out.double() * 255 - degrade(image, parameters)).abs().max().item()
    assert error < 0.51 + 255 * torch.finfo(dtype).eps


@pytest.mark.parametrize("dtype", [torch.uint8, *FLOATS])
def test_nothing_changes_outside_and_the_input_is_kept(image: Tensor, dtype: torch.dtype) -> None:
    """Bit for bit, though floating-point values lie between the levels at which they are worked on."""
    image = image if dtype == torch.uint8 else (image / 255.3).to(dtype)
    kept = image.clone()
    levels = image if dtype == torch.uint8 else (image.float() * 255).round().to(torch.uint8)
    outside = torch.from_numpy(~find_fov(levels.movedim(0, -1).contiguous().numpy()).mask)
    out = Degrade(generator=0)(image)
    assert torch.equal(image, kept)
    assert torch.equal(out[:, outside], image[:, outside])
    assert not torch.equal(out, image)
    assert (out.dtype, out.shape) == (image.dtype, image.shape)


@pytest.mark.parametrize("arguments", [{"p": 0}, {"severity": 0}, {"severity": (0, 0)}])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float64])
def test_identity(image: Tensor, arguments: dict[str, float], dtype: torch.dtype) -> None:
    image = image if dtype == torch.uint8 else image.to(dtype) / 255.3
    out = Degrade(**arguments)(image)
    assert torch.equal(out, image)
    assert out.data_ptr() != image.data_ptr()


def test_a_fresh_draw_a_photograph(image: Tensor) -> None:
    batch = image.expand(2, 2, *image.shape)
    out = Degrade(generator=3)(batch)
    assert out.shape == batch.shape
    assert all_differ(list(out.flatten(0, 1)))
    one_by_one = Degrade(generator=3)
    for expected in out.flatten(0, 1):
        assert torch.equal(one_by_one(image), expected)
    assert Degrade()(batch[:0]).shape == batch[:0].shape


def test_p_is_how_often(image: Tensor) -> None:
    out = Degrade(p=0.5, generator=0)(image.expand(40, *image.shape))
    changed = sum(not torch.equal(photograph, image) for photograph in out)
    assert 8 <= changed <= 32  # beyond four standard deviations of one half


@pytest.mark.parametrize("source", [lambda: 7, lambda: np.int64(7), lambda: torch.Generator().manual_seed(7)])
def test_seed_or_generator(image: Tensor, source: Callable[[], torch.Generator | int]) -> None:
    torch.manual_seed(0)
    expected = Degrade(generator=7)(image)
    torch.manual_seed(1)
    assert torch.equal(Degrade(generator=source())(image), expected)
    assert not torch.equal(Degrade(generator=8)(image), expected)


def test_without_a_generator_the_global_one_is_used(image: Tensor) -> None:
    module = Degrade()
    torch.manual_seed(0)
    first, second = module(image), module(image)
    torch.manual_seed(0)
    assert torch.equal(module(image), first)
    assert not torch.equal(first, second)


def test_in_a_sequence(image: Tensor) -> None:
    """Also as torchvision's v2 transforms are used: called on a tensor, copied, printed, in either mode."""
    sequence = nn.Sequential(Degrade("011", (0.5, 1), "clinical", generator=4), nn.AvgPool2d(2)).eval()
    assert repr(sequence[0]) == "Degrade(kind='011', severity=(0.5, 1), preset='clinical', p=1.0)"
    copies = [pickle.loads(pickle.dumps(sequence)), copy.deepcopy(sequence)]
    out = sequence(image / 255)
    assert out.shape == (3, image.shape[1] // 2, image.shape[2] // 2)
    for other in copies:
        assert torch.equal(other(image / 255), out)
    assert not sequence.state_dict()


def test_no_gradient_flows(image: Tensor) -> None:
    assert not Degrade()((image / 255).requires_grad_()).requires_grad


@pytest.mark.filterwarnings("ignore:This DataLoader will create 2 worker processes:UserWarning")  # on one processor
@pytest.mark.parametrize("generator", [None, 7])
def test_workers_and_epochs_draw_other_numbers(image: Tensor, generator: int | None) -> None:
    data = Repeated(image, Degrade(generator=generator))
    first = epoch(data, seed=1)
    assert all_differ([*first, *epoch(data, seed=2)])
    if generator is not None:
        for again, expected in zip(epoch(data, seed=1), first, strict=True):
            assert torch.equal(again, expected)


def test_a_worker_tells_what_is_no_photograph() -> None:
    with pytest.raises(NotFundusError):
        epoch(Repeated(torch.zeros(3, 64, 64, dtype=torch.uint8), Degrade()), workers=1)


@pytest.mark.parametrize(
    "wrong",
    [
        torch.zeros(64, 64, dtype=torch.uint8),
        torch.zeros(1, 64, 64, dtype=torch.uint8),
        torch.zeros(2, 64, 64, 3),
        torch.zeros(3, 64, 64, dtype=torch.int64),
        torch.full((3, 64, 64), 255.0),
        torch.full((3, 64, 64), -0.1),
        torch.full((3, 64, 64), torch.nan),
    ],
)
def test_other_tensors_are_refused(wrong: Tensor) -> None:
    with pytest.raises(UsageError, match="expected"):
        Degrade()(wrong)


def test_wrong_arguments_are_refused_at_once() -> None:
    for arguments in ({"kind": "000"}, {"severity": (1, 0)}, {"preset": "clincal"}, {"p": -0.1}):
        with pytest.raises(ParameterError):
            Degrade(**arguments)


def test_no_parameters_is_the_photograph(image: Tensor) -> None:
    assert torch.equal(degrade(image, Parameters()), image)
