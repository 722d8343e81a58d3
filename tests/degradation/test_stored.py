from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cofenet.degradation import load_parameters, sample
from cofenet.degradation.published import to_published
from cofenet.errors import ParameterError


def test_reads_ours(tmp_path: Path) -> None:
    parameters = sample(np.random.default_rng(0), preset="clinical")
    (tmp_path / "p.json").write_text(parameters.to_json())
    assert load_parameters(tmp_path / "p.json") == parameters


def test_reads_the_published_form(tmp_path: Path) -> None:
    text = '{"name": "a.jpg", "type": "100", "params": {"blur": {"sigma": 3.5, "rad_w": 5, "rad_h": 7}}}'
    (tmp_path / "p.json").write_text(text)
    parameters = load_parameters(tmp_path / "p.json")
    assert parameters.kind == "100"
    (tmp_path / "again.json").write_text(to_published(parameters, "a.jpg"))
    assert load_parameters(tmp_path / "again.json") == parameters


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b'{"version": 2}', b'{"params": {}}', b"{}"])
def test_what_is_no_parameter_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "p.json").write_bytes(content)
    with pytest.raises(ParameterError, match=r"p\.json: "):
        load_parameters(tmp_path / "p.json")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"p\.json: no such file"):
        load_parameters(tmp_path / "p.json")
