"""How the CPU engine cuts its work: stacks of planes, classes of rows, strips of long kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

import gpuconv as gc
from gpuconv import reference
from gpuconv.algorithms.direct import STRIP
from gpuconv.backends.host import linear
from gpuconv.backends.host.filter import StripFilter
from gpuconv.backends.host.pieces import pieces, planes, undilated
from gpuconv.border import MODES, source_index, span

Array = np.ndarray[Any, np.dtype[Any]]
RNG = np.random.default_rng(5)


@settings(max_examples=40, deadline=None)
@given(
    batch=st.lists(st.integers(1, 6), min_size=1, max_size=3),
    plane=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    size=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    moved=st.booleans(),
    dtype=st.sampled_from(["uint8", "int32", "float32"]),
)
def test_planes_filtered_together_are_planes_filtered_alone(
    batch: list[int],
    plane: tuple[int, int],
    size: tuple[int, int],
    stride: tuple[int, int],
    moved: bool,
    dtype: str,
) -> None:
    image: Array = np.random.default_rng(1).integers(0, 99, (*batch, *plane)).astype(dtype)
    image = np.moveaxis(image, 0, -3) if moved else image
    kernel = gc.Kernel.separable(np.arange(1, size[0] + 1), np.arange(1, size[1] + 1), divisor=7)
    for method in ("dense", "separable"):
        found = gc.convolve(image, kernel, stride=stride, method=method)  # type: ignore[arg-type]
        for index in np.ndindex(image.shape[:-2]):
            alone = reference.convolve(image[index], kernel, stride=stride)
            np.testing.assert_allclose(found[index], alone, rtol=1e-5)


def test_nan_in_one_plane_stays_there() -> None:
    image = RNG.normal(size=(50, 9, 9)).astype(np.float32)
    image[17, 4, 4], image[18, 0, 8] = np.nan, np.inf
    for kernel in (np.ones((3, 3)), gc.kernels.gaussian(0.5)):
        found = gc.convolve(image, kernel, method="dense")
        for plane, each in zip(image, found, strict=True):
            np.testing.assert_allclose(
                each, reference.convolve(plane, kernel), rtol=1e-4, atol=1e-5
            )


def test_small_planes_go_through_a_block_together() -> None:
    plan = gc.plan((1000, 8, 8), "float32", np.arange(9).reshape(3, 3))
    assert linear.stack(plan) > 100
    plan = gc.plan((10, 2000, 2000), "float32", np.arange(9).reshape(3, 3))
    assert linear.stack(plan) == 1


def test_batch_axes_are_merged_where_they_are_one() -> None:
    image, out = np.zeros((4, 5, 6, 7)), np.zeros((4, 5, 6, 7))
    merged, _, indices = planes(image, out, 8)
    assert (merged.shape, len(indices)) == ((20, 6, 7), 3)
    assert np.shares_memory(merged, image)
    apart, _, indices = planes(image.swapaxes(0, 1), out.swapaxes(0, 1), 8)
    assert (apart.shape, len(indices)) == ((5, 4, 6, 7), 5)
    assert planes(image[0, 0], out[0, 0], 1)[2] == [()]


@settings(max_examples=40, deadline=None)
@given(
    dilation=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    stride=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    size=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    border=st.sampled_from(sorted(MODES)),
    bad=st.booleans(),
)
def test_any_dilation(
    dilation: tuple[int, int],
    stride: tuple[int, int],
    size: tuple[int, int],
    border: str,
    bad: bool,
) -> None:
    rng = np.random.default_rng(2)
    image = rng.normal(size=(2, 31, 37))
    image[1, 7, 8] = np.nan if bad else 0
    kernel = gc.Kernel.separable(rng.normal(size=size[0]), rng.normal(size=size[1]))
    options: dict[str, Any] = {"dilation": dilation, "stride": stride, "border": border}
    expected = reference.convolve(image, kernel, **options)
    for method in ("dense", "separable"):
        found = gc.convolve(image, kernel, method=method, **options)  # type: ignore[arg-type]
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("stride", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("dilation", [1, 2, 4, 5, 64])
def test_pieces_cover_the_output_once_and_read_no_row_between_taps(
    stride: int, dilation: int
) -> None:
    plan = gc.plan(
        (300, 1500), "float32", np.eye(3), stride=stride, dilation=dilation, method="dense"
    )
    covered = np.zeros(plan.shape, int)
    inner = undilated(plan)
    for piece in pieces(plan):
        covered[piece.rows, piece.columns] += 1
        assert covered[piece.rows, piece.columns].shape == piece.shape
        rows = (piece.shape[0] - 1) * inner.y.stride + inner.y.taps
        assert (len(piece.source_rows), piece.source_rows.step) == (rows, dilation)
        first = plan.y.source(piece.rows.start, piece.rows.start + 1)[0]
        assert piece.source_rows.start == first
    assert (covered == 1).all()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("step", [2, 3, 7, 50])
def test_spans_with_steps_are_every_nth_position(mode: str, step: int) -> None:
    for start, stop in ((-9, 25), (0, 10), (3, 8), (-30, -20), (12, 30), (-1, 11)):
        found = span(mode, start, stop, 10, step)
        joined = np.concatenate([found.before, np.arange(10)[found.inside], found.after])
        np.testing.assert_array_equal(joined, source_index(mode, range(start, stop, step), 10))


@pytest.mark.parametrize("mode", MODES)
def test_what_a_span_repeats_is_in_it(mode: str) -> None:
    for start, stop, step in ((-3, 13, 1), (-25, 25, 1), (4, 14, 1), (-6, 17, 3), (-9, -2, 1)):
        found = span(mode, start, stop, 10, step)
        whole = source_index(mode, range(start, stop, step), 10)
        for (there, pick), again in zip(found.runs, found.repeats, strict=True):
            if again is not None:
                size = there.stop - there.start
                np.testing.assert_array_equal(np.broadcast_to(whole[again], size), pick)


@pytest.mark.parametrize(
    ("shape", "taps"), [((150, 1300), (161, 241)), ((40, 700), (900, 33)), ((30, 900), (5, 801))]
)
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_long_kernels_are_right(shape: tuple[int, int], taps: tuple[int, int], dtype: str) -> None:
    image = RNG.integers(0, 255, shape).astype(dtype)
    column, row = (RNG.random(n) for n in taps)
    kernel = gc.Kernel.separable(column / column.sum(), row / row.sum())
    found = gc.convolve(image, kernel, method="separable", dtype="float64")
    expected = ndimage.convolve1d(image.astype(float), column / column.sum(), 0)
    expected = ndimage.convolve1d(expected, row / row.sum(), 1)
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_nan_under_a_long_kernel_stays_in_its_footprint() -> None:
    image = RNG.random((150, 2500))
    image[20, 700], image[60, 1900] = np.nan, np.inf
    ones, middle = np.ones((101, 241)), (slice(10, 30), slice(1900, 2000))
    kernel = gc.Kernel.separable(np.ones(101), np.ones(241))
    found = gc.convolve(image, kernel, method="separable")
    for what, value in ((np.isnan, np.nan), (np.isinf, np.inf)):
        spots = np.zeros(image.shape)
        spots[what(image)] = 1
        where = ndimage.maximum_filter(spots, footprint=ones, mode="reflect") > 0
        np.testing.assert_array_equal(what(found), where)
        assert what(value)
    assert np.isinf(found[middle]).all()


def test_wide_tiles_are_strips_of_bounded_size() -> None:
    plan = gc.plan((4096, 16384), "float32", gc.kernels.gaussian(100), method="separable")
    assert plan.tile[1] > 2048
    filter_ = linear.filter_of(plan, plan.tile)
    assert isinstance(filter_, StripFilter)
    assert filter_._strips.pixels.nbytes < 2 * STRIP
    assert filter_.bytes < 16 * 2**20
    assert plan.prediction.peak - plan.prediction.bytes < 64 * 2**20 or plan.machine.units > 4


def test_high_tiles_of_a_few_columns_are_no_larger() -> None:
    plan = gc.plan((100_000, 3), "float32", gc.kernels.gaussian(3), method="separable")
    assert plan.tile[0] > 10_000
    assert linear.filter_of(plan, plan.tile).bytes < 24 * 2**20


def test_tiles_of_a_narrow_image_are_high() -> None:
    plan = gc.plan((100_000, 16), "float32", np.eye(3), method="dense")
    assert plan.tile == (128 * 64, 16)


@pytest.mark.parametrize("written", ["uint8", "int16", "int32", "int64"])
def test_results_are_rounded_and_saturated(written: Any) -> None:
    image = np.array([[1, 2, 3, 250, 255, 255]], np.uint8)
    for weights in ([[1, 1]], [[-3]], [[0.5]], [[1e9, -1e9]]):
        expected = reference.convolve(image, gc.Kernel(weights), dtype=written)
        np.testing.assert_array_equal(gc.convolve(image, weights, dtype=written), expected)


def test_sums_without_a_value_are_stored_as_0() -> None:
    image = np.full((1, 8), 255, np.uint64)
    with np.errstate(all="ignore"):
        found = gc.convolve(image, [[1e308, 1e308, -1e308]], dtype=np.uint8)
        expected = reference.convolve(image, gc.Kernel([[1e308, 1e308, -1e308]]), dtype=np.uint8)
    np.testing.assert_array_equal(found, expected)
