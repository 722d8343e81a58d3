"""Sensor noise that grows with the light.

    x ← clip(x + σ n),    σ² = shot x + read²

n has mean 0 and variance 1: shot noise of the photons, and read noise of the electronics. The parameters hold the noise
itself, as a 64-bit seed, so that they replay bit for bit at one size. n is defined on grains, squares of `grain` a side
(a fraction of the field-of-view diameter), and resized to the photograph: larger photographs show the same grains
larger, and look alike when reduced.

Source: A. Foi, M. Trimeche, V. Katkovnik, K. Egiazarian, "Practical Poissonian-Gaussian noise modeling and fitting for
single-image raw-data", IEEE Transactions on Image Processing 17(10), 2008, whose a is `shot` and b is `read`².
Ranges are ours.
"""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from cofenet.degradation.canvas import Canvas, Image
from cofenet.degradation.factor import Factor, Group
from cofenet.degradation.ranges import Range, Ranges
from cofenet.geometry import resize


class Noise(Factor):
    """Signal-dependent noise of one seed."""

    group: ClassVar[Group] = "blur"
    factor: Literal["noise"] = "noise"
    shot: float = Field(ge=0, le=1)
    read: float = Field(ge=0, le=1)
    grain: float = Field(ge=1 / 4096, le=0.1)
    seed: int = Field(ge=0, lt=2**64)

    def scaled(self, severity: float) -> Noise:
        """Scale the noise's standard deviation."""
        return self.model_copy(update={"shot": self.shot * severity**2, "read": self.read * severity})

    def apply(self, image: Image, canvas: Canvas) -> Image:
        """Apply to a float32 (H, W, 3) square in [0, 1]."""
        grains = resize(_grains(self.seed, round(1 / self.grain)), (canvas.side, canvas.side))
        deviation = np.asarray(cv2.sqrt(image * np.float32(self.shot) + np.float32(self.read**2)), np.float32)
        deviation *= grains
        deviation += image
        return np.clip(deviation, 0, 1, out=deviation)


@lru_cache(maxsize=1)
def _grains(seed: int, count: int) -> NDArray[np.float32]:
    """Numbers of mean 0 and variance 1, nearly normal: float32 (count, count, 3).

    Each is the sum of four random bytes. NumPy keeps a generator's raw bits the same for ever, but not what it makes of
    them, and a stored degradation must replay under any version.
    """
    wanted = 3 * count * count
    bits = np.random.PCG64(seed).random_raw((wanted + 1) // 2).astype("<u8").view(np.uint8)[: 4 * wanted]
    total = bits.reshape(-1, 4).view("<u4")[:, 0]
    pairs = (total & 0x00FF00FF) + ((total >> 8) & 0x00FF00FF)
    grains = ((pairs & 0xFFFF) + (pairs >> 16)).astype(np.float32)
    grains -= np.float32(510)  # the mean of four bytes' sum
    grains /= np.float32(2 * np.sqrt((256**2 - 1) / 12))  # and its standard deviation
    return grains.reshape(count, count, 3)


class NoiseRanges(Ranges):
    """Of `Noise`."""

    factor: ClassVar[type[Factor]] = Noise
    shot: Range
    read: Range
    grain: Range

    def draw(self, rng: np.random.Generator) -> Noise:
        """Draw how strong it is, and its seed."""
        return Noise(
            shot=rng.uniform(*self.shot), read=rng.uniform(*self.read), grain=rng.uniform(*self.grain),
            seed=int(rng.integers(2**64, dtype=np.uint64)),
        )  # fmt: skip
