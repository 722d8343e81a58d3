"""Blur: the photograph seen through a Gaussian cut off narrowly.

    x ← x ∗ G,    G of standard deviation `sigma`, cut off at `kernel_x` × `kernel_y`

The published kernels are much narrower than their sigma, so that G is nearly a box.
Source: the released code of cofe-Net (arXiv 2005.05594).
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from cofenet.degradation.canvas import Canvas, Image, blur_coarsely
from cofenet.degradation.factor import Factor, Group


class Blur(Factor):
    """Blur; lengths are fractions of the field-of-view diameter."""

    group: ClassVar[Group] = "blur"
    factor: Literal["blur"] = "blur"
    kernel_x: float = Field(ge=0, le=0.5)
    kernel_y: float = Field(ge=0, le=0.5)
    sigma: float = Field(gt=0, le=1)

    def scaled(self, severity: float) -> Blur:
        """Narrow the kernel."""
        return self.model_copy(update={"kernel_x": self.kernel_x * severity, "kernel_y": self.kernel_y * severity})

    def apply(self, image: Image, canvas: Canvas) -> Image:
        """Apply to a float32 (H, W, 3) square in [0, 1]."""
        kernel = (self.kernel_x * canvas.side, self.kernel_y * canvas.side)
        return blur_coarsely(image, kernel, self.sigma * canvas.side, canvas.like(image))
