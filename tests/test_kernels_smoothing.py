"""Blurs against SciPy, OpenCV and Pascal's triangle."""

from __future__ import annotations

import math
import re
from itertools import pairwise

import cv2
import numpy as np
import pytest
import scipy.linalg
import scipy.ndimage as ndi
import scipy.stats
import skimage.data
import skimage.filters

from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.kernels import binomial, box, gaussian, gaussian_integer, identity


def impulse_response(sigma: object, **options: object) -> np.ndarray:
    """Return the weights that SciPy's gaussian_filter has, as it applies them to a point."""
    point = np.zeros((101, 101))
    point[50, 50] = 1
    return np.asarray(ndi.gaussian_filter(point, sigma, mode="constant", **options))


def centred(weights: np.ndarray, size: int = 101) -> np.ndarray:
    """Return the weights in the middle of zeros."""
    pads = [((size - n) // 2, size - n - (size - n) // 2) for n in weights.shape]
    return np.pad(weights, pads)


def test_identity_changes_nothing() -> None:
    image = skimage.data.camera()
    np.testing.assert_array_equal(ndi.convolve(image, identity().weights), image)


# Box


@pytest.mark.parametrize("size", [1, 2, 3, 7, 11])
def test_box_is_uniform_filter(size: int) -> None:
    image = skimage.data.camera()[::4, ::4].astype(float)
    expected = ndi.uniform_filter(image, size)
    np.testing.assert_allclose(ndi.correlate(image, box(size).weights), expected, rtol=1e-12)


def test_box_is_opencvs_blur_but_for_its_rounding() -> None:
    image = skimage.data.camera()[::4, ::4].astype(float)
    expected = cv2.blur(image, (5, 3), borderType=cv2.BORDER_REFLECT)
    ours = ndi.convolve(image, box(height=3, width=5).weights)
    np.testing.assert_allclose(ours, expected, rtol=1e-12)


def test_box_is_ones_over_their_number() -> None:
    kernel = box(5, height=2)
    assert kernel.shape == (2, 5)
    assert kernel.divisor == 10
    assert kernel.numerators.tolist() == [[1] * 5] * 2
    assert kernel.name == "box(height=2, width=5)"
    assert box(width=1).shape == (3, 1)


@pytest.mark.parametrize("name", ["size", "height", "width"])
def test_box_refuses_sides_below_one(name: str) -> None:
    with pytest.raises(ArgumentError, match=f"^{name}=0 must be at least 1$"):
        box(**{name: 0})
    with pytest.raises(ArgumentTypeError, match=f"^{name}=2.5 is of type float"):
        box(**{name: 2.5})  # type: ignore[arg-type]


# Binomial


@pytest.mark.parametrize("size", range(1, 12))
def test_binomial_is_a_row_of_pascals_triangle(size: int) -> None:
    row = scipy.linalg.pascal(size, "lower")[-1].astype(int)
    kernel = binomial(size)
    np.testing.assert_array_equal(kernel.numerators, np.outer(row, row))
    assert kernel.divisor == 4 ** (size - 1)


@pytest.mark.parametrize("size", [3, 5, 7])
def test_binomial_is_opencvs_small_gaussian(size: int) -> None:
    if size < 7:  # whose table OpenCV rounds to [1 3.5 7 9 7 3.5 1] / 32
        row = cv2.getGaussianKernel(size, 0).ravel()
        np.testing.assert_allclose(binomial(size).weights, np.outer(row, row), rtol=1e-12)
    offset = np.arange(size) - size // 2
    variance = (binomial(size).weights.sum(axis=0) * offset**2).sum()
    assert variance == pytest.approx((size - 1) / 4)


@pytest.mark.parametrize("size", [35, 36, 60, 200, 1024])
def test_binomial_is_right_beyond_the_integers(size: int) -> None:
    kernel = binomial(size)
    row = scipy.stats.binom(size - 1, 0.5).pmf(np.arange(size))
    np.testing.assert_allclose(kernel.weights.sum(axis=0), row, rtol=1e-9, atol=1e-300)
    assert kernel.integer == (size <= 35)
    assert (kernel.numerators >= 0).all()


def test_binomial_refuses() -> None:
    with pytest.raises(ArgumentError, match=r"^size=0 must be at least 1$"):
        binomial(0)
    with pytest.raises(ArgumentError, match=r"^size=1025 must be at most 1024$"):
        binomial(1025)


# Gaussian


@pytest.mark.parametrize("sigma", [0.1, 0.125, 0.3, 0.5, 1, 1.5, 2.37, 3, 5, 10])
@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_gaussian_is_scipys(sigma: float, order: int) -> None:
    expected = impulse_response(sigma, order=order)
    atol = 4e-16 * np.abs(expected).max()
    ours = centred(gaussian(sigma, order=order).weights)
    np.testing.assert_allclose(ours, expected, rtol=1e-14, atol=atol)


@pytest.mark.parametrize("truncate", [0, 1, 2.5, 3, 4, 6])
def test_gaussian_truncate_is_scipys(truncate: float) -> None:
    expected = impulse_response(2.2, truncate=truncate)
    ours = gaussian(2.2, truncate=truncate)
    assert ours.shape == (2 * int(truncate * 2.2 + 0.5) + 1,) * 2
    np.testing.assert_allclose(centred(ours.weights), expected, rtol=1e-14, atol=1e-18)


@pytest.mark.parametrize("radius", [0, 1, 4, 20])
def test_gaussian_radius_is_scipys(radius: int) -> None:
    ours = gaussian(1.7, radius=radius)
    assert ours.shape == (2 * radius + 1,) * 2
    expected = impulse_response(1.7, radius=radius)
    np.testing.assert_allclose(centred(ours.weights), expected, rtol=1e-14, atol=1e-18)


def test_gaussian_axes_are_scipys() -> None:
    expected = impulse_response((1.5, 3), radius=(4, 7), order=(0, 1))
    ours = gaussian(1.5, radius=4, sigma_x=3, radius_x=7, order_x=1)
    np.testing.assert_allclose(centred(ours.weights), expected, rtol=1e-14, atol=1e-18)
    assert ours.name == "gaussian(1.5, sigma_x=3)"


@pytest.mark.parametrize("sigma", [0.8, 1, 2.5])
def test_gaussian_by_formula_with_radius_three_sigma(sigma: float) -> None:
    radius = math.ceil(3 * sigma)
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    formula = np.exp(-(x**2 + y**2) / (2 * sigma**2))
    ours = gaussian(sigma, radius=radius).weights
    np.testing.assert_allclose(ours, formula / formula.sum(), rtol=1e-13)


def test_gaussian_is_skimages_and_opencvs_on_a_photograph() -> None:
    image = skimage.data.camera()[::4, ::4] / 255
    ours = ndi.convolve(image, gaussian(2, truncate=3).weights, mode="constant")
    theirs = skimage.filters.gaussian(image, 2, mode="constant", truncate=3)
    np.testing.assert_allclose(ours, theirs, atol=1e-14)
    theirs = cv2.GaussianBlur(image, (13, 13), 2, borderType=cv2.BORDER_CONSTANT)
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_gaussian_slopes_are_positive_where_brightness_grows() -> None:
    ramp = np.tile(np.arange(40.0), (40, 1))
    inside = slice(12, -12)
    right = ndi.convolve(ramp, gaussian(1.5, order_x=1).weights)[inside, inside]
    np.testing.assert_allclose(right, 1, rtol=1e-3)
    down = ndi.convolve(ramp.T, gaussian(1.5, order=1, order_x=0).weights)[inside, inside]
    np.testing.assert_allclose(down, 1, rtol=1e-3)
    np.testing.assert_allclose(ndi.convolve(ramp, gaussian(1.5, order=2).weights), 0, atol=0.05)


def test_gaussian_with_sigma_zero_leaves_its_axis_alone() -> None:
    assert gaussian(0).weights.tolist() == [[1]]
    assert gaussian(0, sigma_x=1).shape == (1, 9)
    assert gaussian(1, sigma_x=0).shape == (9, 1)
    assert gaussian(0, radius=5).shape == (1, 1)
    assert gaussian(1e-300, radius=1).weights.tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sigma": -1}, "sigma=-1 must be at least 0"),
        ({"sigma": math.nan}, "sigma=nan must be finite"),
        ({"sigma": 1, "sigma_x": -2}, "sigma_x=-2 must be at least 0"),
        ({"sigma": 1, "truncate": -1}, "truncate=-1 must be at least 0"),
        ({"sigma": 1, "radius": -1}, "radius=-1 must be at least 0"),
        ({"sigma": 1, "radius_x": -1}, "radius_x=-1 must be at least 0"),
        ({"sigma": 1, "order": -1}, "order=-1 must be at least 0"),
        ({"sigma": 1, "order_x": -1}, "order_x=-1 must be at least 0"),
        (
            {"sigma": 0, "order": 1},
            "sigma=0 must be above 0 for order=1: a single pixel has no slope",
        ),
        (
            {"sigma": 1e-200, "order": 2, "radius": 1},
            "kernel column has weights that are not finite",
        ),
    ],
)
def test_gaussian_refuses(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ArgumentError, match=f"^{re.escape(message)}$"):
        gaussian(**arguments)  # type: ignore[arg-type]


