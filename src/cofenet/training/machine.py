"""What a training runs on: processor or GPUs, one process or several, by Lightning Fabric."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal

import torch
from lightning_fabric import Fabric

from cofenet.engine.threads import available
from cofenet.errors import UsageError

Precision = Literal["auto", "32", "bf16"]


@dataclass(frozen=True)
class Machine:
    """Where to train.

    Attributes:
        devices: processes on each machine, each with a GPU of its own where there are GPUs.
        nodes: machines; each is given the same command, and `MASTER_ADDR`, `MASTER_PORT` and `NODE_RANK` in its
            environment, as torchrun, SLURM and Kubernetes do.
        precision: of the network's layers: "32" or "bf16" (weights and losses stay float32); "auto" is bf16 on a GPU
            and 32 elsewhere.
        threads: processor threads a process; 0 leaves PyTorch's choice.
        workers: further processes that make the examples of each process; 0: it makes them itself, between the steps;
            None: all processors there are beside a GPU, none without one.
    """

    devices: int = 1
    nodes: int = 1
    precision: Precision = "auto"
    threads: int = 0
    workers: int | None = None

    def check(self, batch: int) -> None:
        """Say whether a batch can be shared out.

        Raises:
            UsageError: the processes cannot have equal shares of it, or there are fewer GPUs than were asked for.
        """
        count = self.devices * self.nodes
        if batch % count:
            raise UsageError(f"a batch of {batch} cannot be shared equally among {count} processes")
        gpus = torch.cuda.device_count()
        if 0 < gpus < self.devices:
            raise UsageError(f"{self.devices} devices were asked for, and there are {gpus}")

    def launch(self) -> Fabric:
        """Start the other processes, which begin this program again, and join them; below it, each has its rank."""
        on_gpu = torch.cuda.is_available()
        bf16 = self.precision == "bf16" or (self.precision == "auto" and on_gpu)
        fabric = Fabric(
            accelerator="cuda" if on_gpu else "cpu", devices=self.devices, num_nodes=self.nodes,
            precision="bf16-mixed" if bf16 else "32-true",
            strategy="ddp" if self.devices * self.nodes > 1 else "auto",
        )  # fmt: skip
        fabric.launch()
        if not fabric.is_global_zero:
            logging.getLogger("cofenet").setLevel(logging.ERROR)
        if self.threads:
            torch.set_num_threads(self.threads)
        return fabric

    def makers(self) -> int:
        """How many processes make the examples of each process that trains."""
        if self.workers is not None:
            return self.workers
        return max(1, available() // self.devices - 1) if torch.cuda.is_available() else 0
