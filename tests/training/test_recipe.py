"""Recipes: those that are shipped load, and an error names the field."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import get_args

import pytest
from pydantic import ValidationError

from cofenet.errors import UsageError
from cofenet.training.objectives import objective
from cofenet.training.recipe import Network, Recipe, load_recipe

RECIPES = Path(__file__).parents[2] / "recipes"
SHIPPED = sorted(
    str(path.relative_to(RECIPES))
    for pattern in ("*.toml", "comparison/*.toml")
    for path in RECIPES.glob(pattern)
    if path.name != "terms.toml"
)

GOOD = """
network = "detail"
steps = 10
{}

[losses]
absolute = 1.0
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text)
    return path


def test_every_network_has_a_recipe() -> None:
    assert {load_recipe(RECIPES / name).network for name in SHIPPED} == set(get_args(Network))


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_recipe_loads(name: str) -> None:
    recipe = load_recipe(RECIPES / name)
    assert recipe.name == Path(name).stem
    assert any(value.requires_grad for value in objective(recipe).network().parameters())


def test_defaults(tmp_path: Path) -> None:
    recipe = load_recipe(written(tmp_path, GOOD.format("")))
    assert recipe == Recipe(name="mine", network="detail", steps=10, losses={"absolute": 1.0})


def test_a_recipe_is_its_base_but_for_what_it_names(tmp_path: Path) -> None:
    written(tmp_path, GOOD.format("rate = 0.5"))
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper/other.toml").write_text('base = "../mine.toml"\nsteps = 20\n[losses]\ngradient = 1.0\n')
    expected = Recipe(name="other", network="detail", steps=20, rate=0.5, losses={"gradient": 1.0})
    assert load_recipe(tmp_path / "deeper/other.toml") == expected


@pytest.mark.parametrize(("base", "said"), [("mine.toml", "circle"), ("gone.toml", "gone.toml"), ("", "directory")])
def test_a_base_that_leads_nowhere_is_refused(tmp_path: Path, base: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        load_recipe(written(tmp_path, f'base = "{base}"'))


def test_a_preset_lies_beside_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "haze.toml").write_bytes(
        resources.files("cofenet").joinpath("degradation/presets/clinical.toml").read_bytes()
    )
    path = written(folder, GOOD.format("").replace("[losses]", 'mixture.presets = { "haze.toml" = 1.0 }\n\n[losses]'))
    for place in (tmp_path, folder):
        monkeypatch.chdir(place)
        assert list(load_recipe(path).mixture.presets) == [str(folder / "haze.toml")]


def test_recipe_kept_by_a_run_is_the_same(tmp_path: Path, recipes: dict[str, Recipe]) -> None:
    kept = tmp_path / "recipe.json"
    for recipe in recipes.values():
        kept.write_text(recipe.model_dump_json())
        assert load_recipe(kept) == recipe


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("stepz = 5", "stepz"),
        ("rate = 0", "rate"),
        ('rate = "fast"', "rate"),
        ("batch = 0", "batch"),
        ("size = 40", "size"),
        ("size = 128\ncanvas = 64", "size"),
        ("widths = [4, 4]", "widths"),
        ("averaging = 1.0", "averaging"),
        ("validate_every = 0", "validate_every"),
        ("sources = []", "sources"),
        ("mixture.partial = 1.5", "mixture.partial"),
        ("mixture.kinds = { 222 = 1.0 }", "mixture.kinds.222"),
        ("mixture.kinds = { 111 = -1.0 }", "mixture.kinds.111"),
        ("mixture.kinds = { 111 = 0.0 }", "mixture.kinds"),
        ('mixture.presets = { "no such" = 1.0 }', "mixture.presets"),
        ("losses.beauty = 1.0", "losses.beauty"),
        ("reference.width = 4", "reference"),
        ("betas = [0.9, 1.0]", "betas.1"),
        ("clip = -1.0", "clip"),
        ('schedule = "steps"', "schedule"),
        ("mixture.taught = 0.5", "mixture.taught"),
        ("sources = [{ taught = true }]", "sources.taught"),
    ],
)
def test_error_names_file_and_field(tmp_path: Path, line: str, field: str) -> None:
    path = written(tmp_path, GOOD.format("").replace("[losses]\nabsolute", f"{line}\nlosses.absolute"))
    with pytest.raises(UsageError) as caught:
        load_recipe(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert field in str(caught.value)


def test_missing_field_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="steps: Field required"):
        load_recipe(written(tmp_path, GOOD.format("").replace("steps = 10", "")))


def test_activation_is_a_loss_of_detail_alone(tmp_path: Path) -> None:
    text = GOOD.format("").replace("absolute", "activation")
    assert load_recipe(written(tmp_path, text)).losses == {"activation": 1.0}
    with pytest.raises(UsageError, match=r"losses\.activation"):
        load_recipe(written(tmp_path, text.replace("detail", "field")))


@pytest.mark.parametrize("content", [b"network = ", b"\xff\xfe", None])
def test_damaged_or_missing_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "broken.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=r"broken\.toml"):
        load_recipe(path)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("size = 160\ncanvas = 160", "size: with rsa it must be a multiple of 32 from 192 on, got 160"),
        ("size = 208\ncanvas = 256", "got 208"),
        ("size = 192\ncanvas = 192\nwidths = [4]", "widths"),
        ("size = 192\ncanvas = 192\nreference.width = 0", "reference.width"),
        ("size = 192\ncanvas = 192\nreference.scales = 3", "reference.scales"),
        ("reference.rsa = false\nlosses.vessels = 1.0", "losses.vessels: reference as it is has no vessels"),
        ("size = 192\ncanvas = 192\nreference.lqa = false\nlosses.activation = 1.0", "losses.activation"),
    ],
)
def test_what_the_reference_cannot_be_is_named(tmp_path: Path, lines: str, message: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f'network = "reference"\nsteps = 10\nlosses.absolute = 1.0\n{lines}\n')
    with pytest.raises(UsageError) as caught:
        load_recipe(path)
    assert message in str(caught.value)


def test_disc_is_a_loss_of_the_reference_alone(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"losses\.disc: is not for detail"):
        load_recipe(written(tmp_path, GOOD.format("").replace("absolute", "disc")))


def test_change_is_a_loss_of_pairs(tmp_path: Path) -> None:
    text = GOOD.format("").replace("detail", "quality").replace("absolute", "change")
    with pytest.raises(UsageError, match=r"losses\.change: needs mixture\.pairs"):
        load_recipe(written(tmp_path, text))
    assert load_recipe(written(tmp_path, text.replace("[losses]", "mixture.pairs = true\n[losses]"))).mixture.pairs


@pytest.mark.parametrize(("network", "side"), [("coarse", 512), ("fine", 1024)])
def test_networks_for_structures_see_no_patch_larger_than_their_photographs(
    network: str, side: int, tmp_path: Path
) -> None:
    (tmp_path / "a.toml").write_text(
        f'network = "{network}"\ncanvas = 2048\nsize = 1040\nsteps = 1\nlosses = {{ absolute = 1 }}\n'
    )
    with pytest.raises(UsageError, match=f"1040 is more than the {side} at which {network} sees photographs"):
        load_recipe(tmp_path / "a.toml")


def test_even_is_for_networks_that_give_a_picture(recipes: dict[str, Recipe]) -> None:
    for name, recipe in recipes.items():
        wanted = recipe.model_dump() | {"even": True}
        if name in {"vessels", "disc", "disc-finder", "quality"}:
            with pytest.raises(ValidationError, match=f"even: is not for {name}"):
                Recipe.model_validate(wanted)
        else:
            assert Recipe.model_validate(wanted).even
