"""How far the linear filters read: see :class:`gpuconv.exchange.Reach`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import index
from typing import Any

import numpy as np

from gpuconv.exchange import Reach
from gpuconv.scipy.arguments import axes_of, axis_of, border_of, each_axis

__all__ = [
    "derivative_reach",
    "gaussian_gradient_reach",
    "gaussian_laplace_reach",
    "gaussian_line_reach",
    "gaussian_reach",
    "laplace_reach",
    "line_reach",
    "mean_line_reach",
    "mean_reach",
    "radius_of",
    "reach_along",
    "reach_of",
    "sigmas_of",
    "weights_reach",
]


def reach_along(
    ndim: int, axes: Iterable[int], sizes: Iterable[int], origins: Iterable[Any], modes: Any
) -> Reach:
    """Return the reach of windows along axes.

    Examples
    --------
    >>> reach_along(2, [1], [4], [0], ["wrap"])
    Reach(depth=((0, 0), (2, 1)), wraps=(False, True), whole=())
    """
    depth, wraps = [(0, 0)] * ndim, [False] * ndim
    for axis, size, origin, mode in zip(axes, sizes, origins, modes, strict=True):
        before = size // 2 + index(origin)
        depth[axis] = before, size - 1 - before
        wraps[axis] = border_of(mode) == "wrap"
    return Reach(tuple(depth), tuple(wraps))


def reach_of(given: Mapping[str, Any], sizes: Any, origin: Any = 0) -> Reach:
    """Return the reach of a filter along ``axes``, with a window, an origin and a mode for each."""
    ndim = given["input"].ndim
    axes = axes_of(given.get("axes"), ndim)
    count = len(axes)
    parts = each_axis(sizes, count), each_axis(origin, count), each_axis(given["mode"], count)
    return reach_along(ndim, axes, *parts)


def _single(given: Mapping[str, Any], size: int) -> Reach:
    """Return the reach of a filter along one ``axis``."""
    ndim = given["input"].ndim
    axis = axis_of(given["axis"], ndim)
    return reach_along(ndim, [axis], [size], [given.get("origin", 0)], [given["mode"]])


def _both(reach: Reach) -> Reach:
    """Return the reach of a filter and of its mirror image."""
    depth = tuple((max(pair), max(pair)) for pair in reach.depth)
    return Reach(depth, reach.wraps, reach.whole)


def line_reach(given: Mapping[str, Any]) -> Reach:
    """Return the reach of a filter with weights along one axis, flipped or not."""
    return _both(_single(given, len(given["weights"])))


def weights_reach(given: Mapping[str, Any]) -> Reach:
    """Return the reach of a filter with weights of several axes, flipped or not."""
    ndim, shape = given["input"].ndim, np.shape(given["weights"])
    axes = axes_of(given["axes"], ndim)
    origins = each_axis(given["origin"], len(axes))
    if len(axes) < ndim:  # the axes of weights are in the image's order, origins in that of `axes`
        origins = [shift for _, shift in sorted(zip(axes, origins, strict=True))]
    modes = [given["mode"]] * len(axes)
    return _both(reach_along(ndim, sorted(axes), shape, origins, modes))


def radius_of(sigma: float, truncate: float, radius: int | None) -> int:
    """Return how many taps a Gaussian has on each side.

    Examples
    --------
    >>> radius_of(2.0, 4.0, None), radius_of(0, 4.0, 7)
    (8, 0)
    """
    if sigma <= 1e-15:
        return 0
    return int(truncate * float(sigma) + 0.5) if radius is None else radius


def sigmas_of(sigma: Any, axes: tuple[int, ...], ndim: int) -> list[Any]:
    """Return the standard deviation along each axis of an image, 0 where none is asked for.

    They follow `axes`, unless these are all there are: so it is with SciPy.

    Examples
    --------
    >>> sigmas_of((1, 2), (2, 0), 3), sigmas_of((1, 2), (1, 0), 2)
    ([2, 0.0, 1], [1, 2])
    """
    given = each_axis(sigma, len(axes))
    if len(axes) == ndim:
        return given
    spread = [0.0] * ndim
    for axis, each in zip(axes, given, strict=True):
        spread[axis] = each
    return spread


def gaussian_line_reach(given: Mapping[str, Any]) -> Reach:
    """Return the reach of a Gaussian along one axis."""
    radius = radius_of(given["sigma"], given["truncate"], given["radius"])
    return _single(given, 2 * radius + 1)


def gaussian_reach(given: Mapping[str, Any]) -> Reach:
    """Return the reach of a Gaussian."""
    count = len(axes_of(given["axes"], given["input"].ndim))
    sigmas, radii = each_axis(given["sigma"], count), each_axis(given.get("radius"), count)
    truncate = given.get("truncate", 4.0)
    sizes = [2 * radius_of(s, truncate, r) + 1 for s, r in zip(sigmas, radii, strict=True)]
    return reach_of(given, sizes)


def gaussian_laplace_reach(given: Mapping[str, Any]) -> Reach | None:
    """Return the reach of second derivatives of Gaussians."""
    ndim = given["input"].ndim
    return _of_all_axes(given, sigmas_of(given["sigma"], axes_of(given["axes"], ndim), ndim))


def gaussian_gradient_reach(given: Mapping[str, Any]) -> Reach | None:
    """Return the reach of first derivatives of Gaussians, which blur along all axes."""
    return _of_all_axes(given, given["sigma"])


def _of_all_axes(given: Mapping[str, Any], sigma: Any) -> Reach | None:
    """Return the reach of Gaussians along all axes, whose modes are those of each derivative."""
    modes = each_axis(given["mode"], len(axes_of(given["axes"], given["input"].ndim)))
    if len(set(modes)) != 1:
        return None
    return gaussian_reach({**given, "sigma": sigma, "mode": modes[0], "axes": None})


def mean_line_reach(given: Mapping[str, Any]) -> Reach:
    """Return the reach of a mean along one axis."""
    return _single(given, given["size"])


def mean_reach(given: Mapping[str, Any]) -> Reach:
    """Return the reach of a mean."""
    sizes = given["size"]
    sizes = [max(n, 1) for n in sizes] if np.iterable(sizes) else max(sizes, 1)
    return reach_of(given, sizes, given["origin"])


def derivative_reach(given: Mapping[str, Any]) -> Reach:
    """Return the reach of 3 taps along each axis, for modes that are given for all axes."""
    axis_of(given["axis"], given["input"].ndim)
    return reach_of(given, 3)


def laplace_reach(given: Mapping[str, Any]) -> Reach:
    """Return the reach of 3 taps along each axis that is filtered."""
    return reach_of(given, 3)
