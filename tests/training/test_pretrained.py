"""Weights of exported models to begin with: the network answers as the model does, in training, too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from cofenet.engine.card import Data
from cofenet.engine.session import Session
from cofenet.errors import ModelError
from cofenet.networks.assessor import Assessor
from cofenet.networks.detail import Detail
from cofenet.networks.field import IlluminationField
from cofenet.networks.fine import Fine
from cofenet.networks.light import Light
from cofenet.networks.segmentation import Probability, Segmenter
from cofenet.networks.sharpening import Sharpening
from cofenet.training.export import disc_finder, light
from cofenet.training.int8 import ROUNDED
from cofenet.training.onnx_file import write
from cofenet.training.pretrained import begin_with, parts_of


def shipped(name: str) -> Session:
    return Session(str(Path(__file__).parents[2] / "src" / "cofenet" / "weights" / f"{name}.onnx"))


def pictures(count: int, side: int, seed: int = 0) -> Tensor:
    return torch.rand(count, 4, side, side, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def test_parts_of_the_shipped_model_answer_as_its_file_does() -> None:
    network = Light(**parts_of("light")).eval()  # type: ignore[arg-type]
    whole, local = pictures(1, 128), avg_pool2d(pictures(1, 512), 5, 1, 2)  # blurred, or there was nothing to sharpen
    local[:, 3] = 1
    large = torch.cat([pictures(1, 1024), 0.1 * pictures(1, 1024, 1)[:, :3]], 1)
    given = shipped("light").run(whole=whole.numpy(), local=local.numpy(), large=large.numpy())
    for tensor, (name, array) in zip(network(whole, local, large), given.items(), strict=True):
        assert array.any()
        difference = np.abs(tensor.numpy() - array)
        if name in ROUNDED:  # the file calculates them in integers
            assert np.sqrt(np.square(difference).mean()) < 2e-3
        else:
            assert difference.max() < 1e-4


@torch.no_grad()
def test_shipped_quality_answers_as_its_file_does() -> None:
    network, seen = Assessor(), pictures(8, 256)
    begin_with("quality", network, lambda: network(seen))
    found = torch.sigmoid(network(seen[:1])[1]).numpy()
    assert np.allclose(found, shipped("quality").run(whole=seen[:1].numpy())["severity"], atol=1e-4)


def normalised() -> Segmenter:
    """A network whose normalisations have seen something."""
    torch.manual_seed(0)
    network = Segmenter(1, (4, 6))
    for seed in range(20):
        network(3 * pictures(4, 128, seed))
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 2)
            nn.init.normal_(layer.bias)
    return network.eval()


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pretrained") / "mine.onnx"
    write(disc_finder(normalised()), path, (Data(source="meadow", photographs=3, terms=""),), {})
    return path


@pytest.mark.slow
@torch.no_grad()
def test_normalisations_are_unfolded(exported: Path) -> None:
    network, seen = Segmenter(1, (4, 6)), pictures(16, 128, seed=100)
    begin_with(str(exported), network, lambda: network(seen))
    expected = normalised()
    other = pictures(2, 128, seed=200)
    assert torch.allclose(network(other), expected(other), atol=1e-3)
    answer = network(seen)
    assert torch.allclose(network.train()(seen), answer, atol=1e-2)  # the statistics are those of what was seen
    plain = torch.from_numpy(Session(str(exported)).run(local=other[:1].numpy())["probability"])
    assert torch.allclose(Probability(network.eval(), mirrored=True)(other[:1]), plain, atol=1e-3)


@pytest.mark.slow
def test_another_network_is_refused_by_name(exported: Path) -> None:
    with pytest.raises(ModelError, match=r"mine\.onnx: is no such network; it lacks, .*head\.weight"):
        begin_with(str(exported), IlluminationField(), lambda: None)
    with pytest.raises(ModelError, match="another shape"):
        begin_with(str(exported), Segmenter(1, (4, 8)), lambda: None)


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_a_network_of_another_depth_is_refused(depth: int) -> None:
    with pytest.raises(ModelError, match=r"it has .*fine\.blocks\.2|lacks.*blocks\.3"):
        begin_with("light", Fine(32, depth), lambda: None, "fine")


@pytest.mark.slow
def test_parts_alike_in_shape_are_told_apart_by_name(tmp_path: Path) -> None:
    torch.manual_seed(0)
    coarse, fine = Fine(4, 1), Fine(4, 1)
    for value in (*coarse.parameters(), *fine.parameters()):
        nn.init.normal_(value, std=0.1)
    parts = (IlluminationField((4, 4, 6, 6)), Detail((4, 4, 6)), Sharpening(4), coarse, fine)
    write(light(*parts, size=64), tmp_path / "mine.onnx", (Data(source="meadow", photographs=3, terms=""),), {})
    for name, part in (("coarse", coarse), ("fine", fine)):
        begun = Fine(4, 1)
        begin_with(str(tmp_path / "mine.onnx"), begun, lambda: None, name)
        assert torch.equal(begun.first.weight, part.first.weight)


class Grown(Segmenter):
    """A network that has become more than it was when the model was made."""

    LATER = ("more",)

    def __init__(self) -> None:
        super().__init__(1, (4, 6))
        self.more = nn.Linear(2, 3)


@pytest.mark.slow
def test_a_part_that_came_later_may_be_missing(exported: Path) -> None:
    network = Grown()
    before = network.more.weight.clone()
    seen = pictures(4, 128)
    begin_with(str(exported), network, lambda: network(seen))
    assert torch.equal(network.more.weight, before)


def test_a_model_that_is_not_there_is_named() -> None:
    with pytest.raises(ModelError, match="no model 'lamp'"):
        begin_with("lamp", Detail(), lambda: None)
