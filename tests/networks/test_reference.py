"""The reference network is the published one: its numbers, its parameters, its names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from cofenet.errors import ModelError, UsageError
from cofenet.networks.reference import RELEASED, VARIANTS, Reference, Residual, Variant
from cofenet.networks.released import load_released, released_names
from cofenet.networks.rsa import SMALLEST

HERE = Path(__file__).parent
PARITY = Path(os.environ.get("COFENET_PARITY", HERE.parents[1] / ".." / "shared" / "reference" / "parity")).resolve()
needs_parity = pytest.mark.skipif(
    not sorted(PARITY.glob("*.npz")),
    reason=f"the released networks' answers are not at {PARITY}; COFENET_PARITY names another folder",
)
PARAMETERS = dict(zip(VARIANTS, (8_891_139, 38_508_632, 38_511_179, 41_217_676, 41_217_676), strict=True))
ABLATIONS = [
    *VARIANTS.values(),
    Variant(structure=False),
    Variant(structure=False, activation="none"),
    Variant("single"),
]


def small(variant: Variant, width: int = 2) -> Reference:
    torch.manual_seed(0)
    return Reference(variant, width).eval()


def filled(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Weights by the rule of the parity files' README."""
    state = {}
    for number, (name, shape) in enumerate(sorted(shapes.items())):
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(0)
            continue
        w = np.random.RandomState(number).standard_normal(shape)
        if name.endswith("running_var"):
            w = 1 + 0.1 * np.abs(w)
        elif len(shape) >= 2:
            w = w * np.sqrt(shape[0] / w.size)
        else:
            w = 1 + 0.1 * w if name.endswith("weight") else 0.1 * w
        state[name] = torch.from_numpy(w.astype(np.float32))
    return state


def picture(side: int) -> Tensor:
    """The input of the parity files."""
    y, x = np.mgrid[:side, :side] * (512 / side)
    planes = [0.5 + 0.25 * np.sin(0.05 * x + c) + 0.25 * np.cos(0.07 * y - c) for c in range(3)]
    return torch.from_numpy(np.stack(planes)[None].astype(np.float32))


@needs_parity
@pytest.mark.slow
@pytest.mark.parametrize("name", VARIANTS)
@torch.no_grad()
def test_released_network_gives_the_same(name: str, tmp_path: Path) -> None:
    lines = [line.split("\t") for line in (PARITY / f"{name}.tsv").read_text().splitlines()[1:]]
    shapes = {key: tuple(map(int, shape.split("x"))) if shape else () for key, shape in lines}
    torch.save({f"module.{key}": value for key, value in filled(shapes).items()}, tmp_path / "released.pth")
    network = load_released(tmp_path / "released.pth", name)
    found = [part for part in network(picture(512), picture(256)) if part is not None]
    expected = np.load(PARITY / f"{name}.npz")
    assert len(found) == sum(key.endswith("_shape") for key in expected)
    for number, part in enumerate(found):
        assert part.shape == tuple(expected[f"out{number}_shape"])
        step = part.shape[-1] // 64
        np.testing.assert_allclose(part[0, :, ::step, ::step], expected[f"out{number}"], atol=1e-4, rtol=0)
        assert float(part.mean()) == pytest.approx(float(expected[f"out{number}_mean"]), abs=1e-4)
        assert float(part.std()) == pytest.approx(float(expected[f"out{number}_std"]), abs=1e-4)


@pytest.mark.parametrize("name", VARIANTS)
def test_parameters_are_as_many_as_released(name: str) -> None:
    with torch.device("meta"):
        network = Reference(VARIANTS[name])
    assert sum(value.numel() for value in network.parameters()) == PARAMETERS[name]


