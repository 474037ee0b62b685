"""Sums over windows: how they are built, what they cost, and that they are the definition's."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

import gpuconv as gc
from gpuconv import reference
from gpuconv.algorithms.box import additions, factor, limits, narrowest, room, runs
from gpuconv.backends import host
from gpuconv.backends.host.windows import Windows
from gpuconv.border import MODES

RNG = np.random.default_rng(11)
LAW = settings(derandomize=True, deadline=None, max_examples=100)
BORDERS = st.sampled_from(sorted(MODES))
PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))


def window_sums(values: Any, taps: int, apart: int) -> Any:
    length = len(values) - (taps - 1) * apart
    return sum(values[k * apart : k * apart + length] for k in range(taps))


@pytest.mark.parametrize("taps", [1, 2, 3, 7, 11, 23, 33, 47, 64, 101])
@pytest.mark.parametrize("apart", [1, 3])
@pytest.mark.parametrize("pixel", [None, (0, 255), (-128, 127), (0, 65535), (0, 2**32)])
def test_windows_are_sums(taps: int, apart: int, pixel: tuple[int, int] | None) -> None:
    windows = Windows(pixel, np.dtype(np.float64), (runs(taps) + 1, 4000))
    low, high = pixel or (-9, 9)
    drawn = RNG.integers(low, high, 500, endpoint=True)
    pixels = windows.empty(500)
    found = windows.over(pixels, taps, apart)
    pixels.values[:] = drawn
    assert len(windows.steps) - additions(taps) in (0, 1, 2)  # one for each wider dtype
    for step in windows.steps:
        step()
    np.testing.assert_array_equal(found.values, window_sums(drawn, taps, apart))


def test_additions_grow_with_the_logarithm() -> None:
    for taps in range(1, 5000):
        halvings = taps.bit_length() - 1
        assert halvings <= additions(taps) <= 2 * halvings
        assert runs(taps) <= 10
        first = factor(taps)
        assert taps % first == 0
    assert additions(301) <= 4 * additions(3) + 3


def test_runs_that_are_kept_are_enough_and_no_more() -> None:
    for taps in range(1, 300):
        fewest = runs(taps)
        for pixel in (None, (0, 255)):
            windows = Windows(pixel, np.dtype(np.float32), (fewest + (pixel is not None), 4))
            windows.over(windows.empty(1), taps, 0)
        if taps > 1:
            windows = Windows(None, np.dtype(np.float32), (fewest - 1, 4))
            pixels = windows.empty(1)
            with pytest.raises(IndexError):
                windows.over(pixels, taps, 0)


@pytest.mark.parametrize(
    ("pixel", "count", "widest", "name"),
    [
        (None, 1, "float32", "float32"),
        ((0, 255), 257, "float32", "uint16"),
        ((0, 255), 258, "float32", "float32"),
        ((-1, 255), 128, "float32", "int16"),
        ((-1, 255), 129, "float64", "int32"),
        ((0, 65535), 65537, "float64", "uint32"),
        ((0, 65535), 65538, "float64", "float64"),
        ((0, 2**64 - 1), 1, "float64", "float64"),
    ],
)
def test_sums_are_taken_in_the_narrowest_dtype_that_holds_them(
    pixel: tuple[int, int] | None, count: int, widest: str, name: str
) -> None:
    assert narrowest(pixel, count, np.dtype(widest)) == name


@st.composite
def boxes(draw: st.DrawFn) -> gc.Kernel:
    """Return kernels of equal weights, dense or separable, whole or not."""
    rows, columns = draw(st.tuples(st.integers(1, 33), st.integers(1, 33)))
    columns += rows * columns == 1
    weight = draw(st.sampled_from([1, 1, 3, -2, 0.25, -0.1, 1 / 9]))
    divisor = draw(st.sampled_from([1, 7, rows * columns]))
    anchor = draw(st.integers(0, rows - 1)), draw(st.integers(0, columns - 1))
    if draw(st.booleans()):
        return gc.Kernel(np.full((rows, columns), weight), anchor=anchor, divisor=divisor)
    column, row = np.ones(rows, int), np.full(columns, weight)
    return gc.Kernel.separable(column, row, anchor=anchor, divisor=divisor)


@LAW
@given(st.data())
def test_boxes_are_the_reference(data: st.DataObject) -> None:
    dtype = data.draw(
        st.sampled_from(["uint8", "int8", "uint16", "int16", "int32", "float32", "float64"])
    )
    shape = data.draw(st.tuples(st.integers(1, 40), st.integers(1, 60)))
    values = RNG.integers(-100, 100, shape) if dtype[0] != "u" else RNG.integers(0, 200, shape)
    image = values.astype(dtype) if dtype[0] != "f" else (values / 7).astype(dtype)
    kernel = data.draw(boxes())
    options: dict[str, Any] = {
        "border": (data.draw(BORDERS), data.draw(BORDERS)),
        "cval": data.draw(st.sampled_from([0, -5, 300, 0.5, 70000])),
        "stride": data.draw(PAIRS),
        "dilation": data.draw(PAIRS),
        "size": data.draw(st.sampled_from(["same", "full"])),
    }
    written = data.draw(st.sampled_from([dtype, "float64"]))
    found = gc.correlate(image, kernel, method="box", dtype=written, **options)
    expected = reference.correlate(image, kernel, dtype=written, **options)
    if kernel.integer and dtype[0] != "f":
        np.testing.assert_array_equal(found, expected)
        return
    gain = np.abs(kernel.weights).sum() * max(np.abs(image).max(), abs(options["cval"]))
    eps = np.finfo("float64" if dtype == "float64" else "float32").eps
    bound = (4 + kernel.weights.size / 32) * eps * gain + (written[0] != "f")
    assert np.abs(found.astype(float) - expected).max() <= bound


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("size", [3, 30, 101])
def test_large_images_are_scipys(dtype: str, size: int) -> None:
    image = RNG.integers(0, 256, (3, 300, 1100)).astype(dtype)
    found = gc.correlate(image, gc.kernels.box(size), method="box", dtype=np.float64)
    expected = ndimage.uniform_filter(image.astype(float), size, axes=(1, 2))
    np.testing.assert_allclose(found, expected, rtol=1e-12 if dtype != "float32" else 1e-6)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("shape", [(3, 5), (17, 1), (1, 16)])
def test_nan_and_infinity_stay_in_the_footprint(shape: tuple[int, int], stride: int) -> None:
    image = RNG.normal(size=(70, 80)).astype(np.float32)
    places = RNG.integers(0, 70, (2, 9))
    image[tuple(places)] = [np.nan, np.inf, -np.inf] * 3
    kernel = np.full(shape, -0.5)
    found = gc.convolve(image, kernel, method="box", stride=stride)
    expected = reference.convolve(image, kernel, stride=stride)
    assert (~np.isfinite(found)).any()
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_array_equal(np.isinf(found), np.isinf(expected))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_a_mean_of_the_largest_floats_is_finite() -> None:
    image = np.full((9, 9), np.finfo(np.float32).max / 2, np.float32)
    found = gc.convolve(image, np.full((5, 5), 1 / 25), method="box")
    np.testing.assert_allclose(found, image, rtol=1e-6)


def test_weights_may_be_larger_than_integers() -> None:
    image = RNG.integers(0, 9, (9, 9)).astype(np.float64)
    column, row = np.full(3, 2**30), np.full(2, 2**30)
    found = gc.correlate(image, (column, row), method="box")
    np.testing.assert_array_equal(found, reference.correlate(image, (column, row)))


def test_a_long_sum_does_not_drift() -> None:
    image = np.full((1, 3000), 0.1, np.float32)
    image[0, 0] = 1e8  # what leaves a running sum would stay in it
    found = gc.convolve(image, np.ones((1, 301)), method="box", size="valid")
    exact = 301 * np.float64(np.float32(0.1))
    assert np.abs(found[0, 1:] - exact).max() <= 6 * np.finfo(np.float32).eps * exact


@pytest.mark.parametrize(
    ("kernel", "reason"),
    [
        ([[1, 2]], "the weights are not all equal"),
        (([1, 1, 2], [1, 1]), "the weights are not all equal"),
        ([[5]], "the kernel is a single weight"),
        (gc.kernels.box(3) + gc.kernels.box(5), "the kernel is a sum of several terms"),
    ],
)
def test_other_kernels_are_turned_down(kernel: Any, reason: str) -> None:
    with pytest.raises(gc.ArgumentError, match=f"method='box' cannot run this: {reason}"):
        gc.plan((50, 50), "uint8", kernel, method="box")


def test_a_margin_of_zeros_makes_no_other_kernel() -> None:
    image = RNG.integers(0, 256, (40, 50), dtype=np.uint8)
    kernel = np.pad(np.ones((4, 5), int), ((1, 0), (0, 2)))
    found = gc.convolve(image, kernel, method="box", dtype="int32")
    np.testing.assert_array_equal(found, reference.convolve(image, kernel, dtype="int32"))


@pytest.mark.parametrize("size", [3, 11, 101, 301, 1001])
@pytest.mark.parametrize("image", [(4096, 4096), (512, 512), (100, 100), (3, 100000)])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float64"])
def test_the_workspace_that_is_predicted_is_what_is_taken(
    size: int, image: tuple[int, int], dtype: str
) -> None:
    plan = gc.plan(image, dtype, gc.kernels.box(size), method="box")
    tile = min(plan.tile[0], image[0]), min(plan.tile[1], image[1])
    block = host.linear.block_of(plan, *tile)
    taken: Any = block.pixels
    while taken.base is not None:
        taken = taken.base
    pixel = limits(plan.dtype, plan.border, plan.cval)
    assert taken.nbytes == prod(room(plan.y, plan.x, pixel, plan.accumulator, tile))
    assert taken.nbytes < 40e6 or size > 301
    # The halo is work too.
    read = (tile[0] + size - 1) * (tile[1] + size - 1)
    assert read < 3 * tile[0] * tile[1] or 2 * size > min(*image, 1000)