# Gaussian of integers


def test_gaussian_integer_rows() -> None:
    kernel = gaussian_integer()
    assert kernel.terms[0][0].tolist() == [6, 61, 242, 383, 242, 61, 6]
    assert kernel.terms[0][1].tolist() == [6, 61, 242, 383, 242, 61, 6]
    assert kernel.divisor == 1001**2
    kernel = gaussian_integer(total=961)
    assert kernel.terms[0][0].tolist() == [6, 61, 242, 343, 242, 61, 6]
    assert kernel.divisor == 961**2
    assert kernel.numerators[0, 0] == 36


@pytest.mark.parametrize("sigma", [0.2, 0.5, 1, 2.3, 10])
@pytest.mark.parametrize("scale", [200, 1000, 2**16, 2**30])
def test_gaussian_integer_is_the_rounded_mass_of_each_pixel(sigma: float, scale: int) -> None:
    row = gaussian_integer(sigma, scale=scale).terms[0][0]
    edges = np.arange(-(len(row) // 2) - 0.5, len(row) // 2 + 1)
    mass = np.diff(scipy.stats.norm(scale=sigma).cdf(edges))
    np.testing.assert_allclose(row, scale * mass, atol=0.5 + scale * 1e-15)
    outside = scale * (scipy.stats.norm(scale=sigma).cdf(edges[0]))
    assert row[0] > 0
    assert outside < 2 * row[0] or len(row) == 1
    np.testing.assert_array_equal(row, row[::-1])
    assert all(a <= b for a, b in pairwise(row[: len(row) // 2 + 1]))


def test_gaussian_integer_radius() -> None:
    assert gaussian_integer(1, radius=1).terms[0][0].tolist() == [242, 383, 242]
    assert gaussian_integer(1, radius=4).terms[0][0].tolist() == [0, 6, 61, 242, 383, 242, 61, 6, 0]


def test_gaussian_integer_with_a_power_of_two_divides_by_a_shift() -> None:
    kernel = gaussian_integer(1.5, scale=256, total=256)
    assert kernel.divisor == 2**16
    assert kernel.terms[0][0].sum() == 256


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sigma": 0}, "sigma=0 must be greater than 0"),
        ({"scale": 0}, "scale=0 must be at least 1"),
        ({"scale": 2**31}, "scale=2147483648 must be at most 1073741824"),
        ({"sigma": 999}, "scale=1000 rounds every tap of sigma=999 to 0; enlarge it"),
        ({"radius": -1}, "radius=-1 must be at least 0"),
        ({"total": 618}, "total=618 must be greater than the sum of the tails, 618"),
        ({"total": 0}, "total=0 must be at least 1"),
    ],
)
def test_gaussian_integer_refuses(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(ArgumentError, match=f"^{re.escape(message)}$"):
        gaussian_integer(**arguments)
