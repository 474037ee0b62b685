"""Functions with the names of ``scipy.signal`` give SciPy's answers, on both engines."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from cuda_on_cpu import missing
from cuda_on_cpu.apart import ApartRuntime
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuconv import backends
from gpuconv.backends.cuda import runtime
from gpuconv.errors import ArgumentError
from gpuconv.scipy import signal as ours
from gpuconv.scipy.signal import reach, transforms
from gpuconv.scipy.signal.differences import DIFFERENCES

theirs = pytest.importorskip("scipy.signal")

MODES = ("full", "same", "valid")
DTYPES = (*"?bBhHiIqQ", *"efdFD")

#: What results may be off by, in parts of the largest there could be, by the least precise dtype.
PRECISION = {"e": 2e-3, "f": 4e-6, "F": 4e-6}


def noise(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Any:
    kind = np.dtype(dtype).kind
    if kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    if kind in "iu":
        limits = np.iinfo(dtype)
        return rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)
    values = rng.standard_normal(shape)
    return (values + 1j * rng.standard_normal(shape) if kind == "c" else values).astype(dtype)


def assert_same(made: Any, expected: Any, *inputs: Any) -> None:
    """Fail unless a result is SciPy's: integers to the bit, floats within rounding."""
    assert (made.dtype, made.shape) == (expected.dtype, expected.shape)
    if made.dtype.kind in "iub":
        np.testing.assert_array_equal(made, expected)
        return
    first, second = (np.abs(one.astype(np.complex128)) for one in inputs)
    largest = first.max(initial=0) * second.sum() + np.finfo(float).tiny
    kinds = [made.dtype.char, *(one.dtype.char for one in inputs)]
    tolerance = max(PRECISION.get(kind, 1e-13) for kind in kinds) * largest
    np.testing.assert_allclose(made, expected, rtol=0, atol=tolerance)


def either(function: Any, *given: Any, **named: Any) -> Any:
    """Return what a function returns, or the error that it raises."""
    try:
        return function(*given, **named)
    except (ValueError, TypeError, RuntimeError) as error:
        return error


@st.composite
def pairs(draw: Any, most: int = 4) -> tuple[Any, Any]:
    ndim = draw(st.integers(1, most))
    longest = {1: 40, 2: 12, 3: 6, 4: 4}[ndim]
    shapes = [tuple(draw(st.integers(1, longest)) for _ in range(ndim)) for _ in range(2)]
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    first, second = (noise(rng, shape, draw(st.sampled_from(DTYPES))) for shape in shapes)
    return np.asarray(first, order=draw(st.sampled_from("CF"))), second[::-1]


# ------------------------------------------------------------------------ names


@pytest.mark.parametrize("name", [n for n in ours.__all__ if n != "sepfir2d"])
def test_signatures_are_scipys(name: str) -> None:
    mine, peer = (inspect.signature(getattr(module, name)) for module in (ours, theirs))
    assert [(p.name, p.kind, p.default) for p in mine.parameters.values()] == [
        (p.name, p.kind, p.default) for p in peer.parameters.values()
    ]


def test_differences_are_of_functions_that_there_are() -> None:
    assert {difference.name for difference in DIFFERENCES} <= set(ours.__all__)


# ------------------------------------------------------------------------ sums


@settings(max_examples=120, deadline=None)
@given(pairs(), st.sampled_from(MODES), st.sampled_from(["convolve", "correlate"]))
def test_sums_are_scipys(pair: Any, mode: str, name: str) -> None:
    with np.errstate(all="ignore"):  # NumPy's sums of float16
        made, expected = (
            either(getattr(module, name), *pair, mode, "direct") for module in (ours, theirs)
        )
    if isinstance(expected, Exception):
        # SciPy has no sums of these for a longer second line.
        longer = pair[0].ndim == 1 and mode == "same" and pair[0].size < pair[1].size
        assert isinstance(made, ArgumentError) or (longer and made.dtype.char in "?e")
        return
    assert_same(made, expected, *pair)


