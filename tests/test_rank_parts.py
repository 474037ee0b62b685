"""What counting pixels by value is made of: sorted pixels in parts, and sums of small counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.ndimage as nd
from numpy.typing import NDArray

import gpuconv as gc
from gpuconv.backends.host import rank_parts, sums
from gpuconv.neighbourhood import Rank


def pixels(shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    """Return pixels, many of them equal."""
    return np.random.default_rng(0).integers(-300, 300, shape).astype(dtype)


@pytest.mark.parametrize("size", [(31, 17), (1, 90)], ids=str)
def test_sets_of_pixels_may_be_made_some_at_a_time(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rank_parts, "MOST_SETS", 1)
    image = pixels((130, 150), "float32")
    expected = nd.median_filter(image, size)
    found = gc.plan(image.shape, "float32", Rank.median(size), method="histogram")(image)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", ["uint16", "int16", "uint32", "int64", "float32", "float64"])
def test_pixels_are_ordered_by_sixteen_bits_at_a_time(dtype: str) -> None:
    values = pixels((500,), dtype)
    order = rank_parts._order(values)
    assert sorted(order.tolist()) == list(range(500))
    np.testing.assert_array_equal(values[order], np.sort(values))


def test_nan_of_either_sign_comes_last() -> None:
    values = np.array([np.nan, np.inf, -np.nan, -np.inf, 0], "float32")
    assert rank_parts._order(values)[:3].tolist() == [3, 4, 1]


def test_counts_are_taken_in_the_narrowest_integers() -> None:
    ones = sums.Counted(np.ones(400, np.uint8), 1)
    for taps in (1, 2, 15, 255, 256, 300):
        summing = sums.Sums()
        found = summing.over(ones, taps, 1)
        summing()
        assert found.values.dtype == (np.uint8 if taps < 256 else np.uint16)
        assert found.values.tolist() == [taps] * (401 - taps)
