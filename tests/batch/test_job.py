"""What is to be done is understood, or refused before the work."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import cofenet
from cofenet.batch.job import DoCorrect, DoSegment, parse
from cofenet.engine.card import load_card
from cofenet.errors import CofenetError
from cofenet.tasks.safety import JUDGES


def test_a_correction_hangs_on_the_networks_that_judge_it(tmp_path: Path) -> None:
    (tmp_path / "job.toml").write_text('[[step]]\ndo = "correct"\njudge = false\n')
    (alone,), (judged,) = parse(str(tmp_path / "job.toml")), parse("correct")
    assert alone.model == load_card("light").sha256
    assert judged.model not in {load_card(name).sha256 for name in ("light", *JUDGES)}


def test_a_chain() -> None:
    job = parse("assess, correct@usable+reject,assess,segment")
    assert [step.name for step in job] == ["assess", "correct", "assess-2", "segment"]
    assert [step.folder for step in job] == ["", "corrected", "", "segmented"]
    assert job[1].verb.grades == ("usable", "reject")
    assert job[0].model == load_card("quality").sha256
    assert [job[1].applies(grade) for grade in ("good", "usable", "reject")] == [False, True, True]
    assert job[3].applies(None)
    assert len({step.model for step in job}) == 3


def test_a_file_says_more(tmp_path: Path) -> None:
    file = tmp_path / "job.toml"
    file.write_text(
        '[[step]]\ndo = "correct"\nstrength = 0.5\nformat = "png"\n'
        '[[step]]\ndo = "segment"\nstructures = ["disc"]\noverlays = true\n'
    )
    first, second = (step.verb for step in parse(str(file)))
    assert first == DoCorrect(strength=0.5, format="png")
    assert second == DoSegment(structures=("disc",), overlays=True)
    assert first.named("sub/a.jpg") == "sub/a.png"


def test_every_setting_counts(tmp_path: Path) -> None:
    file = tmp_path / "job.toml"
    told = set()
    for line in ("", "strength = 0.5", 'format = "png"'):
        file.write_text(f'[[step]]\ndo = "correct"\n{line}\n')
        told.add(parse(str(file))[0].parameters)
    assert len(told) == 3
    assert all("cofenet" in json.loads(parameters) for parameters in told)


def test_a_preset_of_ones_own_counts_by_its_content(tmp_path: Path) -> None:
    shipped = Path(cofenet.degradation.__file__).parent / "presets/clinical.toml"
    preset, file = tmp_path / "own.toml", tmp_path / "job.toml"
    file.write_text(f'[[step]]\ndo = "degrade"\npreset = "{preset}"\n')
    preset.write_bytes(shipped.read_bytes())
    before = parse(str(file))[0].parameters
    preset.write_bytes(shipped.read_bytes() + b"\n")
    assert parse(str(file))[0].parameters != before


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("corect", "Input tag 'corect'"),
        ("", "Input tag ''"),
        ("correct@fine", "fine is none of the grades good, usable, reject"),
        ("correct@usable,assess", "correct is for the grades usable, but nothing assesses before"),
        ("none.toml", "cannot be read: no such file"),
    ],
)
def test_what_makes_no_sense_is_told(text: str, words: str) -> None:
    with pytest.raises(CofenetError) as told:
        parse(text)
    assert words in str(told.value)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('do = "correct"\nstrength = 2', "strength"),
        ('do = "correct"\nsharpness = 2', "sharpness"),
        ('do = "correct"\nmodel = "none"', "no model 'none'"),
        ('do = "segment"\nstructures = ["nose"]', "structures"),
        ('do = "degrade"\nkind = "9"', "9"),
        ("do = ", "is no TOML"),
    ],
)
def test_a_wrong_setting_is_told(tmp_path: Path, lines: str, words: str) -> None:
    (tmp_path / "job.toml").write_text(f"[[step]]\n{lines}\n")
    with pytest.raises(CofenetError) as told:
        parse(str(tmp_path / "job.toml"))
    assert words in str(told.value)
