"""Drawn photographs to learn from: in memory, and as files with a manifest."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from cofenet.engine.card import Data
from cofenet.geometry import Circle
from cofenet.io import Photograph, write_photograph
from cofenet.networks.detail import Detail
from cofenet.networks.field import IlluminationField
from cofenet.training.export import light
from cofenet.training.labelled import Labelled
from cofenet.training.onnx_file import write
from cofenet.training.photographs import Photographs
from cofenet.training.recipe import Recipe

DATA = (Data(source="meadow", photographs=3, terms="Ask the shepherd."),)
COLUMNS = ("path", "split", "source", "task", "label")


@pytest.fixture
def one_thread() -> object:
    """The same number of threads in every process, so that sums are added in the same order."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def photographs(draw: Callable[..., np.ndarray]) -> Photographs:
    """Three photographs of 64 pixels."""
    mask = Circle(32, 32, 32).mask((64, 64))
    images = np.stack([draw(seed, 72, 72)[4:-4, 4:-4] * mask[..., None] for seed in range(3)])
    return Photographs(images, np.stack([mask] * 3), tuple(Path(f"{number}.png") for number in range(3)))


@pytest.fixture
def labelled(photographs: Photographs) -> Labelled:
    """The same three with a disc on the right and a cup in it, drawn by hand."""
    labels = np.zeros((3, 64, 64, 2), np.uint8)
    labels[:, 24:40, 40:56, 0], labels[:, 28:36, 44:52, 1] = 255, 255
    known = np.array([[True, True], [True, True], [True, False]])
    taught = np.zeros(3, np.bool_)
    return Labelled(photographs.images, photographs.masks, labels, known, taught, photographs.paths)


@pytest.fixture(scope="session")
def labelled_manifest(draw: Callable[..., np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs whose structures were drawn: vessels of ten patients, discs and cups of others."""
    folder = tmp_path_factory.mktemp("labelled")
    for seed in range(5):
        write_photograph(folder / f"{seed}.png", Photograph(draw(seed, 128, 144)))
    plane = np.zeros((128, 144), np.uint8)
    for name, value in (("vessels", 255), ("disc", 255), ("disc_cup", 127)):
        label = plane.copy()
        label[54:74, 90:110] = value
        if name == "disc_cup":
            label[60:68, 96:104] = 254
        write_photograph(folder / f"{name}.png", Photograph(np.dstack([label] * 3)))
    rows = [
        *((f"{n % 5}.png", "train", "vessels", "vessels.png", f"p{n}", "", "") for n in range(5)),
        ("3.png", "test", "vessels", "vessels.png", "p9", "", ""),
        ("0.png", "train", "disc", "disc.png", "a", "", ""),
        ("0.png", "train", "disc_cup", "disc_cup.png", "a", "", ""),
        ("1.png", "train", "disc_cup", "disc_cup.png", "b", "", ""),
        ("2.png", "train", "lesions", "none.png", "c", "100", "64"),
        ("4.png", "val", "disc", "disc.png", "d", "", ""),
    ]
    header = (*COLUMNS, "patient", "disc_x", "disc_y")
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        lines = [(path, split, "meadow", task, label, *rest) for path, split, task, label, *rest in rows]
        csv.writer(file).writerows([header, *lines])
    return folder / "manifest.csv"


@pytest.fixture(scope="session")
def manifest(draw: Callable[..., np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs of two sources as PNG, with their manifest."""
    folder = tmp_path_factory.mktemp("photographs")
    rows = [
        ("a.png", "train", "meadow", "clean", "chosen"),
        ("b.png", "train", "meadow", "clean", "graded"),
        ("c.png", "train", "harbour", "clean", "chosen"),
        ("d.png", "train", "harbour", "quality", "0"),
        ("e.png", "train", "harbour", "quality", "2"),
        ("f.png", "val", "meadow", "clean", "chosen"),
        ("g.png", "test", "meadow", "clean", "chosen"),
    ]
    for seed, (name, *_) in enumerate(rows):
        write_photograph(folder / name, Photograph(draw(seed, 128, 144)))
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    return folder / "manifest.csv"


@pytest.fixture
def recipes() -> dict[str, Recipe]:
    """A small recipe for each network."""
    common = {
        "canvas": 64, "size": 32, "batch": 2, "steps": 6, "warmup": 2, "averaging": 0.5, "validate_every": 2, "seed": 3,
        "mixture": {"kinds": {"111": 0.5, "000": 0.2, "110": 0.3}, "partial": 0.5, "recolor": 0.5, "cut": 0.5},
    }  # fmt: skip
    segmentation = common | {"losses": {"cross_entropy": 1, "overlap": 1}, "sources": [{"tasks": ["vessels"]}]}
    graded = {"losses": {"grade": 1, "severity": 1}, "sources": [{"tasks": ["quality", "clean"]}]}
    whole = segmentation | {"sources": [{"tasks": ["disc", "disc_cup", "lesions"]}], "widths": [4, 4, 6]}
    reference = {"network": "reference", "canvas": 192, "size": 192, "reference": {"width": 2}, "steps": 4}
    return {
        "reference": Recipe.model_validate(
            common | reference | {"losses": {"absolute": 1, "disc": 10, "vessels": 0.1, "activation": 0.1}}
        ),
        "quality": Recipe.model_validate(common | graded | {"network": "quality"}),
        "vessels": Recipe.model_validate(segmentation | {"network": "vessels", "widths": [4, 4], "patches": 2}),
        "disc-finder": Recipe.model_validate(whole | {"network": "disc-finder"}),
        "disc": Recipe.model_validate(whole | {"network": "disc"}),
        "field": Recipe.model_validate(
            {"network": "field", "widths": [4, 4, 6, 6], "losses": {"absolute": 1, "structure": 0.1}} | common
        ),
        "sharpening": Recipe.model_validate(
            common
            | {
                "network": "sharpening",
                "widths": [4],
                "size": 64,
                "patches": 2,
                "losses": {"absolute": 1, "gradient": 1},
            }
            | {"mixture": {"kinds": {"111": 1}, "presets": {"clinical": 1}}}  # published blur is too narrow to be seen
        ),
        "fine": Recipe.model_validate(
            {"network": "fine", "widths": [4, 1], "patches": 2, "losses": {"absolute": 1, "contrast": 0.01}} | common
        ),
        "coarse": Recipe.model_validate(
            {"network": "coarse", "widths": [4, 1], "patches": 2, "losses": {"absolute": 1, "contrast": 0.01}} | common
        ),
        "detail": Recipe.model_validate(
            {"network": "detail", "widths": [4, 4, 6], "patches": 2, "losses": {"absolute": 1, "activation": 0.1}}
            | common
        ),
    }


def networks(seed: int = 0) -> tuple[IlluminationField, Detail]:
    """Small networks that say something."""
    torch.manual_seed(seed)
    field, detail = IlluminationField((4, 4, 6, 6)), Detail((4, 4, 6))
    for head in (field.head, detail.head):
        torch.nn.init.normal_(head.weight, std=0.1)
    return field.eval(), detail.eval()


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weights of `networks()`."""
    path = tmp_path_factory.mktemp("export") / "light.onnx"
    write(light(*networks(), size=64), path, DATA, {"field_recipe": "mine", "field_steps": 6})
    return path


@pytest.fixture
def no_export(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let PyTorch's exporter, which takes seconds, give the weights of `networks()` for any network."""
    monkeypatch.setattr(torch.onnx, "export", lambda network, example, path, **options: shutil.copy(exported, path))
