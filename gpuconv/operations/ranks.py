"""Rank filters: median, percentiles, minimum, maximum."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from gpuconv.apply import Choices, applied
from gpuconv.arguments import Border
from gpuconv.arrays import Array
from gpuconv.neighbourhood import Rank

__all__ = ["maximum", "median", "minimum", "percentile", "rank"]


def median(
    image: ArrayLike,
    size: int | tuple[int, int] = 3,
    *,
    footprint: ArrayLike | None = None,
    anchor: tuple[int, int] | None = None,
    border: Border = "reflect",
    cval: float = 0,
    channel_axis: int | None = None,
    out: Array | None = None,
    device: str | None = None,
    method: str = "auto",
) -> Array:
    """Return the median of each pixel's neighbourhood.

    Examples
    --------
    >>> median([[1, 1, 9], [1, 1, 1], [1, 1, 1]]).tolist()
    [[1, 1, 1], [1, 1, 1], [1, 1, 1]]
    """
    wanted = Rank.median(size, footprint=footprint, anchor=anchor)
    return _ranked(image, wanted, border, cval, channel_axis, out, device, method)


def rank(
    image: ArrayLike,
    rank: int,
    size: int | tuple[int, int] = 3,
    *,
    footprint: ArrayLike | None = None,
    anchor: tuple[int, int] | None = None,
    border: Border = "reflect",
    cval: float = 0,
    channel_axis: int | None = None,
    out: Array | None = None,
    device: str | None = None,
    method: str = "auto",
) -> Array:
    """Return the pixel of a rank in each pixel's neighbourhood."""
    wanted = Rank.of(rank, size, footprint=footprint, anchor=anchor)
    return _ranked(image, wanted, border, cval, channel_axis, out, device, method)


def percentile(
    image: ArrayLike,
    percentile: float,
    size: int | tuple[int, int] = 3,
    *,
    footprint: ArrayLike | None = None,
    anchor: tuple[int, int] | None = None,
    border: Border = "reflect",
    cval: float = 0,
    channel_axis: int | None = None,
    out: Array | None = None,
    device: str | None = None,
    method: str = "auto",
) -> Array:
    """Return a percentile of each pixel's neighbourhood."""
    wanted = Rank.percentile(percentile, size, footprint=footprint, anchor=anchor)
    return _ranked(image, wanted, border, cval, channel_axis, out, device, method)


def minimum(
    image: ArrayLike,
    size: int | tuple[int, int] = 3,
    *,
    footprint: ArrayLike | None = None,
    anchor: tuple[int, int] | None = None,
    border: Border = "reflect",
    cval: float = 0,
    channel_axis: int | None = None,
    out: Array | None = None,
    device: str | None = None,
    method: str = "auto",
) -> Array:
    """Return the least pixel of each pixel's neighbourhood."""
    wanted = Rank.minimum(size, footprint=footprint, anchor=anchor)
    return _ranked(image, wanted, border, cval, channel_axis, out, device, method)


def maximum(
    image: ArrayLike,
    size: int | tuple[int, int] = 3,
    *,
    footprint: ArrayLike | None = None,
    anchor: tuple[int, int] | None = None,
    border: Border = "reflect",
    cval: float = 0,
    channel_axis: int | None = None,
    out: Array | None = None,
    device: str | None = None,
    method: str = "auto",
) -> Array:
    """Return the largest pixel of each pixel's neighbourhood."""
    wanted = Rank.maximum(size, footprint=footprint, anchor=anchor)
    return _ranked(image, wanted, border, cval, channel_axis, out, device, method)


def _ranked(
    image: ArrayLike,
    wanted: Rank,
    border: Border,
    cval: float,
    channel_axis: int | None,
    out: Array | None,
    device: str | None,
    method: Any,
) -> Array:
    choices = Choices.of(wanted, border, cval, method)
    return applied(image, wanted, choices, channel_axis, None, out, device)
