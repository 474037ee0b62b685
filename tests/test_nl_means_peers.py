"""Non-local means beside scikit-image's: what differs, and that nothing else does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage.restoration import denoise_nl_means

import gpuconv as gc

SAMPLES = Path(__file__).parent.parent / "samples"


def photograph(name: str, noisy: float = 0.0) -> Any:
    """A part of a photograph from 0 to 1, with edges and with flat regions, and with noise."""
    picture = Image.open(SAMPLES / name)
    pixels = np.asarray(picture if picture.mode == "L" else picture.convert("RGB"))[60:140, 90:190]
    return pixels / 255 + np.random.default_rng(0).normal(0, noisy, pixels.shape)


def fast_exponential(x: Any) -> Any:
    """Schraudolph's exponential, as scikit-image has it: bits of a float64 from a line."""
    high = np.trunc(1512775.3951951856938 * x).astype(np.int64) + 1072632447
    return (high << 32).view(np.float64)


def as_upstream(image: Any, patch: int, search: int, h: float, sigma: float) -> Any:
    """The definition with the three things in which scikit-image differs."""
    half, margin = patch // 2, patch // 2 + search
    whole = np.pad(image, [(margin, margin)] * 2 + [(0, 0)], mode="reflect")
    height, width, channels = image.shape
    total, weight = np.zeros(image.shape), np.zeros((height, width))

    def at(y: int, x: int) -> Any:
        return whole[margin + y : margin + y + height, margin + x : margin + x + width]

    inside = range(1 - half, half + 1)  # not the first row and column
    for y in range(-search, search + 1):
        for x in range(-search, search + 1):
            squares = sum(
                (at(y + j, x + i) - at(j, i)) ** 2 - 2 * sigma**2 for j in inside for i in inside
            )
            distance = np.maximum(squares.sum(axis=-1), 0) / (channels * (h * patch) ** 2)
            w = np.where(distance > 5, 0, fast_exponential(-distance))
            total += w[..., None] * at(y, x)
            weight += w
    return total / weight[..., None]


@pytest.mark.parametrize("name", ["camera.png", "coffee.jpg"])
def test_it_differs_from_scikit_image_in_three_things_only(name: str) -> None:
    image = photograph(name, 0.08)
    axis = -1 if image.ndim == 3 else None
    for h, sigma in ((0.064, 0.08), (0.15, 0.0)):
        options: Any = {"h": h, "sigma": sigma, "channel_axis": axis}
        theirs = denoise_nl_means(image, 5, 4, fast_mode=True, **options)
        planes = image if axis else image[..., None]
        expected = as_upstream(planes, 5, 4, h, sigma)
        # An integral image cancels: weights beside the threshold come or go.
        near = np.abs(theirs.reshape(expected.shape) - expected)
        assert np.quantile(near, 0.99) < 1e-6
        ours = gc.nl_means(image, 5, 4, border="mirror", **options)
        assert np.abs(ours - theirs).mean() < 0.008
        assert np.abs(ours - theirs).max() < 0.2


def test_normalisation_is_that_of_scikit_image() -> None:
    # Its patches are smaller by a row and a column, and so is what it divides by in ours.
    image = photograph("coffee.jpg", 0.08)
    theirs = denoise_nl_means(image, 5, 4, h=0.15, sigma=0.05, channel_axis=-1)
    turned = image[::-1, ::-1]
    ours = gc.nl_means(turned, 4, 4, h=0.15 * 5 / 4, sigma=0.05, channel_axis=-1, border="mirror")
    assert np.abs(ours[::-1, ::-1] - theirs).mean() < 5e-4


def test_what_it_does_not_copy_makes_little_difference_to_how_good_it_is() -> None:
    for name in ("camera.png", "coffee.jpg"):
        clean, noisy = photograph(name), photograph(name, 0.08)
        axis = -1 if clean.ndim == 3 else None
        options: Any = {"h": 0.064, "sigma": 0.08, "channel_axis": axis}
        theirs = denoise_nl_means(noisy, 7, 5, **options)
        ours = gc.nl_means(noisy, 7, 5, border="mirror", **options)
        gained = gc.psnr(ours, clean, data_range=1) - gc.psnr(theirs, clean, data_range=1)
        assert abs(gained) < 0.6
