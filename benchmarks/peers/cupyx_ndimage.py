"""cupyx.scipy.ndimage: weights in float32, which it would have in float64 by itself, and outputs.

What is none of its functions is written of them, the last step as one kernel that CuPy fuses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import filters
from ..cases import Case
from ..filters import Filter
from ..suite.contract import Buffers, Peer, Prepared
from .asking import adapted, imported
from .on_gpu import two_roundings

__all__ = ["CUPY", "PEERS"]

#: Distributions of CuPy.
CUPY = ("cupy-cuda13x", "cupy-cuda12x", "cupy-cuda11x", "cupy")
#: Filters an image into an output; where it does not, it returns the result.
_Run = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class _Library:
    """CuPy, for a case."""

    case: Case
    cupy: Any
    ndimage: Any

    def along(self, inside: float, else_: float) -> tuple[float, ...]:
        """Return a parameter for each axis: of rows and columns, and of what is not filtered."""
        return tuple(inside if axis in "yx" else else_ for axis in self.case.axes)

    def fused(self, values: Callable[..., Any]) -> Callable[..., Any]:
        """Return one kernel of a function of float32, whose result is of the image's dtype."""
        cupy, dtype = self.cupy, np.dtype(self.case.dtype)
        top = None if dtype.kind == "f" else np.float32(np.iinfo(dtype).max)

        @cupy.fuse()  # type: ignore[untyped-decorator]
        def kernel(*arrays: Any) -> Any:
            found = values(*(array.astype(np.float32) for array in arrays))
            if top is None:
                return found
            return cupy.minimum(cupy.maximum(cupy.rint(found), np.float32(0)), top).astype(dtype)

        return kernel  # type: ignore[no-any-return]


def _linear(of: _Library, f: filters.Linear) -> _Run:
    ones = (1,) * of.case.axes.index("y")
    weights = of.cupy.asarray(f.weights)
    weights = weights.reshape(*ones, *weights.shape, *((1,) * of.case.axes.endswith("c")))
    mode = of.case.border
    return lambda image, out: of.ndimage.correlate(image, weights, mode=mode, output=out)


def _gaussian(of: _Library, f: filters.Gaussian) -> _Run:
    sigma, mode = of.along(f.sigma, 0), of.case.border
    return lambda image, out: of.ndimage.gaussian_filter(
        image, sigma, mode=mode, truncate=f.reach / f.sigma, output=out
    )


def _box(of: _Library, f: filters.Box) -> _Run:
    side, mode = of.along(f.side, 1), of.case.border
    return lambda image, out: of.ndimage.uniform_filter(image, side, mode=mode, output=out)


def _sobel(of: _Library, f: filters.Sobel) -> _Run:
    length, mode = of.fused(of.cupy.hypot), of.case.border
    return lambda image, out: length(
        *(of.ndimage.sobel(image, axis, np.float32, mode) for axis in (0, 1))
    )


def _gradient(of: _Library, f: filters.Gradient) -> _Run:
    strength, mode = of.ndimage.gaussian_gradient_magnitude, of.case.border
    if of.case.dtype == "float32":
        return lambda image, out: strength(image, f.sigma, output=out, mode=mode)
    kept = of.fused(lambda found: found)
    return lambda image, out: kept(strength(image, f.sigma, output=np.float32, mode=mode))


def _unsharp(of: _Library, f: filters.Unsharp) -> _Run:
    more, less, mode = np.float32(1 + f.amount), np.float32(f.amount), of.case.border
    sharpened = of.fused(lambda image, blurred: image * more - blurred * less)
    return lambda image, out: sharpened(
        image, of.ndimage.gaussian_filter(image, f.sigma, output=np.float32, mode=mode)
    )


def _median(of: _Library, f: filters.Median) -> _Run:
    side, mode = of.along(f.side, 1), of.case.border
    return lambda image, out: of.ndimage.median_filter(image, side, mode=mode, output=out)


def _percentile(of: _Library, f: filters.Percentile) -> _Run:
    side, mode = of.along(f.side, 1), of.case.border
    return lambda image, out: of.ndimage.percentile_filter(
        image, f.percent, side, mode=mode, output=out
    )


def _extreme(of: _Library, f: filters.Extreme) -> _Run:
    side, mode, found = of.along(f.side, 1), of.case.border, getattr(of.ndimage, _NAMES[f.which])
    return lambda image, out: found(image, side, mode=mode, output=out)


_NAMES = {"minimum": "minimum_filter", "maximum": "maximum_filter"}

#: What is called, and what asks for it.
_ASKED: dict[type[Filter], tuple[str, Callable[[_Library, Any], _Run]]] = {
    filters.Linear: ("ndimage.correlate", _linear),
    filters.Gaussian: ("ndimage.gaussian_filter", _gaussian),
    filters.Box: ("ndimage.uniform_filter", _box),
    filters.Sobel: ("ndimage.sobel twice, hypot", _sobel),
    filters.Gradient: ("ndimage.gaussian_gradient_magnitude", _gradient),
    filters.Unsharp: ("ndimage.gaussian_filter, fused", _unsharp),
    filters.Median: ("ndimage.median_filter", _median),
    filters.Percentile: ("ndimage.percentile_filter", _percentile),
    filters.Extreme: ("ndimage.minimum_filter or maximum_filter", _extreme),
}
#: Filters of two passes, with what lies between them in the output's dtype.
_TWO_PASSES = (filters.Gaussian, filters.Box)


def _prepare(case: Case, buffers: Buffers) -> Prepared:
    how, ask = adapted(_ASKED, case.filter)
    of = _Library(case, imported("cupy", "CuPy"), imported("cupyx.scipy.ndimage", "cupyx"))
    run, images, outs = ask(of, case.filter), buffers.images, buffers.outs
    limits = two_roundings(case) if isinstance(case.filter, _TWO_PASSES) else (None, "", "")
    return Prepared(lambda i: run(images[i], outs[i]), how, *limits)


PEERS = (Peer("cupyx ndimage", CUPY, "cuda", _prepare),)
