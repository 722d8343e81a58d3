"""Run a network on the CPU."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import cast

import numpy as np
from numpy.typing import NDArray

from cofenet.engine.card import Card, load_card, verified_weights
from cofenet.engine.threads import threads as threads_now
from cofenet.errors import ModelError


class Session:
    """A loaded network; loading is paid for once a process.

    Attributes:
        card: what is known about it.
    """

    def __init__(self, name: str | Path, threads: int = 0) -> None:
        """Load a model by name or path; `threads` 0 uses as many as `cofenet.engine.threads` says.

        Raises:
            ModelError: the model is missing or damaged, or does not fit its card.
        """
        onnxruntime = runtime()
        self.card: Card = load_card(name)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or threads_now()
        # Idle threads that spin take the processors from what comes after the network, and from other processes:
        # 50 µs of it gave one 3 % more, and two with as many threads each as there are processors 9 % less.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # An arena keeps what the largest network needed, and asks for twice as much as it needs: no faster here.
        options.enable_cpu_mem_arena = options.enable_mem_pattern = False
        weights = verified_weights(name)
        try:
            self._session = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise ModelError(f"{name}: onnxruntime cannot load the weights: {error}") from error
        for kind, promised, found in (
            ("inputs", self.card.inputs, self._session.get_inputs()),
            ("outputs", self.card.outputs, self._session.get_outputs()),
        ):
            shapes = {tensor.name: _whole(tensor.shape) for tensor in found}
            if shapes != {key: tensor.shape for key, tensor in promised.items()}:
                raise ModelError(f"{name}: the weights do not fit their card: their {kind} are {shapes}")
        sizes = {tensor.name: tensor.shape[:1] for tensor in self._session.get_inputs()}
        self._spared = {name for name, size in sizes.items() if any(isinstance(length, str) for length in size)}

    def nothing(self, name: str) -> NDArray[np.float32]:
        """What to give for want of an input, float32: no picture where that may be, (0, ...), else a black one."""
        return np.zeros((0 if name in self._spared else 1, *self.card.inputs[name].shape[1:]), np.float32)

    def run(self, **inputs: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Run the network on named float32 inputs; gives its named outputs.

        Where the weights leave open how many pictures an input has, it may be one, as the card says, or none: then
        outputs that are made of it have none, too, in no time.

        Raises:
            ModelError: an input's name or shape is not what the card says, or it is not float32.
        """
        expected = {name: tensor.shape for name, tensor in self.card.inputs.items()}
        given = {
            name: (1, *value.shape[1:]) if name in self._spared and value.shape[:1] == (0,) else value.shape
            for name, value in inputs.items()
        }
        if given != expected:
            raise ModelError(f"{self.card.name} expects {expected}, got {given}")
        for name, value in inputs.items():
            if value.dtype != np.float32:
                raise ModelError(f"{self.card.name} expects {name} to be float32, got {value.dtype}")
        names = list(self.card.outputs)
        return dict(zip(names, self._session.run(names, inputs), strict=True))


def _whole(shape: list[int | str]) -> tuple[int, ...]:
    """A shape with one picture where the weights leave open how many."""
    return tuple(1 if isinstance(length, str) else length for length in shape)


def runtime() -> ModuleType:
    """The module onnxruntime, imported late, for it takes longer than reading a photograph, and without telemetry."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # it would keep a device number and events in the cache
    import onnxruntime  # noqa: PLC0415

    return cast("ModuleType", onnxruntime)


@cache
def session(name: str | Path, threads: int = 0) -> Session:
    """The session of a model, loaded on first use and kept."""
    return Session(name, threads)
