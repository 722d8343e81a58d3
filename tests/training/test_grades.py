"""Examples for quality assessment: what is known of each, and what a factor takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from cofenet.engine.session import Session
from cofenet.errors import UsageError
from cofenet.io import Photograph, write_photograph
from cofenet.training.export import export
from cofenet.training.grades import _NOT_GOOD, Graded, GradedExamples, _veil, load_graded
from cofenet.training.loop import train
from cofenet.training.photographs import Photographs
from cofenet.training.recipe import Mixture, Recipe

MIXTURE = Mixture(kinds={"111": 0.5, "000": 0.5}, presets={"published": 0.5, "clinical": 0.5}, recolor=0.5, cut=0.5)


@pytest.fixture
def graded(photographs: Photographs) -> Graded:
    return Graded(photographs, np.array([0, 1, 2]), np.array([True, False, False]), np.array(["a", "a", "a"]))


def test_grades_come_from_the_manifest(manifest: Path) -> None:
    found = load_graded(manifest, "train", ["quality", "clean"], 64, None)
    assert {path.stem: grade for path, grade in zip(found.paths, found.grades.tolist(), strict=True)} == {
        "a": 0, "b": 0, "c": 0, "d": 0, "e": 2,
    }  # fmt: skip
    assert [path.stem for path, good in zip(found.paths, found.good, strict=True) if good] == ["a", "b", "c"]
    assert dict(zip("abcde", found.sets.tolist(), strict=True)) == {
        "a": "",
        "b": "",
        "c": "",
        "d": "harbour",
        "e": "harbour",
    }
    with pytest.raises(UsageError, match="no photographs"):
        load_graded(manifest, "train", ["vessels"], 64, None)


def test_either_the_grade_is_known_or_the_severities(graded: Graded) -> None:
    examples = GradedExamples(graded, MIXTURE, 0, 32, 60)
    assert len(examples) == 60
    seen = set()
    for index in range(60):
        example = examples[index]
        assert example["input"].shape == (4, 32, 32)
        assert 0 <= example["input"].min() <= example["input"].max() <= 1
        grade, severity, known = (example[name].flatten() for name in ("grade", "severity", "known"))
        assert grade.sum() == 1 if not known else grade.tolist() in ([0, 0, 0], [0, 1, 1])
        assert not known or bool(grade.any()) == bool((severity.numpy() > _NOT_GOOD).any())
        assert known or not severity.any()
        assert 0 <= severity.min() <= severity.max() <= 1
        seen |= {"degraded"} if known else set(torch.nonzero(grade).flatten().tolist())
        seen |= {f"factor {number}" for number in torch.nonzero(severity).flatten().tolist()}
    assert seen == {0, 1, 2, "degraded", "factor 0", "factor 1", "factor 2", "factor 3"}


def test_a_number_is_always_the_same_example(graded: Graded) -> None:
    first, second = (GradedExamples(graded, MIXTURE, 5, 32, count)[1] for count in (2, 9))
    other = GradedExamples(graded, MIXTURE, 6, 32, 2)[1]
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["input"], other["input"])


def test_only_good_photographs_are_degraded(photographs: Photographs) -> None:
    graded = Graded(photographs, np.array([0, 1, 2]), np.zeros(3, bool), np.array(["a", "a", "b"]))
    examples = GradedExamples(graded, MIXTURE, 0, 32, 8)
    assert not any(examples[index]["known"].item() for index in range(8))


def test_a_pair_differs_in_one_factor_alone(graded: Graded) -> None:
    mixture = Mixture(kinds={"111": 1.0}, presets={"published": 1.0}, pairs=True)
    appeared = 0
    for index in range(40):
        pair = GradedExamples(graded, mixture, 0, 32, 40)[index]
        assert pair["input"].shape == (2, 4, 32, 32)
        first, second = pair["severity"].flatten(1).numpy()
        changed = np.abs(first - second) > 0.05  # what a step takes hangs a little on the steps before it
        assert changed.sum() <= 1
        before = int(np.abs(first - second).argmax())
        np.testing.assert_array_equal(first[:before], second[:before])
        appeared += bool(first[before] == 0 and second[before] > 0)
    assert 40 / 2 <= appeared < 40  # all of a factor beside nothing of it, in half of the pairs; others by chance


def test_a_veil_is_no_blur(graded: Graded) -> None:
    assert all(_veil(np.random.default_rng(seed)).factors[0].scatter == 0 for seed in range(5))  # type: ignore[union-attr]


def test_factors_come_alone_and_together_and_blur_may_be_strong(graded: Graded) -> None:
    examples = GradedExamples(graded, MIXTURE.model_copy(update={"kinds": {"111": 1.0}}), 0, 32, 120)
    severity = np.array([examples[index]["severity"].flatten().numpy() for index in range(120)])
    present = np.bincount((severity > 0).sum(1), minlength=5)
    assert (present > 120 / 5 / 3).all()  # none to all four, each as likely
    assert severity[:, 3].max() > 0.9


def test_what_people_graded_is_paired_with_another(graded: Graded) -> None:
    mixture = Mixture(kinds={"000": 1.0}, pairs=True)
    pairs = [GradedExamples(graded, mixture, 0, 32, 20)[index] for index in range(20)]
    assert not any(pair["known"].any() for pair in pairs)
    assert {tuple(pair["grade"].flatten(1).argmax(1).tolist()) for pair in pairs} >= {(0, 1), (1, 0), (1, 2), (2, 1)}


def test_clean_photographs_are_shown_as_good_more_often_than_they_are_many(photographs: Photographs) -> None:
    alone = Graded(photographs, np.array([0, 2, 2]), np.array([True, False, False]), np.array(["", "a", "a"]))
    good, _, rejected = shares(alone)
    assert 0.12 < good < 0.28  # 0.2, three standard deviations
    assert good + rejected == pytest.approx(1)


def test_each_set_is_as_likely_as_any_other(photographs: Photographs) -> None:
    sets = Graded(photographs, np.array([1, 2, 2]), np.zeros(3, bool), np.array(["small", "a", "a"]))
    assert 0.39 < shares(sets)[1] < 0.61


def shares(graded: Graded) -> list[float]:
    """Of 200 photographs, none of them degraded, those of each grade."""
    examples = GradedExamples(graded, MIXTURE.model_copy(update={"kinds": {"000": 1.0}}), 0, 16, 200)
    return (torch.stack([examples[index]["grade"].flatten() for index in range(200)]).sum(0) / 200).tolist()


@pytest.mark.slow
def test_a_quality_network_is_trained_and_exported(
    draw: Callable[..., np.ndarray], recipes: dict[str, Recipe], tmp_path: Path
) -> None:
    lines = ["path,split,source,task,label"]
    for number, split in enumerate(["train", "train", "train", "val", "val", "val"]):
        write_photograph(tmp_path / f"{number}.png", Photograph(draw(number, 96, 96)))
        lines.append(f"{number}.png,{split},meadow," + ("clean,chosen" if number % 3 == 0 else f"quality,{number % 3}"))
    (tmp_path / "manifest.csv").write_text("\n".join(lines))
    (tmp_path / "terms.toml").write_text('meadow = "Ask the shepherd."')
    paired = {"mixture": Mixture(kinds={"111": 0.5, "000": 0.5}, pairs=True), "losses": {"grade": 1, "change": 1}}
    recipe = recipes["quality"].model_copy(update={"steps": 2} | paired)
    train(recipe, tmp_path / "manifest.csv", tmp_path / "run")
    card = export([tmp_path / "run"], tmp_path / "quality.onnx", tmp_path / "terms.toml")
    assert {"accuracy", "severity_error"} < card.training.keys()
    picture = np.random.default_rng(0).random((1, 4, 32, 32), np.float32)
    learned = Session(str(tmp_path / "quality.onnx")).run(whole=picture)
    export([tmp_path / "run"], tmp_path / "calibrated.onnx", tmp_path / "terms.toml", tmp_path / "manifest.csv")
    found = Session(str(tmp_path / "calibrated.onnx")).run(whole=picture)
    assert np.abs(found["probabilities"] - learned["probabilities"]).max() > 0.01
    assert np.array_equal(found["severity"], learned["severity"])
    twice = export([tmp_path / "run"] * 2, tmp_path / "mean.onnx", tmp_path / "terms.toml")
    assert twice.training["recipe"] == f"{card.training['recipe']}, {card.training['recipe']}"
    mean = Session(str(tmp_path / "mean.onnx")).run(whole=picture)
    np.testing.assert_allclose(mean["probabilities"], learned["probabilities"], atol=1e-5)
    assert found["probabilities"].sum() == pytest.approx(1, abs=1e-5)
    assert found["severity"].shape == (1, 4)
