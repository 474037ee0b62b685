"""How far the filters of ``scipy.signal`` read, for arrays that are filtered in parts."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from gpuconv.exchange import Reach
from gpuconv.scipy.signal.inputs import BORDERS

__all__ = ["local_statistics", "of_rank", "of_window", "over_axes", "over_planes", "separable"]


def over_axes(given: Mapping[str, Any]) -> Reach | None:
    """Return the reach of a convolution over all axes, or those that are named.

    Examples
    --------
    >>> over_axes({"in1": np.ones((9, 9)), "in2": np.ones((3, 4)), "mode": "same"}).depth
    ((1, 1), (2, 1))
    """
    image, kernel, axes = given["in1"], given["in2"], given.get("axes")
    shape = np.shape(kernel)
    if given["mode"] != "same" or len(shape) != image.ndim or 0 in shape:
        return None
    named = range(image.ndim) if axes is None else {a % image.ndim for a in np.atleast_1d(axes)}
    used = [a in named and image.shape[a] != 1 for a in range(image.ndim)]
    if any(k != 1 and not along for k, along in zip(shape, used, strict=True)):
        return None
    depth = tuple(_around(k) if along else (0, 0) for k, along in zip(shape, used, strict=True))
    return Reach(depth, (False,) * image.ndim)


def over_planes(given: Mapping[str, Any]) -> Reach | None:
    """Return the reach of ``convolve2d`` and ``correlate2d``.

    Examples
    --------
    >>> given = {"in1": np.ones((9, 9)), "in2": np.ones((3, 4)), "mode": "same"}
    >>> over_planes({**given, "boundary": "wrap"})
    Reach(depth=((1, 1), (2, 2)), wraps=(True, True), whole=())
    """
    image, shape = given["in1"], np.shape(given["in2"])
    if given["mode"] != "same" or not len(shape) == image.ndim == 2 or 0 in shape:
        return None
    # A kernel that is turned or not reads as far to either side.
    depth = tuple((k // 2, k // 2) for k in shape)
    wraps = BORDERS.get(given["boundary"]) == "wrap"
    return Reach(depth, (wraps, wraps))


def of_window(given: Mapping[str, Any]) -> Reach | None:
    """Return the reach of a median over windows of odd sizes.

    Examples
    --------
    >>> of_window({"volume": np.ones((9, 9)), "kernel_size": None}).depth
    ((1, 1), (1, 1))
    """
    image, size = next(iter(given.values())), given["kernel_size"]
    return _rectangle(image.ndim, 3 if size is None else size)


def of_rank(given: Mapping[str, Any]) -> Reach | None:
    """Return the reach of an order filter.

    Examples
    --------
    >>> of_rank({"a": np.ones(9), "domain": [1, 0, 1, 1, 1], "rank": 0}).depth
    ((2, 2),)
    """
    shape = np.shape(given["domain"])
    return _rectangle(given["a"].ndim, shape) if shape else None


def local_statistics(given: Mapping[str, Any]) -> Reach | None:
    """Return the reach of Wiener's filter; noise that is estimated is that of the whole array.

    Examples
    --------
    >>> local_statistics({"im": np.ones(9), "mysize": 4, "noise": 1.0}).depth
    ((2, 2),)
    """
    size = given["mysize"]
    if given["noise"] is None or np.ndim(given["noise"]):
        return None
    return _rectangle(given["im"].ndim, 3 if size is None else size)


def separable(given: Mapping[str, Any]) -> Reach | None:
    """Return the reach of a filter of a row and a column.

    Examples
    --------
    >>> separable({"input": np.ones((9, 9)), "hrow": [1, 2, 1], "hcol": [1]}).depth
    ((0, 0), (1, 1))
    """
    sizes = [np.size(given[name]) // 2 for name in ("hcol", "hrow")]
    return Reach(tuple((n, n) for n in sizes), (False, False))


def _around(taps: int) -> tuple[int, int]:
    """Return what the middle of a convolution reads before and after each element."""
    after = (taps - 1) // 2
    return taps - 1 - after, after


def _rectangle(ndim: int, size: Any) -> Reach | None:
    sizes = np.broadcast_to(size, ndim) if np.ndim(size) == 0 else np.asarray(size)
    if len(sizes) != ndim or prod(sizes) == 0:
        return None
    depth = tuple((int(n) // 2, int(n) // 2) for n in sizes)
    return Reach(depth, (False,) * ndim)
