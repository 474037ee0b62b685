"""Fourier transforms on the CPU: the definition's results in any tiles, NaN and memory bounded."""

from __future__ import annotations

import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

import gpuconv as gc
from gpuconv import dtypes, reference
from gpuconv.algorithms.fourier import good_sizes, rounding, workspace
from gpuconv.backends.host import fourier, linear
from gpuconv.border import MODES
from gpuconv.cost.blocks import KEPT
from gpuconv.errors import ArgumentError
from gpuconv.plan import Plan
from gpuconv.request import Request

Array = NDArray[Any]
RNG = np.random.default_rng(41)
LAW = settings(derandomize=True, deadline=None, max_examples=60)
PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))
TILES = st.tuples(st.integers(4, 30), st.integers(4, 30))
DRAWN = st.integers(0, 2**32).map(np.random.default_rng)
Random = np.random.Generator


def cut(plan: Plan, height: int, width: int) -> Plan:
    """Return the plan with smaller tiles, of about that many outputs."""
    tile = min(height, plan.tile[0]), min(width, plan.tile[1])
    reached = [
        (outputs - 1) * axis.stride + axis.footprint
        for outputs, axis in zip(tile, (plan.y, plan.x), strict=True)
    ]
    transform = good_sizes(reached[0], reached[0])[-1], good_sizes(reached[1], reached[1])[-1]
    return replace(plan, tile=tile, transform=transform)


def run(plan: Plan, image: Array) -> Array:
    out = np.empty(plan.shape, plan.out_dtype)
    linear.run(plan, image, out)
    return out


def within_contract(found: Array, expected: Array, image: Array, kernel: Array) -> None:
    summed = max(dtypes.rule(image.dtype).accumulator, dtypes.rule(found.dtype).accumulator)
    factor = (4 + kernel.size / 32) * float(np.finfo(summed).eps)
    largest = np.abs(image[np.isfinite(image)]).max(initial=0).astype(float)
    near = factor * float(np.abs(kernel).sum()) * float(largest)
    allowed = near + float(np.finfo(found.dtype).eps) * np.abs(expected.astype(float))
    apart = (found != expected) & ~(np.isnan(found) & np.isnan(expected))
    errors = np.abs(found[apart].astype(float) - expected[apart])
    assert (errors <= allowed[apart]).all()


@st.composite
def calls(draw: st.DrawFn) -> tuple[tuple[int, int], tuple[int, int], dict[str, Any]]:
    """Return the shapes of an image and of a kernel, which may be the larger, and options."""
    shape = draw(st.tuples(st.integers(1, 40), st.integers(1, 50)))
    taps = draw(st.tuples(st.integers(1, 45), st.integers(1, 30)))
    options: dict[str, Any] = {
        "border": (draw(st.sampled_from(sorted(MODES))), draw(st.sampled_from(sorted(MODES)))),
        "cval": draw(st.integers(-99, 99)),
        "size": draw(st.sampled_from(["same", "full", "valid"])),
        "stride": draw(PAIRS),
        "dilation": draw(PAIRS),
    }
    reach = [(k - 1) * d + 1 for k, d in zip(taps, options["dilation"], strict=True)]
    if options["size"] == "valid" and any(r > n for r, n in zip(reach, shape, strict=True)):
        options["size"] = "same"
    return shape, taps, options


@LAW
@given(
    calls(),
    st.sampled_from(["uint8", "int16", "uint16"]),
    st.sampled_from([None, "int64", "float64"]),
    st.sampled_from([1, 7, -3]),
    TILES,
    DRAWN,
)
def test_integers_are_the_definitions_to_the_bit(
    call: Any, dtype: str, stored: Any, divisor: int, tile: tuple[int, int], rng: Random
) -> None:
    shape, taps, options = call
    limits = np.iinfo(dtype)
    image = rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)
    kernel = gc.Kernel(rng.integers(-9, 9, taps), divisor=divisor)
    expected = reference.convolve(image, kernel, dtype=stored, **options)
    found = gc.convolve(image, kernel, dtype=stored, method="fft", **options)
    np.testing.assert_array_equal(found, expected)
    plan = gc.plan(shape, dtype, kernel, out_dtype=stored, method="fft", **options)
    np.testing.assert_array_equal(run(cut(plan, *tile), image), expected)


