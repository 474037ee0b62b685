"""Laws that hold for any image and kernel, tried on random ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

import gpuconv as gc
from gpuconv import dtypes, reference, tiling
from gpuconv.border import MODES, source_index, span
from gpuconv.separation import cross_terms
from gpuconv.weights import Weights

LAW = settings(derandomize=True, deadline=None, max_examples=60)

BORDERS = st.sampled_from(sorted(MODES))
STEPS = st.tuples(st.integers(1, 4), st.integers(1, 4))
SHAPES = st.tuples(st.integers(1, 24), st.integers(1, 40))
INTEGERS = [name for name in dtypes.TABLE if np.dtype(name).kind in "iu"]

Array = NDArray[Any]


def pixels(dtype: str, shape: Any = SHAPES) -> st.SearchStrategy[Array]:
    """Return images of a dtype; integers use all of it up to what float64 sums exactly."""
    if np.dtype(dtype).kind not in "iu":
        width = 16 if dtype == "float16" else 32
        return hnp.arrays(dtype, shape, elements=st.floats(-1000, 1000, width=width))
    limits = np.iinfo(dtype)
    low, high = max(int(limits.min), -(2**40)), min(int(limits.max), 2**40)
    return hnp.arrays(dtype, shape, elements=st.integers(low, high))


WHOLE = hnp.arrays(np.int64, st.tuples(*[st.integers(1, 7)] * 2), elements=st.integers(-9, 9))


@st.composite
def kernels(draw: st.DrawFn) -> gc.Kernel:
    """Return integer kernels of any form, anchor and divisor."""
    divisor = draw(st.sampled_from([1, 2, 9, -3, 961]))
    if draw(st.booleans()):
        column, row = (draw(st.lists(st.integers(-9, 9), min_size=1, max_size=9)) for _ in range(2))
        kernel = gc.Kernel.separable(column, row, divisor=divisor)
    else:
        kernel = gc.Kernel(draw(WHOLE), divisor=divisor)
    y, x = (draw(st.integers(0, n - 1)) for n in kernel.shape)
    return kernel.anchored(y, x)


@st.composite
def views(draw: st.DrawFn, dtype: str) -> Array:
    """Return images in any layout: steps, reversals, transposes, both byte orders."""
    array = draw(pixels(dtype))
    if draw(st.booleans()):
        array = array.astype(array.dtype.newbyteorder())
    if draw(st.booleans()):
        array = np.asfortranarray(array)
    if draw(st.booleans()):
        array = array.T
    steps = [draw(st.sampled_from([1, 1, -1, 2, -3])) for _ in range(2)]
    return array[:: steps[0], :: steps[1]]


def compare_with_the_reference(engine: str, data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from([*INTEGERS, "float16", "float32", "float64"]))
    image, kernel = data.draw(views(dtype)), data.draw(kernels())
    options: dict[str, Any] = {
        "border": (data.draw(BORDERS), data.draw(BORDERS)),
        "cval": data.draw(st.integers(-300, 300)),
        "stride": data.draw(STEPS),
        "dilation": data.draw(STEPS),
        "size": data.draw(st.sampled_from(["same", "full", "valid"])),
    }
    reach = [tiling.footprint(*p) for p in zip(kernel.shape, options["dilation"], strict=True)]
    if any(r > n for r, n in zip(reach, image.shape, strict=True)) and options["size"] == "valid":
        options["size"] = "same"
    call = data.draw(st.sampled_from(["convolve", "correlate"]))
    method = data.draw(st.sampled_from(["auto", "dense"]))
    found = getattr(gc, call)(image, kernel, method=method, device=engine, **options)
    expected = getattr(reference, call)(image, kernel, **options)
    assert found.shape == expected.shape
    if image.dtype.kind in "iu":
        np.testing.assert_array_equal(found, expected)
    else:
        gain = np.abs(kernel.weights).sum() * max(np.abs(image).max(), abs(options["cval"]))
        eps = np.finfo(dtype).eps + 4 * np.finfo(dtypes.rule(dtype).accumulator).eps
        apart = found != expected  # infinities of float16 are equal
        assert (np.abs(found[apart].astype(float) - expected[apart]) <= eps * gain).all()


def test_the_engine_is_the_reference(engine: str) -> None:
    # Elsewhere than on the host nearly each example is a program to compile.
    @given(st.data())
    @settings(LAW, max_examples=250 if engine == "cpu" else 150)
    def law(data: st.DataObject) -> None:
        compare_with_the_reference(engine, data)

    law()


@LAW
@given(pixels("int32"), pixels("int32"), WHOLE, BORDERS, st.integers(-5, 5))
def test_linear_in_the_image(a: Array, b: Array, weights: Array, border: str, s: int) -> None:
    rows, columns = (min(m, n) for m, n in zip(a.shape, b.shape, strict=True))
    a, b = (x[:rows, :columns].astype(np.float64) for x in (a, b))
    together = gc.convolve(a + s * b, weights, border=border)
    apart = gc.convolve(a, weights, border=border) + s * gc.convolve(b, weights, border=border)
    np.testing.assert_array_equal(together, apart)  # every sum is exact in float64


@LAW
@given(pixels("int16"), kernels(), kernels(), BORDERS, st.sampled_from([2, -0.5, 3]))
def test_linear_in_the_kernel(
    image: Array, a: gc.Kernel, b: gc.Kernel, border: str, s: float
) -> None:
    image = image.astype(np.float64)
    together = gc.convolve(image, a + s * b, border=border)
    apart = gc.convolve(image, a, border=border) + s * gc.convolve(image, b, border=border)
    np.testing.assert_allclose(together, apart, rtol=0, atol=1e-7)


@LAW
@given(pixels("uint8"), kernels(), st.integers(-30, 30), st.integers(-30, 30))
def test_shifting_the_image_shifts_the_result(
    image: Array, kernel: gc.Kernel, y: int, x: int
) -> None:
    shifted = gc.convolve(np.roll(image, (y, x), (0, 1)), kernel, border="wrap")
    np.testing.assert_array_equal(
        shifted, np.roll(gc.convolve(image, kernel, border="wrap"), (y, x), (0, 1))
    )


@LAW
@given(pixels("uint8"), kernels(), kernels())
def test_one_after_the_other_is_the_product(image: Array, a: gc.Kernel, b: gc.Kernel) -> None:
    once = gc.convolve(image.astype(float), a @ b, border="wrap")
    twice = gc.convolve(gc.convolve(image.astype(float), b, border="wrap"), a, border="wrap")
    np.testing.assert_allclose(once, twice, rtol=1e-9, atol=1e-7)


@LAW
@given(kernels(), kernels(), kernels())
def test_products_commute_and_associate(a: gc.Kernel, b: gc.Kernel, c: gc.Kernel) -> None:
    for one, other in [(a @ b, b @ a), ((a @ b) @ c, a @ (b @ c)), (a @ (b + c), a @ b + a @ c)]:
        assert one.anchor == other.anchor
        np.testing.assert_allclose(one.weights, other.weights, rtol=1e-12, atol=1e-9)


@LAW
@given(pixels("uint16"), kernels(), BORDERS)
def test_transposing_all_transposes_the_result(image: Array, k: gc.Kernel, border: str) -> None:
    turned = gc.convolve(image.T, k.T, border=border)
    np.testing.assert_array_equal(turned, gc.convolve(image, k, border=border).T)


@LAW
@given(pixels("int16"), kernels(), BORDERS)
def test_mirroring_all_mirrors_the_result(image: Array, kernel: gc.Kernel, border: str) -> None:
    there = gc.convolve(image[::-1, ::-1], kernel.flip(), border=border)
    np.testing.assert_array_equal(there, gc.convolve(image, kernel, border=border)[::-1, ::-1])


@LAW
@given(pixels("uint8"), kernels())
def test_separable_terms_give_the_bits_of_the_dense_weights(image: Array, k: gc.Kernel) -> None:
    dense = gc.Kernel(k.numerators, anchor=k.anchor, divisor=k.divisor)
    expected = gc.convolve(image, dense, method="dense", dtype="int32")
    np.testing.assert_array_equal(gc.convolve(image, k, dtype="int32"), expected)
    np.testing.assert_array_equal(gc.convolve(image, dense, dtype="int32"), expected)


@LAW
@given(pixels("float64"), kernels(), BORDERS, STEPS)
def test_valid_and_same_are_parts_of_full(
    image: Array, k: gc.Kernel, border: str, dilation: tuple[int, int]
) -> None:
    full = gc.convolve(image, k, border=border, size="full", dilation=dilation)
    ends = [(taps - 1) * d for taps, d in zip(k.shape, dilation, strict=True)]
    y, x = (d * a for d, a in zip(dilation, k.anchor, strict=True))
    same = full[y : y + image.shape[0], x : x + image.shape[1]]
    found = gc.convolve(image, k, border=border, dilation=dilation)
    np.testing.assert_allclose(found, same, rtol=1e-12, atol=1e-9)
    if all(n > end for n, end in zip(image.shape, ends, strict=True)):
        found = gc.convolve(image, k, size="valid", dilation=dilation)
        inner = full[ends[0] : image.shape[0], ends[1] : image.shape[1]]
        np.testing.assert_allclose(found, inner, rtol=1e-12, atol=1e-9)


@LAW
@given(BORDERS, st.integers(-200, 200), st.integers(0, 60), st.integers(1, 50))
def test_spans_are_the_table(mode: str, start: int, length: int, n: int) -> None:
    s = span(mode, start, start + length, n)
    joined = np.concatenate([s.before, np.arange(n)[s.inside], s.after])
    np.testing.assert_array_equal(joined, source_index(mode, range(start, start + length), n))


@LAW
@given(
    hnp.arrays(np.float64, st.tuples(*[st.integers(1, 9)] * 2), elements=st.floats(-9, 9)),
    st.sampled_from([0, 1e-12, 1e-6, 1e-2]),
    st.integers(1, 9),
)
def test_terms_are_within_their_bound(weights: Array, tolerance: float, most: int) -> None:
    terms = cross_terms(weights, tolerance, most)
    assert len(terms) <= most
    if terms:
        error = np.abs(weights - Weights.sum_of(terms).array).sum()
        assert error <= (tolerance + 1e-14) * np.abs(weights).sum()


@LAW
@given(WHOLE, st.integers(1, 7))
def test_terms_of_integers_are_exact(weights: Array, most: int) -> None:
    terms = cross_terms(weights, 1e-2, most)
    if terms:
        assert Weights.sum_of(terms).array.dtype == np.int64
        np.testing.assert_array_equal(Weights.sum_of(terms).array, weights)


@LAW
@given(st.sampled_from(INTEGERS), hnp.arrays(np.float64, 20, elements=st.floats(-1e20, 1e20)))
def test_storing_is_rounding_and_saturating(dtype: str, values: Array) -> None:
    out, limits = np.empty(20, dtype), np.iinfo(dtype)
    dtypes.store(values.copy(), out)
    expected = [min(max(round(v), int(limits.min)), int(limits.max)) for v in values.tolist()]
    assert out.tolist() == expected
