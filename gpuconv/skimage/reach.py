"""How far the filters read: what must be known to filter a part of an image.

Each function here is asked with the parameters of a call by name, and answers for
:func:`gpuconv.exchange.public`; None where a part of the result needs the whole image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from gpuconv.exchange import Reach
from gpuconv.scipy.ndimage.reaches import radius_of

__all__ = [
    "of_differences",
    "of_edges",
    "of_gaussian",
    "of_median",
    "of_nl_means",
    "of_slopes",
    "of_unsharp_mask",
    "sigmas_of",
]

Given: TypeAlias = Mapping[str, Any]


def sigmas_of(sigma: Any, ndim: int, channel_axis: int | None) -> list[float]:
    """Return a standard deviation for each axis of an image: 0 for that of its channels.

    Examples
    --------
    >>> sigmas_of(2, 3, -1), sigmas_of((1, 2), 3, 0), sigmas_of((1, 2, 3), 3, -1)
    ([2, 2, 0], [0, 1, 2], [1, 2, 3])
    """
    if channel_axis is None:
        return list(sigma) if isinstance(sigma, Iterable) else [sigma] * ndim
    sigmas = list(sigma) if isinstance(sigma, Iterable) else [sigma] * (ndim - 1)
    if len(sigmas) == ndim - 1:
        sigmas.insert(channel_axis % ndim, 0)
    return sigmas


def _around(depths: Iterable[int], mode: Any) -> Reach:
    """Return the reach of windows that go as far before a pixel as behind it, axis by axis."""
    depth = tuple((each, each) for each in depths)
    modes = [mode] * len(depth) if isinstance(mode, str) else list(mode)
    return Reach(depth, tuple(each in ("wrap", "grid-wrap") for each in modes))


def of_gaussian(given: Given) -> Reach:
    """Return the reach of ``gaussian``."""
    sigmas = sigmas_of(given["sigma"], given["image"].ndim, given["channel_axis"])
    return _around((radius_of(sigma, given["truncate"], None) for sigma in sigmas), given["mode"])


def of_differences(given: Given) -> Reach:
    """Return the reach of ``difference_of_gaussians``: that of the wider of the two."""
    low, high = np.asarray(given["low_sigma"]), given["high_sigma"]
    widest = low * 1.6 if high is None else np.asarray(high)
    return of_gaussian({**given, "sigma": widest.tolist()})


def of_unsharp_mask(given: Given) -> Reach | None:
    """Return the reach of ``unsharp_mask``, where no pixel anywhere decides about the limits."""
    if not (given["preserve_range"] or given["image"].dtype.kind in "bu"):
        return None
    like = {**given, "sigma": given["radius"], "truncate": 4.0, "mode": "reflect"}
    return of_gaussian(like)


def of_median(given: Given) -> Reach | None:
    """Return the reach of ``median``."""
    footprint, ndim = given["footprint"], given["image"].ndim
    if given["out"] is not None:
        return None
    sides = [3] * ndim if footprint is None else np.shape(footprint)
    return _around((side // 2 for side in sides), given["mode"])


def of_edges(radius: int) -> Callable[[Given], Reach | None]:
    """Return the reach of an edge filter of some dimensions, by the radius of its weights."""
    return partial(_of_edges, radius)


def of_slopes(radius: int) -> Callable[[Given], Reach | None]:
    """Return the reach of an edge filter that has no `mode`, by the radius of its weights."""
    return partial(_of_slopes, radius)


def _of_edges(radius: int, given: Given) -> Reach | None:
    # A mask would have to be cut with the image.
    if given["mask"] is not None:
        return None
    return _around([radius] * given["image"].ndim, given["mode"])


def _of_slopes(radius: int, given: Given) -> Reach | None:
    return _of_edges(radius, {**given, "mode": "reflect"})


def of_nl_means(given: Given) -> Reach:
    """Return the reach of ``denoise_nl_means``."""
    ndim, channel = given["image"].ndim, given["channel_axis"]
    around = [given["patch_distance"] + given["patch_size"] // 2] * ndim
    if channel is None:
        return _around(around, "mirror")
    around[channel % ndim] = 0
    reach = _around(around, "mirror")
    return Reach(reach.depth, reach.wraps, whole=(channel % ndim,))
