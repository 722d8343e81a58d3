"""The weights of an exported model, to begin a training with: a shipped network learns on from one's own photographs.

An exported model has its batch normalisations folded into the convolutions before them. They are unfolded here: what
each normalises is measured on some examples, and its scale and shift give back what it had taken away, so that the
network answers as the exported one does and its normalisations have statistics to go on from.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from cofenet.engine.card import Card, load_card, verified_weights
from cofenet.errors import ModelError

_FOLDED = "weight_bias"
"""What PyTorch's exporter calls the bias that a convolution without one gets from its batch normalisation."""


def begin_with(model: str, network: nn.Module, forward: Callable[[], object]) -> Card:
    """Give a network the weights of an exported model of its kind.

    Args:
        model: the name of a shipped model, or the path of an ONNX file with its card.
        network: changed in place, and left in evaluation mode; all of the model or a part, as the field of `light`.
        forward: lets the network look at examples.

    Returns:
        The model's card.

    Raises:
        ModelError: there is no such model, or it lacks a weight of the network; the message names those it lacks.
    """
    graph = onnx.load_from_string(verified_weights(model)).graph
    stored = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    layers = dict(network.named_modules())
    normalised = {name for name, layer in layers.items() if isinstance(layer, nn.BatchNorm2d)}
    wanted = {name: weight for name, weight in network.named_parameters() if name.rpartition(".")[0] not in normalised}
    prefix = _prefix(stored, wanted)
    missing = [name for name, weight in wanted.items() if not _fits(stored.get(prefix + name), weight)]
    if missing:
        raise ModelError(f"{model}: is no such network; it lacks, or has in another shape, {', '.join(missing)}")
    with torch.no_grad():
        for name, weight in wanted.items():
            weight.copy_(_tensor(stored[prefix + name]))
        _unfold(network.eval(), {name: stored.get(f"{prefix}{name}.{_FOLDED}") for name in layers}, forward)
    return load_card(model)


def _prefix(stored: dict[str, np.ndarray], wanted: dict[str, nn.Parameter]) -> str:
    """What the names of a network's weights begin with in the file; where several do, that of the most."""
    ends = [name.removesuffix(end) for end in wanted for name in stored if name.endswith(f".{end}")]
    return max(sorted(set(ends)), key=ends.count, default="")


def _fits(array: np.ndarray | None, weight: Tensor) -> bool:
    return array is not None and array.shape == tuple(weight.shape)


def _unfold(network: nn.Module, biases: dict[str, np.ndarray | None], forward: Callable[[], object]) -> None:
    """Set each batch normalisation, by what it is given, to add the bias of the convolution before it and no more."""
    last: list[str] = []

    def convolved(name: str, *_: object) -> None:
        last[:] = [name]

    def normalise(layer: nn.BatchNorm2d, given: tuple[Tensor]) -> None:
        bias = biases[last[0]]
        if bias is None:
            raise ModelError(f"{last[0]}: the model has no normalisation folded into it")
        mean, variance = given[0].mean((0, 2, 3)), given[0].var((0, 2, 3))
        layer.running_mean, layer.running_var = mean, variance
        layer.weight.copy_((variance + layer.eps).sqrt())
        layer.bias.copy_(mean + _tensor(bias))

    hooks = []
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Conv2d):
            hooks.append(layer.register_forward_hook(partial(convolved, name)))
        elif isinstance(layer, nn.BatchNorm2d):
            hooks.append(layer.register_forward_pre_hook(normalise))
    try:
        forward()
    finally:
        for hook in hooks:
            hook.remove()


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(array))
