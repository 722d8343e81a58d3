from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from monai.metrics.regression import compute_ms_ssim
from skimage.measure import block_reduce
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from cofenet.metrics.fidelity import SCALES, ms_ssim, psnr, ssim


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


def large_pair() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    smooth = rng.normal(0, 1, (9, 10, 3)).repeat(32, 0).repeat(32, 1)
    truth = np.clip(128 + 40 * smooth + rng.normal(0, 10, smooth.shape), 0, 255).astype(np.uint8)
    noisy = np.clip(truth * 0.9 + rng.normal(0, 15, truth.shape), 0, 255).astype(np.uint8)
    mask = np.zeros(truth.shape[:2], bool)
    mask[32:256, 64:256] = True
    return noisy, truth, mask


def test_ms_ssim_is_the_product_of_scikit_images_maps() -> None:
    """With a huge K1 the luminance of scikit-image's SSIM is 1: what is left is contrast and structure."""
    noisy, truth, mask = large_pair()
    x, y, seen = noisy.astype(float), truth.astype(float), mask.astype(float)
    expected = np.ones(3)
    for scale, weight in enumerate(SCALES):
        _, similarity = structural_similarity(
            y, x, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True,
            data_range=255, K1=0.01 if scale == 4 else 1e6,
        )  # fmt: skip
        expected *= similarity[seen > 0.5].mean(0) ** weight
        x, y = (block_reduce(picture, (2, 2, 1), np.mean) for picture in (x, y))
        seen = block_reduce(seen, (2, 2), np.mean)
    assert ms_ssim(noisy, truth, mask) == pytest.approx(expected.mean(), abs=1e-5)


def test_ms_ssim_is_near_monais_on_the_whole_picture() -> None:
    """MONAI takes no pixel near the frame and the channels one by one; the rest is the same."""
    import torch

    noisy, truth, mask = large_pair()
    x, y = (torch.from_numpy(picture.astype(np.float64)).permute(2, 0, 1)[:, None] for picture in (noisy, truth))
    theirs = compute_ms_ssim(x, y, spatial_dims=2, data_range=255, kernel_size=11, kernel_sigma=1.5).mean()
    assert ms_ssim(noisy, truth, np.ones_like(mask)) == pytest.approx(float(theirs), abs=0.01)


def test_ms_ssim_falls_with_noise_and_knows_equals() -> None:
    noisy, truth, mask = large_pair()
    rng = np.random.default_rng(2)
    worse = np.clip(noisy + rng.normal(0, 40, noisy.shape), 0, 255).astype(np.uint8)
    assert ms_ssim(truth, truth, mask) == pytest.approx(1)
    assert 0 < ms_ssim(worse, truth, mask) < ms_ssim(noisy, truth, mask) < 1
    assert math.isnan(ms_ssim(noisy, truth, np.zeros_like(mask)))
    assert ms_ssim(255 - truth, truth, mask) == 0
