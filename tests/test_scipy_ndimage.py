"""The linear filters that stand in for SciPy's: the same results, errors and habits."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.ndimage as theirs
from cuda_on_cpu.apart import ApartRuntime, OnDevice
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuconv.backends.cuda import runtime
from gpuconv.errors import GpuconvError
from gpuconv.scipy import ndimage as ours
from gpuconv.scipy.ndimage import differences, reaches
from gpuconv.scipy.ndimage.taps import gaussian_taps

MODES = (
    *("reflect", "constant", "nearest", "mirror", "wrap"),
    *("grid-mirror", "grid-constant", "grid-wrap"),
)
DTYPES = "?bBhHiIlLfdFD"
GIVEN = ("correlate", "convolve", "correlate1d", "convolve1d")
NAMES = (
    *GIVEN,
    *("gaussian_filter", "gaussian_filter1d", "uniform_filter", "uniform_filter1d"),
    *("sobel", "prewitt", "laplace", "gaussian_laplace", "gaussian_gradient_magnitude"),
)
GENERIC = ("generic_laplace", "generic_gradient_magnitude")


def noise(shape: tuple[int, ...], dtype: Any, seed: int = 0) -> Any:
    """Return an array of a dtype; integers are small, so that sums stay within 32 bits."""
    rng, kind = np.random.default_rng(seed), np.dtype(dtype)
    if kind.kind == "b":
        return rng.random(shape) < 0.5
    if kind.kind in "iu":
        return rng.integers(-100 if kind.kind == "i" else 0, 100, shape).astype(kind)
    real = rng.standard_normal(shape) * 50
    return (real + 1j * rng.standard_normal(shape) if kind.kind == "c" else real).astype(kind)


def same(made: Any, expected: Any, scale: float = 100.0) -> None:
    """Check that two results are alike: integers to the bit, floats but for rounding."""
    assert type(made) is type(expected)
    assert (made.dtype, made.shape) == (expected.dtype, expected.shape)
    if made.dtype.kind in "biu":
        plain = [np.ascontiguousarray(each).view(f"u{each.itemsize}") for each in (made, expected)]
        np.testing.assert_array_equal(*plain)
    else:
        close = 3e-6 if made.dtype.char in "fF" else 1e-12
        np.testing.assert_allclose(made, expected, rtol=close, atol=close * scale * 10)


def both(name: str, *args: Any, **options: Any) -> tuple[Any, Any]:
    """Return what our function makes, and what SciPy's does."""
    with np.errstate(all="ignore"):
        return getattr(ours, name)(*args, **options), getattr(theirs, name)(*args, **options)


@pytest.mark.parametrize("name", [*NAMES, *GENERIC])
def test_signatures_are_scipys(name: str) -> None:
    mine, its = (inspect.signature(getattr(module, name)) for module in (ours, theirs))
    shown = [[(p.name, p.kind, p.default) for p in of.parameters.values()] for of in (mine, its)]
    assert shown[0] == shown[1]


# What is computed


@st.composite
def weights(draw: Any, shape: tuple[int, ...]) -> Any:
    """Return weights: integers or not, some of them symmetric, antisymmetric or complex."""
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    kind = draw(st.sampled_from(["integers", "floats", "even", "odd", "complex"]))
    numbers = rng.integers(-3, 4, shape) if kind == "integers" else rng.standard_normal(shape)
    if kind in ("even", "odd"):
        return numbers + np.flip(numbers) if kind == "even" else numbers - np.flip(numbers)
    return numbers + 1j * rng.standard_normal(shape) if kind == "complex" else numbers


