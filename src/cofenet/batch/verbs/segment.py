"""Segment one file: a photograph in, masks and measurements out."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cofenet import __version__
from cofenet.batch.outcome import Outcome, Pictures, Rows, clock, skipped
from cofenet.batch.places import Places
from cofenet.engine.card import load_card
from cofenet.io import (
    Metadata,
    Photograph,
    read_photograph,
    write_atomically,
    write_photograph,
    write_segmentation,
)
from cofenet.tasks.overlay import overlay
from cofenet.tasks.segmentation import STRUCTURES, Disc, Measurements, Segmentation, Structure
from cofenet.tasks.segmentation import segment as segment_array

MODELS = {"vessels": ("vessels",), "disc": ("disc-finder", "disc"), "cup": ("disc-finder", "disc")}
"""The networks that find each structure."""


UNCERTAIN = 0.3
"""Confidence in the field of view below which a person should look: `FieldOfView.confidence`."""


def _row(measured: Measurements, confidence: float) -> dict[str, object]:
    """The measurements, flat; those of a disc that was not found are empty."""
    disc = dataclasses.asdict(measured.disc) if measured.disc else {}
    return {
        "vessel_density": measured.vessel_density, "disc_confidence": measured.disc_confidence,
        "disc_x": disc.get("x"), "disc_y": disc.get("y"), "disc_vertical_diameter": disc.get("vertical_diameter"),
        "disc_horizontal_diameter": disc.get("horizontal_diameter"), "cup_to_disc": disc.get("cup_to_disc"),
        "fov_confidence": confidence,
    }  # fmt: skip


@dataclass(frozen=True)
class Segment:
    """Segment photographs.

    Attributes:
        places: where results go.
        structures: which to look for.
        sheet: shown what was found.
        table: given the measurements.
        probabilities: write them, too.
        overlays: write the photographs with what was found.
        dicom: write a DICOM Segmentation of DICOM files, too.
    """

    places: Places
    structures: tuple[Structure, ...] = STRUCTURES
    sheet: Pictures | None = None
    table: Rows | None = None
    probabilities: bool = False
    overlays: bool = False
    dicom: bool = False

    def __call__(self, source: Path, target: Path) -> Iterator[Outcome]:
        """Segment one file."""
        told = _beside(target, "json")
        wanted = [told, *(_beside(target, ending) for ending in self._endings())]
        before = _measured(told) if all(map(self.places.passes_over, wanted)) else None
        if before:
            self._tell(source, *before)
            yield skipped(source, told)
            return
        seconds = clock()
        photograph = read_photograph(source)
        read = next(seconds)
        found = segment_array(photograph.pixels, structures=self.structures)
        worked = next(seconds)
        facts = _facts(found, self.structures)
        self._write(photograph, found, target, {"cofenet": json.dumps(facts)})
        # The measurements come last: where they are, everything is.
        write_atomically(told, (json.dumps(facts, indent=2) + "\n").encode())
        self._tell(source, found.measurements, found.fov.confidence)
        yield Outcome(
            source, "segmented", told, seconds={"read": read, "segment": worked, "write": next(seconds)},
            notes=tuple(_words(found)), results={"measurements": dataclasses.asdict(found.measurements)},
        )  # fmt: skip

    def _tell(self, source: Path, measured: Measurements, confidence: float) -> None:
        if self.table:
            self.table.add(source, _row(measured, confidence))

    def _endings(self) -> Iterator[str]:
        """Of the pictures that are asked for."""
        for name in self.structures:
            yield f"{name}.png"
            if self.probabilities:
                yield f"{name}.probability.png"
        if self.dicom:
            yield "segmentation.dcm"
        if self.overlays:
            yield "overlay.png"

    def _write(self, photograph: Photograph, found: Segmentation, target: Path, text: dict[str, str]) -> None:
        for name, probability in found.probabilities.items():
            mask = getattr(found, name)
            _write_plane(_beside(target, f"{name}.png"), np.where(mask, np.uint8(255), np.uint8(0)), text)
            if self.probabilities:
                levels = np.rint(probability * 65535).astype(np.uint16)
                _write_plane(_beside(target, f"{name}.probability.png"), levels, text)
        if self.dicom:
            masks = {str(name): getattr(found, name) for name in found.probabilities}
            hashes = {name: load_card(MODELS[name][-1]).sha256 for name in masks}
            write_segmentation(_beside(target, "segmentation.dcm"), photograph, masks, hashes, __version__, text)
        if self.overlays or self.sheet:
            drawn = overlay(photograph.pixels, found)
            if self.sheet:
                self.sheet.add(target.name, photograph.pixels, drawn)
            if self.overlays:
                write_photograph(_beside(target, "overlay.png"), Photograph(drawn, photograph.path), text=text)


def _write_plane(path: Path, plane: NDArray[np.uint8] | NDArray[np.uint16], text: dict[str, str]) -> None:
    pixels: NDArray[Any] = np.dstack([plane] * 3)
    write_photograph(path, Photograph(pixels, metadata=Metadata(grey=True)), text=text)


def _measured(told: Path) -> tuple[Measurements, float] | None:
    """Measurements and confidence in the field of view of an earlier run; None if the file does not hold them."""
    try:
        facts = json.loads(told.read_bytes())
        content = facts["measurements"]
        disc = Disc(**content["disc"]) if content["disc"] else None
        return Measurements(content["vessel_density"], content["disc_confidence"], disc), facts["fov_confidence"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _facts(found: Segmentation, structures: tuple[Structure, ...]) -> dict[str, object]:
    models = {name: load_card(name).sha256 for structure in structures for name in MODELS[structure]}
    return {
        "cofenet": __version__, "operation": "segment", "models": models,
        "circle": dataclasses.asdict(found.fov.circle), "fov_confidence": found.fov.confidence,
        "measurements": dataclasses.asdict(found.measurements),
    }  # fmt: skip


def _words(found: Segmentation) -> Iterator[str]:
    """The measurements for a person."""
    measured = found.measurements
    if found.fov.confidence < UNCERTAIN:
        yield f"field of view uncertain ({found.fov.confidence:.2f}): part of a photograph?"
    if measured.vessel_density is not None:
        yield f"vessels {measured.vessel_density:.1%}"
    if measured.disc_confidence is not None and measured.disc is None:
        yield f"disc not found ({measured.disc_confidence:.2f})"
    if measured.disc:
        ratio = measured.disc.cup_to_disc
        yield f"disc at {measured.disc.x:.0f}, {measured.disc.y:.0f}" + (f", cup-to-disc {ratio:.2f}" if ratio else "")


def _beside(target: Path, ending: str) -> Path:
    return target.with_name(f"{target.name}.{ending}")
