"""cuCIM, which is scikit-image on a GPU; it writes to an array of the caller's where it takes one.

Gradients have scikit-image's scale, bytes 0 … 1: results are brought to the image's off the clock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from .. import filters
from ..cases import Case
from ..filters import Filter
from ..suite.contract import Buffers, Peer, Prepared, Unable
from .asking import adapted, imported
from .skimage_like import MORPHOLOGY, UNIT, Asked, only_border, saturated, top

__all__ = ["PEERS"]

Array = NDArray[Any]


def _module(name: str) -> Any:
    return imported(f"cucim.skimage.{name}", "cuCIM")


def _planar(case: Case) -> None:
    if case.axes != "yx":
        raise Unable("it takes colours, and images of a batch, for another dimension")


def _gaussian(f: filters.Gaussian, case: Case) -> Asked:
    blur, options = _module("filters").gaussian, {"mode": case.border, "preserve_range": True}
    options |= {"truncate": f.reach / f.sigma, "channel_axis": _apart(case)}
    if case.dtype == "float32":
        return Asked("filters.gaussian", lambda i, out: blur(i, f.sigma, out=out, **options))
    return Asked("filters.gaussian, to float32", lambda i, out: blur(i, f.sigma, **options))


def _apart(case: Case) -> int | None:
    """Return the axis of planes that are filtered by themselves."""
    return {"yx": None, "yxc": -1, "nyx": 0}[case.axes]


def _sobel(f: filters.Sobel, case: Case) -> Asked:
    _planar(case)
    sobel, most = _module("filters").sobel, top(case)

    return Asked(
        "filters.sobel",
        lambda i, out: sobel(i, mode=case.border),
        alike=lambda result: saturated(result * (UNIT * most), most),
    )


def _unsharp(f: filters.Unsharp, case: Case) -> Asked:
    only_border(case, "reflect")
    sharpened, most = _module("filters").unsharp_mask, top(case)
    options = {"preserve_range": True, "channel_axis": _apart(case)}
    return Asked(
        "filters.unsharp_mask",
        lambda image, out: sharpened(image, f.sigma, f.amount, **options),
        alike=lambda result: saturated(result, most),
    )


def _median(f: filters.Median, case: Case) -> Asked:
    _planar(case)
    median, side = _module("filters").median, (f.side, f.side)
    return Asked("filters.median", lambda i, out: median(i, side, out, mode=case.border))


def _extreme(f: filters.Extreme, case: Case) -> Asked:
    _planar(case)
    morphology, name = _module("morphology"), MORPHOLOGY[f.which]
    found = getattr(morphology, name)
    lines = morphology.footprint_rectangle((f.side, f.side), decomposition="separable")
    return Asked(
        f"morphology.{name} by a row and a column",
        lambda image, out: found(image, lines, out=out, mode=case.border),
    )


def _canny(f: filters.Canny, case: Case) -> Asked:
    _planar(case)
    canny, limits = _module("feature").canny, f.thresholds(case.dtype)
    return Asked(
        "feature.canny",
        lambda image, out: canny(image, f.sigma, *limits, mode=case.border),
        0.02,
        "share",
        "it leaves out the outermost pixels",
    )


def _wiener(f: filters.Wiener, case: Case) -> Asked:
    only_border(case, "wrap")
    wiener, blur = _module("restoration").wiener, _blur()
    return Asked("restoration.wiener", lambda i, out: wiener(i, blur, f.balance, clip=False))


def _lucy(f: filters.RichardsonLucy, case: Case) -> Asked:
    only_border(case, "constant")
    lucy, blur = _module("restoration").richardson_lucy, _blur()
    return Asked(
        "restoration.richardson_lucy", lambda i, out: lucy(i, blur, f.iterations, clip=False)
    )


def _blur() -> Any:
    return imported("cupy", "CuPy").asarray(filters.psf())


_ASKED: dict[type[Filter], Callable[[Any, Case], Asked]] = {
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
