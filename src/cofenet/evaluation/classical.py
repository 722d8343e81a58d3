"""What people use today instead of a network; the rivals every figure is set beside.

Each takes a photograph, uint8 (H, W, 3), RGB, and its field of view, and gives a new one; outside the field of view
nothing changes, and what lies there has no say in what is done inside, except in `clahe` and what ends with it: its
tiles are blind to the field of view.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from cofenet.fov import FieldOfView
from cofenet.geometry import resize

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

_SCALES = (15, 80, 250)
"""Of Retinex: standard deviations, pixels of a picture of 512 (Jobson et al. 1997, section III)."""


def clahe(image: Image, fov: FieldOfView) -> Image:
    """Contrast-limited adaptive histogram equalisation of L of LAB, clip limit 2, 8 × 8 tiles. uint8 (H, W, 3)."""
    return _inside(_equalised(image), image, fov)


def background_subtraction(image: Image, fov: FieldOfView) -> Image:
    """Subtract a Gaussian background (sigma = width / 12, inside the field of view) and keep the mean colour."""
    background = _smooth(image.astype(np.float32), fov, image.shape[1] / 12)
    mean = image[fov.mask].mean(0)
    return _inside(_levels(image - background + mean), image, fov)


def ben_graham(image: Image, fov: FieldOfView) -> Image:
    """Four times the difference from the local mean, on grey 128: 4 I - 4 I ∗ G(R / 30) + 128, R the radius.

    B. Graham, Kaggle Diabetic Retinopathy Detection, competition report, 2015. Made for a classifier's eyes.
    """
    background = _smooth(image.astype(np.float32), fov, fov.circle.radius / 30)
    return _inside(_levels(4 * (image - background) + 128), image, fov)


def gamma(image: Image, fov: FieldOfView) -> Image:
    """The power of all channels that brings the mean of the luma inside the field of view to one half."""
    luma = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.float64)[fov.mask] / 255
    low, high = 0.1, 10.0
    for _ in range(30):  # bisection: the mean falls with the power
        power = (low * high) ** 0.5
        low, high = (power, high) if (luma**power).mean() > 0.5 else (low, power)
    table = _levels(255 * (np.arange(256) / 255) ** power)
    return _inside(np.asarray(table[image]), image, fov)


def retinex(image: Image, fov: FieldOfView) -> Image:
    """Multi-scale Retinex (Jobson, Rahman, Woodell, IEEE TIP 6(7), 1997) of the luma Y, with the colours kept.

    The mean over three scales of log Y - log Y ∗ G, of which mean ± 3 standard deviations become 0 and 255; then every
    pixel's colours times what its luma was changed by, but no further than to 255 (Petro, Sbert, Morel, IPOL 4, 2014,
    algorithm 2). The paper's own colour restoration turns the dark channels of a fundus photograph blue.
    """
    y = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.float32)[..., None] + 1
    factor = fov.circle.diameter / 512
    reflectance = np.mean([np.log(y / _wide(y, fov, sigma * factor)) for sigma in _SCALES], axis=0)
    seen = reflectance[fov.mask]
    middle, spread = float(seen.mean()), max(float(seen.std()), 1e-6)
    target = np.clip(127.5 * ((reflectance - middle) / (3 * spread) + 1), 0, 255)
    most = 255 / np.maximum(image.max(2, keepdims=True), 1)
    return _inside(_levels(image * np.minimum(target / y, most)), image, fov)


def luminosity_contrast(image: Image, fov: FieldOfView) -> Image:
    """Luminosity by a gain, then contrast by `clahe` (Zhou, Jin, Wang, Ye, Qian, IEEE TBME 65(3), 2018).

    The gain is V^(1 / 2.2) / V, with V of HSV, the same for all channels, so that hue and saturation stay.
    """
    value = np.maximum(image.max(2, keepdims=True) / np.float32(255), np.float32(1 / 255))
    return _inside(_equalised(_levels(image * value ** np.float32(1 / 2.2 - 1))), image, fov)


def _equalised(image: Image) -> Image:
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    lab[..., 0] = cv2.createCLAHE(2.0, (8, 8)).apply(lab[..., 0])
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), np.uint8)


def _smooth(x: Floats, fov: FieldOfView, sigma: float) -> Floats:
    """Gaussian means over the pixels of the field of view, float32 (H, W, 3)."""
    mask = fov.mask.astype(np.float32)
    weight = np.maximum(cv2.GaussianBlur(mask, (0, 0), sigma), 1e-3)[..., None]
    total = np.asarray(cv2.GaussianBlur(x * mask[..., None], (0, 0), sigma), np.float32).reshape(x.shape)
    return np.where(mask[..., None] > 0, total / weight, x)


def _wide(x: Floats, fov: FieldOfView, sigma: float) -> Floats:
    """As `_smooth`, of one channel (H, W, 1), worked out on a small copy where sigma allows: far quicker."""
    shrink = max(1, int(sigma / 8))
    shape = max(1, x.shape[0] // shrink), max(1, x.shape[1] // shrink)
    mask = fov.mask.astype(np.float32)
    planes = [cv2.GaussianBlur(resize(plane, shape), (0, 0), sigma / shrink) for plane in (x[..., 0] * mask, mask)]
    total, weight = (resize(np.asarray(plane, np.float32), (x.shape[0], x.shape[1])) for plane in planes)
    return np.where(mask > 0, total / np.maximum(weight, 1e-3), x[..., 0])[..., None]


def _levels(values: NDArray[np.floating]) -> Image:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


def _inside(result: Image, image: Image, fov: FieldOfView) -> Image:
    return np.asarray(np.where(fov.mask[..., None], result, image), np.uint8)
