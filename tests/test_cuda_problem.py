"""How a call looks to the kernels: planes of rows of scalars, steps, vectors, border tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gpuconv import border, tiling
from gpuconv.backends.cuda.launch import Layout
from gpuconv.backends.cuda.problem import LONGEST_AXIS, Problem, Steps, flatten, separate_axes
from gpuconv.errors import ArgumentError

F32 = np.dtype("float32")
U8 = np.dtype("uint8")


def problem(
    image: Layout,
    out: Layout | None = None,
    taps: tuple[int, int] = (3, 5),
    dtype: Any = F32,
    modes: tuple[str, str] = ("reflect", "wrap"),
    **axis: Any,
) -> Problem:
    """Return the problem of a correlation of the same size."""
    axes = tuple(
        tiling.axis(n, k, k // 2, **axis) for n, k in zip(image.shape[-2:], taps, strict=True)
    )
    shape = (*image.shape[:-2], axes[0].out, axes[1].out)
    written = out or Layout.contiguous(shape)
    return flatten(image, written, (axes[0], axes[1]), modes, 0.0, (dtype, F32, dtype))


def layout_of(array: Any) -> Layout:
    """Return the layout of an array, as the engine sees it."""
    strides = tuple(step // array.itemsize for step in array.strides)
    return Layout(array.shape, strides, array.ctypes.data % 16)


def test_a_plain_image_is_one_plane_of_its_own_rows() -> None:
    p = problem(Layout.contiguous((100, 200)))
    assert (p.planes, p.image.row, p.image.column, p.channels) == ((), 200, 1, 1)
    assert (p.x.n, p.x.offset, p.x.dilation) == (200, -2, 1)


def test_a_batch_in_one_piece_is_one_axis() -> None:
    p = problem(Layout.contiguous((2, 3, 1, 5, 100, 200)))
    assert (p.planes, p.image.planes) == ((30,), (20000,))


def test_batch_axes_that_do_not_continue_each_other_stay_apart() -> None:
    room = np.zeros((4, 6, 100, 200), np.float32)[:, :5]
    p = problem(layout_of(room))
    assert (p.planes, p.image.planes, p.out.planes) == ((4, 5), (120000, 20000), (100000, 20000))


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_interleaved_channels_are_scalars_of_longer_rows(channels: int) -> None:
    image = layout_of(np.moveaxis(np.zeros((7, 100, 200, channels), np.uint8), -1, 0))
    p = problem(image, image, dtype=U8)
    assert (p.planes, p.channels, p.image.column) == ((7,), channels, 1)
    assert (p.x.n, p.x.out, p.x.dilation) == (200 * channels, 200 * channels, channels)
    assert p.x.offset == -2 * channels


@pytest.mark.parametrize(
    ("channels", "planar_out", "axis"),
    [(5, False, {}), (3, True, {}), (3, False, {"stride": 2})],
    ids=["too many", "planes are written", "stride"],
)
def test_channels_are_planes_where_taps_cannot_be_channels_apart(
    channels: int, planar_out: bool, axis: dict[str, int]
) -> None:
    image = layout_of(np.moveaxis(np.zeros((100, 200, channels), np.uint8), -1, 0))
    out = None if planar_out or axis else image
    p = problem(image, out, dtype=U8, **axis)
    assert (p.planes, p.channels, p.image.column) == ((channels,), 1, channels)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", border.MODES)
def test_border_tables_hold_what_border_py_says(mode: str, channels: int) -> None:
    """Read back through the tables, every position has the scalar that the rule gives."""
    image = Layout((channels, 4, 6), (1, 6 * channels, channels))
    p = problem(image, image, taps=(11, 17), modes=(mode, mode))
    (before_y, after_y, before_x, after_x), table = p.edges
    assert (before_y, after_y, before_x, after_x) == (5, 5, 8 * channels, 8 * channels)
    rows = border.source_index(mode, [*range(-5, 0), *range(4, 9)], 4)
    np.testing.assert_array_equal(table[:10], rows)
    for position in range(-8 * channels, 14 * channels):
        if 0 <= position < 6 * channels:
            continue
        entry = position + 8 * channels if position < 0 else position + 2 * channels
        pixel = int(border.source_index(mode, position // channels, 6))
        scalar = border.FILL if pixel < 0 else pixel * channels + position % channels
        assert table[10 + entry] == scalar


def test_valid_outputs_need_no_border_table() -> None:
    axes = tiling.axis(100, 3, 1, "valid"), tiling.axis(200, 5, 2, "valid")
    layouts = Layout.contiguous((100, 200)), Layout.contiguous((98, 196))
    p = flatten(*layouts, axes, ("wrap", "wrap"), 0, (F32, F32, F32))
    assert p.edges[0] == (0, 0, 0, 0)
    assert p.edges[1].size == 0


@pytest.mark.parametrize(
    ("steps", "itemsize", "count"),
    [
        (Steps((), 1920, 1), 4, 4),
        (Steps((), 1920, 1), 1, 8),
        (Steps((), 1920, 1), 8, 2),
        (Steps((), 1922, 1), 4, 2),
        (Steps((), 1921, 1), 4, 1),
        (Steps((), -1920, 1), 4, 4),
        (Steps((), 1920, 1, phase=8), 4, 2),
        (Steps((), 1920, 1, phase=4), 4, 1),
        (Steps((1921 * 1080,), 1920, 1), 4, 4),
        (Steps((1919 * 1081,), 1920, 1), 4, 1),
        (Steps((), 1920, -1), 4, 0),
        (Steps((), 1, 1080), 4, 0),
        (Steps((), 0, 1), 4, 4),
    ],
)
def test_loads_are_as_wide_as_every_row_is_aligned(steps: Steps, itemsize: int, count: int) -> None:
    assert steps.vector(itemsize, most=8) == count


def test_two_passes_meet_in_rows_that_need_no_border() -> None:
    p = problem(Layout.contiguous((10, 20)), taps=(5, 3), modes=("wrap", "nearest"))
    across, down, shape = p.between()
    assert shape == (14, 20)
    assert (across.y.offset, across.y.out, across.edges[0]) == (-2, 14, (2, 2, 1, 1))
    assert (down.y.offset, down.y.n, down.edges[0]) == (0, 14, (0, 0, 0, 0))


def test_an_axis_too_long_for_32_bits_is_refused() -> None:
    image = Layout.contiguous((2, LONGEST_AXIS))
    with pytest.raises(ArgumentError, match=r"image has 2080374784 columns .* filter it in parts"):
        problem(image)
    problem(Layout.contiguous((2, LONGEST_AXIS - 9)))


def test_more_batch_axes_than_kernels_walk_are_counted() -> None:
    strides = (7, 7000, 700000, 70000000, 20, 1)
    image = Layout((2, 2, 2, 2, 10, 20), strides)
    assert separate_axes(image, Layout.contiguous(image.shape)) == 4
    with pytest.raises(ArgumentError, match="4 separate batch axes; at most 3"):
        problem(image)
