"""The reference: cofe-Net (Shen, Fu, Shen, Shao, IEEE TMI 40(3), 2021) as it was released, at any width.

A trunk of convolutions corrects the photograph at half its size, then, given that, at its own. The retinal structure
activation lends it features of the vessels; the low-quality activation tells it where the photograph is degraded.
The variants that were released are settings of this one network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, max_pool2d

from cofenet.networks.blocks import doubling
from cofenet.networks.field import GRID
from cofenet.networks.lqa import LowQualityActivation
from cofenet.networks.rsa import StructureActivation

WIDTH = 32
"""Channels at full resolution, as published."""

_SPREAD = 0.02
"""Standard deviation of fresh weights at that width, as released."""


@dataclass(frozen=True)
class Variant:
    """What the network is made of.

    Attributes:
        scales: "two": half size, then full size; "single": full size only; "repeated": full size, twice.
        structure: with the retinal structure activation.
        activation: the low-quality activation a of features x: "added", x + x a; "product", x a; or "none".
    """

    scales: Literal["two", "single", "repeated"] = "two"
    structure: bool = True
    activation: Literal["added", "product", "none"] = "added"


VARIANTS = {
    "encode_decode_res": Variant("repeated", structure=False, activation="none"),
    "encode_decode_vessel_res": Variant("single", activation="none"),
    "encode_decode_vessel_2scale_share_res": Variant(activation="none"),
    "encode_decode_vessel_2scale_share_res_atten": Variant(),
    "encode_decode_vessel_2scale_share_res_atten_sum": Variant(activation="product"),
}
"""The variants that were released, by their names there."""


RELEASED = "encode_decode_vessel_2scale_share_res_atten"
"""The variant whose weights were released."""


class Answer(NamedTuple):
    """What the network gives for a photograph (B, 3, H, W); parts it does not have are None."""

    image: Tensor
    """(B, 3, H, W): corrected, 0 to 1."""

    coarse: Tensor | None
    """(B, 3, H/2, W/2): corrected at half size, 0 to 1."""

    vessels: Tensor | None
    """(B, 1, H, W): how likely each pixel is vessel, 0 to 1."""

    activation: Tensor | None
    """(B, 1, H/2, W/2): the low-quality activation; it has no bounds."""


class Reference(nn.Module):
    """cofe-Net.

    Args:
        variant: what it is made of.
        width: channels at full resolution; all others are multiples of it, so that the shape stays.
    """

    def __init__(self, variant: Variant = VARIANTS[RELEASED], width: int = WIDTH) -> None:
        super().__init__()
        self.variant, self.width = variant, width
        two = variant.scales == "two"
        self.trunk = Trunk(6 if two else 3, width, structure=variant.structure)
        self.enlarge = doubling(3, 3) if two else None
        self.structure = StructureActivation(width) if variant.structure else None
        self.activation = LowQualityActivation(width) if variant.activation != "none" else None
        self._start()

    def _start(self) -> None:
        """Fresh weights as released, N(0, 0.02), and as loud at any width: what a layer gives varies with σ √width."""
        spread = _SPREAD * (WIDTH / self.width) ** 0.5
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.normal_(layer.weight, 0.0, spread)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
            elif isinstance(layer, nn.BatchNorm2d):
                nn.init.normal_(layer.weight, 1.0, _SPREAD)
                nn.init.zeros_(layer.bias)

    def forward(self, image: Tensor, half: Tensor | None = None) -> Answer:
        """Correct photographs.

        Args:
            image: (B, 3, H, W), RGB in [0, 1]; sides are multiples of 32 and, with the structure, at least 192.
            half: the same at half size; averages of 2 × 2 pixels if not given.
        """
        features, vessels = self.structure(image) if self.structure else (None, None)
        activation = self.activation(image) if self.activation else None
        gain = activation if activation is None or self.variant.activation == "product" else 1 + activation
        if self.enlarge is None:
            corrected = self.trunk(image, features, gain)
            if self.variant.scales == "repeated":
                corrected = self.trunk(corrected, features, gain)
            return Answer(corrected, None, vessels, activation)
        half = avg_pool2d(image, 2) if half is None else half
        pooled = features and tuple(max_pool2d(feature, 2) for feature in features)
        coarse = self.trunk(torch.cat([half, half], 1), pooled, gain if gain is None else max_pool2d(gain, 2))
        corrected = self.trunk(torch.cat([image, self.enlarge(coarse)], 1), features, gain)
        return Answer(corrected, coarse, vessels, activation)


class Residual(nn.Module):
    """The reference for export, in the form of a model for correction: what it changes, and a field that is zero."""

    def __init__(self, network: Reference) -> None:
        super().__init__()
        self.network = network

    def forward(self, whole: Tensor, local: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Correct one photograph.

        Args:
            whole: (1, 4, 128, 128); not looked at.
            local: (1, 4, S, S), RGB and field of view in [0, 1].

        Returns:
            field (1, 12, 32, 32), zero; residual (1, 3, S, S); activation (1, 1, S, S), 0 to 1, zero without module.
        """
        image, seen = local[:, :3], local[:, 3:]
        answer = self.network(image)
        field = whole.new_zeros(len(whole), 12, GRID, GRID)
        if answer.activation is None:
            return field, (answer.image - image) * seen, torch.zeros_like(seen)
        large = interpolate(answer.activation, scale_factor=2.0, mode="bilinear", align_corners=False)
        return field, (answer.image - image) * seen, large.clamp(0, 1) * seen


