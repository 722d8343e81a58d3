"""Ranges of a factor as TOML, as a preset has them."""

from __future__ import annotations

from collections.abc import Sequence

Value = float | Sequence[float] | Sequence[Sequence[float]]


def section(name: str, measured: str, **values: Value) -> str:
    """The section of a factor; `measured` says, as a comment, what its numbers come from."""
    lines = [f"[{name}]  # {measured}"]
    lines += [f"{key} = {_toml(value, _DIGITS.get(key, 3))}" for key, value in values.items()]
    return "\n".join(lines)


_DIGITS = {"grain": 7}
"""Significant ones: 1 / grain must give the whole number of pixels again, or noise is resampled and lost."""


def _toml(value: Value, digits: int = 3) -> str:
    if isinstance(value, Sequence):
        return f"[{', '.join(_toml(part, digits) for part in value)}]"
    text = f"{float(value) + 0.0:.{digits}g}"
    return text if any(sign in text for sign in ".e") else f"{text}.0"