@LAW
@given(calls(), st.sampled_from(["float16", "float32", "float64"]), TILES, DRAWN)
def test_floats_are_within_the_contract(
    call: Any, dtype: str, tile: tuple[int, int], rng: Random
) -> None:
    shape, taps, options = call
    image = (rng.normal(size=(2, *shape)) * 200).astype(dtype)
    kernel = rng.normal(size=taps)
    expected = reference.convolve(image, kernel, **options)
    read = np.append(image, image.dtype.type(options["cval"]))
    within_contract(gc.convolve(image, kernel, method="fft", **options), expected, read, kernel)
    plan = gc.plan(image.shape, dtype, kernel, method="fft", **options)
    within_contract(run(cut(plan, *tile), image), expected, read, kernel)


@LAW
@given(calls(), st.integers(1, 5), st.sampled_from(["float32", "float64"]), TILES, DRAWN)
def test_nan_and_infinity_stay_in_their_footprint(
    call: Any, count: int, dtype: str, tile: tuple[int, int], rng: Random
) -> None:
    shape, taps, options = call
    image = rng.normal(size=shape).astype(dtype)
    for value in (np.nan, np.inf, -np.inf):
        image.flat[rng.integers(0, image.size, count)] = value
    kernel = rng.normal(size=taps) * (rng.random(taps) < 0.7)
    expected = reference.convolve(image, kernel, **options)
    read = np.append(image, image.dtype.type(options["cval"]))
    within_contract(gc.convolve(image, kernel, method="fft", **options), expected, read, kernel)
    plan = gc.plan(shape, dtype, kernel, method="fft", **options)
    within_contract(run(cut(plan, *tile), image), expected, read, kernel)


@pytest.mark.parametrize("fill", [np.nan, np.inf, -np.inf, 1e300, 0.5])
def test_a_border_of_anything_round_integers(fill: float) -> None:
    rng = np.random.default_rng(40)  # what is expected is of these weights, whatever ran before
    image = rng.integers(0, 255, (30, 40)).astype(np.uint8)
    kernel = rng.integers(-9, 9, (7, 5))
    kernel[2:4] = 0
    options: dict[str, Any] = {"border": "constant", "cval": fill, "dtype": "float64"}
    if fill == 1e300:
        with pytest.raises(ArgumentError, match=r"sums are integers, and errors .* reach 7"):
            gc.convolve(image, kernel, method="fft", **options)
        return
    found = gc.convolve(image, kernel, method="fft", **options)
    expected = reference.convolve(image, kernel, **options)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
    if fill != 0.5:
        np.testing.assert_array_equal(found, expected)


def test_footprints_are_those_of_scipy() -> None:
    image = RNG.normal(size=(90, 110))
    image[20, 30], image[60, 70], image[65, 80], image[0, 0] = np.nan, np.inf, -np.inf, np.inf
    kernel = RNG.normal(size=(21, 17))
    kernel[4:12, 5:9] = 0
    expected = ndimage.convolve(image, kernel)
    found = gc.convolve(image, kernel, method="fft")
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_array_equal(np.isposinf(found), np.isposinf(expected))
    np.testing.assert_array_equal(np.isneginf(found), np.isneginf(expected))
    finite = np.isfinite(expected)
    np.testing.assert_allclose(found[finite], expected[finite], rtol=0, atol=1e-11)


def test_no_tile_is_ever_summed_tap_by_tap() -> None:
    kernel, image = RNG.normal(size=(255, 255)), RNG.normal(size=(600, 700)).astype(np.float32)
    image[300, 350] = np.nan
    found = gc.convolve(image, kernel, method="fft")  # minutes, if it were
    expected = np.zeros(image.shape, bool)
    expected[300 - 127 : 300 + 128, 350 - 127 : 350 + 128] = True
    np.testing.assert_array_equal(np.isnan(found), expected)


@pytest.mark.parametrize("scale", [3e37, 1e-30])
def test_pixels_near_the_ends_of_float32_neither_overflow_nor_vanish(scale: float) -> None:
    image = (RNG.uniform(-1, 1, (200, 300)) * scale).astype(np.float32)
    kernel = RNG.normal(size=(31, 31)) / 300
    within_contract(
        gc.convolve(image, kernel, method="fft"), reference.convolve(image, kernel), image, kernel
    )


