"""Examples are pure functions of seed and number, and each stage adds what it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from cofenet.training.examples import RIM, DetailExamples, Example, FieldExamples, SharpeningExamples, draw, make
from cofenet.training.photographs import Photographs
from cofenet.training.recipe import Mixture

EVERYTHING = Mixture(kinds={"111": 1.0}, presets={"published": 0.5, "training": 0.5}, partial=0.5, recolor=0.5, cut=0.5)


def same(first: Example, second: Example) -> bool:
    return all(np.array_equal(vars(first)[name], vars(second)[name]) for name in vars(first))


def test_same_number_gives_the_same_example_in_any_order(photographs: Photographs) -> None:
    forwards = [make(photographs, EVERYTHING, 7, index) for index in range(12)]
    backwards = [make(photographs, EVERYTHING, 7, index) for index in reversed(range(12))]
    assert all(map(same, forwards, reversed(backwards)))


def test_another_number_or_seed_gives_another_example(photographs: Photographs) -> None:
    example = make(photographs, EVERYTHING, 7, 0)
    assert not same(example, make(photographs, EVERYTHING, 7, 1))
    assert not same(example, make(photographs, EVERYTHING, 8, 0))


def test_photographs_are_left_as_they_are(photographs: Photographs) -> None:
    images, masks = photographs.images.copy(), photographs.masks.copy()
    cut = EVERYTHING.model_copy(update={"cut": 1.0})
    for index in range(24):  # among them some that are neither turned nor mirrored
        make(photographs, cut, 0, index)
    assert np.array_equal(photographs.images, images)
    assert np.array_equal(photographs.masks, masks)


def test_every_stage_is_black_outside_the_field_of_view(photographs: Photographs) -> None:
    for index in range(8):
        example = make(photographs, EVERYTHING, 1, index)
        assert not any(stage[~example.mask].any() for stage in (example.clean, example.lit, example.degraded))
        assert example.clean[example.mask].any()


@pytest.mark.parametrize(
    ("kind", "light", "rest"),
    [
        ("000", False, False), ("001", True, False), ("010", False, True), ("110", False, True), ("011", True, True),
        ("111", True, True),
    ],
)  # fmt: skip
def test_light_is_all_that_parts_lit_from_clean(photographs: Photographs, kind: str, light: bool, rest: bool) -> None:
    mixture = Mixture.model_validate({"kinds": {kind: 1.0}})  # blur alone is narrower than a pixel of this canvas
    examples = [make(photographs, mixture, 5, index) for index in range(6)]
    assert any(not np.array_equal(example.clean, example.lit) for example in examples) == light
    assert any(not np.array_equal(example.lit, example.degraded) for example in examples) == rest


def test_kinds_are_drawn_as_often_as_they_weigh() -> None:
    rng = np.random.default_rng(0)
    mixture = Mixture(kinds={"001": 3.0, "000": 1.0})
    kinds = [draw(mixture, rng).kind for _ in range(400)]
    assert set(kinds) == {"001", "000"}
    assert 270 <= kinds.count("001") <= 330


def test_cut_takes_away_top_and_bottom(photographs: Photographs) -> None:
    full, cut = (make(photographs, Mixture(cut=share), 0, 3).mask for share in (0.0, 1.0))
    assert cut.sum() < full.sum()
    assert not cut[0].any()
    assert not cut[-1].any()
    assert np.array_equal(cut[32], full[32])


def test_colours_are_moved_as_far_as_the_spread_says(photographs: Photographs) -> None:
    moved = []
    for spread in (0.0, 1.0, 3.0):
        mixture = Mixture(kinds={"000": 1.0}, recolor=1.0, spread=spread)
        pairs = [(make(photographs, mixture, 0, k), make(photographs, Mixture(), 0, k)) for k in range(12)]
        moved.append(np.mean([np.abs(one.clean.astype(int) - other.clean).mean() for one, other in pairs]))
    assert moved[0] == 0
    assert 0 < 2 * moved[1] < moved[2]


def test_contrast_moves_all_colours_alike(photographs: Photographs) -> None:
    mixture = Mixture(kinds={"000": 1.0}, recolor=1.0, spread=0.0, contrast=3.0)
    seen = [(make(photographs, Mixture(), 0, k).clean, make(photographs, mixture, 0, k).clean) for k in range(12)]
    for before, after in seen:
        tables = [dict(zip(before[..., k].ravel(), after[..., k].ravel(), strict=True)) for k in range(3)]
        assert all(tables[0][level] == tables[1][level] for level in tables[0].keys() & tables[1].keys())
    assert any((before != after).any() for before, after in seen)


def test_field_sees_the_whole_photograph(photographs: Photographs) -> None:
    examples = FieldExamples(photographs, EVERYTHING, 0, 32, 5)
    item = examples[2]
    assert len(examples) == 5
    assert {name: tuple(tensor.shape) for name, tensor in item.items()} == {
        "input": (4, 32, 32), "lit": (3, 32, 32), "clean": (3, 32, 32), "mask": (1, 32, 32),
    }  # fmt: skip
    assert all(tensor.dtype == torch.float32 and 0 <= tensor.min() <= tensor.max() <= 1 for tensor in item.values())
    assert torch.equal(item["input"][3:], item["mask"])


def test_detail_sees_patches_of_one_photograph(photographs: Photographs) -> None:
    examples = DetailExamples(photographs, EVERYTHING, 0, 32, 5, 3)
    item, example = examples[2], make(photographs, EVERYTHING, 0, 2)
    assert len(examples) == 5
    assert {name: tuple(tensor.shape) for name, tensor in item.items()} == {
        "input": (3, 4, 32, 32), "lit": (3, 3, 32, 32), "mask": (3, 1, 32, 32),
    }  # fmt: skip
    stages = np.concatenate([example.degraded, example.mask[..., None] * np.uint8(255), example.lit], 2)
    windows = np.lib.stride_tricks.sliding_window_view(stages, (32, 32), (0, 1)).reshape(-1, 7, 32, 32)
    for number in range(3):
        patch = np.rint(255 * torch.cat([item["input"][number], item["lit"][number]]).numpy()).astype(np.uint8)
        assert (windows == patch).all((1, 2, 3)).any()


def test_detail_sees_what_is_white_more_often_than_chance_would_have_it() -> None:
    image = np.full((1, 128, 128, 3), 60, np.uint8)
    image[0, 90:98, 30:38] = 255
    dull = Photographs(image, np.ones((1, 128, 128), bool), (Path("cup.png"),))
    item = DetailExamples(dull, Mixture(kinds={"000": 1.0}), 0, 32, 1, 200)[0]
    shown = (item["lit"].amin(1) > 0.9).flatten(1).any(1).float().mean()
    assert shown > 0.25  # of patches anywhere about one in seven does


def test_sharpening_sees_patches_before_and_after_blur(photographs: Photographs) -> None:
    mixture = Mixture(kinds={"111": 1.0})
    size = photographs.images.shape[1]
    item, example = SharpeningExamples(photographs, mixture, 0, size, 5, 2)[2], make(photographs, mixture, 0, 2)
    assert {name: tuple(tensor.shape) for name, tensor in item.items()} == {
        "input": (2, 4, size, size), "sharp": (2, 3, size, size), "mask": (2, 1, size, size),
    }  # fmt: skip
    stages = {"input": example.degraded, "sharp": example.before_blur()}
    for name, stage in stages.items():  # a patch of the photograph's size is the photograph
        assert np.array_equal(np.rint(255 * item[name][1, :3].numpy()).astype(np.uint8).transpose(1, 2, 0), stage)
    assert not np.array_equal(stages["sharp"], example.lit)
    inner, seen = item["mask"][0, 0].bool(), item["input"][0, 3].bool()
    assert inner.any()
    reach = torch.nn.functional.max_pool2d((~seen).float()[None], 2 * RIM + 1, 1, RIM)[0].bool()
    assert not (inner & reach).any()
