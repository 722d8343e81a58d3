"""Rivals as their makers have them: a folder of pictures, or a programme."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import numpy as np
import pytest

from cofenet.evaluation.outside import Command, Folder, OutsideError
from cofenet.evaluation.photographs import Square
from cofenet.evaluation.scenes import AsItIs, Drawer, Scene
from cofenet.io import Photograph, write_photograph

PYTHON = shlex.quote(sys.executable)
INVERT = """
import sys, cv2
picture, mask = (cv2.imread(name) for name in (sys.argv[1], sys.argv[3]))
cv2.imwrite(sys.argv[2], cv2.copyTo(255 - picture, mask[..., 0], picture.copy()))
"""


@pytest.fixture
def scene(square: Square, tmp_path: Path) -> Scene:
    return next(AsItIs()(square, Drawer(tmp_path)))


def test_a_command(scene: Scene, tmp_path: Path) -> None:
    programme = tmp_path / "with space.py"
    programme.write_text(INVERT)
    out = Command(f"{PYTHON} '{programme}' {{input}} {{output}} {{mask}}")(scene)
    np.testing.assert_array_equal(out, np.where(scene.fov.mask[..., None], 255 - scene.image, scene.image))


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("no-such-programme {input} {output}", "cannot be started: no such file"),
        (f"{PYTHON} -c 'import sys; sys.exit(\"it hurts\")' {{input}} {{output}}", "exit status 1: it hurts"),
        (f"{PYTHON} -c pass {{input}} {{output}}", "wrote no {output}"),
        (f'{PYTHON} -c \'import sys; open(sys.argv[2], "w").write("x")\' {{input}} {{output}}', "output.png"),
    ],
)
def test_a_command_that_fails_says_why(scene: Scene, command: str, told: str) -> None:
    with pytest.raises(OutsideError, match=told):
        Command(command)(scene)


def test_no_shell_runs_it(scene: Scene, tmp_path: Path) -> None:
    with pytest.raises(OutsideError):
        Command(f"{PYTHON} -c pass {{input}} {{output}} ; touch {tmp_path}/touched")(scene)
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize("name", ["real/a.png.png", "real/a.png", "real/a.jpg", "real/a.png.tif"])
def test_a_folder_of_pictures(scene: Scene, tmp_path: Path, name: str) -> None:
    (tmp_path / "real").mkdir()
    written = write_photograph(tmp_path / name, Photograph(255 - scene.image), format="same" if "png" in name[-4:]
                               else "tiff" if "tif" in name else "jpeg")  # fmt: skip
    assert written == tmp_path / name
    out = Folder(tmp_path)(scene)
    assert np.abs(out.astype(int) - (255 - scene.image)).mean() < (5 if "jpg" in name else 1e-9)


def test_pictures_that_are_missing_or_of_another_size(scene: Scene, tmp_path: Path) -> None:
    with pytest.raises(OutsideError, match=r"real/a\.png\.png: missing"):
        Folder(tmp_path)(scene)
    (tmp_path / "real").mkdir()
    write_photograph(tmp_path / "real/a.png.png", Photograph(scene.image[:-1]))
    with pytest.raises(OutsideError, match="176 × 175 instead of 176 × 176 pixels"):
        Folder(tmp_path)(scene)


def test_a_folder_is_another_when_a_picture_changes(scene: Scene, tmp_path: Path) -> None:
    write_photograph(tmp_path / "a.png", Photograph(scene.image))
    before = Folder(tmp_path).identity
    assert Folder(tmp_path).identity == before
    write_photograph(tmp_path / "a.png", Photograph(255 - scene.image))
    assert Folder(tmp_path).identity != before


def test_a_command_is_another_when_its_programme_changes(tmp_path: Path) -> None:
    programme = tmp_path / "mine.py"
    programme.write_text("first")
    command = Command(f"python {shlex.quote(str(programme))} {{input}} {{output}}")
    before = command.identity
    assert command.identity == before
    programme.write_text("second, and longer")
    assert command.identity != before


def test_a_command_that_names_no_file_is_its_words() -> None:
    for template in ("mine {input} {output}", f"python -c '{'x' * 9000}' {{input}} {{output}}"):
        assert Command(template).identity == template
