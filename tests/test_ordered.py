"""Sums in SciPy's order: its bits, on both engines, and what is sifted by whether order matters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import gpuconv as gc
from gpuconv import reference
from gpuconv.algorithms.ordered import order
from gpuconv.backends.host import linear, sifted
from gpuconv.backends.host.ordered import OrderedFilter
from gpuconv.backends.host.sifted import SiftedFilter, nearly

Array = NDArray[Any]

CUT_OFF = gc.Epilogue(wrap=True)
MODES = ("reflect", "nearest", "mirror", "wrap", "constant")
EPSILON = float(np.finfo(float).eps)


def line(kind: str, taps: int, rng: np.random.Generator) -> Array:
    """Return weights of a 1-D kernel, of which some are as good as symmetric."""
    weights = rng.normal(size=taps)
    if kind == "symmetric":
        weights += weights[::-1]
    if kind == "antisymmetric":
        weights -= weights[::-1]
    if kind == "nearly":
        weights += weights[::-1]
        weights[0] += rng.choice([0.5, 4]) * EPSILON
    if kind == "mean":
        weights = np.full(taps, 1 / taps)
    if kind == "holes":
        weights[rng.random(taps) < 0.4] = 0
    return weights


KINDS = ("any", "symmetric", "antisymmetric", "nearly", "mean", "holes")


def pixels(dtype: str, shape: tuple[int, ...], rng: np.random.Generator, flat: bool) -> Array:
    image = rng.integers(0, 120, shape) if not flat else rng.integers(99, 101, shape)
    return image.astype(dtype) if dtype[0] != "f" else (image * 1.37).astype(dtype)


def correlated(image: Array, weights: Array, axis: int, **options: Any) -> Array:
    """Correlate in order along an axis."""
    kernel = gc.Kernel(weights[:, None] if axis == 0 else weights[None])
    return gc.correlate(image, kernel, method="ordered", **options)


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_row_and_a_column_have_the_bits_of_correlate1d(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    weights = line(data.draw(st.sampled_from(KINDS)), data.draw(st.integers(1, 31)), rng)
    shape = data.draw(st.tuples(st.integers(1, 70), st.integers(1, 70)))
    dtype = data.draw(st.sampled_from(["uint8", "int16", "uint32", "float32", "float64"]))
    image, axis = pixels(dtype, shape, rng, data.draw(st.booleans())), data.draw(st.integers(0, 1))
    mode = data.draw(st.sampled_from(MODES))
    for out in ("float64", "uint8", "int16"):
        expected = scipy.ndimage.correlate1d(image, weights, axis, output=out, mode=mode, cval=2)
        found = correlated(image, weights, axis, border=mode, cval=2, dtype=out, epilogue=CUT_OFF)
        np.testing.assert_array_equal(found, expected)


@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_kernels_of_two_dimensions_have_the_bits_of_correlate(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    weights = rng.normal(size=data.draw(st.tuples(st.integers(2, 9), st.integers(2, 9))))
    if data.draw(st.booleans()):
        weights = np.outer(weights[:, 0], weights[0])
    weights[rng.random(weights.shape) < 0.2] = rng.choice([0, 0.9 * EPSILON, 1.1 * EPSILON])
    shape = data.draw(st.tuples(st.integers(1, 60), st.integers(1, 60)))
    dtype = data.draw(st.sampled_from(["uint8", "int16", "float64"]))
    image = pixels(dtype, shape, rng, data.draw(st.booleans()))
    mode = data.draw(st.sampled_from(MODES))
    for out in ("float64", "uint8"):
        expected = scipy.ndimage.correlate(image, weights, output=out, mode=mode, cval=2)
        found = gc.correlate(
            image, weights, border=mode, cval=2, dtype=out, method="ordered", epilogue=CUT_OFF
        )
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("axis", [0, 1])
def test_both_engines_have_the_bits_of_the_definition(engine: str, kind: str, axis: int) -> None:
    rng = np.random.default_rng(3)
    weights = line(kind, 7, rng)
    kernel = gc.Kernel(weights[:, None] if axis == 0 else weights[None], divisor=0.7)
    image = pixels("float64", (2, 19, 40), rng, flat=False)
    options: dict[str, Any] = {"border": "mirror", "stride": (1, 2), "dilation": (2, 1)}
    expected = reference.correlate(image, kernel, ordered=True, **options)
    found = gc.correlate(image, kernel, method="ordered", device=engine, **options)
    np.testing.assert_array_equal(found, expected)
    image = image.astype(np.uint8)
    expected = reference.correlate(image, kernel, ordered=True, wrap=True, **options)
    options |= {"epilogue": CUT_OFF, "device": engine}
    found = gc.correlate(image, kernel, method="ordered", **options)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("size", ["same", "valid", "full"])
def test_both_engines_have_the_bits_of_correlate_for_channels(engine: str, size: Any) -> None:
    rng = np.random.default_rng(4)
    image, kernel = pixels("float32", (14, 23, 3), rng, flat=False), rng.normal(size=(3, 4))
    options: dict[str, Any] = {"size": size, "dtype": "float64"}
    found = gc.correlate(image, kernel, method="ordered", channel_axis=2, device=engine, **options)
    expected = reference.correlate(np.moveaxis(image, 2, 0), kernel, ordered=True, **options)
    np.testing.assert_array_equal(np.moveaxis(found, 2, 0), expected)


def test_a_kernel_of_three_dimensions_is_one_of_two_with_rows_of_zeros(engine: str) -> None:
    rng = np.random.default_rng(5)
    volume, weights = rng.normal(size=(6, 9, 11)), rng.normal(size=(3, 3, 3))
    tall = np.zeros((3, 9, 3))
    tall[:, :3] = weights
    flat = gc.correlate(
        volume.reshape(54, 11), tall.reshape(27, 3)[:21], size="valid", method="ordered",
        device=engine,
    )  # fmt: skip
    found = np.stack([flat[depth * 9 : depth * 9 + 7] for depth in range(4)])
    expected = scipy.ndimage.correlate(volume, weights)[1:-1, 1:-1, 1:-1]
    np.testing.assert_array_equal(found, expected)


def test_a_tap_among_zeros_is_added_as_correlate_does() -> None:
    image = np.random.default_rng(6).normal(size=(20, 30))
    weights = np.array([[0.1, 0.7, 0.1]])
    found = gc.correlate(
        image, gc.Kernel(np.pad(weights, ((0, 2), (0, 0))), anchor=(0, 1)), method="ordered"
    )
    np.testing.assert_array_equal(found, scipy.ndimage.correlate(image, weights))


def test_a_tap_of_weight_0_does_not_read(engine: str) -> None:
    image = np.ones((5, 6))
    image[2, 3] = np.nan
    found = gc.correlate(image, [[0.5, 0, 0.5]], method="ordered", device=engine)
    expected = np.ones((5, 6))
    expected[2, [2, 4]] = np.nan
    np.testing.assert_array_equal(found, expected)


def test_a_kernel_of_zeros(engine: str) -> None:
    image = np.full((4, 5), np.inf)
    found = gc.correlate(image, np.zeros((2, 3)), method="ordered", device=engine)
    np.testing.assert_array_equal(found, np.zeros((4, 5)))


def test_a_filter_bank_has_the_same_bits(engine: str) -> None:
    rng = np.random.default_rng(7)
    image, kernels = pixels("uint8", (15, 22), rng, flat=True), rng.normal(size=(2, 3, 3))
    found = gc.filter_bank(image, kernels, method="ordered", epilogue=CUT_OFF, device=engine)
    for response, kernel in zip(found, kernels, strict=True):
        expected = scipy.ndimage.convolve(image, kernel)
        np.testing.assert_array_equal(response, expected)


def test_it_is_never_taken_without_being_asked_for() -> None:
    plan = gc.plan((300, 300), "float64", [[1, 2.5, 1]])
    assert plan.algorithm != "ordered"
    assert "asked for" in dict(plan.rejected)["ordered"]


def test_its_plan_explains_itself() -> None:
    plan = gc.plan((300, 300), "uint8", [[1, 2.5, 1]], method="ordered", epilogue=CUT_OFF)
    assert "ordered" in plan.explain()
    assert "Epilogue(wrap=True)" in plan.explain()
    assert plan.accumulator == np.float64


@pytest.mark.parametrize(
    ("row", "taps", "fold"),
    [
        ([1, 2, 3], [2, 0, 1], 0),
        ([1, 2], [1, 0], 0),
        ([1, 2, 5, 2, 1], [2, 0, 1], 1),
        ([1, 0, -1], [0], -1),
        ([-1, 5, 1], [1, 0], -1),
        ([1, 2, 1, 0, 0], [0, 1, 2], 0),
        ([0, 0], [], 0),
    ],
)
def test_the_order_of_a_row(row: list[int], taps: list[int], fold: int) -> None:
    found = order(gc.Kernel([row]))
    assert [column for _, column in found.taps] == taps
    assert found.weights == tuple(row[tap] for tap in taps)
    assert found.fold == fold
    upright = order(gc.Kernel(np.array([row]).T))
    assert [tap[::-1] for tap in upright.taps] == list(found.taps)


# What is sifted


def planned(kernel: Any, dtype: str = "uint8", **options: Any) -> gc.Plan:
    options = {"epilogue": CUT_OFF} | options
    return gc.plan((200, 300), dtype, kernel, method="ordered", **options)  # type: ignore[return-value]


BLUR = np.full((1, 11), 1 / 11)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int32"])
def test_sums_that_become_integers_are_taken_in_any_order_first(dtype: str) -> None:
    near = nearly(planned(BLUR, dtype))
    assert near is not None
    assert near.plan.accumulator == ("float32" if np.dtype(dtype).itemsize == 1 else "float64")
    assert 0 < near.error < 0.01


@pytest.mark.parametrize(
    ("kernel", "options"),
    [
        ([[0.2, 0.3, 0.2]], {}),
        (BLUR, {"dtype": "float32"}),
        (BLUR, {"dtype": "float64", "out": "uint8"}),
        (BLUR, {"out": "float64"}),
        (BLUR, {"stride": 2}),
        (BLUR, {"border": "constant", "cval": np.nan}),
        (BLUR, {"epilogue": gc.Epilogue(scale=2, wrap=True)}),
        (gc.Kernel(np.ones((1, 11)), divisor=11), {}),
        (BLUR * 1e12, {}),
        (np.insert(np.zeros((100, 2)), 50, [[0.1, 0.2]] * 3, axis=0), {}),
    ],
)
def test_what_is_not_sifted(kernel: Any, options: dict[str, Any]) -> None:
    dtype = options.pop("dtype", "uint8")
    kind = {"out_dtype": np.dtype(options.pop("out"))} if "out" in options else {}
    assert nearly(replace(planned(kernel, dtype, **options), **kind)) is None


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("shape", [(1, 9), (9, 1), (5, 5)])
def test_doubtful_results_are_those_of_the_order(flat: bool, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(8)
    kernel = rng.random(shape)
    kernel /= kernel.sum()
    image = pixels("uint8", (200, 300), rng, flat=False)
    image[:20, :30] = 100  # where the last bit says whether it is 99 or 100
    image[60:, :] = 100 if flat else image[60:, :]
    found = gc.correlate(image, kernel, method="ordered", epilogue=CUT_OFF)
    expected = reference.correlate(image, kernel, ordered=True, wrap=True)
    np.testing.assert_array_equal(found, expected)
    assert (expected[2:15, 5:20] == expected[5, 10]).all()


def test_weights_that_are_nearly_symmetric_are_in_doubt() -> None:
    # All the difference between their halves, of which the order takes the first for both.
    image = np.full((20, 30), 2**31 - 1, np.int32)
    kernel = np.full((1, 21), (5 - 2e-6) / 21 / (2**31 - 1))
    kernel[0, 11:] += 0.95 * EPSILON
    assert nearly(planned(kernel, "int32"))
    found = gc.correlate(image, kernel, method="ordered", epilogue=CUT_OFF)
    np.testing.assert_array_equal(found, scipy.ndimage.correlate1d(image, kernel[0]))


def test_a_doubtful_result_of_very_many_taps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sifted, "_PICKED", 50)
    image = np.full((40, 50), 7, np.uint8)
    image[3, 4], image[20:, 25:] = 0, 111
    kernel = np.full((9, 9), 1 / 81)
    found = gc.correlate(image, kernel, method="ordered", epilogue=CUT_OFF)
    np.testing.assert_array_equal(found, scipy.ndimage.correlate(image, kernel))


def test_rounded_integers_are_sifted_too() -> None:
    rng = np.random.default_rng(9)
    image, kernel = pixels("uint8", (70, 80), rng, flat=True), np.full((1, 8), 1 / 16)
    plan = planned(kernel, epilogue=None)
    assert nearly(plan)
    found = gc.correlate(image, kernel, method="ordered")
    np.testing.assert_array_equal(found, reference.correlate(image, kernel, ordered=True))


def test_each_way_runs_where_it_is_meant_to() -> None:
    assert isinstance(linear.filter_of(planned(BLUR), (20, 30)), SiftedFilter)
    assert isinstance(linear.filter_of(planned([[0.3, 0.7]]), (20, 30)), OrderedFilter)


def test_rows_that_nobody_reads_are_not_loaded() -> None:
    tall = np.zeros((1001, 3))
    tall[::500] = 0.5
    plan = gc.plan((2000, 100), "float64", tall, size="valid", method="ordered")
    assert OrderedFilter(plan, (8, 98)).bytes < 50 * 8 * 120
