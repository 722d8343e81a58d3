"""The figures of the README's table, of drawn rows."""

from __future__ import annotations

import pytest

from cofenet.evaluation.restoration import published


def rows(kind: str, patients: str = "abcd") -> list[dict[str, object]]:
    drawn = {"input": (20.0, 22.0, 24.0, 60.0), "light": (25.0, 21.0, 26.0, 60.0)}
    return [
        {
            "photograph": str(number),
            "condition": kind,
            "method": method,
            "psnr": psnr,
            "ssim": psnr / 100,
            "patient": patients[number],
        }
        for method, values in drawn.items()
        for number, psnr in enumerate(values)
    ]


def test_means_and_the_share_that_is_worse() -> None:
    found = published(rows("111"), "111", "light")
    assert found["psnr"] == pytest.approx(33)
    assert found["ssim"] == pytest.approx(0.33)
    assert found["worse"] == pytest.approx(0.25)
    assert 0 < found["ssim_ci"] < found["psnr_ci"] < 20
    assert published(rows("111"), "111", "input")["worse"] == 0


def test_intervals_draw_patients_with_all_their_photographs() -> None:
    assert published(rows("111", "aabb"), "111", "input")["psnr_ci"] == pytest.approx((42 - 21) / 2)
    assert published(rows("111", "aaaa"), "111", "input")["psnr_ci"] == 0


def test_good_photographs_by_their_median() -> None:
    assert published(rows("000"), "000", "light")["psnr"] == pytest.approx(25.5)


def test_other_kinds_do_not_count() -> None:
    assert published(rows("111") + rows("000"), "111", "light") == published(rows("111"), "111", "light")
