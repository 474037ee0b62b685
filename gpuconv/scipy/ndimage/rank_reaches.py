"""How far the rank filters read: see :class:`gpuconv.exchange.Reach`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gpuconv.exchange import Reach
from gpuconv.scipy.arguments import axes_of, axis_of, each_axis, numbers_of
from gpuconv.scipy.ndimage.reaches import reach_along

__all__ = ["extreme_line_reach", "extreme_reach", "rank_reach"]


def rank_reach(given: Mapping[str, Any]) -> Reach:
    """Return the reach of a footprint, whose axes are the image's in ascending order.

    Examples
    --------
    >>> call = {"input": np.zeros((9, 9)), "size": (3, 4), "footprint": None, "origin": 0}
    >>> rank_reach({**call, "mode": "reflect", "axes": None}).depth
    ((1, 1), (2, 1))
    """
    ndim, footprint = given["input"].ndim, given["footprint"]
    axes = axes_of(given["axes"], ndim)
    count = len(axes)
    sizes = each_axis(given["size"] if footprint is None else np.shape(footprint), count)
    order = sorted(range(count), key=axes.__getitem__)
    origins, modes = each_axis(given["origin"], count), each_axis(given["mode"], count)
    if count < ndim:
        origins = [origins[i] for i in order]
    return reach_along(ndim, sorted(axes), sizes, origins, [modes[i] for i in order])


def extreme_reach(given: Mapping[str, Any]) -> Reach:
    """Return the reach of a footprint, or of a box, whose sides are those of each axis."""
    size = given["size"]
    if given["footprint"] is not None:
        members = numbers_of(given["footprint"])
        if not members.all():
            return rank_reach(given)
        size = members.shape  # a box, whose sides are in the order of `axes`
    axes = axes_of(given["axes"], given["input"].ndim)
    sizes = [int(side) if side > 1 else 1 for side in each_axis(size, len(axes))]
    origins, modes = (each_axis(given[name], len(axes)) for name in ("origin", "mode"))
    origins = [at if side > 1 else 0 for at, side in zip(origins, sizes, strict=True)]
    return reach_along(given["input"].ndim, axes, sizes, origins, modes)


def extreme_line_reach(given: Mapping[str, Any]) -> Reach:
    """Return the reach along one axis."""
    ndim = given["input"].ndim
    axis = axis_of(given["axis"], ndim)
    return reach_along(ndim, [axis], [given["size"]], [given["origin"]], [given["mode"]])
