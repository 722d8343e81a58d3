"""JPEG compression: eight-by-eight blocks whose fine detail is rounded away.

    x ← x + (J(x′) − x′),    x′ = x at `size` pixels a side, J = encoded at `quality` and decoded

What compression changes is worked out at the size at which the photograph was compressed, then carried over: blocks are
fractions of the field of view, like every other length. Quality 100 changes nothing: it is not encoded at all.
Replays bit for bit with one version of the JPEG library.

Source: ITU-T T.81 (1992); quality as the Independent JPEG Group's library scales its tables. Ranges are ours.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import cv2
import numpy as np
from pydantic import Field

from cofenet.degradation.canvas import Canvas, Image
from cofenet.degradation.factor import Factor, Group
from cofenet.degradation.ranges import Count, Range, Ranges, whole
from cofenet.geometry import resize


class Jpeg(Factor):
    """Compression at `quality` (1 to 100) of a photograph with `size` pixels across its field of view."""

    group: ClassVar[Group] = "blur"
    factor: Literal["jpeg"] = "jpeg"
    quality: float = Field(ge=1, le=100)
    size: int = Field(ge=16, le=8192)

    def scaled(self, severity: float) -> Jpeg:
        """Bring the quality nearer to 100."""
        return self.model_copy(update={"quality": 100 - (100 - self.quality) * severity})

    def apply(self, image: Image, canvas: Canvas) -> Image:
        """Apply to a float32 (H, W, 3) square in [0, 1]."""
        if round(self.quality) == 100:
            return image.copy()
        pixels = cv2.cvtColor(cv2.convertScaleAbs(image, alpha=255), cv2.COLOR_RGB2BGR)
        sized = resize(np.asarray(pixels, np.uint8), (self.size, self.size))
        encoded = cv2.imencode(".jpg", sized, [cv2.IMWRITE_JPEG_QUALITY, round(self.quality)])[1]
        decoded = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
        change = cv2.cvtColor(cv2.subtract(decoded, sized, dtype=cv2.CV_32F), cv2.COLOR_BGR2RGB)
        carried = resize(np.asarray(change, np.float32), (canvas.side, canvas.side))
        return np.clip(cv2.scaleAdd(carried, 1 / 255, image), 0, 1)


class JpegRanges(Ranges):
    """Of `Jpeg`."""

    factor: ClassVar[type[Factor]] = Jpeg
    quality: Range
    size: Count

    def draw(self, rng: np.random.Generator) -> Jpeg:
        """Draw quality and size."""
        return Jpeg(quality=rng.uniform(*self.quality), size=whole(rng, self.size))
