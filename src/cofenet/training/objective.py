"""What an objective is: a network, its examples, its loss and the figures it is validated by."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import Dataset

from cofenet.training.grades import Graded
from cofenet.training.labelled import Labelled
from cofenet.training.photographs import Photographs
from cofenet.training.recipe import Mixture, Recipe

Batch = dict[str, Tensor]
Data = Photographs | Labelled | Graded


class Objective(ABC):
    """A network and what is asked of it.

    Attributes:
        validated: how many examples it is validated on.
        layout: how the network lies in memory; channels last is the quicker.
    """

    validated = 64
    layout: torch.memory_format = torch.channels_last

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe

    @abstractmethod
    def network(self) -> nn.Module:
        """A fresh network."""

    @abstractmethod
    def data(self, manifest: Path, split: str, cache: Path) -> Data:
        """The photographs of a split."""

    @abstractmethod
    def examples(self, data: Data, mixture: Mixture, seed: int, count: int) -> Dataset[Batch]:
        """`count` examples; a batch is a dict of tensors."""

    @property
    @abstractmethod
    def validation(self) -> Mixture:
        """What is validated on, whatever the training draws."""

    @abstractmethod
    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """The weighted sum of the recipe's losses."""

    @abstractmethod
    def figures(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """How good it is: named figures, one for each photograph that has it."""

    def sheet(self, network: nn.Module, batch: Batch) -> NDArray[np.uint8] | None:
        """A picture of what the network does to a batch, uint8 (H, W, 3), RGB; None if it gives no picture."""
        return None
