"""Noise that is estimated: against scikit-image's estimate, and noise that was put there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy import signal
from skimage.restoration._denoise import _sigma_est_dwt

import gpuconv as gc
from gpuconv.errors import ArgumentError

SAMPLES = Path(__file__).parent.parent / "samples"


def photograph(name: str, noisy: float) -> Any:
    """A photograph from 0 to 1, with noise."""
    pixels = np.asarray(Image.open(SAMPLES / name).convert("L")) / 255
    return pixels + np.random.default_rng(0).normal(0, noisy, pixels.shape)


def details(image: Any) -> Any:
    """The finest diagonal details of the wavelet db2, by SciPy: what PyWavelets makes of it."""
    root = np.sqrt(3)
    high = np.array([1 - root, root - 3, 3 + root, -1 - root]) / (4 * np.sqrt(2))
    whole = np.pad(image, 3, mode="symmetric")
    return signal.convolve2d(whole, np.outer(-high[::-1], -high[::-1]), mode="valid")[1::2, 1::2]


@pytest.mark.parametrize("strength", [0.02, 0.05, 0.1])
@pytest.mark.parametrize("name", ["camera.png", "coffee.jpg"])
def test_noise_is_what_scikit_image_estimates(name: str, strength: float) -> None:
    image = photograph(name, strength)
    theirs = _sigma_est_dwt(details(image))  # type: ignore[no-untyped-call]
    assert gc.estimate_noise(image) == pytest.approx(theirs, rel=0.003)


@pytest.mark.parametrize("method", ["wavelet", "laplacian"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64", "int32"])
def test_noise_is_found_in_units_of_pixels(dtype: str, method: Any) -> None:
    ramp = np.add.outer(np.arange(200.0), np.arange(200.0)) / 4 + 60
    noisy = (ramp + np.random.default_rng(0).normal(0, 10, ramp.shape)).astype(dtype)
    assert gc.estimate_noise(noisy, method=method) == pytest.approx(10, rel=0.02)


def test_each_image_and_each_channel_has_noise_of_its_own() -> None:
    rng = np.random.default_rng(0)
    images = np.stack([rng.normal(0, s, (3, 120, 100)) for s in (1, 4)]) * [[[[1]], [[2]], [[3]]]]
    apart = gc.estimate_noise(images, channel_axis=1, average_channels=False)
    np.testing.assert_allclose(apart, [[1, 2, 3], [4, 8, 12]], rtol=0.05)
    np.testing.assert_allclose(gc.estimate_noise(images, channel_axis=1), apart.mean(axis=1))
    last = np.moveaxis(images[0], 0, -1)
    assert gc.estimate_noise(last, channel_axis=-1) == pytest.approx(apart[0].mean())
    np.testing.assert_allclose(gc.estimate_noise(images), apart)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("value", [0, 255, 0.7])
def test_what_is_saturated_or_no_number_says_nothing_of_the_noise(value: float, dtype: str) -> None:
    image = np.random.default_rng(0).normal(50, 2, (200, 200)).astype(dtype)
    whole = gc.estimate_noise(image)
    image[:, :120] = value
    image[150:160, 150] = np.nan
    assert gc.estimate_noise(image) == pytest.approx(whole, rel=0.06)


@pytest.mark.parametrize("method", ["wavelet", "laplacian"])
def test_images_without_noise_have_none(method: Any) -> None:
    for image in (np.zeros((0, 5)), np.full((1, 1), 0.7), np.full((9, 9), 7, np.uint8)):
        assert gc.estimate_noise(image, method=method) == 0


def test_noise_is_told_by_a_known_method() -> None:
    with pytest.raises(ArgumentError, match="method='guess'"):
        gc.estimate_noise(np.zeros((4, 4)), method="guess")  # type: ignore[arg-type]
