from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from cofenet.errors import UsageError
from cofenet.evaluation.measures import MEASURES
from cofenet.evaluation.protocols import CONDITIONS, protocol

DOCS = Path(__file__).parents[2] / "docs/evaluation.md"


@pytest.mark.parametrize("name", CONDITIONS)
def test_every_protocol_can_travel_and_is_documented(name: str) -> None:
    plan = protocol(name)
    assert pickle.loads(pickle.dumps(plan)) == plan
    assert plan.primary in MEASURES
    assert " at 0x" not in repr(plan.scenes), "settings are compared by it, in other processes"
    assert not plan.structure or plan.structure in MEASURES
    assert f"| `{name}` |" in DOCS.read_text("utf-8")


def test_who_is_ordered_by_looks_has_a_structure_to_lose() -> None:
    assert all(plan.structure for plan in map(protocol, CONDITIONS) if MEASURES[plan.primary].alone)


def test_kinds_and_families() -> None:
    assert protocol("restoration", ("011",)).scenes != protocol("restoration").scenes
    for name, wrong in (("restoration", "112"), ("restoration", "jpeg"), ("robustness", "111"), ("real", "111")):
        with pytest.raises(UsageError, match=f"got '{wrong}'"):
            protocol(name, (wrong,))


def test_every_measure_is_documented() -> None:
    told = DOCS.read_text("utf-8").lower()
    words = {word for measure in MEASURES.values() for word in measure.title.lower().replace(" db", "").split(", ")}
    assert {word for word in words if word.split()[-1] not in told} == set()
