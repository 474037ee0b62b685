"""Halos: what each region of the output reads, against brute force."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from gpuconv import tiling
from gpuconv.errors import ArgumentError


def positions(axis: tiling.Axis, output: int) -> list[int]:
    """Return the image positions that an output reads."""
    first = axis.offset + axis.stride * output
    return [first + axis.dilation * tap for tap in range(axis.taps)]


@pytest.mark.parametrize("size", tiling.SIZES)
def test_outputs_are_numpys(size: str) -> None:
    for n, taps in product(range(1, 9), repeat=2):
        if size == "valid" and taps > n:
            continue
        weights, image = np.arange(1, taps + 1), np.arange(1, n + 1)
        expected = np.correlate(image, weights, size if size != "same" else "full")
        for anchor in range(taps):
            axis = tiling.axis(n, taps, anchor, size)
            if size == "same":
                start = taps - 1 - anchor
                here = expected[start : start + n]
            else:
                here = expected
            padded = np.pad(image, 10)
            found = [padded[np.add(positions(axis, i), 10)] @ weights for i in range(axis.out)]
            assert found == here.tolist()


@pytest.mark.parametrize("size", tiling.SIZES)
@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize("stride", [1, 2, 5, 100])
def test_strides_pick_from_the_unstrided(size: str, dilation: int, stride: int) -> None:
    for n, taps in product((1, 4, 7, 12), (1, 2, 3)):
        if size == "valid" and tiling.footprint(taps, dilation) > n:
            continue
        every = tiling.axis(n, taps, taps // 2, size, 1, dilation)
        some = tiling.axis(n, taps, taps // 2, size, stride, dilation)
        expected = [positions(every, i) for i in range(0, every.out, stride)]
        assert [positions(some, i) for i in range(some.out)] == expected


def test_the_anchor_of_same_lies_over_the_output_pixel() -> None:
    for taps, dilation in product(range(1, 6), (1, 3)):
        for anchor in range(taps):
            axis = tiling.axis(20, taps, anchor, "same", 1, dilation)
            assert [positions(axis, i)[anchor] for i in range(20)] == list(range(20))


def test_valid_reads_the_image_only_and_all_of_it() -> None:
    axis = tiling.axis(20, 3, 0, "valid", 1, 4)
    read = [p for i in range(axis.out) for p in positions(axis, i)]
    assert (min(read), max(read)) == (0, 19)


def test_full_has_every_output_that_touches_the_image() -> None:
    axis = tiling.axis(5, 3, 2, "full", 1, 2)
    assert 0 in positions(axis, 0)
    assert 4 in positions(axis, axis.out - 1)
    assert axis.out == 5 + 4


@pytest.mark.parametrize("size", tiling.SIZES)
def test_an_empty_axis_stays_empty(size: str) -> None:
    assert tiling.axis(0, 9, 4, size, 3, 2).out == 0


def test_a_kernel_larger_than_the_image_has_no_valid_output() -> None:
    said = (
        "size='valid' needs an image at least as large as the kernel, but the kernel covers "
        "9 pixels and the image has 8; use size='same' or 'full'"
    )
    with pytest.raises(ArgumentError) as caught:
        tiling.axis(8, 5, 2, "valid", 1, 2)
    assert str(caught.value) == said
    assert tiling.axis(9, 5, 2, "valid", 1, 2).out == 1


@pytest.mark.parametrize("size", tiling.SIZES)
@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (3, 2), (1, 5)])
def test_a_source_is_just_what_its_outputs_read(size: str, stride: int, dilation: int) -> None:
    axis = tiling.axis(40, 4, 1, size, stride, dilation)
    for start, stop in [(0, 1), (0, axis.out), (3, 7), (axis.out - 1, axis.out)]:
        read = [p for i in range(start, stop) for p in positions(axis, i)]
        assert axis.source(start, stop) == (min(read), max(read) + 1)
    assert axis.footprint == 3 * dilation + 1


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 4), (7, 100), (100, 2), (9, 11)])
def test_tiles_cover_the_output_once(height: int, width: int) -> None:
    y, x = tiling.axis(9, 3, 1, "same"), tiling.axis(30, 5, 0, "valid", 2)
    covered = np.zeros((y.out, x.out), int)
    for tile in tiling.tiles(y, x, height, width):
        covered[tile.rows, tile.columns] += 1
        assert tile.shape == covered[tile.rows, tile.columns].shape
        assert tile.shape[0] <= height
        assert tile.shape[1] <= width
        assert tile.source_rows == y.source(tile.rows.start, tile.rows.stop)
        assert tile.source_columns == x.source(tile.columns.start, tile.columns.stop)
    assert (covered == 1).all()


def test_no_tiles_for_no_output() -> None:
    full, empty = tiling.axis(9, 3, 1), tiling.axis(0, 3, 1)
    assert list(tiling.tiles(full, empty, 4, 4)) == []
    assert list(tiling.tiles(empty, full, 4, 4)) == []
