"""Worked examples with literal numbers; SciPy and scikit-image on a photograph."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage, signal
from skimage import data, filters

import gpuconv as gc
from gpuconv import reference

GREY = data.camera()
COLOUR = data.astronaut()

MASK = [[100, 200, 100], [300, 400, 300], [100, 200, 100]]
COUNT = np.arange(1, 26).reshape(5, 5)
ROWS = ["0111000", "0011100", "0001110", "0001100", "0011000", "0110000", "1100000"]
BINARY = np.array([[int(pixel) for pixel in row] for row in ROWS])

ENGINES: list[Callable[..., Any]] = [gc.convolve, reference.convolve]


@pytest.fixture(params=ENGINES, ids=["engine", "reference"])
def convolve(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.mark.parametrize("dtype", ["int16", "int64", "uint16", "float32", "float64"])
def test_5x5_valid(convolve: Any, dtype: str) -> None:
    found = convolve(COUNT.astype(dtype), MASK, size="valid")
    expected = [[12600, 14400, 16200], [21600, 23400, 25200], [30600, 32400, 34200]]
    if dtype == "int16":
        expected[2][1:] = [32400, 32767]
    assert found.tolist() == expected


@pytest.mark.parametrize("border", ["constant", "zero"])
def test_5x5_zero_padded_first_row(convolve: Any, border: str) -> None:
    assert convolve(COUNT, MASK, border=border)[0].tolist() == [2900, 4800, 6200, 7600, 6100]


def test_5x5_full_is_zero_padded_within(convolve: Any) -> None:
    full = convolve(COUNT, MASK, border="zero", size="full")
    assert full.shape == (7, 7)
    assert full[0].tolist() == [100, 400, 800, 1200, 1600, 1400, 500]
    assert full[1, 1:-1].tolist() == [2900, 4800, 6200, 7600, 6100]
    assert full.sum() == COUNT.sum() * np.sum(MASK)


def test_colour_version_first_pixel() -> None:
    image = np.arange(1, 76).reshape(5, 5, 3)
    found = gc.convolve(image, MASK, border="zero", channel_axis=-1)
    assert found[0, 0].tolist() == [6700, 7700, 8700]
    planes = np.ascontiguousarray(np.moveaxis(image, -1, 0))
    assert gc.convolve(planes, MASK, border="zero")[:, 0, 0].tolist() == [6700, 7700, 8700]


def test_7x7_binary_image(convolve: Any) -> None:
    found = convolve(BINARY, [[1, 0, 1], [0, 1, 0], [1, 0, 1]], size="valid")
    expected = [
        [1, 4, 3, 4, 1],
        [1, 2, 4, 3, 3],
        [1, 2, 3, 4, 1],
        [1, 3, 3, 1, 1],
        [3, 3, 1, 1, 0],
    ]
    assert found.tolist() == expected


def test_convolution_flips_and_correlation_does_not() -> None:
    dot = np.zeros((3, 3), int)
    dot[1, 1] = 1
    weights = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert gc.convolve(dot, weights).tolist() == weights
    assert gc.correlate(dot, weights).tolist() == np.flip(weights).tolist()


def test_200_plus_100_is_255() -> None:
    assert gc.convolve(np.array([[200, 100]], np.uint8), [[1, 1]], size="valid").tolist() == [[255]]


def gaussian_by_formula(sigma: float) -> NDArray[np.float64]:
    """Return exp(−(x² + y²) / 2σ²), normalised, of radius ⌈3σ⌉."""
    radius = ceil(3 * sigma)
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    weights: NDArray[np.float64] = np.exp(-(x**2 + y**2) / (2 * sigma**2))
    return weights / weights.sum()


KERNELS = {
    "box 7×7": np.full((7, 7), 1 / 49),
    "box 11×11": np.full((11, 11), 1 / 121),
    "gaussian 1.5": gaussian_by_formula(1.5),
    "gaussian 2": gaussian_by_formula(2),
    "emboss": np.array([[-2.0, -1, 0], [-1, 1, 1], [0, 1, 2]]),
    "even": np.arange(1.0, 9).reshape(4, 2) / 36,
}
#: Which SciPy calls the same.
MODES = ["reflect", "nearest", "mirror", "wrap", "constant"]


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("mode", MODES)
def test_a_photograph_is_scipys_ndimage(name: str, mode: str) -> None:
    photo = GREY[:200, :301].astype(np.float64)
    expected = ndimage.convolve(photo, KERNELS[name], mode=mode, cval=17)
    found = gc.convolve(photo, KERNELS[name], border=mode, cval=17)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)
    single = gc.convolve(photo.astype(np.float32), KERNELS[name], border=mode, cval=17)
    np.testing.assert_allclose(single, expected, rtol=0, atol=2e-3)


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("size", ["same", "valid", "full"])
def test_a_photograph_is_scipys_convolve2d(name: str, size: str) -> None:
    photo = GREY[100:260, :171].astype(np.float64)
    rows, columns = KERNELS[name].shape
    kernel = gc.Kernel(KERNELS[name], anchor=((rows - 1) // 2, (columns - 1) // 2))
    expected = signal.convolve2d(photo, KERNELS[name], mode=size)
    found = gc.convolve(photo, kernel, border="constant", size=size)  # type: ignore[arg-type]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("sigma", [1, 1.5, 2, 3])
def test_a_photograph_is_skimages_gaussian(sigma: float) -> None:
    options: dict[str, Any] = {"mode": "constant", "truncate": 3, "preserve_range": True}
    kernel = gc.kernels.gaussian(sigma, truncate=3)
    grey = GREY.astype(np.float64)
    np.testing.assert_allclose(
        gc.convolve(grey, kernel, border="constant"),
        filters.gaussian(grey, sigma, **options),
        rtol=0,
        atol=1e-10,
    )
    colour = COLOUR.astype(np.float64)
    np.testing.assert_allclose(
        gc.convolve(colour, kernel, border="constant", channel_axis=-1),
        filters.gaussian(colour, sigma, channel_axis=-1, **options),
        rtol=0,
        atol=1e-10,
    )


@pytest.mark.parametrize("side", [7, 11])
def test_boxes_of_8_bit_photographs_are_the_rounded_means(side: int) -> None:
    sums = ndimage.convolve(COLOUR.astype(np.int64), np.ones((side, side, 1), int))
    found = gc.convolve(COLOUR, gc.kernels.box(side), channel_axis=-1)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, np.rint(sums / side**2))


def test_a_gaussian_by_formula_is_the_librarys() -> None:
    for sigma in (1, 1.5, 2, 3):
        kernel = gc.kernels.gaussian(sigma, radius=ceil(3 * sigma))
        np.testing.assert_allclose(kernel.weights, gaussian_by_formula(sigma), rtol=0, atol=1e-15)
        by_formula = gc.convolve(GREY, gaussian_by_formula(sigma)).astype(int)
        assert np.abs(gc.convolve(GREY, kernel) - by_formula).max() <= 1
