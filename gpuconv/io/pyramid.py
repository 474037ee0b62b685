"""Smaller copies of an image: each half as large as the one before, until one fits into a tile.

A level is made from tiles of the one before, four at a time, whoever stores them: memory holds no
more than those.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gpuconv.dtypes import store
from gpuconv.io.colour import divide_alpha
from gpuconv.io.source import Run

__all__ = ["Levels", "build", "halved", "level_sizes"]

Array = NDArray[Any]


class Levels(Protocol):
    """Where the levels of one picture are kept."""

    def has_level(self, level: int, rows: Run, columns: Run) -> bool:
        """Tell whether part of a level was written, now or by an earlier run."""

    def read_level(self, level: int, rows: Run, columns: Run) -> Array:
        """Return part of a level that was written."""

    def write_level(self, level: int, pixels: Array, rows: Run, columns: Run) -> None:
        """Write part of a level: one tile, or what the image has of it."""


def level_sizes(size: tuple[int, int], tile: tuple[int, int]) -> tuple[tuple[int, int], ...]:
    """Return rows and columns of all levels, from the full one to one that fits into a tile.

    Examples
    --------
    >>> level_sizes((1000, 601), (256, 256))
    ((1000, 601), (500, 301), (250, 151))
    """
    sizes = [size]
    while sizes[-1][0] > tile[0] or sizes[-1][1] > tile[1]:
        high, wide = sizes[-1]
        sizes.append((-(-high // 2), -(-wide // 2)))
    return tuple(sizes)


def build(
    levels: Levels, sizes: tuple[tuple[int, int], ...], tile: tuple[int, int], channels: str
) -> None:
    """Write all levels but the first, which is there.

    Parameters
    ----------
    levels : Levels
        Where they are read and written.
    sizes : tuple of (int, int)
        From `level_sizes`.
    tile : (int, int)
        Rows and columns that are written at a time.
    channels : str
        What the last axis means: colour is weighed by alpha.
    """
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for level, size in enumerate(sizes[1:], start=1):
            make = partial(_make, levels, level, sizes[level - 1], channels)
            for row in _tiles(size, tile):
                # A row of tiles at a time, so that what waits does not pile up.
                list(threads.map(make, row))


def _make(
    levels: Levels, level: int, above: tuple[int, int], channels: str, region: tuple[Run, Run]
) -> None:
    """Write part of a level, if it is not there."""
    if not levels.has_level(level, *region):
        rows, columns = (_doubled(run, size) for run, size in zip(region, above, strict=True))
        pixels = levels.read_level(level - 1, rows, columns)
        levels.write_level(level, halved(pixels, channels), *region)


def _tiles(size: tuple[int, int], tile: tuple[int, int]) -> Iterator[list[tuple[Run, Run]]]:
    """Yield the tiles of a picture, row by row."""
    high, wide = (
        [(start, min(start + step, n)) for start in range(0, n, step)]
        for n, step in zip(size, tile, strict=True)
    )
    for rows in high:
        yield [(rows, columns) for columns in wide]


def _doubled(run: Run, size: int) -> Run:
    return 2 * run[0], min(2 * run[1], size)


def halved(pixels: Array, channels: str = "L") -> Array:
    """Return the means of 2 × 2 pixels, integers rounded half to even.

    A last row or column without another is taken twice. Colour is weighed by alpha, so that what is
    hidden under transparent pixels does not show.

    Parameters
    ----------
    pixels : ndarray of shape (h, w) or (h, w, C)
    channels : str
        As in a `Layout`.

    Examples
    --------
    >>> halved(np.array([[1, 2, 9], [2, 5, 9]], np.uint8)).tolist()
    [[2, 9]]
    """
    odd = [(0, n % 2) for n in pixels.shape[:2]] + [(0, 0)] * (pixels.ndim - 2)
    even = np.pad(pixels, odd, mode="edge")
    if channels.endswith("A"):
        return _halved_under_alpha(even)
    return _means(even)


def _quarters(pixels: Array) -> list[Array]:
    return [pixels[y::2, x::2] for y in (0, 1) for x in (0, 1)]


def _means(pixels: Array) -> Array:
    quarters = _quarters(pixels)
    if pixels.dtype.kind not in "iu":
        # Quarters of each, since the sum of large numbers may be infinite.
        return _sum([quarter * pixels.dtype.type(0.25) for quarter in quarters])
    # Sums of quarters and of remainders fit into the dtype, where a sum of pixels would not.
    whole, rest = _sum([q >> 2 for q in quarters]), _sum([q & 3 for q in quarters])
    whole, rest = whole + (rest >> 2), rest & 3
    up = (rest == 3) | ((rest == 2) & (whole & 1 == 1))
    means: Array = whole + up.astype(pixels.dtype)
    return means


def _sum(arrays: list[Array]) -> Array:
    first, second, third, fourth = arrays
    total: Array = (first + second) + (third + fourth)
    return total


def _halved_under_alpha(pixels: Array) -> Array:
    work = np.result_type(pixels.dtype, np.float32)
    alpha = pixels[..., -1:].astype(work)
    weighted = _means(pixels[..., :-1] * alpha)
    cover = _means(alpha)
    out = np.empty((*cover.shape[:2], pixels.shape[2]), pixels.dtype)
    store(divide_alpha(weighted, cover), out[..., :-1])
    out[..., -1:] = _means(pixels[..., -1:])
    return out