def test_sums_beyond_float32_are_infinite() -> None:
    image = np.full((40, 40), 2e38, np.float32)
    np.testing.assert_array_equal(gc.convolve(image, np.ones((5, 5)), method="fft"), np.inf)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_tiles_of_any_range_are_within_the_contract(dtype: str) -> None:
    image = (10.0 ** RNG.uniform(-30, 4, (1100, 1300)) * RNG.choice([-1, 1], (1100, 1300))).astype(
        dtype
    )
    image[:550] = np.abs(image[:550]) + 1e4
    kernel = np.abs(RNG.normal(size=(9, 9)))
    plan = cut(gc.plan(image.shape, dtype, kernel, method="fft"), 1100, 1300)
    expected = ndimage.convolve(image.astype(np.float64), kernel)
    within_contract(run(plan, image), expected.astype(dtype), image, kernel)


def test_fast_integers_are_within_theirs() -> None:
    image = RNG.integers(0, 255, (300, 200)).astype(np.uint8)
    kernel = RNG.integers(-9, 9, (13, 13))
    plan = gc.plan(image.shape, "uint8", kernel, method="fft", accuracy="fast", out_dtype="float32")
    assert plan.accumulator == np.float32
    expected = reference.convolve(image, kernel, dtype="float32")
    assert np.abs(run(plan, image) - expected).max() <= 1e-3 * np.abs(kernel).sum() * 255


# ------------------------------------------------------------------------ exactness


def request(shape: tuple[int, int], dtype: str, kernel: Any) -> Request:
    options = gc.arguments.Options.of(
        False, "reflect", 0, "same", 1, 1, "fft", "exact", "propagate", None
    )
    return options.request(shape, np.dtype(dtype), gc.Kernel(kernel), 0.0, np.dtype(dtype))


@pytest.mark.parametrize("size", [32, 270, 512])
def test_errors_are_far_below_their_bound(size: int) -> None:
    kernel = RNG.integers(-1000, 1000, (31, 31))
    asked = request((size, size), "uint16", kernel)
    plan = gc.plan((size, size), "uint16", kernel, method="fft", out_dtype="float64")
    assert plan.transform is not None
    image = RNG.integers(0, 2**16, (size, size)).astype(np.uint16)
    block = fourier._Tile(plan, *plan.tile, np.dtype(np.float64))
    padded = np.pad(image, 15, mode="symmetric")
    block.pixels[...] = padded[: plan.tile[0] + 30, : plan.tile[1] + 30]
    found = block.correlate(fourier._spectrum(plan, "weights", np.dtype(np.float64)))
    error = np.abs(found - np.rint(found)).max()
    assert 0 < error < rounding(asked, plan.transform) / 20
    expected = ndimage.correlate(image.astype(float), np.array(plan.kernel.numerators, float))
    np.testing.assert_array_equal(np.rint(found), expected[: plan.tile[0], : plan.tile[1]])


def test_integers_whose_sums_might_be_rounded_wrongly_are_refused() -> None:
    kernel = RNG.integers(-(2**17), 2**17, (31, 31))
    assert gc.plan((999, 999), "uint8", kernel, method="fft").algorithm == "fft"
    said = r"method='fft' cannot run this: its sums are integers, and errors .* could reach \d"
    with pytest.raises(ArgumentError, match=said):
        gc.plan((999, 999), "uint32", kernel, method="fft")
    assert gc.plan((999, 999), "uint32", kernel, method="fft", accuracy="fast")
    assert gc.plan((999, 999), "uint32", kernel + 0.5, method="fft")


# ------------------------------------------------------------------------ sizes and memory


def test_good_sizes_are_even_products_of_small_primes() -> None:
    sizes = good_sizes(2, 5000)
    assert sizes[-1] == 5120
    for size, following in pairwise(sizes):
        assert size % 2 == 0
        assert following <= 1.125 * size or size < 64
        for prime in (2, 3, 5):
            while size % prime == 0:
                size //= prime
        assert size == 1


