"""cuCIM, which is scikit-image on a GPU; it writes to an array of the caller's where it takes one.

Gradients have scikit-image's scale, bytes 0 … 1: results are brought to the image's off the clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import filters
from ..cases import Case
from ..filters import Filter
from ..suite.contract import Buffers, Peer, Prepared, Unable, as_it_is
from .asking import adapted, imported

__all__ = ["PEERS"]

Array = NDArray[Any]

#: What sobel returns is of slopes whose weights sum to 1, and a mean of both.
_UNIT = 4 * 2**0.5


@dataclass(frozen=True)
class _Asked:
    """A function of it, and what must be known of its results."""

    how: str
    #: Filters an image; it may write to the second, and returns the result.
    run: Callable[[Any, Any], Any]
    allowed: float | None = None
    measure: str = ""
    because: str = ""
    alike: Callable[[Array], Array] = as_it_is


def _module(name: str) -> Any:
    return imported(f"cucim.skimage.{name}", "cuCIM")


def _top(case: Case) -> float:
    """Return what 1 stands for in the image."""
    return float(np.iinfo(case.dtype).max) if case.dtype.startswith("uint") else 1.0


def _planar(case: Case) -> None:
    if case.axes != "yx":
        raise Unable("it takes colours, and images of a batch, for another dimension")


def _border(case: Case, border: str) -> None:
    if case.border != border:
        raise Unable(f"its border is {border!r}")


def _gaussian(f: filters.Gaussian, case: Case) -> _Asked:
    blur, options = _module("filters").gaussian, {"mode": case.border, "preserve_range": True}
    options |= {"truncate": f.reach / f.sigma, "channel_axis": _apart(case)}
    if case.dtype == "float32":
        return _Asked("filters.gaussian", lambda i, out: blur(i, f.sigma, out=out, **options))
    return _Asked("filters.gaussian, to float32", lambda i, out: blur(i, f.sigma, **options))


def _apart(case: Case) -> int | None:
    """Return the axis of planes that are filtered by themselves."""
    return {"yx": None, "yxc": -1, "nyx": 0}[case.axes]


def _sobel(f: filters.Sobel, case: Case) -> _Asked:
    _planar(case)
    sobel, top = _module("filters").sobel, _top(case)

    def alike(result: Array) -> Array:
        strength = result * (_UNIT * top)
        return np.minimum(strength, top) if top > 1 else strength

    return _Asked("filters.sobel", lambda i, out: sobel(i, mode=case.border), alike=alike)


def _unsharp(f: filters.Unsharp, case: Case) -> _Asked:
    _border(case, "reflect")
    sharpened, top = _module("filters").unsharp_mask, _top(case)
    options = {"preserve_range": True, "channel_axis": _apart(case)}
    return _Asked(
        "filters.unsharp_mask",
        lambda image, out: sharpened(image, f.sigma, f.amount, **options),
        alike=lambda result: result.clip(0, top) if top > 1 else result,
    )


def _median(f: filters.Median, case: Case) -> _Asked:
    _planar(case)
    median, side = _module("filters").median, (f.side, f.side)
    return _Asked("filters.median", lambda i, out: median(i, side, out, mode=case.border))


def _extreme(f: filters.Extreme, case: Case) -> _Asked:
    _planar(case)
    morphology, name = _module("morphology"), _MORPHOLOGY[f.which]
    found = getattr(morphology, name)
    lines = morphology.footprint_rectangle((f.side, f.side), decomposition="separable")
    return _Asked(
        f"morphology.{name} by a row and a column",
        lambda image, out: found(image, lines, out=out, mode=case.border),
    )


_MORPHOLOGY = {"minimum": "erosion", "maximum": "dilation"}


def _canny(f: filters.Canny, case: Case) -> _Asked:
    _planar(case)
    canny, limits = _module("feature").canny, f.thresholds(case.dtype)
    return _Asked(
        "feature.canny",
        lambda image, out: canny(image, f.sigma, *limits, mode=case.border),
        0.02,
        "share",
        "it leaves out the outermost pixels",
    )


def _wiener(f: filters.Wiener, case: Case) -> _Asked:
    _border(case, "wrap")
    wiener, blur = _module("restoration").wiener, _blur()
    return _Asked("restoration.wiener", lambda i, out: wiener(i, blur, f.balance, clip=False))


def _lucy(f: filters.RichardsonLucy, case: Case) -> _Asked:
    _border(case, "constant")
    lucy, blur = _module("restoration").richardson_lucy, _blur()
    return _Asked(
        "restoration.richardson_lucy", lambda i, out: lucy(i, blur, f.iterations, clip=False)
    )


def _blur() -> Any:
    return imported("cupy", "CuPy").asarray(filters.psf())


_ASKED: dict[type[Filter], Callable[[Any, Case], _Asked]] = {
    filters.Gaussian: _gaussian,
    filters.Sobel: _sobel,
    filters.Unsharp: _unsharp,
    filters.Median: _median,
    filters.Extreme: _extreme,
    filters.Canny: _canny,
    filters.Wiener: _wiener,
    filters.RichardsonLucy: _lucy,
}


def _prepare(case: Case, buffers: Buffers) -> Prepared:
    asked = adapted(_ASKED, case.filter)(case.filter, case)
    images, outs, run = buffers.images, buffers.outs, asked.run
    limits = asked.allowed, asked.measure, asked.because
    return Prepared(lambda i: run(images[i], outs[i]), asked.how, *limits, alike=asked.alike)


PEERS = (Peer("cuCIM", ("cucim-cu13", "cucim-cu12", "cucim"), "cuda", _prepare),)
