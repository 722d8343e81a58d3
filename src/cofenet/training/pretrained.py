"""The weights of an exported model, to begin a training with: a shipped network learns on from one's own photographs.

An exported model has its batch normalisations folded into the convolutions before them. They are unfolded here: what
each normalises is measured on some examples, and its scale and shift give back what it had taken away, so that the
network answers as the exported one does and its normalisations have statistics to go on from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from cofenet.engine.card import Card, load_card, verified_weights
from cofenet.errors import ModelError
from cofenet.networks.detail import Detail
from cofenet.networks.field import INPUT, IlluminationField
from cofenet.networks.fine import COARSE, Fine
from cofenet.networks.sharpening import Sharpening
from cofenet.training.half import widened

_FOLDED = "weight_bias"
"""What PyTorch's exporter calls the bias that a convolution without one gets from its batch normalisation."""


def begin_with(model: str, network: nn.Module, forward: Callable[[], object], part: str = "") -> Card:
    """Give a network the weights of an exported model of its kind.

    Parts that the network names in `LATER` stay as they are if the model has nothing of them.

    Args:
        model: the name of a shipped model, or the path of an ONNX file with its card.
        network: changed in place, and left in evaluation mode; all of the model or a part, as the field of `light`.
        forward: lets the network look at examples.
        part: what the network is called in the model, if that has others, too; else what most of its weights tell.

    Returns:
        The model's card.

    Raises:
        ModelError: there is no such model, or it lacks a weight of the network, or has more; the message names them.
    """
    stored = _arrays(onnx.load_from_string(verified_weights(model)).graph)
    layers = dict(network.named_modules())
    normalised = {name for name, layer in layers.items() if isinstance(layer, nn.BatchNorm2d)}
    wanted = {name: weight for name, weight in network.named_parameters() if name.rpartition(".")[0] not in normalised}
    named = f"{part}."
    prefix = named if any(name.startswith(named) for name in stored) else _prefix(stored, wanted)
    found = {name: array for name in wanted if (array := _weight(stored, prefix + name, wanted[name])) is not None}
    new = {part for part in getattr(network, "LATER", ()) if not any(name.startswith(f"{part}.") for name in found)}
    if missing := [name for name in wanted if name not in found and name.partition(".")[0] not in new]:
        raise ModelError(f"{model}: is no such network; it lacks, or has in another shape, {', '.join(missing)}")
    if more := [name for name in stored if _learned(name, prefix) and name.removeprefix(prefix) not in wanted]:
        raise ModelError(f"{model}: is another network; it has {', '.join(more)}, too")
    with torch.no_grad():
        for name, array in found.items():
            wanted[name].copy_(_tensor(array))
        _unfold(network.eval(), {name: stored.get(f"{prefix}{name}.{_FOLDED}") for name in layers}, forward)
    return load_card(model)


def parts_of(model: str) -> dict[str, nn.Module]:
    """The networks of an exported model for correction, or those it has of field, detail, sharpening, coarse and fine.

    Raises:
        ModelError: there is no such model, or it has other networks, or these in other widths than the usual ones.
    """
    parts: dict[str, nn.Module] = {"field": IlluminationField(), "detail": Detail()}
    outputs = load_card(model).outputs
    parts |= {"sharpening": Sharpening()} if "sharpened" in outputs else {}
    parts |= {"coarse": Fine(*COARSE)} if "coarse" in outputs else {}
    parts |= {"fine": Fine()} if "fine" in outputs else {}
    seen = torch.rand(8, 7, INPUT, INPUT, generator=torch.Generator().manual_seed(0))
    for name, network in parts.items():
        begin_with(model, network, partial(network, seen if name in {"coarse", "fine"} else seen[:, :4]), name)
    return parts


def mean_of(states: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of the weights of networks alike, one trained on from the other (Wortsman et al., ICML 2022).

    Raises:
        KeyError: one lacks a weight of the first.
        RuntimeError: a weight has another shape.
    """
    return {
        name: torch.stack([state[name].double() for state in states]).mean(0).to(value.dtype)
        for name, value in states[0].items()
    }


def _arrays(graph: onnx.GraphProto) -> dict[str, np.ndarray]:
    """What a graph stores, by name.

    The exporter turns the weight of a linear layer of sequences round, and calls it by no name of the layer's: then the
    layer is known by the bias that is added to the product.
    """
    stored = widened(graph)
    products = {node.output[0]: node.input[1] for node in graph.node if node.op_type == "MatMul"}
    for node in graph.node:
        if node.op_type == "Add":
            for bias, summand in (node.input, reversed(node.input)):
                if bias in stored and bias.endswith(".bias") and products.get(summand) in stored:
                    stored[f"{bias.removesuffix('bias')}weight"] = stored[products[summand]].T
    return stored


def _learned(name: str, prefix: str) -> bool:
    """Whether a stored array is, by its name, a weight of the network whose weights' names begin with a prefix."""
    return name.startswith(prefix) and name.endswith((".weight", ".bias"))


def _prefix(stored: dict[str, np.ndarray], wanted: dict[str, nn.Parameter]) -> str:
    """What the names of a network's weights begin with in the file; where several do, that of the most."""
    ends = [name.removesuffix(end) for end in wanted for name in stored if name.endswith(f".{end}")]
    return max(sorted(set(ends)), key=ends.count, default="")


def _weight(stored: dict[str, np.ndarray], name: str, weight: Tensor) -> np.ndarray | None:
    """The array of that name and shape.

    Where the network only uses a weight with further axes of length 1, the exporter has stored it with these, under no
    name of its own: then the one array that has its numbers' shape.
    """
    if name in stored:
        return stored[name] if stored[name].shape == tuple(weight.shape) else None
    shape = weight.squeeze().shape
    alike = [
        array.squeeze() for array in stored.values() if array.ndim > weight.ndim and array.squeeze().shape == shape
    ]
    return alike[0].reshape(weight.shape) if alike and all(np.array_equal(alike[0], one) for one in alike) else None


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