@settings(max_examples=80, deadline=None)
@given(pairs(), st.sampled_from(MODES), st.sampled_from(["convolve", "correlate"]))
def test_any_method_gives_the_same(pair: Any, mode: str, name: str) -> None:
    if np.result_type(*pair).kind == "b" or "e" in {one.dtype.char for one in pair}:
        return
    function = getattr(ours, name)
    sums = either(function, *pair, mode, "direct")
    for method in ("auto", "fft"):
        made = either(function, *pair, mode, method)
        if isinstance(sums, Exception):
            assert type(made) is type(sums)
        else:
            assert_same(made, sums, *pair)


@pytest.mark.parametrize("boundary", ["fill", "wrap", "symm"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_planes_are_scipys(boundary: str, data: Any) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    shapes = [tuple(data.draw(st.integers(1, 12)) for _ in range(2)) for _ in range(2)]
    pair = [noise(rng, shape, data.draw(st.sampled_from(DTYPES))) for shape in shapes]
    mode = data.draw(st.sampled_from(MODES))
    fill = data.draw(st.integers(0, 1))
    for name in ("convolve2d", "correlate2d"):
        call = (*pair, mode, boundary, fill)
        made, expected = (either(getattr(module, name), *call) for module in (ours, theirs))
        if isinstance(expected, Exception):
            assert isinstance(made, type(expected))
            assert str(made)[:20] == str(expected)[:20]
        else:
            assert_same(made, expected, *pair)


@pytest.mark.parametrize("dtype", ["g", "G"])
def test_long_doubles_keep_their_precision(dtype: str) -> None:
    rng = np.random.default_rng(0)
    image = rng.standard_normal((7, 8)).astype(dtype) / 3
    kernel = rng.standard_normal((3, 2)).astype(dtype) / 7
    for boundary in ("fill", "wrap", "symm"):
        made = ours.convolve2d(image, kernel, boundary=boundary)
        expected = theirs.convolve2d(image, kernel, boundary=boundary)
        assert made.dtype == expected.dtype
        np.testing.assert_allclose(made, expected, rtol=0, atol=1e-17)


def test_integers_beyond_floats_are_exact() -> None:
    rng = np.random.default_rng(1)
    image = rng.integers(-(2**63), 2**63 - 1, (6, 9))
    kernel = rng.integers(-(2**63), 2**63 - 1, (3, 4))
    for method in ("auto", "direct", "fft"):
        made = ours.convolve(image, kernel, method=method)
        np.testing.assert_array_equal(made, theirs.convolve(image, kernel, method="direct"))
    made = ours.convolve2d(image, kernel, "same", "fill", 2**62 + 1)
    np.testing.assert_array_equal(made, theirs.convolve2d(image, kernel, "same", "fill", 2**62 + 1))


def test_long_lines_of_integers_are_exact() -> None:
    rng = np.random.default_rng(2)
    image, kernel = rng.integers(-99, 99, 5000), rng.integers(-99, 99, 300)
    for mode in MODES:
        made = ours.convolve(image, kernel, mode)
        np.testing.assert_array_equal(made, theirs.convolve(image, kernel, mode, "direct"))


def test_objects_are_summed_as_numpy_sums_them() -> None:
    made = ours.convolve(np.array([1, 2**70], object), np.array([3, 1], object))
    assert made.tolist() == [3, 3 * 2**70 + 1, 2**70]


def test_weights_that_are_not_finite_spoil_what_they_touch() -> None:
    image = np.arange(12.0).reshape(3, 4)
    kernel = np.array([[1.0, np.nan], [np.inf, 0]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = theirs.convolve2d(image, kernel)
    np.testing.assert_array_equal(ours.convolve2d(image, kernel), expected)


@pytest.mark.parametrize("value", [1.9, True, "1", [2], np.int64(300), np.float64(-1)])
def test_fill_values_are_cast_as_scipy_casts_them(value: Any) -> None:
    image, kernel = np.arange(6, dtype=np.uint8).reshape(2, 3), np.ones((2, 2), np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
        expected = theirs.convolve2d(image, kernel, fillvalue=value)
    made = ours.convolve2d(image, kernel, fillvalue=value)
    np.testing.assert_array_equal(made, expected)


@pytest.mark.parametrize("value", [1j, 300, -1, np.array(-1), np.nan, None, [], [1, 2]])
def test_fill_values_that_cannot_be_cast_raise(value: Any) -> None:
    image = np.ones((2, 2), np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = either(theirs.convolve2d, image, image, fillvalue=value)
    with pytest.raises(ArgumentError) as error:
        ours.convolve2d(image, image, fillvalue=value)
    assert str(error.value).startswith(str(expected).rstrip("."))


# ------------------------------------------------------------------------ transforms


@pytest.mark.parametrize("name", ["fftconvolve", "oaconvolve"])
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_transforms_along_any_axes_are_scipys(name: str, data: Any) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    ndim = data.draw(st.integers(1, 4))
    axes = data.draw(st.permutations(range(ndim)))[: data.draw(st.integers(1, ndim))]
    shapes = [[data.draw(st.integers(1, 9)) for _ in range(ndim)] for _ in range(2)]
    for axis in set(range(ndim)) - set(axes):
        equal = data.draw(st.sampled_from([0, 1, None]))
        if equal is None:
            shapes[1][axis] = shapes[0][axis]
        else:
            shapes[equal][axis] = 1
    pair = [noise(rng, tuple(s), data.draw(st.sampled_from("bqfdFD"))) for s in shapes]
    call = (*pair, data.draw(st.sampled_from(MODES)), axes)
    made, expected = (either(getattr(module, name), *call) for module in (ours, theirs))
    if isinstance(expected, Exception):
        assert str(made)[:40] == str(expected)[:40]
    else:
        assert_same(made, expected, *pair)


@pytest.mark.parametrize(("n", "k"), [(20_000, 5), (5, 20_000), (9000, 2000), (4096, 4096)])
def test_lines_of_any_lengths_are_scipys(n: int, k: int) -> None:
    rng = np.random.default_rng(n)
    pair = rng.standard_normal((2, n)), rng.standard_normal((1, k))
    for mode in MODES:
        expected = theirs.fftconvolve(*pair, mode, axes=1)
        assert_same(ours.oaconvolve(*pair, mode, axes=1), expected, *pair)


def test_long_lines_are_transformed_in_pieces() -> None:
    assert transforms.piece(10**6, 100) < 10**4
    assert transforms.piece(1000, 100) >= 1099


@pytest.mark.parametrize("axes", [None, (0, 1), (1, 0), (-1, -2)])
def test_large_planes_are_transformed_by_an_engine(axes: Any) -> None:
    rng = np.random.default_rng(3)
    for kind in "?Bqefd":
        pair = noise(rng, (150, 140), kind)[::-1], noise(rng, (9, 4), "f")
        for mode in MODES:
            expected = theirs.fftconvolve(*pair, mode, axes)
            assert_same(ours.fftconvolve(*pair, mode, axes), expected, *pair)


@pytest.mark.parametrize("value", [np.inf, np.nan])
@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_warnings_are_scipys(ndim: int, value: float) -> None:
    array = np.ones((3,) * ndim)
    array[(1,) * ndim] = value
    for name in ("fftconvolve", "oaconvolve"):
        for module in (ours, theirs):
            with warnings.catch_warnings(record=True) as found:
                warnings.simplefilter("always")
                getattr(module, name)(array, np.ones((2,) * ndim))
            expected = ["invalid value encountered in multiply"] if np.isinf(value) else []
            assert [str(one.message) for one in found] == expected


def test_nothing_gives_nothing() -> None:
    for function in (ours.fftconvolve, ours.oaconvolve):
        assert function([], [1, 2]).tolist() == []
    assert ours.convolve(np.zeros((2, 2)), np.zeros((0, 2)), "valid").shape == (3, 1)
    assert ours.convolve2d(np.zeros((0, 3)), np.zeros((1, 2))).shape == (0, 4)
    for empty in ([], [1.0]), ([1.0], []):
        with pytest.raises(ArgumentError, match="cannot be empty"):
            ours.convolve(*empty)


# ------------------------------------------------------------------------ choices


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_small_problems_are_summed_and_large_ones_transformed(ndim: int) -> None:
    size = {1: 20_000, 2: 400, 3: 40}[ndim]
    small, large = np.ones((3,) * ndim), np.random.default_rng(4).random((size // 2,) * ndim)
    image = np.ones((size,) * ndim)
    assert ours.choose_conv_method(image[(slice(8),) * ndim], small) == "direct"
    assert ours.choose_conv_method(image, large) == "fft"
    assert ours.choose_conv_method(image, large, "valid") == "fft"


def test_what_transforms_would_spoil_is_summed() -> None:
    assert ours.choose_conv_method(np.full(10**5, 2**30), np.full(10**4, 2**10)) == "direct"
    assert ours.choose_conv_method(np.ones(10**5, bool), np.ones(10**4, bool)) == "direct"


def test_both_methods_are_measured() -> None:
    method, times = ours.choose_conv_method(np.ones(8), np.ones(3), measure=True)
    assert method in times
    assert set(times) == {"fft", "direct"}


# ------------------------------------------------------------------------ errors


CASES: tuple[tuple[str, tuple[Any, ...], dict[str, Any]], ...] = (
    ("convolve", ([1], [[1]]), {}),
    ("convolve", ([1], [1]), {"mode": "some"}),
    ("convolve", ([1], [1]), {"method": "some"}),
    ("convolve", (np.ones((2, 3)), np.ones((3, 2))), {"mode": "valid"}),
    ("convolve", (np.ones((2, 2), bool), np.ones((2, 2), bool)), {}),
    ("correlate", (1, [1]), {}),
    ("correlate", ([1], [1]), {"mode": 2}),
    ("convolve2d", ([1], [1]), {}),
    ("convolve2d", ([[1]], [[1]]), {"boundary": "mirror"}),
    ("correlate2d", ([[True]], [[True]]), {}),
    ("fftconvolve", ([1], [1]), {"mode": "some"}),
    ("fftconvolve", ([1], [1]), {"axes": 1.0}),
    ("fftconvolve", ([1], [1]), {"axes": []}),
    ("oaconvolve", ([1], [1]), {"axes": [0, 0]}),
    ("oaconvolve", ([1], [1]), {"axes": 3}),
    ("oaconvolve", (np.ones((2, 3)), np.ones((3, 3))), {"axes": 1}),
    ("choose_conv_method", ([1], [1]), {"mode": "some"}),
    ("medfilt", ([1, 2], 2), {}),
    ("medfilt", ([1j, 2],), {}),
    ("medfilt2d", ([1.0, 2],), {}),
    ("medfilt2d", ([[1.0, 2]], [3]), {}),
    ("order_filter", ([1, 2], [1, 1], 0), {}),
    ("order_filter", ([1, 2], [1], 5), {}),
    ("sepfir2d", ([[1.0, 2]], [1.0, 1.0], [1.0]), {}),
    ("sepfir2d", ([1.0, 2], [1.0], [1.0]), {}),
    ("sepfir2d", (np.ones((1, 1, 2)), [1.0], [1.0]), {}),
)


@pytest.mark.parametrize(("name", "positional", "named"), CASES)
def test_errors_begin_with_scipys_words(name: str, positional: Any, named: Any) -> None:
    expected = either(getattr(theirs, name), *positional, **named)
    made = either(getattr(ours, name), *positional, **named)
    assert isinstance(expected, Exception)
    assert isinstance(made, type(expected))
    start = len(str(expected).rstrip(".")) if name != "choose_conv_method" else 40
    assert str(made)[: min(start, 40)] == str(expected)[: min(start, 40)]


def test_transforms_of_what_is_not_finite_warn() -> None:
    line = np.ones(50)
    line[40] = np.nan
    with pytest.warns(RuntimeWarning, match="Use of fft convolution") as told:
        ours.convolve(line, [1.0, 2.0], method="fft")
    assert told[0].filename == __file__


# ------------------------------------------------------------------------ other filters


@pytest.mark.parametrize("dtype", ["u1", "i8", "f4", "f8"])
def test_medians_are_scipys(dtype: str) -> None:
    image = np.random.default_rng(5).integers(0, 50, (6, 7, 5)).astype(dtype)
    np.testing.assert_array_equal(ours.medfilt(image, [3, 1, 5]), theirs.medfilt(image, [3, 1, 5]))
    for call in ((image[0],), (image[0], [5, 3]), (image[0], 9)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = theirs.medfilt2d(*call)
            made = ours.medfilt2d(*call)
        np.testing.assert_array_equal(made, expected)
        assert made.dtype == image.dtype
    domain = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 0.5]])
    for rank in (0, 2, -1):
        expected = theirs.order_filter(image[0], domain, rank)
        np.testing.assert_array_equal(ours.order_filter(image[0], domain, rank), expected)


def test_windows_that_are_larger_than_the_array_warn() -> None:
    with pytest.warns(UserWarning, match="kernel_size exceeds volume extent"):
        assert ours.medfilt([1, 2, 3], 5).tolist() == [1, 1, 1]


@pytest.mark.parametrize("dtype", ["?", "u1", "i8", "f4", "f8", "c16"])
def test_wieners_filter_is_scipys(dtype: str) -> None:
    image = noise(np.random.default_rng(6), (3, 8, 9), "u1").astype(dtype)
    for call in ((image[0],), (image[0], (3, 5)), (image[0], 4, 0.5), (image,), (image[0, 0],)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made, expected = ours.wiener(*call), theirs.wiener(*call)
        assert made.dtype == expected.dtype
        np.testing.assert_allclose(made, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", ["u1", "i2", "i8", "f4", "f8", "c8", "c16"])
def test_separable_filters_are_scipys(dtype: str) -> None:
    image = noise(np.random.default_rng(7), (9, 11), "u1").astype(dtype)[:, ::2]
    row, column = [1.0, 2.0, 0.5], [0.25, 1.0, 3.0, -1.0, 0.0]
    made, expected = ours.sepfir2d(image, row, column), theirs.sepfir2d(image, row, column)
    assert made.dtype == expected.dtype
    np.testing.assert_allclose(made, expected, rtol=1e-5, atol=1e-3 if dtype != "f8" else 1e-9)


# ------------------------------------------------------------------------ differences


def test_weights_of_zero_do_not_count() -> None:
    image = np.array([[np.nan, 1.0, 2.0]])
    assert ours.convolve2d(image, [[0.0, 1.0]], "valid")[0, 1] == 1
    assert ours.convolve(image, [[1.0, 0.0]], "valid")[0].tolist() == [1.0, 2.0]
    assert np.isnan(theirs.convolve2d(image, [[1.0, 0.0]], "valid")[0, 0])


def test_what_is_not_finite_stays_where_it_is_in_large_planes() -> None:
    image = np.ones((130, 130))
    image[3, 4] = np.nan
    for name in ("fftconvolve", "oaconvolve"):
        assert np.isnan(getattr(ours, name)(image, np.ones((3, 3)), "same")).sum() == 9
        assert np.isnan(getattr(theirs, name)(image, np.ones((3, 3)), "same")).sum() > 9
    with pytest.warns(RuntimeWarning, match="Use of fft convolution"):
        made = ours.convolve(image, np.ones((3, 3)), "same", "fft")
    assert np.isnan(made).sum() == 9
    uneven = np.random.default_rng(3).random(image.shape) + image
    assert np.isnan(ours.wiener(uneven, 5, 1.0)).sum() == 25


def test_what_is_not_finite_spoils_a_piece_of_a_line() -> None:
    line, weights = np.ones(20_000), np.ones(10)
    line[50] = np.nan
    found = {
        (name, library.__name__): int(np.isnan(getattr(library, name)(line, weights)).sum())
        for name in ("fftconvolve", "oaconvolve")
        for library in (ours, theirs)
    }
    assert found["fftconvolve", ours.__name__] == found["oaconvolve", ours.__name__] == 4096
    assert found["fftconvolve", theirs.__name__] == 20_009
    assert found["oaconvolve", theirs.__name__] < 4096


def test_bools_are_exact_also_with_transforms() -> None:
    line, weights = np.array([False, True, False, True]), np.array([True, False])
    expected = theirs.convolve(line, weights, method="direct")
    np.testing.assert_array_equal(ours.convolve(line, weights, method="fft"), expected)


def test_fill_values_that_are_no_numbers_of_the_results() -> None:
    image = np.ones((2, 2))
    for value in (None, np.complex128(2 + 1j)):
        with pytest.raises(ArgumentError, match="could not cast `fillvalue`"):
            ours.convolve2d(image, image, fillvalue=value)
    assert ours.convolve2d(image, image, fillvalue=np.array([[2]]))[0, 0] == 7


def test_large_planes_of_integers_are_transformed_exactly() -> None:
    image = np.random.default_rng(8).integers(0, 2**30, (130, 130))
    kernel = np.random.default_rng(9).integers(0, 2**10, (5, 6))
    exact = theirs.convolve(image, kernel, method="direct")
    np.testing.assert_array_equal(ours.fftconvolve(image, kernel), exact)


def test_lines_of_bool_are_summed_whichever_is_longer() -> None:
    assert ours.convolve([True], [True, False, True], "same").tolist() == [False]


def test_halves_are_transformed() -> None:
    image = np.ones((3, 3), np.float16)
    assert ours.convolve(image, image).dtype == np.float16
    with pytest.raises(ArgumentError, match="Unsupported type"):
        ours.convolve(image, image, method="direct")


def test_large_integers_come_out_of_windows_as_they_are() -> None:
    plane = np.array([[2**53 + 1, 2**53 + 3, 2**53 + 5]])
    assert ours.medfilt2d(plane, (1, 3)).tolist() == [[2**53 + 1, 2**53 + 3, 2**53 + 3]]
    assert theirs.medfilt2d(plane, (1, 3)).tolist() != ours.medfilt2d(plane, (1, 3)).tolist()


def test_windows_have_an_end() -> None:
    with pytest.raises(ArgumentError, match="below 2"):
        ours.medfilt(np.ones(40_000), 32_769)


def test_elements_outside_a_domain_do_not_count_in_lines() -> None:
    line = np.array([1, 9, 9, 2, 9, 9, 3])
    domain = [0, 1, 1, 1, 0]
    expected = theirs.order_filter(line[None], [domain], 1)[0]  # as SciPy has it for planes
    np.testing.assert_array_equal(ours.order_filter(line, domain, 1), expected)
    assert theirs.order_filter(line, domain, 1).tolist() != expected.tolist()


def test_windows_with_a_nan_give_nan() -> None:
    line = np.array([1.0, np.nan, 3.0])
    assert np.isnan(ours.medfilt(line)).all()
    assert np.isnan(ours.order_filter(line, [1, 1, 1], 0)).all()
    assert np.isnan(ours.medfilt2d(line[None], [1, 3])).all()


def test_lengths_of_windows_are_two() -> None:
    for size in ([3, 3, 3], -3):
        with pytest.raises(ArgumentError):
            ours.medfilt2d(np.ones((4, 4)), size)


def test_separable_filters_may_be_longer_than_the_image() -> None:
    image = np.array([[1.0, 2.0]], np.float32)
    made = ours.sepfir2d(image, hrow=np.ones(5), hcol=[1.0])
    assert made.dtype == np.float32
    assert made.tolist() == [[8.0, 7.0]]


# ------------------------------------------------------------------------ engines


@pytest.fixture
def there() -> Iterator[ApartRuntime]:
    """A device with a memory of its own: the CUDA kernels on the CPU."""
    if reason := missing():
        pytest.skip(reason)
    apart = ApartRuntime()
    with runtime.use(apart):
        yield apart


DEVICE_CASES: tuple[tuple[str, str, str, tuple[Any, ...]], ...] = (
    ("convolve", "f", "f", ((7, 9), (3, 2))),
    ("convolve", "q", "q", ((4, 5), (2, 3))),
    ("convolve", "B", "B", ((11,), (3,))),
    ("convolve", "d", "d", ((3, 4, 5), (2, 2, 3))),
    ("correlate", "F", "f", ((5, 6), (2, 3))),
    ("correlate", "d", "d", ((17,), (4,))),
    ("convolve2d", "d", "d", ((5, 7), (3, 3))),
    ("correlate2d", "i", "h", ((5, 7), (2, 4))),
    ("fftconvolve", "d", "d", ((9, 8), (3, 4))),
    ("fftconvolve", "D", "D", ((2, 9), (2, 4))),
    ("oaconvolve", "f", "f", ((4, 5, 6), (2, 3, 2))),
    ("oaconvolve", "f", "f", ((31,), (3,))),
)


@pytest.mark.parametrize("mode", ["full", "same"])
@pytest.mark.parametrize(("name", "first", "second", "shapes"), DEVICE_CASES)
def test_arrays_on_a_device_stay_there(
    there: ApartRuntime, name: str, first: str, second: str, shapes: Any, mode: str
) -> None:
    rng = np.random.default_rng(10)
    pair = noise(rng, shapes[0], first), noise(rng, shapes[1], second)
    made = getattr(ours, name)(*map(there.asarray, pair), mode)
    assert backends.owner(made).NAME == "cuda"
    method = ("direct",) if name in ("convolve", "correlate") else ()
    assert_same(there.asnumpy(made), getattr(theirs, name)(*pair, mode, *method), *pair)


def test_other_filters_stay_on_a_device(there: ApartRuntime) -> None:
    image = np.random.default_rng(11).standard_normal((6, 8))
    remote = there.asarray(image)
    for name, others in (
        ("medfilt", (3,)),
        ("medfilt2d", ([3, 5],)),
        ("order_filter", (np.ones((3, 1)), 1)),
        ("wiener", ()),
        ("sepfir2d", ([1.0, 2.0, 1.0], [1.0])),
    ):
        made = getattr(ours, name)(remote, *others)
        assert backends.owner(made).NAME == "cuda"
        np.testing.assert_allclose(made, getattr(theirs, name)(image, *others), atol=1e-9)
    assert ours.choose_conv_method(remote, remote) == "direct"


def test_arrays_on_different_devices_raise(there: ApartRuntime) -> None:
    with pytest.raises(ArgumentError, match="device"):
        ours.convolve(there.asarray(np.ones((3, 3))), np.ones((3, 3)))


# ------------------------------------------------------------------------ parts


REACHES: tuple[tuple[Any, str, dict[str, Any]], ...] = (
    (reach.over_axes, "convolve", {"in2": np.ones((4, 3)), "mode": "same", "method": "direct"}),
    (reach.over_axes, "correlate", {"in2": np.eye(4), "mode": "same", "method": "direct"}),
    (reach.over_axes, "fftconvolve", {"in2": np.ones((1, 6)), "mode": "same", "axes": None}),
    (reach.over_planes, "convolve2d", {"in2": np.tri(4), "mode": "same", "boundary": "symm"}),
    (reach.over_planes, "correlate2d", {"in2": np.tri(4), "mode": "same", "boundary": "fill"}),
    (reach.of_window, "medfilt", {"kernel_size": [5, 3]}),
    (reach.of_rank, "order_filter", {"domain": np.ones((3, 5)), "rank": 2}),
    (reach.local_statistics, "wiener", {"mysize": (3, 4), "noise": 2.0}),
    (reach.separable, "sepfir2d", {"hrow": np.arange(5.0), "hcol": np.arange(3.0)}),
)


@pytest.mark.parametrize(("reaching", "name", "named"), REACHES)
def test_a_part_needs_no_more_than_its_reach(reaching: Any, name: str, named: Any) -> None:
    image = np.random.default_rng(12).standard_normal((30, 40))
    function = getattr(ours, name)
    first = next(iter(inspect.signature(function).parameters))
    (top, bottom), (left, right) = reaching({first: image, **named}).depth
    whole = function(image, **named)
    part = image[10 - top : 15 + bottom, 12 - left : 20 + right]
    made = function(part, **named)[top : top + 5, left : left + 8]
    np.testing.assert_allclose(made, whole[10:15, 12:20], rtol=1e-9, atol=1e-9)


def test_what_needs_the_whole_array_has_no_reach() -> None:
    image = np.ones((9, 9))
    assert reach.over_axes({"in1": image, "in2": image, "mode": "full"}) is None
    assert reach.local_statistics({"im": image, "mysize": None, "noise": None}) is None