class Trunk(nn.Module):
    """From a photograph to the corrected one, at the same size.

    Args:
        inputs: channels of the photograph and what comes with it.
        width: channels at full resolution.
        structure: features of the vessels are given.
    """

    def __init__(self, inputs: int, width: int, *, structure: bool) -> None:
        super().__init__()
        w1, w2, w3, w4 = width, 2 * width, 2 * width, 4 * width
        self.stem = nn.Sequential(_convolution(inputs, w1), nn.ReLU(), _refine(w1))
        pairs = ((w1, w2), (w2, w3), (w3, w4))
        self.encoders = nn.ModuleList(_Encoder(a, b, joined=b if structure else 0) for a, b in pairs)
        self.decoders = nn.ModuleList(nn.Sequential(_refine(b), doubling(b, a)) for a, b in reversed(pairs))
        self.head = nn.Sequential(_refine(w1), _convolution(w1, 3))

    def forward(self, x: Tensor, features: tuple[Tensor, ...] | None, gain: Tensor | None) -> Tensor:
        """(B, inputs, H, W) to (B, 3, H, W), 0 to 1.

        Args:
            x: the photograph, and what comes with it.
            features: of the vessels: (B, 2 width, H/2, W/2), (B, 2 width, H/4, W/4), (B, 4 width, H/8, W/8).
            gain: (B, 1, H/2, W/2), by which the features at half the size are multiplied.
        """
        x = self.stem(x)  # B, width, H, W
        skips: list[Tensor] = []
        for level, encoder in enumerate(self.encoders):
            skips.append(x)
            x = encoder(x, features and features[level], gain if level == 0 else None)
        for decoder, skip in zip(self.decoders, reversed(skips), strict=True):
            x = decoder(x) + skip  # in the end B, width, H, W
        return torch.sigmoid(self.head(x))


class _Encoder(nn.Module):
    """Halve the size, mark what is degraded, join what is known of the vessels, refine."""

    def __init__(self, inputs: int, outputs: int, *, joined: int) -> None:
        super().__init__()
        self.down = _convolution(inputs, outputs, stride=2)
        self.merge = _convolution(outputs + joined, outputs)
        self.refine = _refine(outputs)

    def forward(self, x: Tensor, features: Tensor | None, gain: Tensor | None) -> Tensor:
        x = torch.relu(self.down(x))
        if gain is not None:
            x = x * gain
        if features is not None:
            x = torch.cat([x, features], 1)
        refined: Tensor = self.refine(torch.relu(self.merge(x)))
        return refined


class _Block(nn.Module):
    """Two 5 × 5 convolutions. The skip goes around the second alone: so it was released, and there is no identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.second = _convolution(channels, channels), _convolution(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.first(x))
        return torch.relu(y + self.second(y))


def _refine(channels: int) -> nn.Sequential:
    return nn.Sequential(*(_Block(channels) for _ in range(3)))


def _convolution(inputs: int, outputs: int, *, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 5, stride, 2)
