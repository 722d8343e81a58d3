"""What a network proposes: applied, it is the correction; without its spots and quick light, what explains it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from cofenet.engine.session import session
from cofenet.fov import find_fov
from cofenet.geometry import Crop, resize
from cofenet.io import read_photograph
from cofenet.tasks.fine import restored
from cofenet.tasks.native import Correctors, apply_natively
from cofenet.tasks.proposal import Proposal, propose
from cofenet.tasks.view import view
from conftest import draw_photograph

GOOD = sorted((Path(__file__).parents[2] / "samples/good").glob("*.jpg"))
LOW = sorted((Path(__file__).parents[2] / "samples/low-quality").glob("*.jpg"))


def proposed(size: int = 64, field: float = 0.0) -> Proposal:
    """Of a drawn photograph, by no network: nothing changes but what the test asks for."""
    image = draw_photograph(height=300, width=300)
    fov = find_fov(image)
    nothing = Correctors(np.full((3, 4, 32, 32), field, np.float32), np.zeros((3, size, size), np.float32))
    local = view(image, fov, Crop.around(fov.circle, size))
    return Proposal(local, nothing, np.zeros((3, 1, 1), np.float32), np.zeros((size, size), np.float32))


def test_a_proposal_to_change_nothing_explains_the_photograph() -> None:
    np.testing.assert_allclose(proposed().explained(), proposed().local, atol=1e-6)


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_light_alone_is_the_equation(strength: float) -> None:
    given = proposed(field=0.1)
    image, seen = given.local[:3], given.local[3]
    expected = np.clip(image + strength * 0.1 * (image.sum(0) + 1), 0, 1) * seen
    np.testing.assert_allclose(given.explained(strength)[:3], expected, atol=1e-5)


def test_white_is_what_becomes_of_white_light_that_is_added() -> None:
    np.testing.assert_allclose(proposed().white(), 1)
    given = proposed(field=0.1)
    given.correctors.field[1, 0] = 0.5  # of red in green
    np.testing.assert_allclose(given.white()[:, 7, 9], (1.3, 1.7, 1.3), rtol=1e-6)


def test_a_spot_is_not_explained_and_a_filter_is() -> None:
    given = proposed()
    change = np.random.default_rng(0).normal(0, 0.02, (3, 64, 64)).astype(np.float32)
    spots = replace(given, correctors=replace(given.correctors, residual=change))
    np.testing.assert_array_equal(spots.explained(), given.explained())
    filtered = np.clip(given.local[:3] + change, 0, 1) * given.local[3]
    np.testing.assert_allclose(replace(given, sharpened=change).explained()[:3], filtered, atol=1e-6)


def test_light_that_changes_quickly_explains_little() -> None:
    """A field as fine as its grid allows could darken a lesion away."""
    given = proposed()
    field = given.correctors.field.copy()
    field[:, 3, 16, 16] = 0.3
    found = replace(given, correctors=replace(given.correctors, field=field)).explained()
    assert 0 < np.abs(found - given.local).max() < 0.03


def test_what_a_field_asks_for_outside_the_retina_explains_nothing() -> None:
    given = proposed(field=0.1)
    retina = cv2.resize(given.local[3], (32, 32), interpolation=cv2.INTER_AREA)
    field = given.correctors.field.copy()
    field[..., retina == 0] = 5.0
    found = replace(given, correctors=replace(given.correctors, field=field)).explained()
    np.testing.assert_allclose(found, given.explained(), atol=1e-5)


@pytest.mark.parametrize("path", LOW, ids=lambda path: path.stem)
def test_what_the_shipped_network_makes_is_explained_but_for_its_spots(path: Path) -> None:
    image = read_photograph(path).pixels
    fov = find_fov(image)
    crop = Crop.around(fov.circle, 512)
    given = propose(session("light"), image, fov, crop)
    made = view(apply_natively(image, fov, crop, given.correctors, 1.0), fov, crop)
    spots = cv2.dilate(given.activation, np.ones((9, 9))) > 0.2
    inside = (cv2.erode(given.local[3], np.ones((25, 25))) > 0) & ~spots
    assert np.abs(made - given.explained())[:, inside].mean() < 0.2 * np.abs(made - given.local)[:, inside].mean()


def test_a_large_photograph_is_restored_at_twice_the_size_and_the_rest_enlarged() -> None:
    image = cv2.blur(draw_photograph(height=1100, width=1100), (9, 9))
    fov = find_fov(image)
    crop = Crop.around(fov.circle, 512)
    network = session("light")
    found = propose(network, image, fov, crop)
    assert found.sharpened.shape == found.correctors.residual.shape == (3, 1024, 1024)
    seen = view(image, fov, Crop.around(fov.circle, 1024))
    out = network.run(
        whole=np.stack([cv2.resize(plane, (128, 128), interpolation=cv2.INTER_AREA) for plane in found.local])[None],
        local=found.local[None],
        large=np.concatenate([seen[:3] + found.sharpened, seen[3:], found.sharpened])[None],
    )
    others = (out["residual"] - out["sharpened"] - out["coarse"])[0]
    assert out["coarse"].any()
    added = restored(out["fine"][0], out["filters"][0], seen)
    assert np.abs(added).max() > 0.002
    enlarged = [cv2.resize(other, (1024, 1024), interpolation=cv2.INTER_CUBIC) for other in others]
    np.testing.assert_allclose(found.correctors.residual, found.sharpened + added + enlarged, atol=1e-6)


def test_coarse_structures_stay_where_no_part_for_fine_ones_takes_over() -> None:
    image = cv2.blur(draw_photograph(height=1100, width=1100), (9, 9))
    fov = find_fov(image)
    whole, answers = session("light"), []

    def run(**inputs: np.ndarray) -> dict[str, np.ndarray]:
        out = whole.run(**inputs, large=whole.nothing("large"))
        answers.append({name: array for name, array in out.items() if name != "fine"})
        return answers[-1]

    inputs = {name: one for name, one in whole.card.inputs.items() if name != "large"}
    network = SimpleNamespace(card=whole.card.model_copy(update={"inputs": inputs}), run=run)
    found = propose(network, image, fov, Crop.around(fov.circle, 512))  # type: ignore[arg-type]
    assert len(answers) == 1
    assert answers[0]["coarse"].any()
    others = (answers[0]["residual"] - answers[0]["sharpened"])[0]
    enlarged = [cv2.resize(other, (1024, 1024), interpolation=cv2.INTER_CUBIC) for other in others]
    np.testing.assert_allclose(found.correctors.residual, found.sharpened + enlarged, atol=1e-6)


def test_what_is_not_blurred_gets_no_structures() -> None:
    image = draw_photograph(height=500, width=500)
    fov = find_fov(image)
    residuals = []
    for seen in (image, cv2.blur(image, (5, 5))):
        local = view(seen, fov, Crop.around(fov.circle, 512))
        whole = np.stack([cv2.resize(plane, (128, 128), interpolation=cv2.INTER_AREA) for plane in local])
        network = session("light")
        out = network.run(whole=whole[None], local=local[None], large=network.nothing("large"))
        residuals.append(out["coarse"])
    assert not residuals[0].any()
    assert np.abs(residuals[1]).max() > 0.002


@pytest.mark.parametrize("side", [500, 1100])
@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_blurred_photograph_comes_nearer_to_what_it_was_than_by_filters(path: Path, side: int) -> None:
    good = np.asarray(read_photograph(path).pixels, np.uint8)
    good = resize(good, (round(len(good) * side / good.shape[1]), side))
    fov = find_fov(good)
    width = round(fov.circle.diameter * 0.0098) | 1  # 5 pixels of 512
    found = propose(session("light"), cv2.blur(good, (width, width)), fov, Crop.around(fov.circle, 512))
    size = found.sharpened.shape[1]
    assert size == (1024 if side > 512 else 512)
    seen, truth = (view(one, fov, Crop.around(fov.circle, size)) for one in (cv2.blur(good, (width, width)), good))
    inside = cv2.erode(seen[3], np.ones((65, 65)), borderType=cv2.BORDER_CONSTANT, borderValue=0) > 0
    errors = [
        np.square(seen[:3] + added - truth[:3])[:, inside].mean()
        for added in (0, found.sharpened, found.correctors.residual)
    ]
    assert errors[2] < 0.95 * errors[1] < 0.9 * errors[0]


def test_one_that_is_not_blurred_is_asked_of_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The part for fine structures takes longer than all others."""
    image = draw_photograph(height=1100, width=1100)
    fov = find_fov(image)
    network, asked = session("light"), []
    run = network.run
    monkeypatch.setattr(network, "run", lambda **inputs: asked.append(len(inputs["large"])) or run(**inputs))
    propose(network, image, fov, Crop.around(fov.circle, 512))
    propose(network, cv2.blur(image, (9, 9)), fov, Crop.around(fov.circle, 512))
    assert asked == [0, 0, 1]
