"""Batches: shares of processes make up what a single process sees."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import Dataset

from cofenet.training.batches import batches, numbers
from cofenet.training.objective import Batch
from cofenet.training.recipe import Recipe


class Counted(Dataset[Batch]):
    """Examples that are their own numbers."""

    def __getitem__(self, index: int) -> Batch:
        return {"number": torch.full((1, 1, 1), float(index))}


def recipe(steps: int, batch: int) -> Recipe:
    return Recipe(network="field", steps=steps, batch=batch, losses={"absolute": 1.0})


@given(world=st.integers(1, 4), share=st.integers(1, 4), steps=st.integers(1, 6), data=st.data())
def test_shares_are_equal_and_make_up_each_batch(world: int, share: int, steps: int, data: st.DataObject) -> None:
    done, plan = data.draw(st.integers(0, steps)), recipe(steps, world * share)
    shares = [numbers(plan, done, rank, world) for rank in range(world)]
    assert {len(one) for one in shares} == {(steps - done) * share}
    for step in range(steps - done):
        together = [number for one in shares for number in one[step * share : (step + 1) * share]]
        first = (done + step) * plan.batch
        assert together == list(range(first, first + plan.batch))


def test_a_batch_holds_the_numbers_of_its_step() -> None:
    plan = recipe(3, 4)
    seen = [batch["number"].flatten().tolist() for batch in batches(Counted(), plan, 1)]
    assert seen == [[4, 5, 6, 7], [8, 9, 10, 11]]
    seen = [batch["number"].flatten().tolist() for batch in batches(Counted(), plan, 1, rank=1, world=2)]
    assert seen == [[6, 7], [10, 11]]


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_who_makes_the_examples_does_not_matter() -> None:
    plan = recipe(3, 4)
    alone, shared = (list(batches(Counted(), plan, 0, workers=workers)) for workers in (0, 2))
    assert [batch["number"].tolist() for batch in shared] == [batch["number"].tolist() for batch in alone]
