"""Looks at the averaged network now and then, and keeps what is seen: a row of figures, and a sheet of samples."""

from __future__ import annotations

import logging
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING

import torch
from lightning_fabric import Fabric
from torch import nn
from torch.utils.data import DataLoader, Dataset

from cofenet.io import Photograph, write_photograph
from cofenet.training.batches import collate
from cofenet.training.objective import Batch, Objective
from cofenet.training.run import Row, Run

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

_log = logging.getLogger(__name__)


class Validation:
    """The same examples at every look.

    Args:
        run: where it is kept.
        goal: what is asked of the network.
        examples: what it is looked at on.
        begun: the step at which this process took the run up.
    """

    def __init__(self, run: Run, goal: Objective, examples: Dataset[Batch], begun: int) -> None:
        self.run, self.goal, self.begun = run, goal, begun
        self.loader = DataLoader(examples, goal.recipe.batch, collate_fn=collate)

    @torch.no_grad()
    def look(self, fabric: Fabric, network: nn.Module, step: int, loss: float, rate: float) -> None:
        """Add a row to the logs, and draw the sheet anew.

        Args:
            fabric: knows the device.
            network: the averaged one, in evaluation mode.
            step: how many steps it was trained for.
            loss: mean of training since the last look.
            rate: photographs a second since the run was taken up.
        """
        found = []
        for number, cpu in enumerate(self.loader):
            batch: Batch = fabric.to_device(cpu)
            found.append(self.goal.figures(network, batch))
            if number == 0:
                self._draw(network, batch, step)
        means = {name: torch.cat([batch[name] for batch in found]).mean().item() for name in found[0]}
        row: Row = {"step": step, "loss": round(loss, 5), **{name: round(mean, 4) for name, mean in means.items()}}
        row["photographs_per_second"] = round(rate, 2)
        _log.info("%s", row)
        self.run.add(row)
        if self._board:
            for name, value in row.items():
                self._board.add_scalar(name, value, step)

    def _draw(self, network: nn.Module, batch: Batch, step: int) -> None:
        sheet = self.goal.sheet(network, batch)
        if sheet is None:
            return
        write_photograph(self.run.sheet, Photograph(sheet), format="png")
        if self._board:
            self._board.add_image("samples", sheet, step, dataformats="HWC")

    def close(self) -> None:
        """Write what TensorBoard's log still keeps back."""
        if "_board" in self.__dict__ and self._board:
            self._board.close()

    @cached_property
    def _board(self) -> SummaryWriter | None:
        if find_spec("tensorboard") is None:
            _log.info("no log for TensorBoard, which is not installed; log.csv has the figures")
            return None
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - as above

        return SummaryWriter(str(self.run.folder / "tensorboard"), purge_step=self.begun + 1)
