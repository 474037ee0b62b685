"""The public calls as a user meets them: OpenCV, Pillow and SciPy as oracles, on photographs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, ImageFilter
from scipy import ndimage
from skimage import data

import gpuconv as gc

CAMERA = data.camera()
COLOUR = data.coffee()[100:300]
OPENCV = {
    "constant": cv2.BORDER_CONSTANT,
    "nearest": cv2.BORDER_REPLICATE,
    "reflect": cv2.BORDER_REFLECT,
    "mirror": cv2.BORDER_REFLECT_101,
}
SHARPEN = np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])


@pytest.mark.parametrize("border", OPENCV)
@pytest.mark.parametrize("anchor", [(1, 1), (0, 3), (2, 0)])
def test_correlation_is_opencvs_filter2d(border: str, anchor: tuple[int, int]) -> None:
    weights = np.arange(-5, 7).reshape(3, 4)
    kernel = gc.Kernel(weights, anchor=anchor)
    for image in (CAMERA, CAMERA.astype(np.int16) * 100):
        expected = cv2.filter2D(
            image, -1, weights.astype(np.float64), anchor=anchor[::-1], borderType=OPENCV[border]
        )
        np.testing.assert_array_equal(gc.correlate(image, kernel, border=border), expected)


def test_colour_is_opencvs_sep_filter2d() -> None:
    kernel = gc.Kernel.separable([1, 4, 6, 4, 1], [1, 0, -1])
    expected = cv2.sepFilter2D(
        COLOUR, cv2.CV_32F, *(np.array(t, float) for t in kernel.terms[0][::-1])
    )
    found = gc.correlate(COLOUR, kernel, border="mirror", channel_axis=-1, dtype="float32")
    np.testing.assert_array_equal(found, expected)


def test_sharpening_is_pillows() -> None:
    pillow = Image.fromarray(CAMERA).filter(ImageFilter.Kernel((3, 3), SHARPEN.ravel(), scale=1))
    inside = np.s_[1:-1, 1:-1]  # Pillow copies the border
    np.testing.assert_array_equal(gc.correlate(CAMERA, SHARPEN)[inside], np.array(pillow)[inside])


@pytest.mark.parametrize("shape", [(3, 3), (4, 3), (2, 2), (1, 6), (5, 1)])
@pytest.mark.parametrize("mode", ["reflect", "nearest", "mirror", "wrap", "constant"])
def test_defaults_are_scipys(shape: tuple[int, int], mode: str) -> None:
    image = CAMERA[:60, :70].astype(np.int64)
    weights = np.random.default_rng(1).integers(-9, 9, shape)
    for name in ("convolve", "correlate"):
        found = getattr(gc, name)(image, weights, border=mode)
        np.testing.assert_array_equal(found, getattr(ndimage, name)(image, weights, mode=mode))
    np.testing.assert_array_equal(gc.convolve(image, weights), ndimage.convolve(image, weights))


@pytest.mark.parametrize("sigma", [0.8, 2, 5])
@pytest.mark.parametrize("mode", ["reflect", "nearest", "mirror", "wrap", "constant"])
def test_gaussians_are_scipys(sigma: float, mode: Any) -> None:
    image = CAMERA[:150].astype(np.float64)
    expected = ndimage.gaussian_filter(image, sigma, mode=mode)
    found = gc.convolve(image, gc.kernels.gaussian(sigma), border=mode)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)
    rounded = gc.convolve(CAMERA[:150], gc.kernels.gaussian(sigma), border=mode)
    assert np.abs(rounded - expected).max() <= 0.5 + 1e-4


def test_convolving_is_correlating_with_the_kernel_turned() -> None:
    kernel = gc.Kernel([[1, 2, 3, 4], [5, 6, 7, 9]], anchor=(1, 0))
    for size in ("same", "valid", "full"):
        np.testing.assert_array_equal(
            gc.convolve(CAMERA, kernel, size=size), gc.correlate(CAMERA, kernel.flip(), size=size)
        )


@pytest.mark.parametrize("alias", ["symmetric", "edge", "replicate", "zero", "circular"])
def test_borders_by_their_other_names(alias: str) -> None:
    kernel, name = np.ones((9, 9)), gc.border.canonical(alias)
    np.testing.assert_array_equal(
        gc.convolve(CAMERA, kernel, border=alias), gc.convolve(CAMERA, kernel, border=name)
    )


def test_complex_arithmetic_is_scipys() -> None:
    rng = np.random.default_rng(4)
    image = rng.normal(size=(20, 21)) + 1j * rng.normal(size=(20, 21))
    weights = rng.normal(size=(4, 3)) + 1j * rng.normal(size=(4, 3))
    for mode in ("reflect", "mirror", "nearest", "wrap"):
        expected = ndimage.convolve(image, weights, mode=mode)
        np.testing.assert_allclose(gc.convolve(image, weights, border=mode), expected, atol=1e-12)
    expected = ndimage.convolve(image, weights, mode="constant", cval=1 - 2j)
    found = gc.convolve(image, weights, border="constant", cval=1 - 2j)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    expected = ndimage.convolve(image.real, weights, mode="reflect")
    np.testing.assert_allclose(gc.convolve(image.real, weights), expected, atol=1e-12)


def test_a_plan_is_what_convolve_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    run = list[Any]()
    monkeypatch.setattr(gc.backends.host, "run", lambda plan, image, out: run.append(plan))
    gc.convolve(COLOUR, np.ones((7, 7)), border="wrap", channel_axis=2, stride=2)
    planned = gc.plan(
        COLOUR.shape, COLOUR.dtype, np.ones((7, 7)), border="wrap", channel_axis=2, stride=2
    )
    assert run == [replace(planned, runner=None)]
    assert planned.shape == (3, 100, 300)


def test_the_image_is_never_written_to() -> None:
    for image in (CAMERA, CAMERA.astype(np.float32), CAMERA.astype(np.complex64)):
        before = image.copy()
        gc.convolve(image, gc.kernels.gaussian(2), border="wrap")
        gc.correlate(image, SHARPEN, size="full", dtype="complex64")
        np.testing.assert_array_equal(image, before)


def test_a_chain_in_one_buffer() -> None:
    image = CAMERA.astype(np.float32)
    expected = gc.convolve(gc.convolve(image, gc.kernels.box(5)), SHARPEN)
    gc.convolve(image, gc.kernels.box(5), out=image)
    gc.convolve(image, SHARPEN, out=image)
    np.testing.assert_array_equal(image, expected)


def test_what_is_public() -> None:
    assert {"convolve", "correlate", "plan", "devices", "Kernel", "Plan", "Device"} <= set(
        gc.__all__
    )
    with pytest.raises(AttributeError, match="module 'gpuconv' has no attribute 'convolv'"):
        _ = gc.convolv
    assert set(gc.__all__) <= set(dir(gc))
