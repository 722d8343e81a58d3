"""Run a protocol: every photograph, every scene, every method; what is done is not done again.

In the output folder: `settings.json`; `parameters/NAME.CONDITION.json`; `rows/NAME.json`, all that was measured of one
photograph, written when it is complete; `sheets/NAME/METHOD.jpg` of the first photographs; and, if asked for, the
pictures that methods are shown, `pictures/CONDITION/NAME.png`.
"""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from cofenet import __version__
from cofenet.engine.card import load_card
from cofenet.errors import CofenetError, PhotographError, UsageError
from cofenet.evaluation.methods import Method, identities
from cofenet.evaluation.photographs import Image, Listed, Square, cut
from cofenet.evaluation.protocols import Protocol
from cofenet.evaluation.scenes import Drawer, Scene
from cofenet.io import Photograph, write_atomically, write_photograph

Row = dict[str, Any]
"""One method on one scene: names, seconds, and figures."""

TRUTH = "truth"
"""The name of the good photograph on a sheet."""


@dataclass(frozen=True)
class Setup:
    """What is run.

    Attributes:
        protocol: which protocol.
        methods: which methods, by name; the first is "input".
        folder: for the results.
        size: pixels of the squares.
        given: a folder of parameters to be used instead of drawing.
        pictures: whether to write the pictures that methods are shown.
        sheets: of how many photographs, the first ones, to keep what methods made of them.
    """

    protocol: Protocol
    methods: Mapping[str, Method]
    folder: Path
    size: int
    given: Path | None = None
    pictures: bool = False
    sheets: int = 4

    def settings(self) -> dict[str, object]:
        """All that figures depend on but photographs and methods."""
        judges = {name: load_card(name).sha256[:16] for name in ("vessels", "disc-finder", "disc", "quality")}
        return {
            "protocol": self.protocol.name, "scenes": repr(self.protocol.scenes), "size": self.size,
            "parameters": str(self.given or "drawn"), "cofenet": __version__, "judges": judges,
        }  # fmt: skip


@dataclass
class Record:
    """What is known of one photograph.

    Attributes:
        name: of the photograph.
        stamp: of its files, when it was measured.
        methods: the identity of each method that was measured.
        rows: one for each scene and method.
        failures: what could not be done: {"photograph", "condition", "method", "reason"}.
    """

    name: str
    stamp: list[list[object]]
    methods: dict[str, str] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    failures: list[dict[str, str]] = field(default_factory=list)


def prepare(setup: Setup) -> None:
    """Make the folder, and refuse one with results of other settings.

    Raises:
        UsageError: its settings are others, or cannot be read.
        UnwritableError: it cannot be written.
    """
    file, ours = setup.folder / "settings.json", setup.settings()
    if file.exists():
        try:
            theirs = json.loads(file.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise UsageError(f"{file}: cannot be read: {error}") from error
        if different := [name for name in ours if theirs.get(name) != ours[name]]:
            name = different[0]
            raise UsageError(
                f"{setup.folder}: holds results of other settings: {name} was {theirs.get(name)}, now {ours[name]}; "
                "choose another folder"
            )
    write_atomically(file, (json.dumps(ours, indent=2) + "\n").encode())


def run(setup: Setup, photographs: Sequence[Listed], processes: int = 1) -> Iterator[Record]:
    """Measure every photograph, in order; those that were measured before are read.

    Raises:
        UsageError: see `prepare`.
    """
    prepare(setup)
    wanted = identities(setup.methods)
    work = partial(_record, setup, wanted)
    numbered = list(enumerate(photographs))
    if processes == 1:
        yield from map(work, numbered)
        return
    # Processes that are forked may hang in OpenCV's and onnxruntime's threads.
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), initializer=_alone) as pool:
        try:
            yield from pool.map(work, numbered)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _alone() -> None:
    cv2.setNumThreads(1)


