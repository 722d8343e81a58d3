"""Correct one file: its frames in, corrected frames out."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from cofenet.batch.outcome import Outcome, Pictures, clock, skipped
from cofenet.batch.places import Places
from cofenet.errors import NotFundusError
from cofenet.geometry import resize
from cofenet.io import Photograph, copy_photograph, read_frames, write_frames
from cofenet.provenance import Provenance
from cofenet.tasks.correction import Correction
from cofenet.tasks.correction import correct as correct_array

if TYPE_CHECKING:
    from cofenet.io.deidentify import Deidentifier

Frames = tuple[Photograph, ...]

HOTTEST = 0.25
"""Mean absolute change, of full range, that is white on the sheet's map."""

HEAT = np.asarray(cv2.applyColorMap(np.arange(256, dtype=np.uint8)[None], cv2.COLORMAP_HOT)[..., ::-1], np.uint8)
"""Its colours, uint8 (1, 256, 3), RGB, from no change to `HOTTEST`."""


@dataclass(frozen=True)
class Correct:
    """Correct photographs.

    Attributes:
        places: where results go.
        model: name or path.
        strength: 0 to 1.
        force: whether to correct also what had better stay as it was.
        judged: whether to judge each correction.
        sheet: shown before, after, and where it was changed.
        deidentifier: takes the patient out of DICOM files.
        verdicts: how often each was given so far.
    """

    places: Places
    model: str = "light"
    strength: float = 1.0
    force: bool = False
    judged: bool = True
    sheet: Pictures | None = None
    deidentifier: Deidentifier | None = None
    verdicts: Counter[str] = field(default_factory=Counter)

    def __call__(self, source: Path, target: Path) -> Iterator[Outcome]:
        """Correct all frames of one file."""
        if self.places.passes_over(target):
            yield skipped(source, target)
            return
        seconds = clock()
        frames = read_frames(source)
        read = next(seconds)
        target = self.places.target(source, target, frames[0])
        if self.places.passes_over(target):
            yield skipped(source, target)
            return
        corrections = list(self._corrected(frames))
        worked = next(seconds)
        self.verdicts.update(correction.verdict.status for correction in corrections)
        unchanged = all(correction.verdict.status == "unchanged" for correction in corrections)
        written = self._write(target, frames, corrections, unchanged=unchanged)
        if self.sheet:
            for name, frame, correction in zip(_names(source, frames), frames, corrections, strict=True):
                self.sheet.add(
                    f"{correction.verdict.status}: {name}", frame.pixels, correction.image, _heat(correction)
                )
        told = [_results(correction) for correction in corrections]
        yield Outcome(
            source, "unchanged" if unchanged else "corrected", written,
            seconds={"read": read, "correct": worked, "write": next(seconds)}, notes=_reasons(corrections),
            results=told[0] if len(told) == 1 else {"frames": told}, verdict=_statuses(corrections),
        )  # fmt: skip

    def _corrected(self, frames: Frames) -> Iterator[Correction]:
        for number, frame in enumerate(frames, 1):
            try:
                correction = correct_array(
                    frame.pixels, model=self.model, strength=self.strength, force=self.force, judged=self.judged
                )
            except NotFundusError as error:
                if len(frames) == 1:
                    raise
                raise NotFundusError(f"frame {number}: {error.reason}") from error
            if self.deidentifier:
                made = correction.provenance
                told = replace(made, settings=made.settings | {"deidentify": True})
                correction = replace(correction, provenance=told)
            yield correction

    def _write(self, target: Path, frames: Frames, corrections: list[Correction], *, unchanged: bool) -> Path:
        """Store the result; a photograph that stays as it is keeps its very bytes."""
        if unchanged and not self.deidentifier and self.places.format in ("same", frames[0].format):
            return copy_photograph(target, frames[0])
        results = [replace(frame, pixels=made.image) for frame, made in zip(frames, corrections, strict=True)]
        operation = "deidentify" if unchanged and self.deidentifier else "correct"
        text = _text([replace(correction.provenance, operation=operation) for correction in corrections])
        return write_frames(
            target, results, format=self.places.format, text={"cofenet": text}, deidentifier=self.deidentifier
        )


def _text(made: list[Provenance]) -> str:
    """How the result was made: one line of JSON; of several frames, with what differs between them in a list."""
    if len(made) == 1:
        return made[0].to_json()
    told = [provenance.to_dict() for provenance in made]
    differing = ("circle", "fov_confidence", "crop", "verdict")
    frames = [{key: frame[key] for key in differing} for frame in told]
    shared = {key: value for key, value in told[0].items() if key not in differing}
    return json.dumps(shared | {"frames": frames}, sort_keys=True)


def _results(correction: Correction) -> dict[str, object]:
    return {"verdict": dataclasses.asdict(correction.verdict), "provenance": correction.provenance.to_dict()}


def _names(source: Path, frames: Frames) -> list[str]:
    return [source.name] if len(frames) == 1 else [f"{source.name} {number}" for number in range(1, len(frames) + 1)]


def _statuses(corrections: list[Correction]) -> str:
    """The status, or how many frames got which."""
    counts = Counter(correction.verdict.status for correction in corrections)
    return ", ".join(status if len(corrections) == 1 else f"{number} {status}" for status, number in counts.items())


def _reasons(corrections: list[Correction]) -> tuple[str, ...]:
    if len(corrections) == 1:
        return corrections[0].verdict.reasons
    told = [(number, made.verdict) for number, made in enumerate(corrections, 1)]
    return tuple(
        f"frame {number}: {reason}"
        for number, verdict in told
        for reason in (f"{verdict.status}: {verdict.reasons[0]}", *verdict.reasons[1:])
    )


def _heat(correction: Correction) -> NDArray[np.uint8]:
    """Where the correction changed the photograph: black not at all, white by `HOTTEST` or more; at its place."""
    crop, shape = correction.provenance.crop, correction.fov.mask.shape
    coloured = HEAT[0][np.clip(correction.change / HOTTEST * 255, 0, 255).astype(np.uint8)]
    whole = np.zeros((*shape, 3), np.uint8)
    rows, columns, inner_rows, inner_columns = crop.visible((shape[0], shape[1]))
    whole[rows, columns] = resize(coloured, (crop.side, crop.side))[inner_rows, inner_columns]
    return whole
