"""What shows no fundus, or is no picture, is refused."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from cofenet.errors import NotFundusError, UsageError
from cofenet.fov import find_fov

Array = NDArray[np.generic]


def landscape() -> Array:
    """Sky, a round sun, hills and grass."""
    y, x = np.mgrid[:400, :600]
    image = np.stack([90 + y / 4, 140 + y / 5, 230 - y / 5], axis=2)
    cv2.circle(image, (430, 90), 45, (255, 220, 120), -1)
    hills = y > 220 + 30 * np.sin(x / 60) + 12 * np.sin(x / 17)
    grass = np.random.default_rng(0).normal(0, 18, (400, 600, 1))
    image = np.where(hills[:, :, None], np.array([70, 120, 50]) + grass, image)
    return np.clip(image, 0, 255).astype(np.uint8)


def document() -> Array:
    page = np.full((500, 400, 3), 250, np.uint8)
    for line in range(20):
        cv2.putText(page, "Lorem ipsum dolor sit amet", (30, 40 + 22 * line), 0, 0.6, (20, 20, 20), 1)
    return page


def face() -> Array:
    """An oval of skin with eyes, mouth and hair before a wall."""
    image = np.full((480, 400, 3), (150, 160, 170), np.uint8)
    cv2.ellipse(image, (200, 190), (135, 160), 0, 0, 360, (60, 40, 30), -1)
    cv2.ellipse(image, (200, 240), (110, 150), 0, 0, 360, (215, 165, 140), -1)
    for x in (155, 245):
        cv2.ellipse(image, (x, 210), (20, 10), 0, 0, 360, (250, 250, 250), -1)
        cv2.circle(image, (x, 210), 9, (50, 40, 30), -1)
    cv2.ellipse(image, (200, 320), (40, 12), 0, 0, 360, (180, 70, 80), -1)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 2), np.uint8)


def shape_on_black(draw: str) -> Array:
    image = np.zeros((400, 500, 3), np.uint8)
    if draw == "square":
        image[80:320, 100:400] = 160, 70, 40
    elif draw == "triangle":
        cv2.fillPoly(image, [np.array([[250, 30], [60, 370], [440, 370]])], (160, 70, 40))
    elif draw == "ellipse":
        cv2.ellipse(image, (250, 200), (220, 120), 0, 0, 360, (160, 70, 40), -1)
    else:
        cv2.circle(image, (250, 200), 150, (30, 90, 220), -1)
    return image


RANDOM = np.random.default_rng(0)
NOT_FUNDUS = {
    "black": np.zeros((300, 400, 3), np.uint8),
    "grey": np.full((300, 400), 128, np.uint8),
    "white": np.full((300, 400, 3), 255, np.uint8),
    "retina's colour": np.full((300, 400, 3), (160, 80, 40), np.uint8),
    "noise": RANDOM.integers(0, 256, (300, 400, 3), np.uint8),
    "sixteen-bit noise": RANDOM.integers(0, 65536, (300, 400), np.uint16),
    "ramp": np.tile(np.linspace(0, 255, 500).astype(np.uint8), (400, 1)),
    "ramp of a retina's colour": (
        np.linspace(0.3, 1, 500)[None, :, None] * np.ones((400, 1, 1)) * (200, 100, 60)
    ).astype(np.uint8),
    "checkerboard": np.kron(np.indices((8, 8)).sum(0) % 2, np.full((50, 50), 255)).astype(np.uint8),
    "landscape": landscape(),
    "document": document(),
    "face": face(),
    "square": shape_on_black("square"),
    "triangle": shape_on_black("triangle"),
    "ellipse": shape_on_black("ellipse"),
    "blue disc": shape_on_black("blue disc"),
    "red disc on white": 255 - shape_on_black("blue disc"),
    "portrait": skimage.data.astronaut(),
    "coffee": skimage.data.coffee(),
    "cat": skimage.data.chelsea(),
    "coins": skimage.data.coins(),
    "moon": skimage.data.moon(),
    "page": skimage.data.page(),
    "grey retina without a rim": skimage.data.retina()[500:900, 500:900, 1],
}


@pytest.mark.parametrize("name", NOT_FUNDUS)
def test_refuses_what_is_no_fundus_photograph(name: str) -> None:
    with pytest.raises(NotFundusError) as caught:
        find_fov(NOT_FUNDUS[name])
    assert len(caught.value.reason) > 10


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((300, 300, 3), np.float32),
        np.zeros((300, 300, 4), np.uint8),
        np.zeros((300, 300, 1), np.uint8),
        np.zeros(300, np.uint8),
        np.zeros((2, 300, 300, 3), np.uint8),
        np.zeros((20, 300), np.uint8),
        np.zeros((0, 0), np.uint8),
    ],
)
def test_refuses_what_is_no_picture(image: Array) -> None:
    with pytest.raises(UsageError, match="photograph is"):
        find_fov(image)
