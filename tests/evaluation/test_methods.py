from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cofenet.engine.card import card_path, load_card, shipped
from cofenet.errors import ModelError, UsageError
from cofenet.evaluation.methods import CLASSICAL, Classical, Network, built_in, chosen, identities, restored
from cofenet.evaluation.outside import Command, Folder
from cofenet.evaluation.photographs import Square
from cofenet.evaluation.scenes import Drawer, Kinds
from cofenet.tasks.correction import correct


def test_all_of_the_package_unless_told_otherwise() -> None:
    assert list(chosen([])) == list(built_in())
    assert built_in().keys() >= CLASSICAL.keys() | {"light"}
    assert ("reference" in built_in()) == ("reference" in shipped())
    assert list(chosen(["gamma", "clahe"])) == ["input", "clahe", "gamma"]


def test_methods_from_outside_join(tmp_path: Path) -> None:
    found = chosen([f"theirs={tmp_path}", "tool=convert {input} -auto-level {output}", f"net={card_path('light')}x"[:-1]
                    .replace(".json", ".onnx")])  # fmt: skip
    assert list(found)[: len(built_in())] == list(built_in())
    assert isinstance(found["theirs"], Folder)
    assert isinstance(found["tool"], Command)
    assert isinstance(found["net"], Network)
    assert found["net"].identity.endswith(load_card("light").sha256)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("lihgt", "no method 'lihgt'"),
        ("a=nowhere", "no folder"),
        ("a=convert {input}", "needs {output}"),
        ("a='convert {input} {output}", "quotation"),
        ("light=somewhere", "name of its own"),
        ("../a=somewhere", "name of its own"),
    ],
)
def test_what_is_no_method(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        chosen([text])


def test_a_network_that_is_not_there() -> None:
    with pytest.raises(ModelError, match=r"none\.json"):
        chosen(["a=none.onnx"])


def test_networks_and_programmes_have_identities() -> None:
    told = identities(built_in())
    assert len(set(told.values())) == len(told)
    assert load_card("light").sha256 in told["light"]


def test_light_is_what_correct_gives(square: Square, tmp_path: Path) -> None:
    scene = next(Kinds()(square, Drawer(tmp_path)))
    np.testing.assert_array_equal(Network("light")(scene), correct(scene.image, judged=False).image)
    np.testing.assert_array_equal(Classical("clahe")(scene), CLASSICAL["clahe"](scene.image, scene.fov))
    blank = np.zeros((64, 64, 3), np.uint8)
    np.testing.assert_array_equal(restored(blank), blank)