@st.composite
def calls(draw: Any) -> tuple[str, list[Any], dict[str, Any]]:
    """Return a function's name and arguments."""
    name = draw(st.sampled_from(NAMES))
    ndim = draw(st.integers(1, 4))
    most = {1: 60, 2: 40, 3: 12, 4: 6}[ndim]
    shape = tuple(draw(st.lists(st.integers(1, most), min_size=ndim, max_size=ndim)))
    image = noise(shape, draw(st.sampled_from(DTYPES)), draw(st.integers(0, 99)))
    image = draw(st.sampled_from([image, image, image[::-1], image.T]))
    args, options = [image], dict[str, Any]()
    axes = tuple(range(ndim))
    if name.endswith("1d") or name in ("sobel", "prewitt"):
        options["axis"] = draw(st.integers(-ndim, ndim - 1))
    elif draw(st.booleans()):
        axes = tuple(draw(st.permutations(axes))[: draw(st.integers(1, ndim))])
        options["axes"] = axes
    single = name.endswith("1d") or name in GIVEN or draw(st.booleans())
    modes = st.sampled_from(MODES)
    count = ndim if name in ("sobel", "prewitt") else len(axes)
    options["mode"] = draw(modes if single else st.lists(modes, min_size=count, max_size=count))
    options["cval"] = draw(st.sampled_from([0.0, 1, -3.5, 7]))
    outputs = "FD" if image.dtype.kind == "c" else DTYPES[:-2]
    options["output"] = draw(st.sampled_from([None, np.dtype(draw(st.sampled_from(outputs)))]))
    args += _arguments(draw, name, axes, options)
    return name, args, options


