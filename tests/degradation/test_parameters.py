from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from cofenet.degradation import KINDS, Parameters, sample
from cofenet.errors import ParameterError

SAMPLES = Path(__file__).parents[2] / "samples/low-quality"


def drawn(seed: int = 0, kind: str = "111", preset: str = "published") -> Parameters:
    return sample(np.random.default_rng(seed), kind, preset=preset)


@given(
    seed=st.integers(0, 2**63),
    kind=st.sampled_from(KINDS),
    preset=st.sampled_from(["published", "training", "clinical"]),
)
@settings(max_examples=60, deadline=None)
def test_json_gives_back_the_same_parameters(seed: int, kind: str, preset: str) -> None:
    parameters = drawn(seed, kind, preset)
    assert Parameters.from_json(parameters.to_json()) == parameters
    assert parameters.kind == kind


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_the_samples_parameters_are_read(path: Path) -> None:
    """Files of version 1 stay readable, and nothing in them is lost; a later field takes its default."""
    text = path.read_text("utf-8")
    stored, written = (json.loads(t)["factors"] for t in (text, Parameters.from_json(text).to_json()))
    assert [new | old for new, old in zip(written, stored, strict=True)] == written


def test_only_keeps_groups_in_order() -> None:
    parameters = drawn()
    assert parameters.only("illumination").kind == "001"
    assert parameters.only("artifact", "blur").kind == "110"
    assert parameters.only("illumination", "artifact", "blur") == parameters


def test_parameters_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        drawn().factors = ()  # type: ignore[misc]


@pytest.mark.parametrize("severity", [-0.1, 1.1, float("nan")])
def test_severity_outside_its_range_is_refused(severity: float) -> None:
    with pytest.raises(ParameterError, match="severity must be between 0 and 1"):
        drawn().scaled(severity)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"brightness": -1}, r"factors\.0\.color\.brightness.*greater than or equal to 0"),
        ({"brightness": "bright"}, r"factors\.0\.color\.brightness.*number"),
        ({"hue": 1}, r"factors\.0\.color\.hue.*not permitted"),
        ({"factor": "sunshine"}, r"factors\.0.*sunshine"),
    ],
)
def test_a_bad_field_is_named(change: dict[str, object], message: str) -> None:
    content = json.loads(drawn(kind="001").to_json())
    content["factors"][0].update(change)
    with pytest.raises(ParameterError, match=message):
        Parameters.from_json(json.dumps(content))


@pytest.mark.parametrize(("text", "missing"), [("{}", "factors, version"), ('{"factors": []}', "version")])
def test_what_does_not_say_that_it_is_parameters_is_none(text: str, missing: str) -> None:
    with pytest.raises(ParameterError, match=f"^{missing}: Field required"):
        Parameters.from_json(text)


def test_another_version_is_refused() -> None:
    with pytest.raises(ParameterError, match="version"):
        Parameters.from_json('{"version": 2, "factors": []}')


def test_no_json_is_refused() -> None:
    with pytest.raises(ParameterError, match="Invalid JSON"):
        Parameters.from_json("brightness = 1")
