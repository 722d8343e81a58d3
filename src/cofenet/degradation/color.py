"""Brightness, contrast and saturation: the photograph's exposure and colour as a whole.

With the luma L = 0.299 R + 0.587 G + 0.114 B and m its mean over the square around the field of view:

    x ← b x;    x ← m + c (x − m);    x ← L + s (x − L)        clipped to [0, 1] after each

Source: the released code of cofe-Net (arXiv 2005.05594), which uses the enhancement operators of Pillow.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import cv2
import numpy as np
from pydantic import Field

from cofenet.degradation.canvas import Canvas, Image
from cofenet.degradation.factor import Factor, Group


class Color(Factor):
    """Change of brightness, contrast and saturation; 1 leaves each as it is."""

    group: ClassVar[Group] = "illumination"
    factor: Literal["color"] = "color"
    brightness: float = Field(ge=0, le=4)
    contrast: float = Field(ge=0, le=4)
    saturation: float = Field(ge=0, le=4)

    def scaled(self, severity: float) -> Color:
        """Bring each factor nearer to 1."""
        return Color(
            brightness=1 + (self.brightness - 1) * severity,
            contrast=1 + (self.contrast - 1) * severity,
            saturation=1 + (self.saturation - 1) * severity,
        )

    def apply(self, image: Image, canvas: Canvas) -> Image:
        """Apply to a float32 (H, W, 3) square in [0, 1]."""
        del canvas
        image = np.minimum(image * np.float32(self.brightness), np.float32(1))
        mean = float(_LUMA @ np.asarray(cv2.mean(image)[:3]))
        image *= np.float32(self.contrast)
        image += np.float32((1 - self.contrast) * mean)
        np.clip(image, 0, 1, out=image)
        mixing = self.saturation * np.eye(3) + (1 - self.saturation) * np.tile(_LUMA, (3, 1))
        image = np.asarray(cv2.transform(image, mixing), np.float32)
        return np.clip(image, 0, 1, out=image)


_LUMA = np.array([0.299, 0.587, 0.114])
"""Weights of red, green and blue in the luma (ITU-R BT.601)."""
