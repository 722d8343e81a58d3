"""What a run was made with: versions and the kind of machine; no names of machines, people or folders."""

from __future__ import annotations

import platform
from importlib.metadata import version

import cv2
import torch
from lightning_fabric import Fabric

from cofenet import __version__

Environment = dict[str, str | int]

_PACKAGES = ("torch", "lightning-fabric", "numpy", "onnxruntime")


def environment(fabric: Fabric) -> Environment:
    """Versions, platform, device, and how many processes share the work at which precision."""
    on_gpu = fabric.device.type == "cuda"
    return {
        "cofenet": __version__, "python": platform.python_version(), "opencv": cv2.__version__,
        **{name: version(name) for name in _PACKAGES},
        "platform": f"{platform.system()} {platform.machine()}",
        "device": torch.cuda.get_device_name(fabric.device) if on_gpu else "cpu",
        "processes": fabric.world_size, "threads": torch.get_num_threads(),
        "precision": fabric.strategy.precision.precision,
    }  # fmt: skip
