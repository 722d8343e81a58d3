"""Methods from outside: pictures that somebody made, and commands that make one."""

from __future__ import annotations

import hashlib
import shlex
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cofenet.errors import CofenetError, PhotographError, UsageError
from cofenet.evaluation.scenes import Scene
from cofenet.io import SUFFIXES, Photograph, eight_bits, read_photograph, write_photograph

Image = NDArray[np.uint8]

_PATIENCE = 600
"""Seconds after which a command is given up."""

_TOLD = 200
"""Letters of what a command that failed said last."""


class OutsideError(CofenetError):
    """A method from outside gave no picture, or one that is none."""


@dataclass(frozen=True)
class Folder:
    """Pictures made elsewhere, of the pictures that `--pictures` writes: CONDITION/NAME.png, or with another ending."""

    folder: Path

    def __call__(self, scene: Scene) -> Image:
        """Read the picture of that scene.

        Raises:
            OutsideError: it is missing, cannot be read, or has another size.
        """
        exact = self.folder / scene.place
        stems = (exact, exact.with_suffix(""), exact.with_suffix("").with_suffix(""))
        for stem in stems:
            for file in (stem, *(stem.with_name(f"{stem.name}{suffix}") for suffix in sorted(SUFFIXES))):
                if file.is_file():
                    return _read(file, scene)
        raise OutsideError(f"{exact}: missing")

    @property
    def identity(self) -> str:
        """Names, sizes and times of all its files."""
        return f"{self.folder} {_stamp(file for file in sorted(self.folder.rglob('*')) if file.is_file())}"


@dataclass(frozen=True)
class Command:
    """A command that reads the PNG {input} and writes the picture {output}, a PNG, too; {mask} is the field of view.

    Its words are split as a shell would, but no shell runs it. Its time is that of the whole process.
    """

    template: str

    def __post_init__(self) -> None:
        """Refuse what cannot work.

        Raises:
            UsageError: {input} or {output} is missing, or a quotation mark.
        """
        if missing := [name for name in ("{input}", "{output}") if name not in self.template]:
            raise UsageError(f"{self.template}: the command needs {' and '.join(missing)}")
        try:
            shlex.split(self.template)
        except ValueError as error:
            raise UsageError(f"{self.template}: {str(error).lower()}") from error

    def __call__(self, scene: Scene) -> Image:
        """Run it.

        Raises:
            OutsideError: it cannot be started, fails, takes too long, or writes no picture of that size.
        """
        with tempfile.TemporaryDirectory(prefix="cofenet-") as folder:
            files = {name: Path(folder) / f"{name}.png" for name in ("input", "mask", "output")}
            mask = np.dstack([scene.fov.mask.astype(np.uint8) * np.uint8(255)] * 3)
            for name, pixels in (("input", scene.image), ("mask", mask)):
                write_photograph(files[name], Photograph(pixels))
            words = shlex.split(self.template)
            for name, file in files.items():
                words = [word.replace(f"{{{name}}}", str(file)) for word in words]
            _run(words)
            if not files["output"].is_file():
                raise OutsideError(f"{words[0]}: wrote no {{output}}")
            return _read(files["output"], scene)

    @property
    def identity(self) -> str:
        """The command, with sizes and times of the files that it names, such as a script or weights."""
        named = [Path(word) for word in shlex.split(self.template) if _is_file(word)]
        return f"{self.template} {_stamp(named)}" if named else self.template


def _is_file(word: str) -> bool:
    try:
        return Path(word).is_file()
    except OSError:  # too long for a name: a programme in quotation marks
        return False


def _stamp(files: Iterable[Path]) -> str:
    told = hashlib.sha256()
    for file in files:
        status = file.stat()
        told.update(f"{file} {status.st_size} {status.st_mtime_ns}\n".encode())
    return told.hexdigest()[:16]


def _run(words: list[str]) -> None:
    try:
        done = subprocess.run(words, check=False, capture_output=True, stdin=subprocess.DEVNULL, timeout=_PATIENCE)
    except OSError as error:
        raise OutsideError(f"{words[0]}: cannot be started: {(error.strerror or str(error)).lower()}") from error
    except subprocess.TimeoutExpired as error:
        raise OutsideError(f"{words[0]}: not done after {_PATIENCE} seconds") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise OutsideError(f"{words[0]}: exit status {done.returncode}" + (f": {said[-1][:_TOLD]}" if said else ""))


def _read(file: Path, scene: Scene) -> Image:
    try:
        pixels = read_photograph(file).pixels
    except PhotographError as error:
        raise OutsideError(str(error)) from error
    if pixels.shape != scene.image.shape:
        sizes = " instead of ".join(f"{shape[1]} × {shape[0]}" for shape in (pixels.shape, scene.image.shape))
        raise OutsideError(f"{file}: is {sizes} pixels")
    return eight_bits(pixels)
