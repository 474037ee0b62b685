"""What every engine must keep across tiles and threads: seams, NaN, exact sums, bounded memory."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import gpuconv as gc
from gpuconv import reference

RNG = np.random.default_rng(7)
DENSE = gc.Kernel(RNG.integers(-9, 9, (5, 4)), divisor=3)
SEPARABLE = gc.Kernel.separable([1, 4, 6, 4, 1, 2, 3], [1, 0, 2, -1, 5, 5], anchor=(0, 5))
RANK_2 = gc.Kernel.sum_of([([1, 2, 1], [1, 0, -1]), ([1, 0, -1], [1, 2, 1])])
KERNELS = {"dense": DENSE, "separable": SEPARABLE, "rank 2": RANK_2}

Array = NDArray[Any]


def bytes_of(shape: tuple[int, ...], dtype: str = "uint8") -> Array:
    return RNG.integers(0, 256, shape).astype(dtype)


@pytest.mark.parametrize("border", ["constant", "nearest", "reflect", "mirror", "wrap"])
@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("shape", [(129, 1025), (257, 1030), (300, 2100)])
def test_seams(engine: str, name: str, border: str, shape: tuple[int, int]) -> None:
    image, kernel = bytes_of(shape), KERNELS[name]
    method: Any = "dense" if name == "dense" else "separable"
    found = gc.convolve(image, kernel, border=border, cval=9, method=method, device=engine)
    expected = reference.convolve(image, kernel, border=border, cval=9)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("size", ["same", "valid", "full"])
@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize(("stride", "dilation"), [(2, 1), (3, 2), ((1, 2), (20, 1)), (1, (3, 60))])
def test_seams_of_strides_and_dilations(
    engine: str, under_checker: bool, name: str, size: Any, stride: Any, dilation: Any
) -> None:
    # Of outputs, CUDA's tiles are 16 × 128 here.
    image = bytes_of((140, 700) if under_checker else (300, 2300), "uint16")
    options: dict[str, Any] = {"size": size, "stride": stride, "dilation": dilation}
    method: Any = "dense" if name == "dense" else "separable"
    found = gc.convolve(image, KERNELS[name], method=method, device=engine, **options)
    np.testing.assert_array_equal(found, reference.convolve(image, KERNELS[name], **options))


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "float16"])
@pytest.mark.parametrize("name", KERNELS)
def test_whole_numbers_as_floats_are_exact_across_seams(engine: str, name: str, dtype: str) -> None:
    image = RNG.integers(-8, 8, (260, 1100)).astype(dtype)
    kernel = gc.Kernel(KERNELS[name].numerators)
    found = gc.correlate(image, kernel, border="mirror", device=engine)
    np.testing.assert_array_equal(found, reference.correlate(image, kernel, border="mirror"))


@pytest.mark.parametrize("threads", ["2", "3", "16"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("kernel", [np.ones((15, 15)) / 225, gc.kernels.gaussian(4)])
def test_threads_give_the_same_bits(
    kernel: Any, dtype: str, threads: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = bytes_of((2, 400, 1300), dtype)
    monkeypatch.setenv("GPUCONV_NUM_THREADS", "1")
    alone = gc.convolve(image, kernel, device="cpu", method="dense")
    monkeypatch.setenv("GPUCONV_NUM_THREADS", threads)
    shared = gc.convolve(image, kernel, device="cpu", method="dense")
    np.testing.assert_array_equal(alone, shared)


FLOATS = {
    "dense": gc.Kernel([[0, 1.5, 0, -1], [0, 0, 2, 0], [0.5, 0, 0, 0]], divisor=3),
    "margins": gc.Kernel(np.pad([[1.0, 2], [0, 4]], 2)),
    "separable": gc.Kernel.separable([1, 0, 2.5, 0], [0.5, 0, 0, 1]),
    "gaussian": gc.kernels.gaussian(2),
    "rank 2": RANK_2,
    "zero": gc.Kernel(np.zeros((3, 3))),
}


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", FLOATS)
@pytest.mark.parametrize("options", [{}, {"stride": 3, "dilation": (2, 1)}, {"border": "wrap"}])
def test_what_is_not_finite_stays_in_its_footprint(
    engine: str, name: str, bad: float, options: dict[str, Any]
) -> None:
    image = RNG.normal(size=(140, 1040)).astype(np.float32)
    for at in [(0, 0), (127, 1023), (128, 500), (60, 1024), (139, 1039), (60, 60)]:
        image[at] = bad
    expected = reference.convolve(image, FLOATS[name], **options)
    found = gc.convolve(image, FLOATS[name], device=engine, **options)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_array_equal(np.isposinf(found), np.isposinf(expected))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)
    stored = gc.convolve(image, FLOATS[name], device=engine, dtype="uint8", **options)
    assert not stored[np.isnan(expected)].any()


def test_weights_of_zero_do_not_exist_even_beside_nearly_separable_ones(engine: str) -> None:
    weights = np.outer([1e-5, 1, 1e-5], [1e-5, 1.5, 1e-5])
    weights[0, 0] = 0  # within float32's rounding of a separable kernel, but not there
    kernel = gc.Kernel(np.pad(weights, 2))
    image = np.ones((9, 9), np.float32)
    image[4, 4] = np.nan
    for method in ("auto", "dense", "separable"):
        found = gc.convolve(image, kernel, device=engine, method=method)  # type: ignore[arg-type]
        assert np.isnan(found).sum() == 8


@pytest.mark.parametrize("cval", [np.nan, np.inf])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("form", ["dense", "separable"])
def test_a_fill_that_is_not_finite_stays_at_the_edge(
    engine: str, cval: float, dtype: str, form: Any
) -> None:
    image = bytes_of((40, 40), dtype)
    options: dict[str, Any] = {"border": "constant", "cval": cval}
    found = gc.convolve(image, np.ones((3, 3)), device=engine, method=form, **options, dtype="f4")
    expected = reference.convolve(image, np.ones((3, 3)), **options, dtype="f4")
    np.testing.assert_array_equal(found, expected)
    inner = gc.convolve(image, np.ones((3, 3)), device=engine, method=form, **options)[1:-1, 1:-1]
    np.testing.assert_array_equal(inner, gc.convolve(image, np.ones((3, 3)))[1:-1, 1:-1])


def test_integer_sums_are_exact_where_terms_cancel(engine: str) -> None:
    weights = np.zeros((21, 21), int)
    weights[0] = weights[:, 0] = 1601  # Σ|w| is small enough for float32; that of its terms not
    image = bytes_of((60, 60))
    for call in ("convolve", "correlate"):
        for method in ("auto", "dense", "separable"):
            found = getattr(gc, call)(image, weights, dtype="f4", method=method, device=engine)
            expected = getattr(reference, call)(image, weights, dtype="f4")
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("divisor", [1, 41 * 255, 3 * 10**6])
def test_large_integer_weights_are_exact(engine: str, divisor: int) -> None:
    kernel = gc.Kernel(RNG.integers(-(10**6), 10**6, (9, 9)), divisor=divisor)
    for dtype in ("uint8", "int16", "int32"):
        image = bytes_of((30, 30), dtype)
        found = gc.convolve(image, kernel, device=engine, dtype="int32")
        np.testing.assert_array_equal(found, reference.convolve(image, kernel, dtype="int32"))


@pytest.mark.parametrize("stride", [3000, (40000, 1), (1, 40000)])
@pytest.mark.parametrize("method", ["dense", "separable"])
def test_strides_beyond_the_image_cost_nothing(engine: str, stride: Any, method: Any) -> None:
    image = bytes_of((60, 50), "float32")
    tracemalloc.start()
    found = gc.convolve(image, np.ones((9, 9)), stride=stride, method=method, device=engine)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(found, reference.convolve(image, np.ones((9, 9)), stride=stride))
    assert peak < 2**24


@pytest.mark.parametrize("kernel", [np.ones((3, 3)), np.eye(15), gc.kernels.gaussian(3)])
def test_no_temporary_is_larger_than_a_few_tiles(
    kernel: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPUCONV_NUM_THREADS", "1")
    image = np.zeros((3000, 4000), np.float32)
    out = np.empty_like(image)
    tracemalloc.start()
    gc.convolve(image, kernel, out=out, device="cpu")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * 2**20  # scratch for four shapes of tile; the image has 48 MB
