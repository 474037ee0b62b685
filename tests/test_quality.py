"""Figures of quality are those of scikit-image, on both engines."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import metrics

import gpuconv as gc

Array = NDArray[Any]


def pair(*shape: int, dtype: str = "float64") -> tuple[Array, Array]:
    """Return two images that resemble each other, between 0 and 1 if they are floats."""
    rng = np.random.default_rng(7)
    reference = rng.random(shape)
    image = np.clip(reference + rng.normal(0, 0.2, shape), 0, 1)
    if np.dtype(dtype).kind == "f":
        return image.astype(dtype), reference.astype(dtype)
    scale = np.iinfo(dtype).max
    return (image * scale).astype(dtype), (reference * scale).astype(dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32", "uint8", "uint16"])
def test_psnr_is_scikit_images(dtype: str) -> None:
    image, reference = pair(20, 30, dtype=dtype)
    theirs = metrics.peak_signal_noise_ratio(reference, image)
    assert gc.psnr(image, reference) == pytest.approx(theirs, abs=1e-5)
    theirs = metrics.peak_signal_noise_ratio(reference, image, data_range=7)
    assert gc.psnr(image, reference, data_range=7) == pytest.approx(theirs, abs=1e-5)


def test_the_psnr_of_bytes_does_not_wrap_around() -> None:
    dark, light = np.array([[0]], np.uint8), np.array([[255]], np.uint8)
    assert gc.psnr(dark, light) == 0
    assert gc.psnr(light, light) == inf
    assert gc.psnr(np.array([[-32768]], np.int16), np.array([[32767]], np.int16)) == 0


@pytest.mark.parametrize("dtype", ["float64", "uint8"])
@pytest.mark.parametrize("win_size", [3, 7, 11])
def test_ssim_is_scikit_images(engine: str, dtype: str, win_size: int) -> None:
    image, reference = pair(19, 26, dtype=dtype)
    peak = 1.0 if dtype == "float64" else 255
    mean, whole = metrics.structural_similarity(
        reference, image, win_size=win_size, data_range=peak, full=True
    )
    found = gc.ssim(image, reference, win_size=win_size, full=True, device=engine)
    assert isinstance(found, tuple)
    assert found[0] == pytest.approx(mean, abs=1e-9)
    np.testing.assert_allclose(found[1], whole, atol=1e-9)


@pytest.mark.parametrize("sample_covariance", [True, False])
def test_gaussian_windows_are_those_of_wang(engine: str, sample_covariance: bool) -> None:
    image, reference = pair(21, 24)
    theirs = metrics.structural_similarity(
        reference,
        image,
        data_range=1.0,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=sample_covariance,
    )
    ours = gc.ssim(image, reference, sigma=1.5, sample_covariance=sample_covariance, device=engine)
    assert ours == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_channels_are_compared_each_for_itself(axis: int) -> None:
    image, reference = (np.moveaxis(each, 0, axis) for each in pair(3, 18, 20))
    mean, whole = metrics.structural_similarity(
        reference, image, channel_axis=axis, data_range=1.0, full=True
    )
    found = gc.ssim(image, reference, channel_axis=axis, full=True)
    assert isinstance(found, tuple)
    assert found[0] == pytest.approx(mean, abs=1e-9)
    np.testing.assert_allclose(found[1], whole, atol=1e-9)


def test_a_batch_has_the_mean_of_its_images() -> None:
    image, reference = pair(4, 15, 16)
    each = [gc.ssim(a, b) for a, b in zip(image, reference, strict=True)]
    assert gc.ssim(image, reference) == pytest.approx(np.mean(each))  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [{}, {"sigma": 1.5}, {"win_size": 1}])
def test_an_image_is_most_like_itself(given: dict[str, Any]) -> None:
    image, _ = pair(16, 16)
    assert gc.ssim(image, image, **given) == pytest.approx(1)


def test_what_no_float_holds_is_infinitely_far() -> None:
    image, black = np.ones((8, 8)), np.zeros((8, 8))
    image[4, 4] = np.inf
    assert gc.psnr(image, black) == gc.psnr(np.full((8, 8), 1e200), black) == -np.inf
    assert np.isnan(gc.psnr(np.full((8, 8), np.nan), black))
    assert np.isnan(gc.ssim(image, black))


def test_a_range_whose_square_no_float_holds() -> None:
    assert round(gc.psnr(np.ones((2, 2)), np.zeros((2, 2)), data_range=1e200)) == 4000


@pytest.mark.parametrize("measure", [gc.psnr, gc.ssim])
@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"reference": np.ones((8, 9))}, ValueError, r"shape \(8, 8\) and reference \(8, 9\)"),
        ({"reference": 3 * np.ones((8, 8))}, ValueError, "beyond 0 … 1; give data_range"),
        ({"reference": np.ones((8, 8), complex)}, TypeError, "give real ones"),
        ({"reference": np.ones((8, 8), bool)}, TypeError, "bool"),
        ({"data_range": 0}, ValueError, "data_range=0 must be finite and above 0"),
        ({"data_range": "1"}, TypeError, "data_range='1' must be a number"),
        ({"data_range": np.complex64(1)}, TypeError, "data_range=.* must be a number"),
        ({"reference": np.ma.masked_equal(np.eye(8), 0)}, TypeError, "reference is a masked array"),
    ],
)
def test_what_cannot_be_compared_is_said(
    measure: Any, given: dict[str, Any], error: type[Exception], words: str
) -> None:
    image = np.ones((8, 8))
    with pytest.raises(error, match=words):
        measure(image, **({"reference": image} | given))


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"win_size": 4}, ValueError, "win_size=4 must be odd"),
        ({"win_size": 7.0}, TypeError, "win_size=7.0 must be an integer"),
        ({"win_size": 9}, ValueError, "9 × 9 does not fit in"),
        ({"sigma": -1}, ValueError, "sigma=-1"),
        ({"channel_axis": 0}, ValueError, "H, W"),
    ],
)
def test_windows_are_checked(given: dict[str, Any], error: type[Exception], words: str) -> None:
    image = np.ones((8, 8))
    with pytest.raises(error, match=words):
        gc.ssim(image, image, **given)
