"""Quality assessment: shapes, and answers that do not depend on the rest of the batch."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from cofenet.networks.assessor import FACTORS, Assessment, Assessor, Spectral
from cofenet.networks.encoder import FEATURES
from cofenet.networks.fusion import Fusion


@pytest.mark.parametrize(("make", "answers"), [(Assessor, 1), (Fusion, 5)])
def test_shapes(make: type[nn.Module], answers: int) -> None:
    network = make().eval()
    with torch.no_grad():
        grade, severity = network(torch.rand(2, 4, 64, 64))
        alone, _ = network(torch.rand(2, 4, 64, 64)[:1])
    assert grade.shape == (2, answers, 3)
    assert severity.shape == (2, 4)
    assert alone.shape == (1, answers, 3)


def test_the_spectrum_adds_to_contrast_and_blur_and_at_first_nothing() -> None:
    network, picture = Assessor().eval(), torch.rand(2, 4, 64, 64)
    with torch.no_grad():
        at_first = network(picture)[1]
        torch.testing.assert_close(at_first, network.severity(network.encoder(picture[:, :3])))
        torch.nn.init.ones_(network.spectral.last.weight)
        added = network(picture)[1] - at_first
    assert FACTORS == ("illumination", "contrast", "artifact", "blur")
    assert (added[:, [0, 2]] == 0).all()
    assert (added[:, [1, 3]] > 0).all()


def test_a_veil_does_not_change_what_the_spectrum_adds() -> None:
    network, picture = Spectral().eval(), torch.rand(2, 4, 64, 64)
    picture[:, 3] = 1
    torch.nn.init.normal_(network.last.weight)
    veiled, features = torch.cat([0.5 * picture[:, :3] + 0.3, picture[:, 3:]], 1), torch.rand(2, FEATURES)
    with torch.no_grad():
        torch.testing.assert_close(network(veiled, features), network(picture, features), atol=1e-3, rtol=0)


def test_exported_probabilities() -> None:
    network = Assessment(Fusion()).eval()
    with torch.no_grad():
        probabilities, severity = network(torch.rand(1, 4, 64, 64))
    assert probabilities.sum().item() == pytest.approx(1, abs=1e-6)
    assert 0 <= severity.min() <= severity.max() <= 1


def test_the_trunk_has_seen_imagenet() -> None:
    """Two trunks are alike, and tell pictures apart."""
    first, second = (Assessor().eval() for _ in range(2))
    pictures = torch.stack([torch.zeros(4, 64, 64), torch.rand(4, 64, 64)])
    with torch.no_grad():
        features = first.encoder(pictures[:, :3])
        torch.testing.assert_close(features, second.encoder(pictures[:, :3]))
    assert (features[0] - features[1]).abs().mean() > 0.01
