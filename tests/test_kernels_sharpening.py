"""Laplacians, sharpening, emboss and line masks against SciPy, OpenCV and scikit-image."""

from __future__ import annotations

import math
import re

import cv2
import numpy as np
import pytest
import scipy.ndimage as ndi
import skimage.data
import skimage.filters

from gpuconv import kernels
from gpuconv.errors import ArgumentError
from gpuconv.kernels import emboss, laplacian, outline, sharpen, unsharp

IMAGE = skimage.data.camera()[::3, ::3].astype(float)


def test_laplacian_is_scipys_and_opencvs() -> None:
    ours = ndi.convolve(IMAGE, laplacian().weights)
    np.testing.assert_allclose(ours, ndi.laplace(IMAGE), atol=1e-11)
    theirs = cv2.Laplacian(IMAGE, cv2.CV_64F, ksize=1, borderType=cv2.BORDER_REFLECT)
    np.testing.assert_allclose(ours, theirs, atol=1e-11)
    np.testing.assert_allclose(ours, -skimage.filters.laplace(IMAGE), atol=1e-11)


def test_laplacian_with_diagonals() -> None:
    assert laplacian(8).weights.tolist() == [[1, 1, 1], [1, -8, 1], [1, 1, 1]]
    np.testing.assert_array_equal(outline().weights, -laplacian(8).weights)
    y, x = np.mgrid[:9, :9]
    parabola = x**2 + 2 * y**2
    assert (ndi.convolve(parabola, laplacian(4).weights)[1:-1, 1:-1] == 6).all()
    assert (ndi.convolve(parabola, laplacian(8).weights)[1:-1, 1:-1] == 18).all()


@pytest.mark.parametrize("function", [laplacian, lambda n: sharpen(neighbours=n)])
@pytest.mark.parametrize("neighbours", [0, 6, 4.5, "4"])
def test_neighbours_are_four_or_eight(function: object, neighbours: int) -> None:
    with pytest.raises(ArgumentError, match=f"^neighbours={neighbours!r} must be 4 or 8$"):
        function(neighbours)  # type: ignore[operator]


@pytest.mark.parametrize("amount", [0, 0.3, 1, 2])
@pytest.mark.parametrize("neighbours", [4, 8])
def test_sharpen_is_the_image_minus_its_laplacian(amount: float, neighbours: int) -> None:
    theirs = IMAGE - amount * ndi.convolve(IMAGE, laplacian(neighbours).weights)  # type: ignore[arg-type]
    ours = sharpen(amount, neighbours)  # type: ignore[arg-type]
    np.testing.assert_allclose(ndi.convolve(IMAGE, ours.weights), theirs, atol=1e-10)
    assert ours.integer == float(amount).is_integer()


def test_sharpen_refuses() -> None:
    with pytest.raises(ArgumentError, match=r"^amount=-1 must be at least 0$"):
        sharpen(-1)
    with pytest.raises(ArgumentError, match=r"^amount=nan must be finite$"):
        sharpen(math.nan)
    assert sharpen(1e300).weights[1, 1] == 4e300


@pytest.mark.parametrize(("sigma", "amount"), [(1, 1), (2.5, 0.6), (0.7, 3), (5, 0)])
def test_unsharp_is_skimages_before_it_clips(sigma: float, amount: float) -> None:
    image = 0.4 + 0.2 * IMAGE / 255  # so that nothing is clipped
    theirs = skimage.filters.unsharp_mask(image, sigma, amount)
    blurred = ndi.gaussian_filter(image, sigma)
    ours = ndi.convolve(image, unsharp(sigma, amount).weights)
    np.testing.assert_allclose(ours, image + amount * (image - blurred), atol=1e-14)
    np.testing.assert_allclose(ours, theirs, atol=1e-14)


def test_unsharp_parameters() -> None:
    assert unsharp(2, truncate=3).shape == (13, 13)
    assert unsharp(2, radius=4).shape == (9, 9)
    np.testing.assert_allclose(unsharp(0).weights, [[1]])
    assert unsharp(2, 0.5).name == "unsharp(sigma=2, amount=0.5)"
    assert len(unsharp().terms) == 2


@pytest.mark.parametrize("name", ["sigma", "amount", "truncate"])
def test_unsharp_refuses(name: str) -> None:
    with pytest.raises(ArgumentError, match=f"^{name}=-0.5 must be at least 0$"):
        unsharp(**{name: -0.5})


# Emboss


@pytest.mark.parametrize(
    ("angle", "correlation"),
    [
        (135, [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]),
        (-45, [[2, 1, 0], [1, 1, -1], [0, -1, -2]]),
        (45, [[0, -1, -2], [1, 1, -1], [2, 1, 0]]),
        (90, [[-1, -1, -1], [0, 1, 0], [1, 1, 1]]),
        (180, [[-1, 0, 1], [-1, 1, 1], [-1, 0, 1]]),
        (360, [[1, 0, -1], [1, 1, -1], [1, 0, -1]]),
    ],
)
def test_emboss_masks(angle: float, correlation: list[list[int]]) -> None:
    kernel = emboss(angle)
    assert kernel.integer
    assert kernel.flip().weights.tolist() == correlation


@pytest.mark.parametrize("angle", range(0, 360, 20))
def test_emboss_lights_the_sides_that_face_the_light(angle: float) -> None:
    y, x = np.mgrid[-30:31, -30:31]
    hill = np.exp(-(x**2 + y**2) / 200)
    relief = ndi.convolve(hill, emboss(angle, 5).weights) - hill
    towards, up = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    lit = relief[round(30 - 10 * up), round(30 + 10 * towards)]
    dark = relief[round(30 + 10 * up), round(30 - 10 * towards)]
    assert lit > 0.8 * relief.max()
    assert dark < 0.8 * relief.min()


def test_emboss_strength() -> None:
    np.testing.assert_array_equal(emboss(strength=0).weights, np.pad([[1]], 1))
    assert emboss(strength=3).weights.tolist() == [[6, 3, 0], [3, 1, -3], [0, -3, -6]]
    assert not emboss(30).integer


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"angle": math.inf}, "angle=inf must be finite"),
        ({"strength": -1}, "strength=-1 must be at least 0"),
    ],
)
def test_emboss_refuses(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ArgumentError, match=f"^{re.escape(message)}$"):
        emboss(**arguments)


# Lines


@pytest.mark.parametrize(("name", "axis"), [("vertical_edge", 1), ("horizontal_edge", 0)])
def test_lines(name: str, axis: int) -> None:
    weights = getattr(kernels, name)().weights
    line = np.zeros((9, 9))
    line[(slice(None), 4) if axis == 1 else (4, slice(None))] = 1
    answer = ndi.convolve(line, weights)
    assert (answer[line == 1] == 6).all()
    assert (ndi.convolve(line.T, weights) == 0).all()
    second = ndi.correlate1d(IMAGE, [-1, 2, -1], axis=axis)
    theirs = ndi.correlate1d(second, [1, 1, 1], axis=1 - axis)
    np.testing.assert_allclose(ndi.convolve(IMAGE, weights), theirs, atol=1e-10)
