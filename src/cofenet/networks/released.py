"""Weights of the reference network in the format they were released in: what each layer is called there."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor

from cofenet.errors import ModelError, UsageError
from cofenet.networks.reference import RELEASED, VARIANTS, WIDTH, Reference
from cofenet.networks.rsa import DEPTHS

_PREFIX = "module."
"""What PyTorch's DataParallel puts before each name."""

_SHOWN = 4
"""Names that an error shows."""


def load_released(path: Path, variant: str = RELEASED) -> Reference:
    """Read a checkpoint in the released format; its width is found out.

    Args:
        path: the file: a state dict, with or without the prefix of DataParallel. Nothing in it is executed.
        variant: one of `VARIANTS`: two of them have the same layers, so that a file does not say which it is.

    Returns:
        The network, in evaluation mode.

    Raises:
        UsageError: there is no such variant.
        ModelError: the file cannot be read, or its keys or shapes are not those of the variant; the message names them.
    """
    if variant not in VARIANTS:
        raise UsageError(f"no variant {variant!r}; there are {', '.join(VARIANTS)}")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise ModelError(f"{path}: cannot read the checkpoint: {error}") from error
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise ModelError(
            f"{path}: is no checkpoint in the released format: it must hold named tensors and nothing else"
        )
    state = {str(name).removeprefix(_PREFIX): value for name, value in content.items()}
    first = state.get("G_conv1.weight")
    network = Reference(VARIANTS[variant], len(first) if first is not None and first.ndim else WIDTH)
    names = released_names(network)
    _check(path, state, {names[name]: value for name, value in network.state_dict().items()})
    network.load_state_dict({ours: state[theirs] for ours, theirs in names.items()})
    return network.eval()


def released_names(network: Reference) -> dict[str, str]:
    """What each entry of the network's state dict is called in the released format."""
    layers = {ours: theirs for theirs, ours in _layers()}
    parted = ((name, *name.rsplit(".", 1)) for name in network.state_dict())
    return {name: f"{layers[layer]}.{kind}" for name, layer, kind in parted}


def _check(path: Path, found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Refuse what does not fit, by name."""
    problems = {
        "missing": [name for name in expected if name not in found],
        "surplus": [name for name in found if name not in expected],
        "of another shape": [name for name in found if name in expected and found[name].shape != expected[name].shape],
    }
    told = [f"{_some(names)} {'is' if len(names) == 1 else 'are'} {what}" for what, names in problems.items() if names]
    if told:
        raise ModelError(f"{path}: the checkpoint does not fit: {'; '.join(told)}")


def _some(names: list[str]) -> str:
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _layers() -> Iterator[tuple[str, str]]:
    """Each layer's name in the released format, and here. There, stages are numbered from 1 at full resolution."""
    yield from _trunk()
    yield from _structure()
    for number, up in zip((1, 2, 3), (3, 2, 1), strict=True):
        yield f"a_en_conv{number}", f"activation.encoders.{number - 1}.0"
        yield f"a_de_conv{up}", f"activation.decoders.{number - 1}.0.0"
        yield f"a_de_deconv{up}", f"activation.decoders.{number - 1}.2"
    yield "a_spot_256", "activation.head"


def _trunk() -> Iterator[tuple[str, str]]:
    yield "G_input_2", "enlarge"
    yield "G_conv1", "trunk.stem.0"
    yield "G_deconv1_0", "trunk.head.1"
    encoders, decoders = {"G_conv1": "trunk.stem.2"}, {"G_deconv1": "trunk.head.0"}
    for number in (2, 3, 4):
        encoder, decoder = f"trunk.encoders.{number - 2}", f"trunk.decoders.{4 - number}"
        yield f"G_conv{number}_0", f"{encoder}.down"
        yield f"G_conv{number}", f"{encoder}.merge"
        yield f"G_deconv{number}_0", f"{decoder}.1"
        encoders[f"G_conv{number}"], decoders[f"G_deconv{number}"] = f"{encoder}.refine", f"{decoder}.0"
    for stages, order in ((encoders, (1, 2, 3)), (decoders, (3, 2, 1))):  # there, decoders count their blocks backwards
        for theirs, ours in stages.items():
            for block, number in enumerate(order):
                yield f"{theirs}_{number}.conv1", f"{ours}.{block}.first"
                yield f"{theirs}_{number}.conv2", f"{ours}.{block}.second"


def _structure() -> Iterator[tuple[str, str]]:
    single = {
        "firstconv": "stem.0", "firstbn": "stem.1", "spp.conv": "pyramid", "dblock.conv1x1": "context.mix",
        "finaldeconv1": "head.0", "finalconv2": "head.2.0", "finalconv3": "head.4.0",
    }  # fmt: skip
    single |= {f"dblock.dilate{number + 1}": f"context.dilated.{number}" for number in range(3)}
    rise = {"conv1": 0, "norm1": 1, "deconv2": 3, "norm2": 4, "conv3": 6, "norm3": 7}
    single |= {
        f"decoder{4 - level}.{theirs}": f"decoders.{level}.{n}" for level in range(4) for theirs, n in rise.items()
    }
    block = {
        "conv1": "first.0", "bn1": "first.1", "conv2": "second.0", "bn2": "second.1",
        "downsample.0": "shortcut.0", "downsample.1": "shortcut.1",
    }  # fmt: skip
    for level, depth in enumerate(DEPTHS):
        single |= {
            f"encoder{level + 1}.{number}.{theirs}": f"encoders.{level}.{number}.{ours}"
            for number in range(depth)
            for theirs, ours in block.items()
        }
    yield from ((theirs, f"structure.{ours}") for theirs, ours in single.items())
