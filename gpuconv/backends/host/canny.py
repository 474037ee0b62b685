"""Canny's edges in NumPy: pixels at the top of a slope, and those of them that edges lead to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.backends.host.threads import deal, workers

__all__ = ["framed", "linked", "magnitudes", "ridges"]

Array = NDArray[Any]

#: Bytes of one array of a strip of rows, of which there are a dozen: of 2**15 … 2**19 the best for
#: photographs of four megapixels, others take up to a fifth longer (``python -m timeit`` of
#: gpuconv.canny, after editing).
_STRIP = 2**18

#: Seconds that a pixel takes on one core, about, measured the same way.
_SECONDS = 40e-9


def framed(shape: tuple[int, int], dtype: np.dtype[Any]) -> tuple[Array, Array]:
    """Return an array with room for one more pixel on each side, and its inside of a shape."""
    whole = np.empty((shape[0] + 2, shape[1] + 2), dtype)
    return whole, whole[1:-1, 1:-1]


def magnitudes(smooth: Array) -> Array:
    """Return the magnitudes of an image inside a frame, which is filled here: those of ridges."""
    _fill_frame(smooth)
    return _magnitudes(*_slopes(smooth))


def ridges(smooth: Array, counts: Array | None, low: float, high: float) -> tuple[Array, Array]:
    """Return the pixels whose gradient is at least `low`, and the largest along itself.

    Parameters
    ----------
    smooth : ndarray of shape (H + 2, W + 2)
        The smoothed image inside a frame, which is filled here.
    counts : ndarray of shape (H, W), optional
        Which pixels may be edges; pixels of the image's own frame never are.
    low, high : float
        Magnitudes.

    Returns
    -------
    (ndarray of int, ndarray of bool)
        Their indices in the flattened image, ascending; and whether each is at least `high`.
    """
    _fill_frame(smooth)
    height, width = smooth.shape[0] - 2, smooth.shape[1] - 2
    rows = max(4, _STRIP // (smooth.itemsize * width))
    starts = range(1, height - 1, rows)
    found: list[tuple[Array, Array]] = [(np.empty(0, np.intp), np.empty(0, bool))] * len(starts)

    def draw(deck: Iterator[int]) -> None:
        with np.errstate(all="ignore"):
            for item in deck:
                start = starts[item]
                stop = min(start + rows, height - 1)
                allowed = None if counts is None else counts[start:stop]
                places, strong = _of_strip(smooth[start - 1 : stop + 3], allowed, low, high)
                found[item] = places + (start - 1) * width, strong

    deal(draw, len(starts), workers(smooth.size * _SECONDS))
    if not found:
        return np.empty(0, np.intp), np.empty(0, bool)
    return np.concatenate([places for places, _ in found]), np.concatenate([s for _, s in found])


def _of_strip(smooth: Array, counts: Array | None, low: float, high: float) -> tuple[Array, Array]:
    """Return the ridges of all rows of a strip but the first and the last, which are its border."""
    x, y = _slopes(smooth)
    size = _magnitudes(x, y)
    possible = size >= low
    possible[0] = possible[-1] = possible[:, 0] = possible[:, -1] = False
    if counts is not None:
        possible[1:-1] &= counts
    places = np.flatnonzero(possible)
    width, size, x, y = size.shape[1], size.ravel(), x.ravel()[places], y.ravel()[places]
    mine = size[places]
    # The gradient points between the neighbour along the steeper axis and one on a diagonal.
    steep, flat = np.abs(y), np.abs(x)
    upright = steep > flat
    share = np.minimum(steep, flat) / np.maximum(steep, flat)
    along = np.where(upright, width, 1)
    across = np.where((x > 0) == (y > 0), width + 1 - along, along - width - 1)
    top = np.ones(len(places), bool)
    for side in (1, -1):
        straight, diagonal = size[places + side * along], size[places + side * (along + across)]
        top &= diagonal * share + straight * (1 - share) <= mine
    return places[top], mine[top] >= high


def _slopes(smooth: Array) -> tuple[Array, Array]:
    """Return Sobel's slopes along x and y inside an array."""
    right, down = smooth[:, 2:] - smooth[:, :-2], smooth[2:] - smooth[:-2]
    x = 2 * right[1:-1] + (right[:-2] + right[2:])
    y = 2 * down[:, 1:-1] + (down[:, :-2] + down[:, 2:])
    return x, y


def _magnitudes(x: Array, y: Array) -> Array:
    found: Array = np.sqrt(y * y + x * x)
    return found


def _fill_frame(smooth: Array) -> None:
    smooth[0], smooth[-1] = smooth[1], smooth[-2]
    smooth[:, 0], smooth[:, -1] = smooth[:, 1], smooth[:, -2]


def linked(places: Array, strong: Array, shape: tuple[int, int]) -> Array:
    """Return a mask of the places that lead to a strong one, from neighbour to neighbour of eight.

    Places hang in trees, those of one tree being linked. Where two trees touch, one is hung under
    the other, all at once; then every place is hung directly under the root of its tree. Each round
    leaves at most half of the trees of an edge, however long it winds. Strong places hang under one
    root of their own from the start. (Y. Shiloach and U. Vishkin, "An O(log n) parallel
    connectivity algorithm", J. Algorithms 3 (1982).)

    Parameters
    ----------
    places : ndarray of int
        Indices in the flattened image, ascending, none of them in its frame.
    strong : ndarray of bool
        Whether each is.
    shape : (int, int)
        Of the image.

    Examples
    --------
    >>> places = np.array([6, 7, 13, 16])
    >>> linked(places, np.array([True, False, False, False]), (5, 5))[1].tolist()
    [False, True, True, False, False]
    """
    above = np.arange(1, len(places) + 1)
    above[strong] = 0
    above = np.concatenate([[0], above])
    one, other = _touching(places, shape)
    while one.size:
        a, b = above[one], above[other]
        apart = a != b
        one, other, a, b = one[apart], other[apart], a[apart], b[apart]
        np.minimum.at(above, np.maximum(a, b), np.minimum(a, b))
        _flatten(above)
    mask = np.zeros(shape, bool)
    mask.ravel()[places[above[1:] == 0]] = True
    return mask


def _touching(places: Array, shape: tuple[int, int]) -> tuple[Array, Array]:
    """Return pairs of neighbours, as numbers of places from 1 on."""
    number = np.zeros(shape[0] * shape[1], np.int32 if len(places) < 2**31 else np.int64)
    number[places] = np.arange(1, len(places) + 1)
    ones, others = [], []
    for step in (1, shape[1] - 1, shape[1], shape[1] + 1):
        found = number[places + step]
        ones.append(np.flatnonzero(found) + 1)
        others.append(found[found > 0])
    return np.concatenate(ones), np.concatenate(others)


def _flatten(above: Array) -> None:
    """Hang everything directly under the root of its tree."""
    while True:
        further = above[above]
        if np.array_equal(further, above):
            return
        above[:] = further
