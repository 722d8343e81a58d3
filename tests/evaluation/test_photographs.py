from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cofenet.errors import NotFundusError, UsageError
from cofenet.evaluation.photographs import cut, listed
from cofenet.io import Photograph, read_photograph, write_photograph

Draw = Callable[..., np.ndarray]


def drawn_mask(path: Path, shape: tuple[int, int]) -> np.ndarray:
    mask = np.zeros((*shape, 3), np.uint8)
    mask[80:110, 100:130] = 255
    path.parent.mkdir(parents=True, exist_ok=True)
    write_photograph(path, Photograph(mask))
    return mask[..., 0] > 0


def test_a_folder_and_labels_beside_it(photos: Path, tmp_path: Path) -> None:
    drawn_mask(tmp_path / "labels/vessels/sub/b.png", (192, 224))
    found = listed(photos, tmp_path / "labels")
    assert [one.name for one in found] == ["a.png", "sub/b.png"]
    assert [sorted(one.labels) for one in found] == [[], ["vessels"]]
    assert [one.drawn for one in found] == [{"vessels"}] * 2
    assert [one.patient for one in found] == ["a.png", "sub/b.png"]


def test_a_manifest_with_all_it_may_say(photos: Path) -> None:
    drawn_mask(photos / "masks/m.png", (192, 224))
    manifest = photos / "manifest.csv"
    manifest.write_text("path,source,patient,split,disc\na.png,X,1,test,masks/m.png\nsub/b.png,Y,1,train,\n")
    found = listed(manifest)
    assert [(one.source, one.patient, one.path) for one in found] == [
        ("X", "1", photos / "a.png"),
        ("Y", "1", photos / "sub/b.png"),
    ]
    assert found[0].labels == {"disc": photos / "masks/m.png"}
    assert [one.name for one in listed(manifest, where={"split": "train"})] == ["sub/b.png"]


@pytest.mark.parametrize(
    ("text", "where", "told"),
    [
        ("file\na.png\n", {}, "no column path"),
        ("path\na.png\n", {"split": "test"}, "no column split"),
        ("path,split\na.png,test\n", {"split": "val"}, "no photographs"),
        ("path\na.png\na.png\n", {}, "listed twice"),
        ("path\n../a.png\n", {}, "outside"),
    ],
)
def test_a_manifest_that_makes_no_sense(photos: Path, text: str, where: dict[str, str], told: str) -> None:
    (photos / "m.csv").write_text(text)
    with pytest.raises(UsageError, match=told):
        listed(photos / "m.csv", where=where)


def test_folders_that_make_no_sense(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        listed(tmp_path / "none")
    with pytest.raises(UsageError, match="is a folder"):
        listed(photos, where={"split": "test"})
    (tmp_path / "labels").mkdir()
    with pytest.raises(UsageError, match="folder of masks named"):
        listed(photos, tmp_path / "labels")


def test_the_square_holds_photograph_and_label_alike(photos: Path, tmp_path: Path) -> None:
    drawn_mask(tmp_path / "labels/disc/a.png", (192, 224))
    square = cut(listed(photos, tmp_path / "labels")[0], 256)
    assert square.image.shape == (256, 256, 3)
    assert not square.image[~square.fov.mask].any()
    rows, columns = np.nonzero(square.labels["disc"])
    whole = read_photograph(photos / "a.png").pixels
    inside = whole[80:110, 100:130].reshape(-1, 3).mean(0)
    np.testing.assert_allclose(square.image[rows, columns].mean(0), inside, atol=3)


def test_other_sizes_are_cut_from_the_photograph_itself(photos: Path) -> None:
    """Not from a square that has lost its detail."""
    one = listed(photos)[0]
    large = cut(one, 64).at(192)
    np.testing.assert_array_equal(large.image, cut(one, 192).image)
    np.testing.assert_array_equal(large.fov.mask, cut(one, 192).fov.mask)


def test_sixteen_bits_become_eight(draw: Draw, tmp_path: Path) -> None:
    write_photograph(tmp_path / "d/a.png", Photograph(draw(0).astype(np.uint16) * 257))
    write_photograph(tmp_path / "d/b.png", Photograph(draw(0)))
    one, other = (cut(item, 176).image for item in listed(tmp_path / "d"))
    assert (one != other).any(2).mean() < 0.002  # but for the rim, which is found a hair's breadth elsewhere


def test_a_label_of_another_size_is_refused(photos: Path, tmp_path: Path) -> None:
    drawn_mask(tmp_path / "labels/disc/a.png", (150, 150))
    with pytest.raises(UsageError, match="150 × 150"):
        cut(listed(photos, tmp_path / "labels")[0], 256)


def test_what_shows_no_retina_is_named(tmp_path: Path) -> None:
    write_photograph(tmp_path / "d/a.png", Photograph(np.full((64, 64, 3), 9, np.uint8)))
    with pytest.raises(NotFundusError):
        cut(listed(tmp_path / "d")[0], 176)


def test_the_stamp_changes_with_the_file(photos: Path, draw: Draw) -> None:
    before = listed(photos)[0].stamp()
    assert before == listed(photos)[0].stamp()
    write_photograph(photos / "a.png", Photograph(draw(9)))
    assert listed(photos)[0].stamp() != before


def test_the_stamp_changes_with_what_is_drawn_anywhere_in_the_set(photos: Path, tmp_path: Path) -> None:
    """For then another truth counts."""
    before = listed(photos)[0].stamp()
    drawn_mask(tmp_path / "labels/vessels/sub/b.png", (192, 224))
    assert listed(photos, tmp_path / "labels")[0].stamp() != before


def test_the_truth_is_drawn_or_found_but_not_some_of_each(photos: Path, tmp_path: Path) -> None:
    drawn_mask(tmp_path / "labels/vessels/sub/b.png", (192, 224))
    without, with_vessels = (cut(one, 176) for one in listed(photos, tmp_path / "labels"))
    assert without.truth("vessels") is None
    np.testing.assert_array_equal(with_vessels.truth("vessels"), with_vessels.labels["vessels"])
    np.testing.assert_array_equal(without.truth("disc"), without.segmentation.disc)
    alone = cut(listed(photos)[0], 176)
    np.testing.assert_array_equal(alone.truth("vessels"), alone.segmentation.vessels)
