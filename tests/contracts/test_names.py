"""Exported names resolve, and whatever is public says what it is."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from types import ModuleType

import pytest

import cofenet

SOURCE = Path(cofenet.__file__).parent
MODULES = sorted(
    ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in SOURCE.rglob("*.py")
)


def undocumented(module: ModuleType) -> list[str]:
    missing = [] if (module.__doc__ or "").strip() else [module.__name__]
    for name, thing in vars(module).items():
        if name.startswith("_") or getattr(thing, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(thing) and not thing.__doc__:
            missing.append(f"{module.__name__}.{name}")
        if inspect.isclass(thing):
            missing += [f"{module.__name__}.{where}" for where in undocumented_in_class(thing)]
    return missing


def undocumented_in_class(thing: type) -> list[str]:
    own = vars(thing).get("__doc__") or ""
    missing = [thing.__name__] if not own or own.startswith(f"{thing.__name__}(") else []  # as dataclasses write it
    for name, member in vars(thing).items():
        function = getattr(member, "fget", None) or getattr(member, "__func__", member)
        if name.startswith("_") or not inspect.isfunction(function):
            continue
        if function.__module__ == thing.__module__ and not function.__doc__:
            missing.append(f"{thing.__name__}.{name}")
    return missing


def test_dir_offers_what_is_exported() -> None:
    assert sorted(cofenet.__all__) == dir(cofenet)
    assert len(set(cofenet.__all__)) == len(cofenet.__all__)


@pytest.mark.parametrize("name", sorted(set(cofenet.__all__) - {"__version__"}))
def test_exported_name_resolves_and_is_documented(name: str) -> None:
    assert inspect.getdoc(getattr(cofenet, name))


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'corect'"):
        _ = cofenet.corect


@pytest.mark.parametrize("name", MODULES)
def test_public_things_have_docstrings(name: str) -> None:
    assert undocumented(importlib.import_module(name)) == []


def test_an_undocumented_thing_would_be_found() -> None:
    module = ModuleType("drawn", "Documented.")
    program = "class Bare:\n    def act(self): ...\n\ndef run(): ...\n\ndef _hidden(): ..."
    exec(program, vars(module))
    assert undocumented(module) == ["drawn.Bare", "drawn.Bare.act", "drawn.run"]
