"""Point-wise work on results: each part of it, their order, and what it is done to."""

from __future__ import annotations

from itertools import product
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import gpuconv as gc
from gpuconv import reference
from gpuconv.algorithms import METHODS
from gpuconv.epilogue import NOTHING
from gpuconv.errors import ArgumentError, ArgumentTypeError

Array = NDArray[Any]

RNG = np.random.default_rng(13)
IMAGE = RNG.integers(0, 256, (14, 18)).astype(np.uint8)
EDGES = gc.Kernel([[1, 0, -1], [2, 0, -2], [1, 0, -1]])

PARTS: list[dict[str, Any]] = [
    {"scale": -0.5},
    {"offset": 10},
    {"absolute": True},
    {"low": -20},
    {"high": 30.5},
    {"low": -7, "high": 7},
    {"scale": 0.25, "offset": -16, "absolute": True, "low": 2, "high": 100},
]


def done(sums: Array, parts: dict[str, Any]) -> Array:
    """Return what an epilogue makes of results, one part after the other."""
    values = parts.get("scale", 1) * sums + parts.get("offset", 0)
    values = np.abs(values) if parts.get("absolute") else values
    low, high = parts.get("low", -np.inf), parts.get("high", np.inf)
    found: Array = np.where(values < low, low, np.where(values > high, high, values))
    return found


@pytest.mark.parametrize("parts", PARTS)
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64"])
def test_each_part(engine: str, parts: dict[str, Any], dtype: str, under_checker: bool) -> None:
    image = IMAGE.astype(dtype)
    expected = done(reference.convolve(image, EDGES, dtype=float), parts)
    # Integer sums, exact in floats too if they are taken tap by tap.
    options: dict[str, Any] = {
        "epilogue": gc.Epilogue(**parts),
        "device": engine,
        "method": "dense",
    }
    found = gc.convolve(image, EDGES, dtype="float32", **options)
    np.testing.assert_array_equal(found, expected.astype(np.float32))
    for out in ("uint8",) if under_checker else ("uint8", "int16"):
        least, most = np.iinfo(out).min, np.iinfo(out).max
        found = gc.convolve(image, EDGES, dtype=out, **options)
        np.testing.assert_array_equal(found, np.clip(np.rint(expected), least, most))


@pytest.mark.parametrize("method", METHODS)
def test_every_method(engine: str, method: str) -> None:
    parts: dict[str, Any] = {"scale": 0.5, "offset": -20, "absolute": True, "high": 90}
    kernel = gc.Kernel([[0, 3]]) if method == "scale" else gc.kernels.box(5)
    options: dict[str, Any] = {"accuracy": "fast"} if method == "recursive" else {}
    kernel = gc.kernels.gaussian(6) if method == "recursive" else kernel
    expected = done(reference.convolve(IMAGE, kernel, dtype=float), parts)
    found = gc.convolve(
        IMAGE,
        kernel,
        dtype="float64",
        epilogue=gc.Epilogue(**parts),
        method=method,  # type: ignore[arg-type]
        device=engine,
        **options,
    )
    np.testing.assert_allclose(found, expected, atol=0.2 if options else 1e-3)


def test_it_is_opencvs_convert_scale_abs(engine: str) -> None:
    sums = cv2.filter2D(IMAGE, cv2.CV_32F, EDGES.weights * 1.0, borderType=cv2.BORDER_REFLECT)
    expected = cv2.convertScaleAbs(sums, alpha=0.25, beta=-12)  # ties too go the same way
    epilogue = gc.Epilogue(scale=0.25, offset=-12, absolute=True)
    found = gc.correlate(IMAGE, EDGES, epilogue=epilogue, device=engine)
    np.testing.assert_array_equal(found, expected)


def test_nothing_is_lost_to_the_range_of_the_output_in_between(engine: str) -> None:
    bright, kernel = np.full((3, 4), 200, np.uint8), gc.Kernel([[2, 2]])
    halved = gc.Epilogue(scale=0.25)
    assert (gc.convolve(bright, kernel, epilogue=halved, device=engine) == 200).all()
    negative = gc.Epilogue(absolute=True)
    assert (
        gc.convolve(bright, -1 * gc.Kernel([[1]]), epilogue=negative, device=engine) == 200
    ).all()


def test_limits_come_before_rounding(engine: str) -> None:
    image = np.array([[2.0, 2.4, 2.6, 9.0]])
    found = gc.convolve(
        image, [[1]], dtype="int16", epilogue=gc.Epilogue(low=2.5, high=2.5), device=engine
    )
    assert found.tolist() == [[2, 2, 2, 2]]  # half to even
    limited = gc.Epilogue(high=3.5)
    assert gc.convolve(image, [[1]], dtype="int16", epilogue=limited, device=engine).tolist() == [
        [2, 2, 3, 4]
    ]


def test_the_division_comes_first(engine: str) -> None:
    kernel = gc.Kernel([[1, 1]], divisor=2)
    found = gc.convolve(
        np.array([[10, 20]], np.int16), kernel, epilogue=gc.Epilogue(offset=1), device=engine
    )
    assert found.tolist() == [[16, 21]]


