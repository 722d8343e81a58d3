from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from cofenet.metrics.fidelity import psnr, ssim


def pair(dtype: type = np.uint8) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    top = np.iinfo(dtype).max
    truth = rng.integers(0, top, (80, 90, 3), dtype)
    noisy = np.clip(truth + rng.normal(0, top / 20, truth.shape), 0, top).astype(dtype)
    mask = np.zeros((80, 90), bool)
    mask[15:60, 20:70] = True
    return noisy, truth, mask


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_psnr_is_scikit_images_on_the_masked_pixels(dtype: type) -> None:
    noisy, truth, mask = pair(dtype)
    assert psnr(noisy, truth, mask) == pytest.approx(peak_signal_noise_ratio(truth[mask], noisy[mask]))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_ssim_is_scikit_images_map_averaged_over_the_mask(dtype: type) -> None:
    noisy, truth, mask = pair(dtype)
    _, similarity = structural_similarity(
        truth, noisy, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True,
        data_range=np.iinfo(dtype).max,
    )  # fmt: skip
    assert ssim(noisy, truth, mask) == pytest.approx(similarity[mask].mean(), abs=1e-6)


def test_a_picture_equals_itself() -> None:
    _, truth, mask = pair()
    assert psnr(truth, truth, mask) == math.inf
    assert ssim(truth, truth, mask) == pytest.approx(1)


@given(offset=st.integers(1, 100))
def test_psnr_of_a_constant_error(offset: int) -> None:
    truth = np.full((8, 8, 3), 100, np.uint8)
    assert psnr(truth + np.uint8(offset), truth, np.ones((8, 8), bool)) == pytest.approx(20 * math.log10(255 / offset))


def test_what_lies_outside_the_mask_does_not_count() -> None:
    noisy, truth, mask = pair()
    other = np.where(mask[..., None], noisy, np.uint8(0))
    assert psnr(other, truth, mask) == psnr(noisy, truth, mask)
