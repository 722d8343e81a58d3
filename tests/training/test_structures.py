"""Examples for segmentation: labels stay where they belong, and number i is always the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from cofenet.training.labelled import Labelled
from cofenet.training.recipe import Mixture
from cofenet.training.structures import DiscExamples, PatchExamples, StructureExamples, WholeExamples

KINDS = [PatchExamples, WholeExamples, DiscExamples]
MIXTURE = Mixture(kinds={"111": 0.5, "000": 0.5}, partial=0.5, recolor=0.5, cut=0.5, scale=(0.6, 1.0))


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_and_ranges(kind: type[StructureExamples], labelled: Labelled) -> None:
    examples = kind(labelled, MIXTURE, 0, 32, 4, 2)
    assert len(examples) == 4
    for index in range(4):
        example = examples[index]
        count = 2 if kind is PatchExamples else 1
        assert example["input"].shape == (count, 4, 32, 32)
        assert example["target"].shape == (count, 2, 32, 32)
        assert example["known"].shape == (count, 2, 1, 1)
        assert all(value.min() >= 0 and value.max() <= 1 for value in example.values())
        assert example["target"].any() or kind is not DiscExamples


@pytest.mark.parametrize("kind", KINDS)
def test_a_number_is_always_the_same_example(kind: type[StructureExamples], labelled: Labelled) -> None:
    first, second = (kind(labelled, MIXTURE, 5, 32, count, 2)[1] for count in (2, 9))
    other = kind(labelled, MIXTURE, 6, 32, 2, 2)[1]
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["input"], other["input"])


def test_taught_photographs_are_seen_as_often_as_the_mixture_says(labelled: Labelled) -> None:
    images = np.stack([np.full_like(labelled.images[0], grey) for grey in (40, 120, 200)])
    half = replace(labelled, images=images, taught=np.array([False, False, True]))
    for share in (0.0, 0.3, 1.0):
        examples = WholeExamples(half, Mixture(kinds={"000": 1.0}, taught=share), 0, 32, 200, 1)
        bright = [float(example["input"][0, :3].max()) > 0.6 for example in map(examples.__getitem__, range(200))]
        assert abs(np.mean(bright) - share) < 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_labels_move_with_the_photograph(kind: type[StructureExamples], labelled: Labelled) -> None:
    """On photographs that show their labels, each pixel's colour says what its label must be."""
    images = np.repeat(labelled.labels[..., :1] // 2 + 60, 3, axis=3) * labelled.masks[..., None]
    shown = replace(labelled, images=images.astype(np.uint8))
    for index in range(6):
        example = kind(shown, Mixture(kinds={"000": 1.0}, cut=0.5), 0, 32, 6, 1)[index]
        seen = example["mask"][0, 0] > 0.99
        expected = ((example["input"][0, 0] * 255 - 60) / 127).clamp(0, 1)
        assert (expected - example["target"][0, 0]).abs()[seen].mean() < 0.02


def test_parts_may_show_no_disc(labelled: Labelled) -> None:
    labelled.labels[:] = 0
    labelled.labels[:, 30:36, 52:58] = 255
    examples = WholeExamples(labelled, Mixture(kinds={"000": 1.0}), 0, 32, 60, 1)
    there = [bool(examples[index]["target"][:, 0].any()) for index in range(60)]
    assert 0.5 < np.mean(there) < 1.0


def test_some_are_seen_as_light_corrects_them(labelled: Labelled) -> None:
    low = Mixture(kinds={"111": 1.0}, recolor=0.0)
    plain, corrected = (
        WholeExamples(labelled, low.model_copy(update={"corrected": share}), 0, 32, 4, 1) for share in (1e-9, 1.0)
    )  # of 0 nothing is drawn, and what comes after is drawn otherwise
    for index in range(4):
        before, after = plain[index], corrected[index]
        assert torch.equal(before["target"], after["target"])
        assert not torch.equal(before["input"][:, :3], after["input"][:, :3])
        assert torch.equal(before["mask"], after["mask"])