def _record(setup: Setup, wanted: Mapping[str, str], numbered: tuple[int, Listed]) -> Record:
    number, one = numbered
    with_sheet = number < setup.sheets
    old = _known(setup, one)
    missing = [
        name for name in wanted if old.methods.get(name) != wanted[name] or not _kept(setup, one, name, with_sheet)
    ]
    if missing or setup.pictures:
        new = _measured(setup, one, missing, with_sheet)
        rows = [row for row in old.rows if row["method"] not in missing] + new.rows
        failed = {failure["method"] for failure in new.failures}
        done = {name: identity for name, identity in old.methods.items() if name not in missing}
        done |= {name: wanted[name] for name in missing if name not in failed and "" not in failed}
        old = Record(one.name, one.stamp(), done, rows, new.failures)
        if not failed >= {""}:
            stored = json.dumps(old.__dict__ | {"failures": []}, indent=1)
            write_atomically(_file(setup, one), stored.encode())
    rows = [row for row in old.rows if row["method"] in wanted]
    return Record(one.name, old.stamp, old.methods, rows, old.failures)


def _known(setup: Setup, one: Listed) -> Record:
    """What an earlier run left, unless the photograph was changed since."""
    file = _file(setup, one)
    if file.exists():
        try:
            stored = Record(**json.loads(file.read_text("utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise UsageError(f"{file}: damaged; remove it: {error}") from error
        if stored.stamp == one.stamp():
            return stored
    return Record(one.name, [])


def _measured(setup: Setup, one: Listed, names: Sequence[str], with_sheet: bool) -> Record:
    record = Record(one.name, [])
    try:
        square = cut(one, setup.size)
        for place, scene in enumerate(setup.protocol.scenes(square, Drawer(setup.folder / "parameters", setup.given))):
            if setup.pictures:
                write_photograph(setup.folder / "pictures" / scene.place, Photograph(scene.image))
            if with_sheet and place == 0 and scene.truth is not None:
                _write_tile(setup, one, TRUTH, scene.truth)
            for name in names:
                _add(record, setup, one, square, scene, name, with_sheet=with_sheet and place == 0)
    except CofenetError as error:
        told = error.at(one.path) if isinstance(error, PhotographError) and not error.path else error
        return Record(one.name, [], failures=[_failure(one, "", "", str(told))])
    return record


def _add(
    record: Record, setup: Setup, one: Listed, square: Square, scene: Scene, name: str, *, with_sheet: bool
) -> None:
    started = time.perf_counter()
    try:
        image = setup.methods[name](scene)
    except CofenetError as error:
        record.failures.append(_failure(one, scene.condition, name, str(error)))
        return
    seconds = time.perf_counter() - started
    if with_sheet:
        _write_tile(setup, one, name, image)
    figures = {key: round(value, 6) for key, value in setup.protocol.measure(square, scene, image).items()}
    record.rows.append(
        {
            "photograph": one.name, "source": one.source, "patient": one.patient, "family": scene.family,
            "condition": scene.condition, "level": scene.level, "method": name, "seconds": round(seconds, 4),
        }
        | figures
    )  # fmt: skip


def _failure(one: Listed, condition: str, method: str, reason: str) -> dict[str, str]:
    return {"photograph": one.name, "condition": condition, "method": method, "reason": reason}


def _file(setup: Setup, one: Listed) -> Path:
    return setup.folder / "rows" / f"{one.name}.json"


def tile(folder: Path, name: str, method: str) -> Path:
    """Where what a method made of a photograph is kept for the sheets."""
    return folder / "sheets" / name / f"{method}.jpg"


def _kept(setup: Setup, one: Listed, method: str, with_sheet: bool) -> bool:
    return not with_sheet or tile(setup.folder, one.name, method).exists()


def _write_tile(setup: Setup, one: Listed, method: str, image: Image) -> None:
    encoded = cv2.imencode(".jpg", np.ascontiguousarray(image[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 88])[1]
    write_atomically(tile(setup.folder, one.name, method), encoded.tobytes())
