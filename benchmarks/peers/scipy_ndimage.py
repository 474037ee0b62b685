"""scipy.ndimage: one thread, sums in float64, integers cut off behind the point after every pass.

It is given arrays for its results, and float32 ones for what lies between its passes where bytes
would lose too much; batches and colours as one array, of which it filters two axes. It has no half
floats: they are cast.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import filters
from ..cases import Case
from ..filters import Filter
from ..suite.contract import Buffers, Peer, Prepared
from .asking import Run, adapted, imported, rounded, scratch, writing

__all__ = ["PEERS"]

Array = NDArray[Any]

#: Levels that are lost by two passes, each of which cuts off what is behind the point.
_TWICE = 2.0
_CUT = "each pass cuts off what is behind the point"


def _axes(case: Case) -> tuple[int, int]:
    y = case.axes.index("y")
    return y, y + 1


def _linear(ndimage: Any, f: filters.Linear, case: Case, buffers: Buffers) -> Run:
    shape = [1] * len(case.axes)
    for axis, side in zip(_axes(case), f.weights.shape, strict=True):
        shape[axis] = side
    weights = f.weights.reshape(shape)
    return lambda image, out: ndimage.correlate(image, weights, mode=case.border, output=out)


def _gaussian(ndimage: Any, f: filters.Gaussian, case: Case, buffers: Buffers) -> Run:
    options: dict[str, Any] = {"mode": case.border, "radius": f.reach, "axes": _axes(case)}
    return lambda image, out: ndimage.gaussian_filter(image, f.sigma, output=out, **options)


def _box(ndimage: Any, f: filters.Box, case: Case, buffers: Buffers) -> Run:
    options: dict[str, Any] = {"mode": case.border, "axes": _axes(case)}
    return lambda image, out: ndimage.uniform_filter(image, f.side, output=out, **options)


def _sobel(ndimage: Any, f: filters.Sobel, case: Case, buffers: Buffers) -> Run:
    slopes = [(axis, scratch(buffers)) for axis in _axes(case)]

    def run(image: Array, out: Array) -> None:
        for axis, slope in slopes:
            ndimage.sobel(image, axis, slope, case.border)
        down, across = (slope for _, slope in slopes)
        rounded(np.hypot(down, across, out=down), out)

    return run


def _gradient(ndimage: Any, f: filters.Gradient, case: Case, buffers: Buffers) -> Run:
    strength = scratch(buffers)
    options: dict[str, Any] = {"mode": case.border, "output": strength, "axes": _axes(case)}

    def run(image: Array, out: Array) -> None:
        ndimage.gaussian_gradient_magnitude(image, f.sigma, **options)
        rounded(strength, out)

    return run


def _unsharp(ndimage: Any, f: filters.Unsharp, case: Case, buffers: Buffers) -> Run:
    sharp = scratch(buffers)
    options: dict[str, Any] = {"mode": case.border, "radius": f.reach, "axes": _axes(case)}

    def run(image: Array, out: Array) -> None:
        ndimage.gaussian_filter(image, f.sigma, output=sharp, **options)
        np.subtract(image, sharp, out=sharp)
        np.multiply(sharp, f.amount, out=sharp)
        np.add(sharp, image, out=sharp)
        rounded(sharp, out)

    return run


def _ranked(name: str) -> Callable[..., Run]:
    """Return what asks for a filter of windows; it may depend on the filter."""

    def ask(ndimage: Any, f: Any, case: Case, buffers: Buffers) -> Run:
        options: dict[str, Any] = {"mode": case.border, "axes": _axes(case)}
        filtered = getattr(ndimage, name.format(f))
        arguments = (f.percent, f.side) if isinstance(f, filters.Percentile) else (f.side,)
        return lambda image, out: filtered(image, *arguments, output=out, **options)

    return ask


#: What is called, and what asks for it.
_ASKED: dict[type[Filter], tuple[str, Callable[..., Run]]] = {
    filters.Linear: ("correlate", _linear),
    filters.Gaussian: ("gaussian_filter", _gaussian),
    filters.Box: ("uniform_filter", _box),
    filters.Sobel: ("sobel twice, hypot", _sobel),
    filters.Gradient: ("gaussian_gradient_magnitude", _gradient),
    filters.Unsharp: ("gaussian_filter, arithmetic", _unsharp),
    filters.Median: ("median_filter", _ranked("median_filter")),
    filters.Extreme: ("minimum_filter or maximum_filter", _ranked("{.which}_filter")),
    filters.Percentile: ("percentile_filter", _ranked("percentile_filter")),
}


def _prepare(case: Case, buffers: Buffers) -> Prepared:
    ndimage, f = imported("scipy.ndimage", "SciPy"), case.filter
    how, ask = adapted(_ASKED, f)
    call = writing(case, buffers, ask(ndimage, f, case, buffers))
    passes = isinstance(f, filters.Gaussian | filters.Box) and case.dtype in ("uint8", "uint16")
    limit, because = (_TWICE, _CUT) if passes else (None, "")
    return Prepared(call, f"ndimage.{how}", limit, because=because)


PEERS = (Peer("SciPy ndimage", ("scipy",), "cpu", _prepare),)
