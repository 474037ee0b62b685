"""Windows of rank filters: the same one for the same plain square; its plans are found at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from numpy.typing import ArrayLike

from gpuconv.neighbourhood import Rank

__all__ = ["window"]


def window(
    make: Callable[..., Rank],
    size: int | tuple[int, int],
    footprint: ArrayLike | None,
    anchor: tuple[int, int] | None,
) -> Rank:
    """Return a window, and what is taken of it.

    Examples
    --------
    >>> window(Rank.median, 3, None, None) is window(Rank.median, 3, None, None)
    True
    """
    if footprint is None and anchor is None and type(size) is int:
        return _square(make, size)
    return make(size, footprint=footprint, anchor=anchor)


@lru_cache(maxsize=128)
def _square(make: Callable[..., Rank], side: int) -> Rank:
    return make(side)