@pytest.mark.parametrize("variant", ABLATIONS)
@torch.no_grad()
def test_answer_has_the_parts_of_the_variant(variant: Variant) -> None:
    answer = small(variant)(torch.rand(2, 3, SMALLEST, SMALLEST + 32))
    half = (SMALLEST // 2, SMALLEST // 2 + 16)
    assert answer.image.shape == (2, 3, SMALLEST, SMALLEST + 32)
    assert ((answer.image > 0) & (answer.image < 1)).all()
    shapes = {
        "coarse": (2, 3, *half) if variant.scales == "two" else None,
        "vessels": (2, 1, SMALLEST, SMALLEST + 32) if variant.structure else None,
        "activation": (2, 1, *half) if variant.activation != "none" else None,
    }
    assert {name: part if (part := getattr(answer, name)) is None else part.shape for name in shapes} == shapes


@pytest.mark.parametrize("variant", ABLATIONS)
def test_width_keeps_the_shape(variant: Variant) -> None:
    with torch.device("meta"):
        narrow, wide = Reference(variant, 2), Reference(variant, 6)
    ours, theirs = narrow.state_dict(), wide.state_dict()
    assert list(ours) == list(theirs)
    assert all(ours[name].shape[2:] == theirs[name].shape[2:] for name in ours)


@torch.no_grad()
def test_half_size_is_averaged_if_not_given_and_each_photograph_stands_alone() -> None:
    network, image = small(Variant(), 4), torch.rand(2, 3, SMALLEST, SMALLEST)
    network(image)
    answer = network(image)
    for first, second in zip(answer, network(image, torch.nn.functional.avg_pool2d(image, 2)), strict=True):
        assert torch.equal(first, second)
    for first, second in zip(answer, network(image[1:]), strict=True):
        torch.testing.assert_close(first[1:], second)


def test_gradient_reaches_every_parameter() -> None:
    torch.manual_seed(0)
    network = Reference(Variant(), 4)
    answer = network(torch.rand(2, 3, SMALLEST, SMALLEST))
    sum(part.square().sum() for part in answer).backward()
    assert [name for name, value in network.named_parameters() if value.grad is None] == []


@pytest.mark.parametrize("variant", [Variant(), Variant(structure=False, activation="none")])
@torch.no_grad()
def test_for_export_all_that_is_changed_is_residual_inside_the_field_of_view(variant: Variant) -> None:
    network, local = small(variant), torch.rand(1, 4, SMALLEST, SMALLEST)
    local[:, 3] = 1.0
    local[:, 3, :40] = 0.0
    field, residual, activation = Residual(network)(torch.rand(1, 4, 128, 128), local)
    assert field.shape == (1, 12, 32, 32)
    assert not field.any()
    expected = (network(local[:, :3]).image - local[:, :3]) * local[:, 3:]
    torch.testing.assert_close(residual, expected)
    assert activation.shape == (1, 1, SMALLEST, SMALLEST)
    assert not activation[:, :, :40].any()
    assert ((activation >= 0) & (activation <= 1)).all()


@pytest.mark.parametrize("width", [2, 8, 32])
@torch.no_grad()
def test_fresh_network_is_as_loud_at_any_width(width: int) -> None:
    network = small(Variant(structure=False, activation="none"), width)
    layer = network.trunk.stem[0]
    loud = layer.weight.std() * (layer.weight.shape[0] * 25) ** 0.5
    assert float(loud) == pytest.approx(0.02 * 800**0.5, rel=0.1)


def checkpoint(folder: Path, variant: Variant = VARIANTS[RELEASED]) -> tuple[Reference, dict[str, Tensor], Path]:
    network = small(variant)
    names = released_names(network)
    return network, {names[name]: value for name, value in network.state_dict().items()}, folder / "released.pth"


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("name", VARIANTS)
def test_checkpoint_in_the_released_format_loads(tmp_path: Path, name: str, prefix: str) -> None:
    network, state, path = checkpoint(tmp_path, VARIANTS[name])
    torch.save({prefix + key: value for key, value in state.items()}, path)
    loaded = load_released(path, name)
    assert (loaded.variant, loaded.width, loaded.training) == (VARIANTS[name], 2, False)
    assert all(torch.equal(value, network.state_dict()[key]) for key, value in loaded.state_dict().items())


def test_keys_that_do_not_fit_are_named(tmp_path: Path) -> None:
    _, state, path = checkpoint(tmp_path)
    state["G_conv9.weight"], state["a_spot_256.bias"] = torch.zeros(1), torch.zeros(7)
    del state["spp.conv.weight"]
    torch.save(state, path)
    with pytest.raises(ModelError, match=r"released\.pth: .*spp\.conv\.weight is missing; G_conv9\.weight is surplus"):
        load_released(path)
    with pytest.raises(ModelError, match=r"a_spot_256\.bias is of another shape"):
        load_released(path)


def test_another_variant_is_named(tmp_path: Path) -> None:
    _, state, path = checkpoint(tmp_path, VARIANTS["encode_decode_res"])
    torch.save(state, path)
    with pytest.raises(ModelError, match=r"and \d+ more are missing"):
        load_released(path)
    with pytest.raises(UsageError, match="no variant 'mine'"):
        load_released(path, "mine")


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", None])
def test_damaged_checkpoint_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "released.pth"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=r"released\.pth: cannot read"):
        load_released(path)


def test_nothing_in_a_checkpoint_is_executed(tmp_path: Path) -> None:
    path = tmp_path / "released.pth"
    torch.save({"G_conv1.weight": Path("surprise")}, path)
    with pytest.raises(ModelError, match=r"released\.pth: cannot read"):
        load_released(path)
    torch.save([1, 2], path)
    with pytest.raises(ModelError, match="must hold named tensors"):
        load_released(path)
