"""gpuconv, on both devices: the same calls."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import gpuconv as gc

from .. import filters
from ..cases import Case
from ..filters import Filter
from ..suite.contract import Buffers, Peer, Prepared

__all__ = ["PEERS"]

#: Calls gpuconv: (filter, image, options) → anything.
_Ask = Callable[[Any, Any, dict[str, Any]], object]


def _linear(f: Any, image: Any, options: dict[str, Any]) -> object:
    return gc.correlate(image, f.kernel, **options)


_ASKED: dict[type[Filter], tuple[str, _Ask]] = {
    filters.Dense: ("correlate", _linear),
    filters.Gaussian: ("correlate", _linear),
    filters.Box: ("correlate", _linear),
    filters.Sobel: ("sobel", lambda f, i, o: gc.sobel(i, **o)),
    filters.Gradient: (
        "gradient_magnitude",
        lambda f, i, o: gc.gradient_magnitude(i, f.sigma, **o),
    ),
    filters.Unsharp: ("unsharp_mask", lambda f, i, o: gc.unsharp_mask(i, f.sigma, f.amount, **o)),
    filters.Median: ("median", lambda f, i, o: gc.median(i, f.side, **o)),
    filters.Percentile: ("percentile", lambda f, i, o: gc.percentile(i, f.percent, f.side, **o)),
    filters.Extreme: ("minimum or maximum", lambda f, i, o: getattr(gc, f.which)(i, f.side, **o)),
    filters.Wiener: ("wiener", lambda f, i, o: gc.wiener(i, filters.psf(), f.balance, **o)),
    filters.RichardsonLucy: (
        "richardson_lucy",
        lambda f, i, o: gc.richardson_lucy(i, filters.psf(), f.iterations, **o),
    ),
}


def _prepare(case: Case, buffers: Buffers) -> Prepared:
    images, outs, f = buffers.images, buffers.outs, case.filter
    device = None if buffers.device == "cpu" else buffers.device
    shared: dict[str, Any] = {"border": case.border, "device": device}
    if case.channel_axis is not None:
        shared["channel_axis"] = case.channel_axis
    if isinstance(f, filters.Canny):
        limits = f.sigma, *f.thresholds(case.dtype)
        return Prepared(lambda i: gc.canny(images[i], *limits, **shared), "canny")
    if isinstance(f, filters.Bilateral):
        sigmas: dict[str, Any] = {"sigma_color": f.color * case.level, "sigma_space": f.space}
        return Prepared(
            lambda i: gc.bilateral(images[i], f.diameter, **sigmas, **shared, out=outs[i]),
            "bilateral",
        )
    if isinstance(f, filters.NonLocalMeans):
        h = f.h * case.level
        return Prepared(
            lambda i: gc.nl_means(images[i], f.patch, f.search, h=h, **shared, out=outs[i]),
            "nl_means",
        )
    how, ask = _ASKED[type(f)]
    return Prepared(lambda i: ask(f, images[i], {**shared, "out": outs[i]}), how)


def _on_one_thread(case: Case, buffers: Buffers) -> Prepared:
    """Prepare the same for a thread alone, beside libraries that have one."""
    every = _prepare(case, buffers)

    def call(i: int) -> Any:
        before = os.environ.get(_THREADS)
        os.environ[_THREADS] = "1"
        try:
            return every.call(i)
        finally:
            if before is None:
                del os.environ[_THREADS]
            else:
                os.environ[_THREADS] = before

    return Prepared(call, every.how)


_THREADS = "GPUCONV_NUM_THREADS"

PEERS = (
    Peer("gpuconv", ("gpuconv",), "cpu", _prepare),
    Peer("gpuconv, 1 thread", ("gpuconv",), "cpu", _on_one_thread),
    Peer("gpuconv", ("gpuconv",), "cuda", _prepare),
)
