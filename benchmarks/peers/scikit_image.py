"""scikit-image: one thread, some of its filters SciPy's; batches image by image.

It returns what it returns, float64 for bytes: results are brought to the image's scale off the
clock. Its windows of ranks leave out pixels that are outside: the image is padded first, on the
clock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import filters
from ..cases import Case
from ..filters import Filter
from ..suite.contract import Buffers, Peer, Prepared, Unable
from .asking import NUMPY_BORDERS, adapted, imported, padded, planes
from .skimage_like import MORPHOLOGY, UNIT, Asked, only_border, saturated, top

__all__ = ["PEERS"]

Array = NDArray[Any]

#: Levels by which its bilateral filter may be off in the mean: of a diameter of 9 it is by 2.5, the
#: image itself by 3.4 or more.
_SQUARE = 3.0


def _imported(module: str) -> Any:
    return imported(f"skimage.{module}", "scikit-image")


def _gaussian(f: filters.Gaussian, case: Case) -> Asked:
    blur = _imported("filters").gaussian
    options: dict[str, Any] = {"mode": case.border, "truncate": f.reach / f.sigma}
    options |= {"preserve_range": True, "channel_axis": case.channel_axis}

    def run(image: Array, out: Array) -> Array:
        target = out if out.dtype == np.float32 else None
        return np.asarray(blur(image, f.sigma, out=target, **options))

    return Asked("filters.gaussian", run)


def _sobel(f: filters.Sobel, case: Case) -> Asked:
    sobel, most = _imported("filters").sobel, top(case)
    _without_colours(case)
    return Asked(
        "filters.sobel",
        lambda image, out: sobel(image, mode=case.border),
        alike=lambda result: saturated(result * (UNIT * most), most),
    )


def _without_colours(case: Case) -> None:
    if case.channel_axis is not None:
        raise Unable("it takes colours for a third dimension")


def _unsharp(f: filters.Unsharp, case: Case) -> Asked:
    only_border(case, "reflect")
    sharpened, most = _imported("filters").unsharp_mask, top(case)
    options: dict[str, Any] = {"preserve_range": True, "channel_axis": case.channel_axis}
    return Asked(
        "filters.unsharp_mask",
        lambda image, out: sharpened(image, f.sigma, f.amount, **options),
        alike=lambda result: saturated(result, most),
    )


def _median(f: filters.Median, case: Case) -> Asked:
    """Ask for the faster of its two: of bytes by histograms, but for the smallest windows."""
    if case.dtype == "uint8" and f.side > 3:
        return _ranked(f, case, "median", {})
    _without_colours(case)
    median, window = _imported("filters").median, np.ones((f.side, f.side))
    return Asked(
        "filters.median, which is SciPy's",
        lambda image, out: median(image, window, out, case.border),
    )


def _percentile(f: filters.Percentile, case: Case) -> Asked:
    if case.dtype != "uint8":
        raise Unable("its percentiles are of histograms, of bytes")
    return _ranked(f, case, "percentile", {"p0": f.percent / 100})


def _ranked(f: Any, case: Case, name: str, options: dict[str, float]) -> Asked:
    """Ask for a rank by histograms, of the image's pixels and those beyond its edges."""
    _without_colours(case)
    reach, rank = f.reach, getattr(_imported("filters.rank"), name)
    window = np.ones((f.side, f.side), np.uint8)
    single = Case(f, case.dtype, case.shape[-2:], case.border)

    def run(image: Array, out: Array) -> Array:
        found = rank(padded(image, single, reach), window, **options)
        return np.asarray(found[reach:-reach, reach:-reach])

    return Asked(f"filters.rank.{name}", run)


def _extreme(f: filters.Extreme, case: Case) -> Asked:
    _without_colours(case)
    morphology = _imported("morphology")
    lines = morphology.footprint_rectangle((f.side, f.side), decomposition="separable")
    name = MORPHOLOGY[f.which]
    found = getattr(morphology, name)
    return Asked(
        f"morphology.{name} by a row and a column",
        lambda image, out: found(image, lines, out=out, mode=case.border),
    )


def _bilateral(f: filters.Bilateral, case: Case) -> Asked:
    if case.channel_axis is not None:
        raise Unable("its weights of colours are others: its result is further off than the image")
    denoised, most = _imported("restoration").denoise_bilateral, top(case)
    mode, color = NUMPY_BORDERS[case.border], f.color * case.level / most
    return Asked(
        "restoration.denoise_bilateral",
        lambda image, out: denoised(image, f.diameter, color, f.space, mode=mode),
        _SQUARE * case.level,
        "mean",
        "its window is a square, its weights of distance lie in another order",
        lambda result: result * most,
    )


def _nl_means(f: filters.NonLocalMeans, case: Case) -> Asked:
    only_border(case, "mirror")
    denoised, h = _imported("restoration").denoise_nl_means, f.h * case.level
    options: dict[str, Any] = {"preserve_range": True, "channel_axis": case.channel_axis}
    return Asked(
        "restoration.denoise_nl_means",
        lambda image, out: denoised(image, f.patch, f.search, h, **options),
        3.0 * case.level,
        "mean",
        "it approximates exp, and its sums of patches are a pixel off",
    )


def _canny(f: filters.Canny, case: Case) -> Asked:
    canny, limits = _imported("feature").canny, f.thresholds(case.dtype)
    _without_colours(case)
    return Asked(
        "feature.canny",
        lambda image, out: canny(image, f.sigma, *limits, mode=case.border),
        0.01,
        "share",
        "it blurs in float64, and leaves out the outermost pixels",
    )


def _wiener(f: filters.Wiener, case: Case) -> Asked:
    only_border(case, "wrap")
    wiener, blur = _imported("restoration").wiener, filters.psf()
    return Asked(
        "restoration.wiener", lambda image, out: wiener(image, blur, f.balance, clip=False)
    )


def _lucy(f: filters.RichardsonLucy, case: Case) -> Asked:
    only_border(case, "constant")
    lucy, blur = _imported("restoration").richardson_lucy, filters.psf()
    return Asked(
        "restoration.richardson_lucy",
        lambda image, out: lucy(image, blur, f.iterations, clip=False),
    )


_ASKED: dict[type[Filter], Callable[[Any, Case], Asked]] = {
    filters.Gaussian: _gaussian,
    filters.Sobel: _sobel,
    filters.Unsharp: _unsharp,
    filters.Median: _median,
    filters.Extreme: _extreme,
    filters.Percentile: _percentile,
    filters.Bilateral: _bilateral,
    filters.NonLocalMeans: _nl_means,
    filters.Canny: _canny,
    filters.Wiener: _wiener,
    filters.RichardsonLucy: _lucy,
}


def _prepare(case: Case, buffers: Buffers) -> Prepared:
    asked = adapted(_ASKED, case.filter)(case.filter, case)

    def call(i: int) -> list[Array]:
        both = (planes(each[i], case.axes) for each in (buffers.images, buffers.outs))
        return [asked.run(image, out) for image, out in zip(*both, strict=True)]

    limits = asked.allowed, asked.measure, asked.because
    return Prepared(
        call, asked.how, *limits, alike=lambda found: asked.alike(found).reshape(case.shape)
    )


PEERS = (Peer("scikit-image", ("scikit-image",), "cpu", _prepare),)