@pytest.mark.parametrize("threads", [1, 2, 64])
@pytest.mark.parametrize("size", [1, 50, 300, 4096, 50000])
@pytest.mark.parametrize("taps", [1, 3, 31, 255, 2049])
def test_transforms_are_large_enough_and_bounded(
    taps: int, size: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPUCONV_NUM_THREADS", str(threads))
    plan = gc.plan(
        (size, size), "float32", gc.Kernel.separable([1.5] * taps, [1.5] * taps), method="fft"
    )
    assert plan.transform is not None
    for axis, outputs, length in zip((plan.y, plan.x), plan.tile, plan.transform, strict=True):
        reached = outputs + taps - 1
        assert reached <= length
        assert outputs <= axis.out
        assert length <= 1.125 * reached or length < 72
    assert np.prod(plan.transform) <= 2**24


def test_kernels_beyond_the_bound_have_transforms_of_their_own_size() -> None:
    kernel = gc.Kernel.separable([0.5] * 6000, [0.5] * 6000)
    plan = gc.plan((9000, 9000), "float32", kernel, method="fft")
    assert plan.transform is not None
    assert 6000**2 < np.prod(plan.transform) <= 4 * 6000**2


def test_work_grows_slowly_with_the_kernel() -> None:
    sizes = [3, 7, 15, 31, 63, 127, 255, 511, 1023, 2049]
    plans = [
        gc.plan((4096, 4096), "float32", gc.Kernel.separable([0.5] * k, [0.5] * k), method="fft")
        for k in sizes
    ]
    work = [plan.operations for plan in plans]
    assert work[0] < 300
    assert all(after <= 2.5 * before for before, after in pairwise(work))


@pytest.mark.parametrize(("size", "taps"), [(600, 31), (600, 301), (1500, 500)])
def test_memory_is_what_is_said(size: int, taps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPUCONV_NUM_THREADS", "1")
    image = np.ones((size, size), np.float32)
    kernel = RNG.normal(size=(taps, taps))
    plan = gc.plan(image.shape, image.dtype, kernel, method="fft")
    assert plan.transform is not None
    out = np.empty_like(image)
    linear.run(plan, image, out)  # the kernel's spectrum is kept
    linear._IDLE.clear()
    tracemalloc.start()
    linear.run(plan, image, out)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    linear._IDLE.clear()
    spectrum = plan.transform[0] * (plan.transform[1] + 2) * 4
    said = workspace(plan.transform, plan.accumulator, plan.machine.units)
    threads = min(plan.machine.units, -(-size // plan.tile[0]) * -(-size // plan.tile[1]))
    assert spectrum < peak + spectrum <= threads * (1.1 * said + KEPT)


def test_threads_share_one_spectrum(monkeypatch: pytest.MonkeyPatch) -> None:
    made = list[str]()
    original = fourier._transformed

    def counted(plan: Plan, what: str, dtype: Any) -> Array:
        made.append(what)
        return original(plan, what, dtype)

    monkeypatch.setattr(fourier, "_transformed", counted)
    monkeypatch.setenv("GPUCONV_NUM_THREADS", "3")
    image = RNG.normal(size=(700, 900)).astype(np.float32)
    kernel = RNG.normal(size=(25, 25))
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(gc.convolve, image, kernel, method="fft") for _ in range(8)]
        results = [call.result() for call in calls]
    assert made == ["weights"]
    for result in results:
        np.testing.assert_array_equal(result, results[0])
    np.testing.assert_allclose(results[0], ndimage.convolve(image, kernel), rtol=0, atol=1e-3)


def test_kept_spectra_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fourier, "_KEPT", type(fourier._KEPT)(most=100_000))
    image = RNG.normal(size=(50, 60)).astype(np.float32)
    for seed in range(12):
        kernel = np.random.default_rng(seed).normal(size=(9, 9))
        gc.convolve(image, kernel, method="fft")
        assert 0 < fourier._KEPT.bytes <= 100_000
    assert len(fourier._KEPT) < 12
    large = RNG.normal(size=(200, 200))
    found = gc.convolve(image, large, method="fft")  # its spectrum is larger than all that is kept
    within_contract(found, reference.convolve(image, large), image, large)


def test_masks_and_banks_run_by_transforms_too() -> None:
    image = RNG.normal(size=(70, 90)).astype(np.float32)
    mask = RNG.random((70, 90)) < 0.6
    kernel = np.abs(RNG.normal(size=(13, 11)))
    found, expected = (gc.convolve(image, kernel, mask=mask, method=m) for m in ("fft", "dense"))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)
    bytes_ = RNG.integers(0, 255, (70, 90)).astype(np.uint8)
    weights = RNG.random((70, 90)).astype(np.float32)
    whole = RNG.integers(1, 9, (13, 11))
    found, expected = (
        gc.convolve(bytes_, whole, mask=weights, method=m, dtype="float32")
        for m in ("fft", "dense")
    )
    np.testing.assert_allclose(found, expected, rtol=1e-5)
