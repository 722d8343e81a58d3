"""The field of view of drawn photographs, of which the truth is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cofenet.fov import FieldOfView, find_fov
from cofenet.geometry import Circle
from cofenet.io import read_photograph

SAMPLES = Path(__file__).parents[2] / "samples"
Array = NDArray[np.generic]


class Drawing:
    """A fundus photograph, 0 to 1, with its true circle and mask; each method changes it and returns it."""

    def __init__(self, height: int = 480, width: int = 600, circle: Circle | None = None) -> None:
        self.circle = circle or Circle(width / 2 + 3.3, height / 2 - 2.6, 0.45 * min(height, width))
        self.shape = height, width
        self.coverage = np.clip(self.circle.radius - self.circle.distance(self.shape) + 0.5, 0, 1)
        self.retina = self._retina()
        self.border = np.zeros((height, width, 3), np.float32)
        self.noise = np.random.default_rng(1).standard_normal((height, width, 3), np.float32)

    def _retina(self) -> NDArray[np.float32]:
        """Shading, optic disc, fovea and vessels, in units of the radius."""
        x = (np.arange(self.shape[1], dtype=np.float32)[None, :] + 0.5 - self.circle.x) / self.circle.radius
        y = (np.arange(self.shape[0], dtype=np.float32)[:, None] + 0.5 - self.circle.y) / self.circle.radius
        light = 0.75 - 0.15 * (x**2 + y**2) + 0.05 * x
        light = light - 0.2 * np.exp(-((x + 0.1) ** 2 + y**2) / 0.02)
        disc = np.exp(-((((x - 0.5) / 0.12) ** 2 + ((y + 0.02) / 0.14) ** 2) ** 3))
        vessels = np.zeros(self.shape, np.float32)
        for bend, side in ((0.9, 1), (0.5, 1), (0.9, -1), (0.6, -1)):
            path = side * bend * np.sqrt(np.abs(0.5 - x) * 0.6)
            vessels = np.maximum(vessels, np.exp(-(((y - path) / 0.018) ** 2)))
        colour = np.stack([light, 0.5 * light, 0.25 * light], axis=2)
        colour = colour * (1 - np.float32([0.15, 0.35, 0.3]) * vessels[:, :, None])
        return np.clip(colour + disc[:, :, None] * np.float32([0.2, 0.4, 0.3]), 0, 1)

    def cut(self, *angles: float, at: float = 0.8) -> Drawing:
        """Cut away what lies further than `at` radii from the centre in the directions `angles` (degrees)."""
        y, x = np.arange(self.shape[0])[:, None] + 0.5, np.arange(self.shape[1])[None, :] + 0.5
        for angle in np.deg2rad(angles):
            out = np.cos(angle) * (x - self.circle.x) + np.sin(angle) * (y - self.circle.y)
            self.coverage = self.coverage * np.clip(at * self.circle.radius - out + 0.5, 0, 1)
        return self

    def on_film(self, level: float, to: float = 0.9) -> Drawing:
        """A strip of grey film below, inside the circle, between a cut and `to` radii from the centre."""
        y = (np.arange(self.shape[0])[:, None] + 0.5 - self.circle.y) / self.circle.radius
        strip = (self.circle.distance(self.shape) < self.circle.radius) & (y < to)
        self.border[strip] = level
        return self

    def shaded(self, strength: float) -> Drawing:
        """Let the retina darken to the right."""
        x = (np.arange(self.shape[1])[None, :, None] - self.circle.x) / self.circle.radius
        self.retina = self.retina * np.clip(0.5 - 0.5 * strength * x, 0.08, 1)
        return self

    def dimmed(self, factor: float) -> Drawing:
        """Underexpose."""
        self.retina = self.retina * factor
        return self

    def bordered(self, level: float, noise: float = 0.0, slope: float = 0.0) -> Drawing:
        """A grey border, noisy or brighter towards the bottom."""
        ramp = slope * np.linspace(0, 1, self.shape[0])[:, None, None]
        self.border = self.border + level + ramp + noise * self.noise
        return self

    def stamped(self) -> Drawing:
        """A date in a corner, and a letter at the rim."""
        canvas = np.zeros((*self.shape, 3), np.uint8)
        cv2.putText(canvas, "12/03/2019 OD", (8, self.shape[0] - 10), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255,) * 3, 2)
        cv2.putText(canvas, "R", (round(self.circle.x + 0.75 * self.circle.radius), 60), 0, 1.0, (255,) * 3, 2)
        self.border = np.maximum(self.border, canvas / 255)
        return self

    def marked(self, inwards: bool) -> Drawing:
        """A square marker at the upper right rim: a tab outside the circle, or a notch in it."""
        away = self.circle.radius * (0.97 if inwards else 1.02) / np.sqrt(2)
        size = 0.035 * self.circle.radius
        left, top = self.circle.x + away, self.circle.y - away
        box = slice(round(top - size), round(top + size)), slice(round(left - size), round(left + size))
        self.notch = box
        if inwards:
            self.border[box] = 0
            self.retina[box] = 0
        else:
            self.border[box] = self.retina[round(top + 4 * size), round(left - 4 * size)]
        return self

    def image(self, top: int = 255, dtype: type = np.uint8) -> Array:
        """The picture, (H, W, 3) of `dtype`, 1 becoming `top`; with a little noise."""
        cover = self.coverage[:, :, None]
        mixed = cover * self.retina + (1 - cover) * self.border + 0.004 * self.noise
        return np.rint(np.clip(mixed, 0, 1) * top).astype(dtype)

    @property
    def mask(self) -> NDArray[np.bool_]:
        return self.coverage > 0.5


def overlap(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return float((found & truth).sum() / (found | truth).sum())


def assert_finds(found: FieldOfView, drawing: Drawing, iou: float = 0.97) -> None:
    assert found.mask.shape == drawing.shape
    assert found.mask.dtype == np.bool_
    assert overlap(found.mask, drawing.mask) >= iou
    truth, limit = drawing.circle, 0.015 * drawing.circle.diameter
    assert abs(found.circle.x - truth.x) <= limit
    assert abs(found.circle.y - truth.y) <= limit
    assert abs(found.circle.diameter - truth.diameter) <= limit
    assert 0 < found.confidence <= 1


def inside_frame(radius: float) -> Drawing:
    """Only the corners of the picture lie outside the circle."""
    return Drawing(400, 400, Circle(203, 198, radius))


CASES = {
    "plain": Drawing,
    "cut at top alone": lambda: Drawing().cut(-90, at=0.7),
    "cut, and film beyond": lambda: Drawing().cut(90, -90).on_film(0.12),
    "tilted cuts": lambda: Drawing().cut(75, -105),
    "tilted square": lambda: Drawing().cut(8, 98, 188, 278, at=0.88),
    "cut by the frame at top and bottom": lambda: Drawing(360, 600, Circle(290, 183, 260)),
    "cut by the frame on one side": lambda: Drawing(480, 500, Circle(180, 240, 225)),
    "cut by the frame on all sides": lambda: inside_frame(238),
    "tips of the corners outside": lambda: inside_frame(258),
    "notch": lambda: Drawing().marked(inwards=True),
    "tab": lambda: Drawing().marked(inwards=False),
    "tab and cuts": lambda: Drawing().cut(90, -90).marked(inwards=False),
    "dark": lambda: Drawing().dimmed(0.05),
    "dark and cut": lambda: Drawing().cut(90, -90).dimmed(0.08),
    "dark on one side": lambda: Drawing().shaded(1.0),
    "dark on one side and cut": lambda: Drawing().cut(90, -90).shaded(1.0),
    "grey border": lambda: Drawing().bordered(0.25),
    "noisy border": lambda: Drawing().bordered(0.08, noise=0.03),
    "grey noisy border and cuts": lambda: Drawing().cut(90, -90).bordered(0.2, noise=0.03),
    "uneven border": lambda: Drawing().bordered(0.03, slope=0.08),
    "date stamp": lambda: Drawing().stamped(),
    "date stamp and cuts": lambda: Drawing().cut(90, -90).stamped(),
    "small in its frame": lambda: Drawing(480, 700, Circle(300, 200, 130)),
}


@pytest.mark.parametrize("case", CASES)
def test_drawn_photograph(case: str) -> None:
    drawing = CASES[case]()
    assert_finds(find_fov(drawing.image()), drawing)


def test_clear_photograph_is_sure() -> None:
    assert find_fov(Drawing().image()).confidence > 0.9
    assert find_fov(Drawing().cut(90, -90).image()).confidence > 0.9


def test_confidence_falls_when_rim_is_lost() -> None:
    assert find_fov(inside_frame(258).image()).confidence < 0.7 * find_fov(inside_frame(225).image()).confidence


def test_drawing_is_exact() -> None:
    drawing = Drawing().cut(90, -90)
    assert_finds(find_fov(drawing.image()), drawing, iou=0.993)


def test_mask_stays_off_the_black_border() -> None:
    drawing = Drawing().cut(90, -90)
    found = find_fov(drawing.image()).mask
    grown = cv2.dilate(drawing.mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    assert not (found & ~grown).any()


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_sixteen_bit(bits: int) -> None:
    drawing = Drawing().cut(90, -90)
    assert_finds(find_fov(drawing.image(2**bits - 1, np.uint16)), drawing)


@pytest.mark.parametrize("layers", [0, 3])
def test_grey_levels(layers: int) -> None:
    drawing = Drawing().cut(90)
    grey = drawing.image()[:, :, 1]
    assert_finds(find_fov(grey if layers == 0 else np.dstack([grey] * layers)), drawing)


def test_green_alone() -> None:
    drawing = Drawing()
    image = drawing.image()
    image[:, :, [0, 2]] = 0
    assert_finds(find_fov(image), drawing)


@pytest.mark.parametrize("size", [100, 200, 350, 700, 1100, 2000])
def test_any_size(size: int) -> None:
    unit = Circle(0.51 * size, 0.49 * size, 0.44 * size)
    drawing = Drawing(size, round(1.1 * size), unit).cut(90, -90)
    found = find_fov(drawing.image())
    assert_finds(found, drawing)
    assert found.confidence > 0.8


def test_mask_is_convex_and_in_one_piece() -> None:
    mask = find_fov(Drawing().cut(75, -105).stamped().image()).mask.astype(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    assert len(contours) == 1
    hull = cv2.convexHull(contours[0])
    assert cv2.contourArea(contours[0]) > 0.995 * cv2.contourArea(hull)


@given(dx=st.integers(-40, 40), dy=st.integers(-15, 15))
@settings(max_examples=8, deadline=None)
def test_moves_with_the_picture(dx: int, dy: int) -> None:
    drawing = Drawing(300, 380, Circle(190.4 + dx, 150.3 + dy, 130)).cut(90, -90, at=0.85)
    still = Drawing(300, 380, Circle(190.4, 150.3, 130)).cut(90, -90, at=0.85)
    moved, unmoved = find_fov(drawing.image()), find_fov(still.image())
    assert abs(moved.circle.x - unmoved.circle.x - dx) < 0.8
    assert abs(moved.circle.y - unmoved.circle.y - dy) < 0.8
    assert overlap(np.roll(unmoved.mask, (dy, dx), (0, 1)), moved.mask) > 0.985


@given(
    turns=st.integers(0, 3), flip=st.booleans(), case=st.sampled_from(["plain", "tilted cuts", "date stamp and cuts"])
)
@settings(max_examples=8, deadline=None)
def test_turns_with_the_picture(turns: int, flip: bool, case: str) -> None:
    image = CASES[case]().image()
    turned = np.rot90(image[:, ::-1] if flip else image, turns)
    mask = find_fov(image).mask
    expected = np.rot90(mask[:, ::-1] if flip else mask, turns)
    found = find_fov(turned)
    assert overlap(found.mask, expected) > 0.985
    assert abs(found.circle.radius - find_fov(image).circle.radius) < 1.0


def test_input_is_left_alone_and_may_be_read_only() -> None:
    image = Drawing().image()
    before = image.copy()
    image.flags.writeable = False
    first, second = find_fov(image), find_fov(image)
    np.testing.assert_array_equal(image, before)
    assert first.circle == second.circle


def test_real_retina() -> None:
    image = skimage.data.retina()
    found = find_fov(image)
    assert found.confidence > 0.8
    visible = cv2.GaussianBlur(image.max(axis=2), (0, 0), 3) > 25
    assert overlap(found.mask, visible) > 0.97


@pytest.mark.parametrize("name", ["hrf_03_g", "hrf_03_h", "hrf_06_dr", "hrf_06_h", "retina"])
def test_a_rim_in_the_dark_is_not_cut_away(name: str) -> None:
    good, low = (find_fov(read_photograph(SAMPLES / kind / f"{name}.jpg").pixels) for kind in ("good", "low-quality"))
    assert overlap(low.mask, good.mask) > 0.995


def test_frame_filled_by_retina_is_doubted() -> None:
    drawing = Drawing(400, 500, Circle(240, 210, 700))
    found = find_fov(drawing.image())
    assert found.mask.all()
    assert found.confidence <= 0.3
    assert found.circle.radius == pytest.approx(np.hypot(400, 500) / 2)


def test_a_pale_close_up_of_vessels_is_retina() -> None:
    retina = skimage.data.retina()[400:1000, 400:1000].astype(float)
    pale = 0.35 * retina + 0.65 * retina.mean(axis=2, keepdims=True)
    assert find_fov(pale.astype(np.uint8)).mask.all()


def test_result_is_frozen() -> None:
    found = find_fov(Drawing().image())
    assert replace(found, confidence=0.5).mask is found.mask
    with pytest.raises(AttributeError):
        found.confidence = 1.0  # type: ignore[misc]
