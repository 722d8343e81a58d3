"""A run's folder: all that a training leaves behind, and all that going on with it or exporting it needs.

- `checkpoint.pt`: network, average, optimizer and step;
- `recipe.json`: the recipe, as it was understood; `presets`: those of its presets that are files;
- `sources.json`: how many photographs were learned from, by source;
- `begun-with.json`: where it began with an exported model, that model's card;
- `environment.json`: the versions and the kind of machine that it was made with, each from its first step on;
- `photographs.csv`: where a folder was given instead of a manifest, what was found in it;
- `log.csv`: a row a validation; `tensorboard`: the same for TensorBoard, where that is installed;
- `samples.png`: for networks that restore, photographs of the last validation: given, restored, truth;
- `<name of the folder>.onnx` and `.json`: at the end, the network and its card, if it makes a model alone.
"""

from __future__ import annotations

import csv
import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from cofenet.engine.card import Card, load_card
from cofenet.errors import ModelError, UsageError
from cofenet.io import write_atomically
from cofenet.training.environment import Environment
from cofenet.training.objectives import objective
from cofenet.training.recipe import Recipe, load_recipe

Row = dict[str, str | int | float]

_BEGUN = "begun-with.json"

_MAY_CHANGE = {"name", "steps", "validate_every"}


@dataclass(frozen=True)
class Run:
    """The folder of one training."""

    folder: Path

    @property
    def checkpoint(self) -> Path:
        """The last checkpoint."""
        return self.folder / "checkpoint.pt"

    @property
    def log(self) -> Path:
        """The figures of each validation."""
        return self.folder / "log.csv"

    @property
    def manifest(self) -> Path:
        """What was found in a user's own folder, see `own`."""
        return self.folder / "photographs.csv"

    @property
    def sheet(self) -> Path:
        """Photographs of the last validation."""
        return self.folder / "samples.png"

    @property
    def model(self) -> Path:
        """The exported network, if it makes a model alone; named as the folder, with its card beside it."""
        folder = self.folder.resolve()
        return self.folder / f"{folder.name}.onnx"

    def recipe(self) -> Recipe:
        """The recipe of the run.

        Raises:
            UsageError: the folder holds none.
        """
        return load_recipe(self.folder / "recipe.json")

    def sources(self) -> dict[str, int]:
        """How many photographs were learned from, by source.

        Raises:
            UsageError: the folder does not say.
        """
        path = self.folder / "sources.json"
        try:
            return {str(source): int(count) for source, count in json.loads(path.read_bytes()).items()}
        except (OSError, ValueError, AttributeError) as error:
            raise UsageError(f"{path}: {error}") from error

    def note_begun(self, card: Card) -> None:
        """Keep the card of the model whose weights the run began with: it learned from that one's photographs, too."""
        write_atomically(self.folder / _BEGUN, card.model_dump_json(indent=2).encode())

    def begun(self) -> Card | None:
        """The card of the model whose weights the run began with; None if it did not.

        Raises:
            ModelError: the card is damaged.
        """
        path = self.folder / _BEGUN
        return load_card(str(path)) if path.exists() else None

    def begin(self, recipe: Recipe) -> None:
        """Keep the recipe and its presets; a run may go on for longer, shorter, or with other validations.

        Raises:
            UsageError: the folder holds a run of another recipe; the message names the fields that differ.
        """
        presets = {name: f"presets/{Path(name).name}" for name in recipe.mixture.presets if name.endswith(".toml")}
        if (self.folder / "recipe.json").exists():
            here = {name: str((self.folder / kept).resolve()) for name, kept in presets.items()}
            ours, theirs = _with_presets(recipe, here).model_dump(), self.recipe().model_dump()
            changed = [name for name in ours if ours[name] != theirs[name] and name not in _MAY_CHANGE]
            if changed:
                raise UsageError(
                    f"{self.folder}: holds a run of another recipe ({', '.join(changed)} differ); name another folder, "
                    "or delete its recipe.json to go on with this one"
                )
        for name, kept in presets.items():
            self._keep_preset(Path(name), self.folder / kept)
        content = _with_presets(recipe, presets).model_dump_json(indent=2)  # relative, so that the folder may move
        write_atomically(self.folder / "recipe.json", content.encode())

    def _keep_preset(self, preset: Path, target: Path) -> None:
        content = preset.read_bytes()
        if target.exists() and target.read_bytes() != content:
            raise UsageError(f"{self.folder}: holds a run with another preset {target.name}; name another folder")
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, content)

    def note_sources(self, counts: dict[str, int]) -> None:
        """Keep how many photographs are learned from, by source."""
        write_atomically(self.folder / "sources.json", json.dumps(counts, indent=2).encode())

    def note_environment(self, step: int, environment: Environment) -> None:
        """Keep what the run is made with from `step` on, unless it is as before.

        Raises:
            UsageError: what is kept from before cannot be read.
        """
        path = self.folder / "environment.json"
        try:
            before = json.loads(path.read_bytes()) if path.exists() else []
            if before and before[-1] == {"step": before[-1]["step"]} | environment:
                return
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise UsageError(f"{path}: {error}") from error
        write_atomically(path, json.dumps([*before, {"step": step} | environment], indent=2).encode())

    def save(self, content: dict[str, Any]) -> None:
        """Replace the checkpoint."""
        beside = self.checkpoint.with_suffix(".part")
        torch.save(content, beside)
        beside.replace(self.checkpoint)

    def load(self) -> dict[str, Any]:
        """The last checkpoint.

        Raises:
            ModelError: it is missing or damaged.
        """
        try:
            return dict(torch.load(self.checkpoint, map_location="cpu", weights_only=True))
        except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
            raise ModelError(f"{self.checkpoint}: cannot read the checkpoint: {error}") from error

    def rows(self) -> list[dict[str, str]]:
        """The log; empty before the first validation."""
        if not self.log.exists():
            return []
        with self.log.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def rewind(self, step: int) -> None:
        """Drop rows of the log after `step`: those validations will be made again."""
        rows = self.rows()
        kept = [row for row in rows if int(row["step"]) <= step]
        if len(kept) < len(rows):
            lines = [",".join(rows[0]), *(",".join(row.values()) for row in kept)]
            write_atomically(self.log, "".join(f"{line}\r\n" for line in lines).encode())

    def add(self, row: Row) -> None:
        """Add a row to the log."""
        fresh = not self.log.exists()
        with self.log.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, row)
            if fresh:
                writer.writeheader()
            writer.writerow(row)

    def averaged(self) -> nn.Module:
        """The averaged network of the checkpoint, in evaluation mode.

        Raises:
            ModelError: the checkpoint is missing or damaged.
            UsageError: the folder holds no recipe.
        """
        network = objective(self.recipe()).network()
        try:
            network.load_state_dict(self.load()["average"])
        except (KeyError, RuntimeError) as error:
            raise ModelError(f"{self.checkpoint}: the checkpoint does not fit its recipe: {error}") from error
        return network.eval()


def _with_presets(recipe: Recipe, names: Mapping[str, str]) -> Recipe:
    """The recipe with some of its presets under other names."""
    presets = {names.get(name, name): weight for name, weight in recipe.mixture.presets.items()}
    return recipe.model_copy(update={"mixture": recipe.mixture.model_copy(update={"presets": presets})})
