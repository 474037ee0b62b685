"""Recursive Gaussians: how near they are, that σ costs nothing, and where NaN may be."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gpuconv as gc
from gpuconv import reference
from gpuconv.algorithms.recursive import Recursion, recursion, workspace
from gpuconv.backends import host
from gpuconv.backends.host.footprint import marks, spread
from gpuconv.backends.host.recursive import matrices
from gpuconv.border import MODES

RNG = np.random.default_rng(5)
LAW = settings(derandomize=True, deadline=None, max_examples=40)
BORDERS = st.sampled_from(sorted(MODES))


def gaussian(sigma: float, truncate: float = 4.0) -> Any:
    radius = int(truncate * sigma + 0.5)
    return np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)


def fitted(weights: Any) -> Recursion:
    fit = recursion(tuple(np.asarray(weights).tolist()))
    assert isinstance(fit, Recursion)
    return fit


def fast(image: Any, kernel: Any, **options: Any) -> Any:
    return gc.convolve(image, kernel, method="recursive", accuracy="fast", **options)


@pytest.mark.parametrize("sigma", [0.3, 0.5, 1, 2, 7.3, 30, 250])
@pytest.mark.parametrize("factor", [1, -0.02])
def test_sigma_is_read_from_the_weights(sigma: float, factor: float) -> None:
    fit = fitted(factor * gaussian(sigma))
    assert fit.sigma == pytest.approx(sigma)
    assert fit.error < 1e-4


@pytest.mark.parametrize("truncate", [3.0, 3.5, 4.0, 6.0])
def test_the_error_is_that_of_the_impulse_response(truncate: float) -> None:
    weights = gaussian(10, truncate)
    fit = fitted(weights)
    places = np.arange(1, 200)
    response = (fit.residues * fit.poles ** places[:, None]).sum(axis=1).real
    wanted = np.zeros(199)
    wanted[: len(weights) // 2] = weights[len(weights) // 2 + 1 :]
    assert fit.error == pytest.approx(2 * np.abs(response - wanted).sum() / weights.sum(), rel=1e-3)
    # What is cut off is there again.
    assert (fit.error < 4e-4) == (truncate > 3.7)


@LAW
@given(st.data())
def test_results_are_near_exact_ones(data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(["uint8", "int16", "float16", "float32", "float64"]))
    image = RNG.integers(0, 250, data.draw(st.tuples(*[st.integers(1, 90)] * 2))).astype(dtype)
    column, row = (
        gaussian(data.draw(st.floats(0.3, 12)), data.draw(st.floats(4, 6))) for _ in "yx"
    )
    kernel = gc.Kernel.separable(column, row, divisor=data.draw(st.sampled_from([1, 50, -8])))
    options: dict[str, Any] = {
        "border": (data.draw(BORDERS), data.draw(BORDERS)),
        "cval": data.draw(st.sampled_from([0, -5, 300])),
        "stride": data.draw(st.tuples(st.integers(1, 3), st.integers(1, 3))),
        "size": data.draw(st.sampled_from(["same", "full"])),
        "dtype": "float64",
    }
    exact = gc.convolve(image, kernel, method="separable", **options)
    found = fast(image, kernel, **options)
    gain = np.abs(kernel.weights).sum() * max(np.abs(image).max(), abs(options["cval"]))
    assert np.abs(found - exact).max() <= 2.5e-4 * gain


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("sigma", [0.5, 3, 8])
def test_results_are_near_the_definition(dtype: str, sigma: float) -> None:
    image = (RNG.random((61, 70)) * 255).astype(dtype)
    kernel = gc.kernels.gaussian(sigma)
    found = fast(image, kernel, dtype="float64")
    expected = reference.convolve(image, kernel, dtype="float64")
    assert np.abs(found - expected).max() <= 2.5e-4 * 255


@pytest.mark.parametrize("sigma", [60, 250])
def test_large_sigmas_are_near(sigma: float) -> None:
    image = (RNG.random((150, 1100)) * 255).astype(np.float32)
    kernel = gc.kernels.gaussian(sigma)
    expected = gc.convolve(image, kernel, method="separable")
    assert np.abs(fast(image, kernel) - expected).max() <= 2.5e-4 * 255


@pytest.mark.parametrize("shape", [(1, 41), (41, 1)])
def test_a_single_axis_is_filtered_alone(shape: tuple[int, int]) -> None:
    image = RNG.normal(size=(50, 60))
    kernel = gc.Kernel(gaussian(5).reshape(shape))
    expected = reference.convolve(image, kernel)
    gain = kernel.weights.sum() * np.abs(image).max()
    assert np.abs(fast(image, kernel) - expected).max() <= 1e-4 * gain


def test_dense_weights_will_do() -> None:
    image = RNG.normal(size=(40, 40)).astype(np.float32)
    kernel = np.outer(gaussian(2), gaussian(3))
    expected = gc.convolve(image, kernel)
    assert np.abs(fast(image, kernel) - expected).max() <= 1e-3 * kernel.sum() * np.abs(image).max()


@pytest.mark.parametrize("factor", [1, -1])
@pytest.mark.parametrize("stride", [1, 3])
def test_nan_and_infinity_stay_in_the_footprint(factor: int, stride: int) -> None:
    image = RNG.normal(size=(90, 100)).astype(np.float32)
    image[5, 7], image[60, 80], image[62, 50], image[59, 70] = np.nan, np.inf, -np.inf, -np.inf
    kernel = factor * gc.kernels.gaussian(3)
    found = fast(image, kernel, stride=stride)
    expected = reference.convolve(image, kernel, stride=stride)
    for kind in (np.isnan, np.isposinf, np.isneginf):
        assert kind(found).any()
        np.testing.assert_array_equal(kind(found), kind(expected))
    finite = np.isfinite(expected)
    np.testing.assert_allclose(found[finite], expected[finite], atol=1e-3)


def test_a_border_may_be_infinite() -> None:
    image = RNG.integers(0, 9, (40, 50), dtype=np.uint8)
    options: dict[str, Any] = {"border": "constant", "cval": np.inf, "dtype": "float32"}
    kernel = gc.kernels.gaussian(2)
    expected = reference.convolve(image, kernel, **options)
    np.testing.assert_allclose(fast(image, kernel, **options), expected, rtol=1e-3)


def test_scratch_that_is_kept_carries_nothing_over() -> None:
    image = RNG.normal(size=(45, 67)).astype(np.float32)
    kernel = gc.kernels.gaussian(3)
    expected = fast(image, kernel)
    assert np.isnan(fast(np.full_like(image, np.nan), kernel)).all()
    np.testing.assert_array_equal(fast(image, kernel), expected)


def test_large_pixels_do_not_overflow_on_the_way() -> None:
    image = np.full((30, 40), 1e37, np.float32)
    np.testing.assert_allclose(fast(image, gc.kernels.gaussian(20)), image, rtol=1e-3)


def test_sigma_costs_nothing() -> None:
    plans = [
        gc.plan(
            (4096, 4096), "float32", gc.kernels.gaussian(s), method="recursive", accuracy="fast"
        )
        for s in (1, 10, 100)
    ]
    assert len({plan.operations for plan in plans}) == 1
    assert [plan.sigma for plan in plans] == [pytest.approx((s, s)) for s in (1, 10, 100)]


@pytest.mark.parametrize(("sigma", "size"), [(2, 4096), (10, 300), (30, 4096), (100, 1500)])
def test_the_workspace_that_is_predicted_is_about_what_is_taken(sigma: float, size: int) -> None:
    options: dict[str, Any] = {"method": "recursive", "accuracy": "fast"}
    plan = gc.plan((size, size), "float32", gc.kernels.gaussian(sigma), **options)
    tile = min(plan.tile[0], size), min(plan.tile[1], size)
    tracemalloc.start()
    try:
        block = host.linear.block_of(plan, *tile)
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert block.pixels.shape == (tile[0] + plan.y.taps - 1, tile[1] + plan.x.taps - 1)
    expected = workspace(plan.y, plan.x, plan.accumulator, tile)
    assert 0.7 * expected < taken < 1.3 * expected


def test_tiles_of_large_kernels_are_of_one_size() -> None:
    options: dict[str, Any] = {"method": "recursive", "accuracy": "fast"}
    plan = gc.plan((4096, 6000), "float32", gc.kernels.gaussian(250), **options)
    assert plan.tile == (2048, 2000)


def test_states_are_not_above_the_pixels() -> None:
    for sigma in (0.5, 5, 250):
        m = matrices(fitted(gaussian(sigma)), np.dtype(np.float64))
        assert np.abs(m.forwards).sum(axis=1).max() <= 1
        assert np.abs(m.far).sum(axis=1).max() < 20 * gaussian(sigma).sum()
        assert np.abs(np.linalg.eigvals(m.carry)).max() < 1


@pytest.mark.parametrize("taps", [1, 2, 3, 4, 7, 8])
def test_bits_spread_over_windows(taps: int) -> None:
    bits = RNG.integers(0, 8, (30, 4)) * (RNG.random((30, 4)) < 0.1)
    expected = [np.bitwise_or.reduce(bits[i : i + taps]) for i in range(31 - taps)]
    np.testing.assert_array_equal(spread(bits, taps), expected)


def test_a_sum_that_overflows_marks_nothing() -> None:
    pixels = np.full((3, 3), np.finfo(np.float32).max)
    with np.errstate(over="ignore"):
        assert marks(pixels) is None
    assert (pixels == np.finfo(np.float32).max).all()


@pytest.mark.parametrize(
    ("kernel", "options", "reason"),
    [
        (gc.kernels.gaussian(3), {"accuracy": "exact"}, "it needs accuracy='fast'"),
        (gc.kernels.gaussian(3), {"dilation": 2}, "the kernel's taps are apart"),
        (np.eye(5), {}, "the kernel is no Gaussian, as it is not separable"),
        (([1, 2, 2], [1]), {}, "recursion would miss 0.2 of the kernel's weight"),
        (([1], [1, 2, 2, 1]), {}, "along x, the weights are no Gaussian about the middle"),
        (([1, 2, 1], [3, 5]), {}, "along x, the weights are no Gaussian about the middle"),
        (gc.kernels.box(15), {}, "along y, the weights are no Gaussian about the middle"),
        (gc.kernels.gaussian(10, truncate=3), {}, "recursion would miss 0.00[67][0-9]* of the"),
        (([1], 1 - np.linspace(-1, 1, 21)[1:-1] ** 2), {}, "recursion would miss .* of the"),
    ],
)
def test_what_it_cannot_do_is_told(kernel: Any, options: dict[str, Any], reason: str) -> None:
    with pytest.raises(gc.ArgumentError, match=f"method='recursive' cannot run this: .*{reason}"):
        gc.plan(
            (64, 64), "float32", kernel, **{"accuracy": "fast", "method": "recursive", **options}
        )