@pytest.mark.parametrize("parts", PARTS)
def test_nan_stays_nan_and_is_0_in_integers(engine: str, parts: dict[str, Any]) -> None:
    image = np.array([[np.nan, 1, 2, np.inf, -np.inf]], np.float32)
    options: dict[str, Any] = {"epilogue": gc.Epilogue(**parts), "device": engine}
    found = gc.convolve(image, [[1]], **options)
    np.testing.assert_array_equal(np.isnan(found), [[True, False, False, False, False]])
    np.testing.assert_allclose(found[0, 1:], done(image[0, 1:], parts), rtol=1e-6)
    assert gc.convolve(image, [[1]], dtype="uint8", **options)[0, 0] == 0


def test_it_follows_the_normalisation(engine: str) -> None:
    image = np.array([[4.0, np.nan, 8.0]])
    epilogue = gc.Epilogue(scale=10, offset=1)
    found = gc.convolve(image, [[1, 1, 1]], nan="ignore", epilogue=epilogue, device=engine)
    np.testing.assert_allclose(found, [[121, 181, 241]])


@pytest.mark.parametrize("method", ["auto", "dense", "separable"])
def test_tiles(method: Any) -> None:
    image = RNG.normal(size=(150, 1200)).astype(np.float32)
    parts: dict[str, Any] = {"scale": 2.0, "offset": -0.1, "absolute": True, "high": 1.5}
    plain = gc.convolve(image, gc.kernels.gaussian(2), method=method)
    found = gc.convolve(image, gc.kernels.gaussian(2), method=method, epilogue=gc.Epilogue(**parts))
    np.testing.assert_allclose(found, done(plain.astype(float), parts), atol=1e-6)


def test_plans_have_one() -> None:
    epilogue = gc.Epilogue(scale=2)
    plan = gc.plan((4, 5), "float32", EDGES, epilogue=epilogue)
    assert plan.epilogue == epilogue
    assert plan != gc.plan((4, 5), "float32", EDGES)
    image = np.arange(20, dtype=np.float32).reshape(4, 5)
    np.testing.assert_array_equal(plan(image), 2 * gc.convolve(image, EDGES))


# ------------------------------------------------------------------------ the value


def test_an_epilogue_that_does_nothing_is_none() -> None:
    assert not gc.Epilogue()
    assert gc.Epilogue() == NOTHING
    for parts in PARTS:
        assert gc.Epilogue(**parts)
        assert hash(gc.Epilogue(**parts)) == hash(gc.Epilogue(**parts))
        assert gc.Epilogue(**parts) != NOTHING


def test_it_shows_what_it_does() -> None:
    assert repr(gc.Epilogue()) == "Epilogue()"
    assert repr(gc.Epilogue(scale=2, absolute=True)) == "Epilogue(scale=2.0, absolute=True)"
    assert repr(gc.Epilogue(low=0)) == "Epilogue(low=0.0)"
    for parts in PARTS:
        assert eval(repr(gc.Epilogue(**parts)), {"Epilogue": gc.Epilogue}) == gc.Epilogue(**parts)