def _arguments(draw: Any, name: str, axes: tuple[int, ...], options: dict[str, Any]) -> list[Any]:
    """Return the argument that each function has of its own; add to the options."""
    count = len(axes)
    if name in GIVEN:
        lengths = st.integers(1, 8 if name.endswith("1d") else 4)
        shape = tuple(draw(lengths) for _ in range(1 if name.endswith("1d") else count))
        if not name.startswith("convolve"):
            origins = [draw(st.integers(-(n // 2), (n - 1) // 2)) for n in shape]
            options["origin"] = origins[0] if name.endswith("1d") else origins
        return [draw(weights(shape))]
    if name.startswith("gaussian"):
        if name.startswith("gaussian_filter"):
            options["order"] = draw(st.integers(0, 3))
        return [draw(st.sampled_from([0.6, 1, 1.5, 2.2]))]
    if name.startswith("uniform"):
        size = draw(st.integers(1, 7))
        options["origin"] = draw(st.integers(-(size // 2), (size - 1) // 2))
        return [size]
    return []


@settings(max_examples=400, deadline=None, derandomize=True)
@given(call=calls())
def test_any_call_gives_what_scipy_gives(call: Any) -> None:
    name, args, options = call
    written = options["output"]
    if written is not None and written.kind in "biu":
        if name.startswith("uniform") and args[0].dtype.kind == "f":
            return  # a running sum, whose rounding shows: a difference that is told of
        if len(args) > 1 and np.iscomplexobj(args[1]):
            return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # an output that is promoted to complex
        made, expected = both(name, *args, **options)
    same(made, expected, 2000.0)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64"])
@pytest.mark.parametrize("mode", MODES)
def test_planes_give_what_scipy_gives(dtype: str, mode: str) -> None:
    image, rng = noise((45, 61), dtype), np.random.default_rng(3)
    for name, *args in (
        ("correlate", rng.standard_normal((3, 5))),
        ("convolve", rng.integers(-4, 5, (4, 3))),
        ("correlate1d", [1, 2, 3, 5], 0),
        ("gaussian_filter", (1.5, 3)),
        ("uniform_filter", (4, 7)),
        ("sobel",),
        ("prewitt", 0),
        ("laplace",),
        ("gaussian_laplace", 1.2),
        ("gaussian_gradient_magnitude", 1),
    ):
        for cval in (0.0, 2.5):
            same(*both(name, image, *args, mode=mode, cval=cval), scale=2000.0)


@pytest.mark.parametrize("value", [1, 99, 100, 101, 200, 255])
def test_flat_bytes_are_scipys(value: int) -> None:
    # Sums of weights that are 1 but for rounding: what is cut off is a level, or none.
    image = np.full((40, 50), value, np.uint8)
    for sigma in (0.5, 1, 2, 3.3):
        same(*both("gaussian_filter", image, sigma))
        same(*both("gaussian_filter", image, sigma, mode="constant", cval=value))
    tenths = np.full((3, 4), 1 / 12)
    same(*both("correlate", image, tenths))
    same(*both("correlate", image[0], tenths[0]))


@pytest.mark.parametrize("sigma", [0.4, 1, 1.3, 2, np.float32(1.3), 10])
@pytest.mark.parametrize("order", range(5))
def test_gaussians_are_scipys_to_the_bit(sigma: float, order: int) -> None:
    impulse = np.zeros(129)
    impulse[64] = 1
    expected = theirs.gaussian_filter1d(impulse, sigma, order=order)
    taps = gaussian_taps(sigma, order).weights
    np.testing.assert_array_equal(taps[::-1], expected[64 - len(taps) // 2 :][: len(taps)])


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
def test_small_arrays_have_scipys_bits(dtype: str) -> None:
    image, rng = noise((30, 33), dtype), np.random.default_rng(1)
    for name, *args in (
        ("correlate", rng.standard_normal((3, 4))),
        ("convolve1d", rng.standard_normal(5), 0),
        ("gaussian_filter", 1.3),
        ("sobel",),
        ("laplace",),
        ("gaussian_laplace", 1.3),
    ):
        np.testing.assert_array_equal(*both(name, image, *args))
    cube = noise((8, 9, 10), "float64")
    np.testing.assert_array_equal(*both("correlate", cube, rng.standard_normal((2, 3, 2))))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", ["uint8", "float64"])
def test_long_lines_give_what_scipy_gives(mode: str, dtype: str) -> None:
    line = noise((5000,), dtype)
    for taps, origin in ((3, 1), (40, -20), (255, 0), (300, 7)):
        kernel = np.random.default_rng(taps).standard_normal(taps)
        for image in (line, line[::-2]):
            both_ways = both("correlate1d", image, kernel, mode=mode, cval=3, origin=origin)
            same(*both_ways, scale=1e4)
    same(*both("correlate", line, [0.1, 0.2, 0.3, 0.1], mode=mode))


@pytest.mark.parametrize("shape", [(40, 50, 3), (1, 400), (400, 1), (2, 3, 300), (3, 1100, 2)])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_thin_arrays_give_what_scipy_gives(shape: tuple[int, ...], dtype: str) -> None:
    image = noise(shape, dtype)
    for axis in range(len(shape)):
        same(*both("gaussian_filter1d", image, 1.5, axis, mode="mirror"))
        same(*both("sobel", image, axis), scale=2000.0)
    same(*both("gaussian_filter", image, 1.2, axes=(0, 1)))
    kernel = np.random.default_rng(5).standard_normal((2, 3, 2)[: len(shape)])
    same(*both("correlate", image, kernel, mode="wrap"), scale=1000.0)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("filled", [0, 1, 2])
def test_later_passes_see_cval_outside_and_not_what_earlier_ones_make_of_it(
    axis: int, filled: int
) -> None:
    modes = ["constant" if i == filled else "wrap" for i in range(3)]
    for shape in ((8, 13, 11), (12, 4, 30), (12, 30, 4)):
        for image in (noise(shape, "int16"), noise(shape, "float32")):
            same(*both("sobel", image, axis, mode=modes, cval=3), scale=2000.0)
            same(*both("gaussian_filter", image, 1, [int(axis == 0), 0, 1], mode=modes, cval=3))


# Where the result goes


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["uint8", "float64", "complex64"])
def test_output_may_be_an_array(name: str, dtype: str) -> None:
    image = noise((9, 12), dtype)
    args = {"correlate": [np.ones((2, 3))], "convolve": [np.ones((2, 3))]}.get(name, [])
    args = [[1, 2, 4]] if name in ("correlate1d", "convolve1d") else args
    args = [2] if name.startswith(("gaussian", "uniform")) else args
    room = np.zeros((9, 24), dtype)[:, ::2]
    made = getattr(ours, name)(image, *args, output=room)
    assert made is room
    same(room, getattr(theirs, name)(image, *args), 100)
    kept = image.copy()
    getattr(ours, name)(image, *args, output=image)
    same(image, getattr(theirs, name)(kept, *args), 100)


def test_output_may_be_a_dtype_or_its_name() -> None:
    image = noise((9, 12), "uint8")
    for output in (float, np.int16, np.dtype(">f4"), "float32", "int8", bool):
        same(*both("sobel", image, output=output))
    same(*both("correlate1d", image, [1, 2, 1], output=np.empty((9, 12), ">i4")))


def test_what_complex_sums_are_made_of_has_the_precision_of_the_image() -> None:
    kernel = np.array([1 / 3 + 0.7j, 2, 1j / 7])
    for stored, written in (("complex64", "complex128"), ("complex128", "complex64")):
        for name in ("correlate1d", "convolve"):
            made, expected = both(name, noise((9, 5), stored)[0], kernel, output=np.dtype(written))
            np.testing.assert_array_equal(made, expected)


def test_bools_are_added_as_numpy_adds_them() -> None:
    image = noise((40, 50), "int8")
    for name, *args in (("laplace",), ("gaussian_laplace", 1), ("gaussian_gradient_magnitude", 1)):
        made, expected = both(name, image, *args, output=bool)
        np.testing.assert_array_equal(made.view("u1") != 0, expected.view("u1") != 0)


@pytest.mark.parametrize(
    "call",
    [
        lambda image: ours.correlate1d(image, [1, 2, 1], output=np.float32),
        lambda image: ours.convolve(image, [1, 2, 1], output=np.float32),
        lambda image: ours.gaussian_filter1d(image, 1, output=np.float32),
    ],
)
def test_a_real_output_of_complex_arrays_is_promoted_with_a_warning_here(call: Any) -> None:
    with pytest.warns(UserWarning, match="promoting specified output dtype to complex") as told:
        made = call(noise((9,), "complex64"))
    assert made.dtype == np.complex64
    assert told[0].filename == __file__


def test_arrays_that_are_not_filtered_are_copied_whatever_they_are() -> None:
    half = noise((4, 5), "float16")
    for name, *args in (("gaussian_filter", 0), ("uniform_filter", 1), ("gaussian_laplace", 0)):
        for options in ({}, {"output": complex}):
            same(*both(name, half, *args, **options))


def test_sigmas_follow_axes_unless_these_are_all_there_are() -> None:
    image = noise((12, 13), "float64")
    same(*both("gaussian_laplace", image, (1, 3), axes=(1, 0)))
    same(*both("gaussian_laplace", image[None], (1, 3), axes=(2, 1)))


@pytest.mark.parametrize("cval", [7, 300, 2.5, np.inf])
def test_a_volume_has_any_value_outside(cval: float) -> None:
    volume, kernel = noise((5, 6, 7), "uint8"), np.random.default_rng(2).random((3, 3, 3))
    for output in ("float64", "uint8") if np.isfinite(cval) else ("float64",):
        same(*both("correlate", volume, kernel, mode="constant", cval=cval, output=output))


def test_arrays_are_taken_as_scipy_takes_them() -> None:
    for image in ([1, 2, 3], (True, False), np.ma.masked_equal([1, 2, 3], 2), memoryview(b"ab")):
        same(*both("correlate1d", image, [1, 2, 3]))
    same(*both("correlate1d", np.arange(5, dtype=">i4"), [1, 2, 3]))
    same(*both("gaussian_filter", np.array(3.0), 2))
    same(*both("correlate", np.array(3.0), np.array(2.0)))
    same(*both("sobel", np.zeros((0, 3))))
    same(*both("correlate", np.zeros((3, 0)), np.ones((2, 2))))
    same(*both("laplace", np.ones((3, 3)), axes=()))
    same(*both("gaussian_filter", np.ones((4, 4)), np.array(1.5)))


def test_the_image_is_left_as_it_is() -> None:
    image = noise((20, 60), "float64")
    kept = image.copy()
    for name in ("sobel", "laplace"):
        getattr(ours, name)(image)
    ours.gaussian_gradient_magnitude(image, 1)
    np.testing.assert_array_equal(image, kept)


# Functions of the caller's


def bend(
    image: Any, axis: int, output: Any, mode: str, cval: float, more: int, *, less: int
) -> Any:
    return theirs.correlate1d(image, [more, less, more], axis, output, mode, cval)


@pytest.mark.parametrize("name", GENERIC)
@pytest.mark.parametrize("dtype", ["uint8", "float64"])
def test_functions_get_what_scipy_gives_them(name: str, dtype: str) -> None:
    image = noise((8, 9, 5), dtype)
    for axes, mode in ((None, "wrap"), ((0, 2), ["nearest", "mirror"]), ((), "reflect")):
        more = {"extra_arguments": (1,), "extra_keywords": {"less": -2}, "axes": axes}
        same(*both(name, image, bend, mode=mode, **more), scale=1e4)


@pytest.mark.parametrize("options", [{"truncate": 2.0}, {"radius": 3}, {"axes": (1,)}])
def test_gaussian_derivatives_take_the_options_of_gaussians(options: dict[str, Any]) -> None:
    image = noise((35, 40), "float64")
    for name in ("gaussian_laplace", "gaussian_gradient_magnitude"):
        same(*both(name, image, 1.5, **options))
        same(*both(name, image, 1.5, mode="constant", cval=3.0, **options))


# Errors

LINE, PLANE = np.zeros(3), np.zeros((3, 3))


@pytest.mark.parametrize(
    ("name", "args", "options"),
    [
        ("correlate1d", (LINE, [1, 2, 3]), {"axis": 5}),
        ("sobel", (PLANE,), {"axis": -3}),
        ("correlate1d", (LINE.astype("O"), [1, 2, 3]), {}),
        ("correlate1d", (LINE.astype("g"), [1, 2, 3]), {}),
        ("correlate1d", (LINE, [1, 2, 3]), {"output": np.zeros(3, np.float16)}),
        ("correlate1d", (LINE, [1, 2, 3]), {"output": complex}),
        ("correlate1d", (LINE, [1, 2, 3]), {"output": "bool"}),
        ("correlate1d", (LINE, [1, 2, 3]), {"output": np.zeros(4)}),
        ("correlate1d", (LINE, [1, 2, 3]), {"output": np.broadcast_to(0.0, 3)}),
        ("correlate1d", (LINE * 1j, [1, 2, 3]), {"output": np.zeros(3)}),
        ("correlate1d", (LINE * 1j, [1, 2, 3]), {"output": "float64"}),
        ("gaussian_filter", (LINE * 1j, 1), {"output": float}),
        ("correlate1d", (LINE, [1, 2, 3]), {"mode": "no"}),
        ("correlate1d", (LINE, [1, 2, 3]), {"mode": ["reflect"]}),
        ("correlate1d", (LINE, [1, 2, 3]), {"cval": 1j}),
        ("correlate1d", (LINE, [1, 2, 3]), {"cval": "a"}),
        ("correlate1d", (LINE, [1, 2, 3]), {"cval": None}),
        ("correlate1d", (LINE, [1, 2, 3]), {"origin": 2}),
        ("correlate1d", (LINE, [1, 2, 3]), {"origin": -2}),
        ("convolve1d", (LINE, [1, 2]), {"origin": 1}),
        ("correlate1d", (LINE, []), {}),
        ("convolve1d", (LINE, []), {}),
        ("correlate1d", (LINE, [[1, 2]]), {}),
        ("correlate", (LINE, []), {}),
        ("correlate", (PLANE, [1, 2]), {}),
        ("correlate", (PLANE, [1, 2]), {"axes": (0, 1)}),
        ("correlate", (LINE, [1, 2, 3]), {"origin": 2}),
        ("convolve", (LINE, [1, 2]), {"origin": 1}),
        ("convolve", (LINE, [1, 2]), {"origin": (0, 0)}),
        ("correlate", (LINE, [1, 2]), {"mode": ["reflect"]}),
        ("correlate", (PLANE, np.ones((3, 3)) * 1j), {"cval": 1j}),
        ("uniform_filter1d", (LINE, 0), {}),
        ("uniform_filter1d", (LINE, 3), {"origin": 2}),
        ("uniform_filter", (PLANE, (1, 2, 3)), {}),
        ("uniform_filter1d", (LINE * 1j, 3), {"output": "f4"}),
        ("gaussian_filter", (PLANE, 1), {"mode": ["wrap"]}),
        ("gaussian_filter", (PLANE, 1), {"axes": (0, 0)}),
        ("gaussian_filter", (PLANE, 1), {"axes": (0, 7)}),
        ("gaussian_filter1d", (LINE, 1), {"radius": 1.5}),
        ("gaussian_filter1d", (LINE, 1), {"radius": -1}),
        ("gaussian_filter1d", (LINE, 1), {"order": -1}),
        ("gaussian_filter1d", (LINE, [1]), {}),
        ("sobel", (LINE,), {"mode": ["wrap", "wrap"]}),
        ("laplace", (PLANE,), {"axes": (0, 7)}),
        ("laplace", (PLANE,), {"mode": ("wrap",)}),
        ("gaussian_laplace", (PLANE, (1, 2, 3)), {}),
    ],
)
def test_errors_are_scipys(name: str, args: Any, options: Any) -> None:
    with pytest.raises(Exception) as told:  # noqa: PT011 - whatever it is, ours is one, too
        getattr(theirs, name)(*args, **options)
    with pytest.raises(told.type) as made:
        getattr(ours, name)(*args, **options)
    assert isinstance(made.value, GpuconvError)
    assert str(made.value).startswith(str(told.value).rstrip("."))


@pytest.mark.parametrize("dtype", ["float16", "datetime64[s]"])
def test_what_scipy_does_not_filter_is_not_filtered(dtype: str) -> None:
    for module in (ours, theirs):
        with pytest.raises(RuntimeError, match="array type"):
            module.gaussian_filter(np.zeros(3, dtype), 1)


# What is different

SPOILT = np.arange(40.0) ** 2
SPOILT[5] = np.nan


def test_differences_name_functions_that_are_there() -> None:
    assert {each.name for each in differences.DIFFERENCES} <= set(ours.__all__)
    assert len(set(differences.DIFFERENCES)) == len(differences.DIFFERENCES)


@pytest.mark.parametrize("name", ["gaussian_laplace", "gaussian_gradient_magnitude"])
def test_an_infinity_makes_infinities_where_it_makes_nan_in_scipy(name: str) -> None:
    image = np.ones((40, 40))
    image[20, 20] = np.inf
    with np.errstate(invalid="ignore"):
        found, want = getattr(ours, name)(image, 2), getattr(theirs, name)(image, 2)
    assert np.isfinite(found[np.isfinite(want)]).all()
    assert np.isnan(found).sum() < np.isnan(want).sum()


def test_nan_under_a_weight_of_0_does_not_count() -> None:
    for call in (
        lambda m: m.correlate1d(SPOILT, [1, 0, 2]),
        lambda m: m.sobel(SPOILT),
        lambda m: m.gaussian_filter(SPOILT, 1, order=1),
    ):
        assert np.isnan(call(ours)).sum() == np.isnan(call(theirs)).sum() - 1
    for call in (
        lambda m: m.correlate(SPOILT, [1, 0, 2]),
        lambda m: m.laplace(SPOILT),
        lambda m: m.gaussian_filter(SPOILT, 1),
    ):
        np.testing.assert_array_equal(np.isnan(call(ours)), np.isnan(call(theirs)))


def test_nan_spoils_the_means_it_is_in() -> None:
    assert np.isnan(ours.uniform_filter1d(SPOILT, 3)).sum() == 3
    assert np.isnan(theirs.uniform_filter1d(SPOILT, 3)).sum() == 36


def test_sums_beyond_32_bits_wrap() -> None:
    large = np.array([2**30 + 1], np.int32)
    assert ours.correlate1d(large, [5]).tolist() == [2**30 + 5]
    assert ours.correlate1d(large, [5], output="uint8").tolist() == [5]
    spoilt = np.array([np.nan, np.inf, -np.inf])
    assert ours.correlate1d(spoilt, [1], output="int32").tolist() == [0, 0, 0]
    small = np.array([np.nan, -(2.0**63), -1.5 * 2.0**63, -(2.0**65)])
    assert ours.correlate1d(small, [1], output="uint64").tolist() == [0, 2**63, 2**62, 0]


def test_weights_that_are_not_finite_raise() -> None:
    with pytest.raises(ValueError, match="not finite"):
        ours.correlate1d(np.ones(3), [1, np.nan, 1])


def test_more_than_1024_floats_differ_by_no_more_than_rounding() -> None:
    image = noise((64, 64), "float64")
    made, expected = both("gaussian_filter", image, 1.3)
    assert 0 < np.abs(made - expected).max() < 1e-12
    wide = np.random.default_rng(0).random((31, 31))
    made, expected = both("correlate", image, wide)
    assert np.abs(made - expected).max() < 1e-14 * wide.sum() * np.abs(image).max()


def test_derivatives_may_be_written_over_the_image() -> None:
    for image in (noise((40, 50), "float64"), noise((9, 9, 9), "uint8")):
        expected, image_too = theirs.laplace(image), image.copy()
        assert not np.array_equal(theirs.laplace(image_too, output=image_too), expected)
        same(ours.laplace(image, output=image), expected)


# Parts of an image, and other engines

REACHES: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "correlate": (reaches.weights_reach, {"weights": np.ones((2, 4)), "origin": (0, 1)}),
    "convolve": (reaches.weights_reach, {"weights": np.ones((3, 2)), "origin": (1, 0)}),
    "correlate1d": (reaches.line_reach, {"weights": [1, 2, 4, 8], "axis": 0, "origin": 1}),
    "convolve1d": (reaches.line_reach, {"weights": [1, 2, 4, 8], "axis": 1, "origin": -1}),
    "gaussian_filter": (reaches.gaussian_reach, {"sigma": (1, 0), "truncate": 3.0}),
    "gaussian_filter1d": (reaches.gaussian_line_reach, {"sigma": 1.5, "axis": 0, "truncate": 2.0}),
    "uniform_filter": (reaches.mean_reach, {"size": (4, 1), "origin": (-1, 0)}),
    "uniform_filter1d": (reaches.mean_line_reach, {"size": 5, "axis": -1, "origin": 2}),
    "sobel": (reaches.derivative_reach, {"axis": 0}),
    "prewitt": (reaches.derivative_reach, {"axis": -1}),
    "laplace": (reaches.laplace_reach, {"axes": (1,)}),
    "gaussian_laplace": (reaches.gaussian_laplace_reach, {"sigma": 1, "axes": (0,)}),
    "gaussian_gradient_magnitude": (reaches.gaussian_gradient_reach, {"sigma": 1, "truncate": 2}),
}


@pytest.mark.parametrize("name", REACHES)
def test_a_part_needs_what_its_reach_says(name: str) -> None:
    reach_of, options = REACHES[name]
    image = noise((40, 44), "int32")
    plain = {"axes": None, "radius": None, "mode": "mirror", "origin": 0, "truncate": 4.0}
    (top, bottom), (left, right) = reach_of({"input": image, **plain, **options}).depth
    whole = getattr(ours, name)(image, **options)
    around = image[15 - top : 22 + bottom, 17 - left : 25 + right]
    part = getattr(ours, name)(around, **options)[top : top + 7, left : left + 8]
    np.testing.assert_array_equal(part, whole[15:22, 17:25])


def test_reaches_tell_where_an_image_wraps() -> None:
    given_ = {"input": PLANE, "sigma": 1, "truncate": 4.0, "axes": None, "mode": ["wrap", "mirror"]}
    assert reaches.gaussian_reach(given_).wraps == (True, False)
    assert reaches.gaussian_laplace_reach(given_) is None


@pytest.mark.parametrize("dtype", ["uint8", "complex64"])
@pytest.mark.parametrize("shape", [(20,), (9, 11), (4, 5, 6)])
def test_arrays_on_a_gpu_stay_there(dtype: str, shape: tuple[int, ...]) -> None:
    image, kernel = noise(shape, dtype), np.random.default_rng(1).random((3,) * len(shape))
    with runtime.use(ApartRuntime()):
        there = runtime.current().asarray(image)
        for name, *args in (
            ("correlate", kernel),
            ("convolve1d", [1, 2.5], 0),
            ("gaussian_filter", 0.6),
            ("uniform_filter", 3),
            ("sobel",),
            ("laplace",),
            ("gaussian_gradient_magnitude", 0.5),
        ):
            made = getattr(ours, name)(there, *args, mode="mirror")
            assert isinstance(made, OnDevice)
            same(np.array(made), getattr(theirs, name)(image, *args, mode="mirror"))
