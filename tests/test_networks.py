"""Networks of minima and maxima: proved on zeros and ones, and run as they are written."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from gpuconv.neighbourhood.networks import extreme, merged, nth_of_two, phases_of, program
from gpuconv.neighbourhood.programs import Program, Value, lengths

Array = NDArray[np.generic]


def square(rows: int, columns: int) -> tuple[tuple[int, ...], ...]:
    return (tuple(range(rows)),) * columns


def run(network: Program, windows: Array) -> list[Array]:
    """Return each phase's result for windows (…, row, column), wide enough for all phases."""
    found = dict[tuple[int, int, int, int], Array]()

    def value(read: Value, phase: int, down: int, right: int) -> Array:
        """Return an array at a place; whole ones are of any phase."""
        down, right = down + read.down, right + read.right
        key = read.array, phase, down, right
        if read.array == 0:
            return windows[..., down, right * network.phases + phase]
        if key not in found:
            step = network.steps[read.array - 1]
            a, b = (
                value(v, phase if step.whole else v.phase, down, right)
                for v in (step.first, step.second)
            )
            found[key] = np.maximum(a, b) if step.larger else np.minimum(a, b)
        return found[key]

    return [value(result, result.phase, 0, 0) for result in network.results]


def truths(count: int) -> Array:
    """Return all rows of zeros and ones."""
    return (np.arange(2**count)[:, None] >> np.arange(count)) & 1


def test_two_sorted_lists_of_any_lengths_are_merged() -> None:
    for m, n in product(range(8), range(8)):
        for zeros_a, zeros_b in product(range(m + 1), range(n + 1)):
            a, b = (
                [0] * zeros + [1] * (size - zeros) for zeros, size in ((zeros_a, m), (zeros_b, n))
            )
            assert merged(a, b, min, max) == sorted(a + b)


def test_the_nth_of_two_sorted_lists_is_found_without_merging_them() -> None:
    for m, n in product(range(6), range(6)):
        for zeros_a, zeros_b in product(range(m + 1), range(n + 1)):
            a, b = (
                [0] * zeros + [1] * (size - zeros) for zeros, size in ((zeros_a, m), (zeros_b, n))
            )
            found = [nth_of_two(a, b, i, min, max) for i in range(m + n)]
            assert found == sorted(a + b)


@pytest.mark.parametrize(
    ("rows", "columns"), [(1, 1), (1, 5), (4, 1), (2, 3), (3, 3), (4, 4), (3, 5)]
)
def test_every_rank_of_a_small_window_is_right_for_all_zeros_and_ones(
    rows: int, columns: int
) -> None:
    # Minima and maxima that sort zeros and ones sort everything (Knuth, 5.3.4, theorem Z).
    windows = truths(rows * columns).reshape(-1, rows, columns)
    for rank in range(rows * columns):
        (found,) = run(program(square(rows, columns), rank), windows)
        np.testing.assert_array_equal(found, np.sort(windows.reshape(len(windows), -1))[:, rank])


def sorted_columns(rows: int, columns: int) -> Array:
    """Return all windows of zeros and ones whose columns are sorted, or thousands of them."""
    if (rows + 1) ** columns < 2**18:
        numbers = [np.arange(rows + 1)] * columns
        zeros = np.stack(np.meshgrid(*numbers), axis=-1).reshape(-1, columns)
    else:
        zeros = np.random.default_rng(rows).integers(0, rows + 1, (2**14, columns))
    return (np.arange(rows)[:, None] >= zeros[:, None, :]).astype(np.uint8)


@pytest.mark.parametrize(("size", "rank"), [(5, 12), (5, 3), (5, 24), (6, 18), (7, 24), (11, 60)])
def test_larger_windows_are_right_for_sorted_columns_of_zeros_and_ones(
    size: int, rank: int
) -> None:
    # Columns are sorted first, which the test above proves; in any order they are the same.
    windows = sorted_columns(size, size)
    (found,) = run(program(square(size, size), rank), windows)
    np.testing.assert_array_equal(found, windows.sum(axis=(1, 2)) >= size * size - rank)


@pytest.mark.parametrize("phases", [1, 2, 4, 8])
@pytest.mark.parametrize(("rows", "columns"), [(3, 8), (5, 9), (8, 11)])
def test_windows_side_by_side_share_steps_and_are_all_right(
    rows: int, columns: int, phases: int
) -> None:
    rng = np.random.default_rng(rows * columns + phases)
    count = rows * columns
    windows = rng.integers(0, count, (50, rows, columns + phases - 1))
    for rank in (0, count // 5, count // 2, count - 1):
        results = run(program(square(rows, columns), rank, phases), windows)
        assert len(results) == phases
        for phase, found in enumerate(results):
            window = windows[:, :, phase : phase + columns].reshape(50, -1)
            np.testing.assert_array_equal(found, np.sort(window)[:, rank])


def test_sharing_saves_operations() -> None:
    # 18 and 290 are what is known for windows one by one.
    assert program(square(3, 3), 4).operations == 18
    assert program(square(7, 7), 24).operations == 290
    assert program(square(7, 7), 24, 4).operations < 130
    assert program(square(15, 15), 112, 4).operations < 650


def test_no_step_is_there_twice_or_for_nothing() -> None:
    network = program(square(7, 7), 24, 2)
    assert len(set(network.steps)) == len(network.steps)
    assert min(network.uses()) >= 1
    assert all(
        value.array <= number
        for number, step in enumerate(network.steps)
        for value in (step.first, step.second)
    )


FOOTPRINTS: list[Sequence[Sequence[int]]] = [
    [[0, 1, 0], [1, 1, 1], [0, 1, 0]],
    [[1, 0, 1, 1], [0, 0, 0, 1]],
    [[1, 0, 0, 1]],
    [[1], [1], [0], [1]],
    [[1, 0, 0], [0, 0, 1], [1, 0, 0]],
]


@pytest.mark.parametrize("footprint", FOOTPRINTS, ids=str)
def test_footprints_of_any_shape_are_selected_from(footprint: Sequence[Sequence[int]]) -> None:
    members = np.array(footprint, bool)
    columns = tuple(tuple(np.flatnonzero(column).tolist()) for column in members.T)
    windows = truths(members.size).reshape(-1, *members.shape)
    expected = np.sort(windows[:, members])
    for rank in range(int(members.sum())):
        (found,) = run(program(columns, rank), windows)
        np.testing.assert_array_equal(found, expected[:, rank])
    for larger, rank in ((False, 0), (True, -1)):
        (found,) = run(extreme(columns, larger), windows)
        np.testing.assert_array_equal(found, expected[:, rank])


@pytest.mark.parametrize("size", [1, 2, 3, 6, 17, 31])
def test_extremes_take_logarithmically_many_steps(size: int) -> None:
    network = extreme(square(size, size), larger=True)
    assert network.operations == 2 * (size - 1).bit_length()


def test_a_run_needs_what_its_steps_read() -> None:
    network = extreme(square(3, 3), larger=False)
    # Two rows of four results, rows 6 apart: 10 of them; and two rows and two columns more.
    assert lengths(network, pitch=6, span=10)[0] == 10 + 2 * 6 + 2


def test_what_is_kept_at_a_time_is_less_than_all() -> None:
    network = program(square(5, 5), 12)
    assert 5 < network.room < len(network.steps) / 2


def test_wider_windows_have_more_phases() -> None:
    assert [phases_of(square(1, columns)) for columns in (1, 3, 7, 31)] == [1, 1, 2, 4]