@pytest.mark.parametrize(
    ("parts", "error", "said"),
    [
        ({"scale": "2"}, ArgumentTypeError, "epilogue scale='2' must be a real number"),
        ({"offset": 1j}, ArgumentTypeError, "epilogue offset=1j must be a real number"),
        ({"scale": None}, ArgumentTypeError, "epilogue scale=None must be a real number"),
        ({"low": [1]}, ArgumentTypeError, r"epilogue low=\[1\] must be a real number"),
        ({"scale": np.inf}, ArgumentError, "epilogue scale=inf must be finite"),
        ({"offset": np.nan}, ArgumentError, "epilogue offset=nan must be finite"),
        ({"low": 10**400}, ArgumentError, "epilogue low is an integer that no float holds"),
        ({"high": np.nan}, ArgumentError, "epilogue high=nan must not be NaN"),
        ({"low": 2, "high": 1}, ArgumentError, "epilogue low=2.0 is above high=1.0"),
        ({"absolute": "no"}, ArgumentTypeError, "epilogue absolute='no' must be True or False"),
    ],
)
def test_refusals(parts: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        gc.Epilogue(**parts)


def test_numbers_of_numpy_will_do() -> None:
    parts: dict[str, Any] = {"scale": np.float32(0.5), "offset": np.int8(3), "absolute": np.True_}
    epilogue = gc.Epilogue(**parts, high=np.inf)
    assert epilogue == gc.Epilogue(scale=0.5, offset=3, absolute=True, high=np.inf)
    assert isinstance(epilogue.scale, float)


def test_complex_results_have_none() -> None:
    for image, kernel in product([IMAGE * 1j, IMAGE], [gc.Kernel([[1j]])]):
        with pytest.raises(ArgumentError, match="epilogue are for real images and kernels"):
            gc.convolve(image, kernel, epilogue=gc.Epilogue(scale=2))


def test_calls_take_no_other_object() -> None:
    for wrong in (2, "abs", abs, {"scale": 2}):
        with pytest.raises(ArgumentTypeError, match=r"must be a gpuconv\.Epilogue, or None"):
            gc.convolve(IMAGE, EDGES, epilogue=wrong)  # type: ignore[arg-type]


# Integers that are cut off and wrapped

INTEGERS = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64")
WRAPPED = gc.Epilogue(wrap=True)


@pytest.mark.parametrize("out", INTEGERS)
def test_wrapped_integers_are_casts_of_c(engine: str, out: str) -> None:
    numbers = [0.9, -0.9, 1.5, -1.5, 255.9, 300.7, -300.7, 70000, -70000, 2.0**31 - 0.5, -(2.0**40)]
    image = np.array([numbers])
    expected = [[int(number) % 2 ** (8 * np.dtype(out).itemsize) for number in numbers]]
    found = gc.correlate(image, [[1]], dtype=out, epilogue=WRAPPED, device=engine)
    unsigned = found.view(f"u{np.dtype(out).itemsize}")
    assert unsigned.tolist() == expected


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_no_64_bits_hold_is_0_or_the_least_integer(
    engine: str, dtype: str, under_checker: bool
) -> None:
    image = np.array([[np.nan, np.inf, -np.inf, 2.0**65, -(2.0**65)]], dtype)
    for out in ("uint8", "int64", "uint64") if under_checker else INTEGERS:
        found = gc.correlate(image, [[1]], dtype=out, epilogue=WRAPPED, device=engine)
        expected = -(2**63) if out == "int64" else 0
        assert found.tolist() == [[expected] * 5]
    ends = np.array([[2.0**63, 1.5 * 2.0**63, -(2.0**63)]], dtype)
    found = gc.correlate(ends, [[1]], dtype="uint64", epilogue=WRAPPED, device=engine)
    assert found.tolist() == [[2**63, 3 * 2**62, 2**63]]


@pytest.mark.parametrize("method", ["dense", "separable", "box", "fft", "ordered"])
def test_every_method_wraps(engine: str, method: Any, under_checker: bool) -> None:
    for kernel in (gc.Kernel(np.ones((3, 3), int)), gc.Kernel(np.ones((3, 3), int), divisor=7)):
        sums = reference.correlate(IMAGE, kernel, dtype=float)
        for out in ("uint8",) if under_checker else ("uint8", "int16"):
            found = gc.correlate(
                IMAGE, kernel, dtype=out, epilogue=WRAPPED, method=method, device=engine
            )
            np.testing.assert_array_equal(found, np.trunc(sums).astype(int).astype(out))


def test_wrapping_comes_after_all_else(engine: str) -> None:
    epilogue = gc.Epilogue(scale=0.5, offset=-400, absolute=True, high=700.5, wrap=True)
    sums = reference.correlate(IMAGE, EDGES, dtype=float)
    expected = np.minimum(np.abs(0.5 * sums - 400), 700.5).astype(int).astype(np.uint8)
    found = gc.correlate(IMAGE, EDGES, epilogue=epilogue, device=engine)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("reduce", [None, "max", "sum"])
def test_responses_of_a_bank_wrap(engine: str, reduce: Any) -> None:
    kernels = [[[3, 1]], [[1], [2]]]
    first, second = (reference.convolve(IMAGE, kernel, dtype=int) for kernel in kernels)
    expected = {None: np.stack([first, second]), "max": np.maximum(first, second)}.get(
        reduce, first + second
    )
    found = gc.filter_bank(IMAGE, kernels, reduce=reduce, epilogue=WRAPPED, device=engine)
    np.testing.assert_array_equal(found, expected.astype(np.uint8))


def test_weighted_means_wrap(engine: str) -> None:
    counts = np.ones(IMAGE.shape, bool)
    counts[3:8, 2:9] = False
    kernel, options = gc.Kernel([[3, 1, 2]]), {"mask": counts}
    expected = reference.correlate(IMAGE, kernel, dtype=np.uint8, wrap=True, **options)
    sums = reference.correlate(IMAGE, kernel, dtype=float, **options)
    clear = np.abs(sums - np.rint(sums)) > 1e-3
    found = gc.correlate(IMAGE, kernel, epilogue=WRAPPED, device=engine, **options)
    np.testing.assert_array_equal(found[clear], expected[clear])
    # Where no pixel counts the mean is NaN.
    assert (found[4:7, 4:7] == 0).all()


def test_floats_do_not_mind_wrapping(engine: str) -> None:
    image = np.array([[0.5, np.nan, -np.inf, 1e30]])
    found = gc.correlate(image, [[1]], epilogue=WRAPPED, device=engine)
    np.testing.assert_array_equal(found, image)
    assert not WRAPPED.computes
    assert WRAPPED


def test_wrap_is_true_or_false() -> None:
    with pytest.raises(ArgumentTypeError, match="epilogue wrap=1 must be True or False"):
        gc.Epilogue(wrap=1)  # type: ignore[arg-type]
    assert repr(WRAPPED) == "Epilogue(wrap=True)"
