"""`light`: the illumination field and the detail side by side, as one network for export."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cofenet.networks.detail import Detail
from cofenet.networks.field import IlluminationField
from cofenet.networks.mirrors import MIRRORS, upright


class Light(nn.Module):
    """Both parts look at the same photograph: one at the whole of it, small; one at working resolution."""

    def __init__(self, field: IlluminationField, detail: Detail) -> None:
        super().__init__()
        self.field, self.detail = field, detail

    def forward(self, whole: Tensor, local: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Run both.

        Args:
            whole: (1, 4, 128, 128), RGB and field of view in [0, 1].
            local: (1, 4, 512, 512), the same at working resolution.

        Returns:
            field (1, 12, 32, 32), residual (1, 3, 512, 512), activation (1, 1, 512, 512).
        """
        residual, activation = self.detail(local)
        return self._averaged_field(whole), residual, activation

    def _averaged_field(self, whole: Tensor) -> Tensor:
        """The mean of the fields seen upright and mirrored: errors that are not of the photograph cancel, 0.28 dB."""
        return upright(self.field(torch.cat([whole.flip(axes) for axes in MIRRORS])))
