"""Laplacians and differences of Gaussians, and Gabor's wave packets, against SciPy and skimage."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import scipy.ndimage as ndi
import skimage.data
import skimage.filters

from gpuconv.errors import ArgumentError
from gpuconv.kernels import difference_of_gaussians, gabor, gaussian, laplacian_of_gaussian

IMAGE = skimage.data.camera()[::3, ::3] / 255


# Laplacian of Gaussian


@pytest.mark.parametrize(("sigma", "atol"), [(1, 5e-7), (1.4, 1e-13), (2, 1e-13), (5, 1e-13)])
def test_log_is_scipys_where_the_gaussian_is_whole(sigma: float, atol: float) -> None:
    ours = ndi.convolve(IMAGE, laplacian_of_gaussian(sigma, truncate=8).weights)
    theirs = ndi.gaussian_laplace(IMAGE, sigma, truncate=8)
    np.testing.assert_allclose(ours, theirs, atol=atol)


@pytest.mark.parametrize("sigma", [0.5, 1, 1.4, 3])
@pytest.mark.parametrize("radius", [1, 2, 5])
def test_log_is_scipys_less_what_that_gives_on_flat_areas(sigma: float, radius: int) -> None:
    flat = ndi.gaussian_laplace(np.ones((1, 1)), sigma, radius=radius).item()
    blurred = ndi.gaussian_filter(IMAGE, sigma, radius=radius)
    theirs = ndi.gaussian_laplace(IMAGE, sigma, radius=radius) - flat * blurred
    ours = ndi.convolve(IMAGE, laplacian_of_gaussian(sigma, radius=radius).weights)
    np.testing.assert_allclose(ours, theirs, atol=1e-13)


@pytest.mark.parametrize("sigma", [0.2, 0.5, 1, 3.3, 20])
def test_log_sums_to_zero_in_every_term(sigma: float) -> None:
    kernel = laplacian_of_gaussian(sigma)
    for column, row in kernel.terms:
        assert column.sum() * row.sum() == pytest.approx(0, abs=1e-15 / sigma**2)
    assert kernel.weights[kernel.anchor] < 0


def test_log_measures_curvature() -> None:
    y, x = np.mgrid[:61, :61].astype(float)
    response = ndi.convolve(x**2 + 3 * y**2, laplacian_of_gaussian(2, truncate=6).weights)
    assert response[30, 30] == pytest.approx(8, rel=1e-5)


def test_log_answers_most_to_blobs_of_its_size() -> None:
    y, x = np.mgrid[-40:41, -40:41]
    blob = (x**2 + y**2 <= 8**2).astype(float)
    sigmas = np.arange(3, 9, 0.25)
    middle = [-(s**2) * (blob * _full(laplacian_of_gaussian(s).weights)).sum() for s in sigmas]
    assert sigmas[np.argmax(middle)] == pytest.approx(8 / math.sqrt(2), abs=0.3)


def _full(weights: np.ndarray) -> np.ndarray:
    margin = (81 - len(weights)) // 2
    return np.pad(weights, margin) if margin >= 0 else weights[-margin:margin, -margin:margin]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sigma": 0}, "sigma=0 must be greater than 0"),
        ({"sigma": -1}, "sigma=-1 must be greater than 0"),
        ({"sigma": 1, "truncate": math.nan}, "truncate=nan must be finite"),
        (
            {"sigma": 0.1},
            "sigma=0.1 with truncate=4 and radius=None leaves one pixel, which has no Laplacian; "
            "give radius=1 or more",
        ),
        (
            {"sigma": 1, "radius": 0},
            "sigma=1 with truncate=4 and radius=0 leaves one pixel, which has no Laplacian; "
            "give radius=1 or more",
        ),
    ],
)
def test_log_refuses(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ArgumentError, match=f"^{re.escape(message)}$"):
        laplacian_of_gaussian(**arguments)  # type: ignore[arg-type]


# Difference of Gaussians


@pytest.mark.parametrize(("low", "high"), [(1, None), (1, 3), (2.5, 4), (0, 2)])
def test_dog_is_skimages(low: float, high: float | None) -> None:
    theirs = skimage.filters.difference_of_gaussians(IMAGE, low, high, mode="reflect")
    ours = ndi.convolve(IMAGE, difference_of_gaussians(low, high).weights)
    np.testing.assert_allclose(ours, theirs, atol=1e-14)


def test_dog_is_the_difference_of_two_kernels() -> None:
    ours = difference_of_gaussians(1, 2, truncate=3)
    theirs = gaussian(1, truncate=3) - gaussian(2, truncate=3)
    np.testing.assert_array_equal(ours.weights, theirs.weights)
    assert ours.anchor == theirs.anchor
    assert ours.name == "difference_of_gaussians(1, 2)"


def test_dog_is_close_to_the_log() -> None:
    low, high = 4, 4.04
    dog = difference_of_gaussians(low, high, truncate=6).weights
    log = laplacian_of_gaussian(low, radius=len(dog) // 2).weights * (low**2 - high**2) / 2
    np.testing.assert_allclose(dog, log, atol=0.03 * np.abs(log).max())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"low_sigma": -1}, "low_sigma=-1 must be at least 0"),
        ({"low_sigma": 1, "high_sigma": math.inf}, "high_sigma=inf must be finite"),
        ({"low_sigma": 2, "high_sigma": 2}, "high_sigma=2 must be greater than low_sigma=2"),
        ({"low_sigma": 0}, "high_sigma=0 must be greater than low_sigma=0"),
        ({"low_sigma": 1, "truncate": -2}, "truncate=-2 must be at least 0"),
    ],
)
def test_dog_refuses(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ArgumentError, match=f"^{re.escape(message)}$"):
        difference_of_gaussians(**arguments)


# Gabor


@pytest.mark.parametrize("angle", [0, 17, 45, 90, 120, 180, 300, -33])
@pytest.mark.parametrize(("sigma_x", "sigma_y"), [(None, None), (2, 2), (2, 5), (4, 1.5)])
@pytest.mark.parametrize("phase", [0, 90, 30])
def test_gabor_is_skimages(
    angle: float, sigma_x: float | None, sigma_y: float | None, phase: float
) -> None:
    theirs = skimage.filters.gabor_kernel(
        0.17,
        theta=-math.radians(angle),
        bandwidth=1.3,
        sigma_x=sigma_x,
        sigma_y=sigma_y,
        offset=math.radians(phase),
    )
    parts = {"real": theirs.real, "imaginary": theirs.imag, "complex": theirs}
    for part, expected in parts.items():
        kernel = gabor(0.17, angle, 1.3, sigma_x, sigma_y, phase=phase, part=part)  # type: ignore[arg-type]
        # skimage's cosines of 90° or 300° are off by 1e-16, which can make its kernel one wider.
        np.testing.assert_allclose(kernel.weights, _crop(expected, kernel.shape), atol=1e-15)
        assert kernel.complex == (part == "complex")


def _crop(weights: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    y, x = ((n - m) // 2 for n, m in zip(weights.shape, shape, strict=True))
    assert {y, x} <= {0, 1}
    return weights[y : y + shape[0], x : x + shape[1]]


@pytest.mark.parametrize(
    ("arguments", "real", "whole"),
    [
        ({}, 1, 1),
        ({"angle": 90}, 1, 1),
        ({"angle": 30}, 2, 1),
        ({"angle": 90, "sigma_x": 2, "sigma_y": 5}, 1, 1),
        ({"angle": 30, "sigma_x": 2, "sigma_y": 5}, 0, 0),
    ],
)
def test_gabor_is_separable_where_it_can_be(
    arguments: dict[str, float], real: int, whole: int
) -> None:
    assert len(gabor(0.2, **arguments).terms) == real  # type: ignore[arg-type]
    assert len(gabor(0.2, part="imaginary", **arguments).terms) == real  # type: ignore[arg-type]
    assert len(gabor(0.2, part="complex", **arguments).terms) == whole  # type: ignore[arg-type]
    if real == 0:
        assert gabor(0.2, **arguments).rank() > 2  # type: ignore[arg-type]


def test_gabor_answers_to_stripes_across_its_angle() -> None:
    y, x = np.mgrid[:64, :64]
    # A wave that runs to the upper right: 45° as seen, where y points down.
    stripes = np.cos(2 * np.pi * 0.2 * (x - y) / math.sqrt(2))
    with_it = ndi.convolve(stripes, gabor(0.2, angle=45).weights)[16:-16, 16:-16]
    across = ndi.convolve(stripes, gabor(0.2, angle=135).weights)[16:-16, 16:-16]
    assert np.abs(with_it).max() > 0.4
    assert np.abs(across).max() < 0.02


def test_gabor_of_extreme_shape_is_finite() -> None:
    weights = gabor(0.3, angle=45, sigma_x=1, sigma_y=60).weights
    assert np.isfinite(weights).all()
    assert np.abs(weights).max() == weights[tuple(n // 2 for n in weights.shape)]
    assert gabor(0.2, bandwidth=5000).shape == gabor(0.2, bandwidth=60).shape


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"frequency": 0}, "frequency=0 must be greater than 0"),
        ({"bandwidth": 0}, "bandwidth=0 must be greater than 0"),
        ({"angle": math.nan}, "angle=nan must be finite"),
        ({"sigma_x": 0}, "sigma_x=0 must be greater than 0"),
        ({"sigma_y": -1}, "sigma_y=-1 must be greater than 0"),
        ({"truncate": 0}, "truncate=0 must be greater than 0"),
        ({"phase": math.inf}, "phase=inf must be finite"),
        (
            {"part": "imag"},
            "part='imag' is not a part of a Gabor kernel; did you mean 'imaginary'? "
            "(one of 'real', 'imaginary', 'complex')",
        ),
    ],
)
def test_gabor_refuses(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ArgumentError, match=f"^{re.escape(message)}$"):
        gabor(**{"frequency": 0.2} | arguments)  # type: ignore[arg-type]
