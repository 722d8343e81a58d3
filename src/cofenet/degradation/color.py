"""Brightness, contrast and saturation: the photograph's exposure and colour as a whole.

With the luma L = 0.299 R + 0.587 G + 0.114 B and m its mean over the square around the field of view:

    x ← b x;    x ← m + c (x − m);    x ← L + s (x − L)        clipped to [0, 1] after each

Source: the released code of cofe-Net (arXiv 2005.05594), which uses the enhancement operators of Pillow. These cut what
they change to whole grey levels after each step, and round m: three steps lose half a level each, and what the first
cuts off the next two may amplify, so that a replay to 2/255 has to do it too (`levels`).
"""

from __future__ import annotations

from typing import ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from cofenet.degradation.canvas import Canvas, Image, bands
from cofenet.degradation.factor import Factor, Group


class Color(Factor):
    """Change of brightness, contrast and saturation; 1 leaves each as it is.

    `levels`, if given, is the number of steps of grey from 0 to 1 to which each result is cut: 255 as published.
    """

    group: ClassVar[Group] = "illumination"
    factor: Literal["color"] = "color"
    brightness: float = Field(ge=0, le=4)
    contrast: float = Field(ge=0, le=4)
    saturation: float = Field(ge=0, le=4)
    levels: int | None = Field(default=None, ge=1, le=65535)

    @model_serializer(mode="wrap")
    def _without_unset_levels(self, serialize: SerializerFunctionWrapHandler) -> dict[str, object]:
        """Colour that is not cut to levels is stored as it was before there were any."""
        fields: dict[str, object] = serialize(self)
        if self.levels is None:
            fields.pop("levels", None)
        return fields

    def scaled(self, severity: float) -> Color:
        """Bring each factor nearer to 1."""
        return Color(
            brightness=1 + (self.brightness - 1) * severity,
            contrast=1 + (self.contrast - 1) * severity,
            saturation=1 + (self.saturation - 1) * severity,
            levels=self.levels,
        )

    def apply(self, image: Image, canvas: Canvas) -> Image:
        """Apply to a float32 (H, W, 3) square in [0, 1]."""
        if self.levels == _BYTE and all(map(self._cuts, (self.brightness, self.contrast, self.saturation))):
            return self._in_bytes(image, canvas.like(image))
        out, luma, full = canvas.like(image), 0.0, float(self.levels or 1)
        for rows in bands(image):
            band = np.multiply(image[rows], np.float32(self.brightness * full), out=out[rows])
            band += np.float32(self._margin(self.brightness))
            self._settle(band, self.brightness)
            luma += float(_LUMA @ np.asarray(cv2.sumElems(band)[:3]))
        mean = luma / (image.shape[0] * image.shape[1])
        if self.levels is not None:
            mean = round(mean)
        mixing = self._mixing(self._margin(self.saturation))
        for rows in bands(image):
            band = out[rows]
            band *= np.float32(self.contrast)
            band += np.float32((1 - self.contrast) * mean + self._margin(self.contrast))
            self._settle(band, self.contrast)
            mixed = np.asarray(cv2.transform(band, mixing), np.float32)
            self._settle(mixed, self.saturation)
            np.multiply(mixed, np.float32(1 / full), out=band)
        return out

    def _in_bytes(self, image: Image, out: Image) -> Image:
        """The same if every step is cut to bytes, quicker: conversion clips and rounds; contrast is a table."""
        levels = np.empty(image.shape, np.uint8)
        for rows in bands(image):  # rounded half a level lower, which is to cut
            cv2.convertScaleAbs(image[rows], dst=levels[rows], alpha=self.brightness * _BYTE, beta=_MARGIN - 0.5)
        mean = round(float(_LUMA @ np.asarray(cv2.mean(levels)[:3])))
        contrasted = (np.arange(_BYTE + 1) * self.contrast + (1 - self.contrast) * mean + _MARGIN).astype(np.float32)
        self._settle(contrasted, self.contrast)
        for rows in bands(image):
            mixed = np.asarray(cv2.transform(cv2.LUT(levels[rows], contrasted), self._mixing(_MARGIN)), np.float32)
            self._settle(mixed, self.saturation)
            np.multiply(mixed, np.float32(1 / _BYTE), out=out[rows])
        return out

    def _mixing(self, offset: float) -> NDArray[np.float64]:
        """(3, 4), from colours to colours of the saturation asked for, and an offset to each."""
        matrix = self.saturation * np.eye(3) + (1 - self.saturation) * np.tile(_LUMA, (3, 1))
        return np.column_stack([matrix, np.full(3, offset)])

    def _cuts(self, change: float) -> bool:
        """A step that changes nothing cuts nothing either, in Pillow too."""
        return self.levels is not None and change != 1

    def _margin(self, change: float) -> float:
        """Levels by which a value may fall short of a whole one by the errors of arithmetic, and still count as it."""
        return _MARGIN if self._cuts(change) else 0.0

    def _settle(self, band: Image, change: float) -> None:
        """Cut the result of one step, in units of `levels`, to whole ones and clip it; in place."""
        if self._cuts(change):
            np.floor(band, out=band)
        np.clip(band, 0, self.levels or 1, out=band)


_BYTE = 255
"""Levels of a byte."""

_MARGIN = 5e-4
"""Levels that the errors of arithmetic stay below; half of the thousandths in which the luma is counted."""

_LUMA = np.array([0.299, 0.587, 0.114])
"""Weights of red, green and blue in the luma (ITU-R BT.601)."""
