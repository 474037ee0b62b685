"""cupyx.scipy.signal: sums over all taps, and Fourier transforms; it returns new arrays.

Weights are float32. Bytes and their float32 weights give float32, which is not rounded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import filters
from ..cases import Case
from ..suite.contract import Buffers, Peer, Prepared, Unable
from .asking import imported
from .cupyx_ndimage import CUPY
from .on_gpu import border_of

__all__ = ["PEERS"]

#: What it calls borders: "fill" is with zeros.
_BORDERS = {"constant": "fill", "reflect": "symm", "wrap": "wrap"}


def _modules() -> tuple[Any, Any]:
    return imported("cupy", "CuPy"), imported("cupyx.scipy.signal", "cupyx")


def _direct(case: Case, buffers: Buffers) -> Prepared:
    """Prepare a sum over all taps."""
    if not isinstance(case.filter, filters.Linear):
        raise Unable("has none")
    if case.axes != "yx":
        raise Unable("its correlate2d is of one image")
    cupy, signal = _modules()
    boundary, weights = border_of(case, _BORDERS), cupy.asarray(case.filter.weights)
    images = buffers.images
    return Prepared(
        lambda i: signal.correlate2d(images[i], weights, mode="same", boundary=boundary),
        "signal.correlate2d",
        *_inexact(case),
    )


def _transformed(case: Case, buffers: Buffers) -> Prepared:
    """Prepare products of transforms."""
    cupy, signal = _modules()
    if case.border != "constant":
        raise Unable("its fftconvolve has zeros outside")
    f, images = case.filter, buffers.images
    if isinstance(f, filters.RichardsonLucy):
        restored = _lucy(cupy, signal, f)
        return Prepared(lambda i: restored(images[i]), "signal.fftconvolve in a loop")
    if not isinstance(f, filters.Linear):
        raise Unable("has none")
    y = case.axes.index("y")
    turned = cupy.asarray(np.ascontiguousarray(f.weights[::-1, ::-1]))
    turned = turned.reshape((1,) * y + turned.shape + (1,) * case.axes.endswith("c"))
    return Prepared(
        lambda i: signal.fftconvolve(images[i], turned, mode="same", axes=(y, y + 1)),
        "signal.fftconvolve",
        *_inexact(case),
    )


def _inexact(case: Case) -> tuple[float | None, str, str]:
    """Return how far sums and transforms of float32 may be off, and why."""
    if case.dtype != "float32":
        return None, "", ""
    return 1e-5, "largest", "it sums, and transforms, in float32"


def _lucy(cupy: Any, signal: Any, f: filters.RichardsonLucy) -> Callable[[Any], Any]:
    weights = filters.psf()
    blur, back = cupy.asarray(weights), cupy.asarray(weights[::-1, ::-1].copy())

    def restored(image: Any) -> Any:
        found = cupy.full_like(image, 0.5)
        for _ in range(f.iterations):
            ratio = image / (signal.fftconvolve(found, blur, "same") + np.float32(1e-12))
            found *= signal.fftconvolve(ratio, back, "same")
        return found

    return restored


PEERS = (
    Peer("cupyx signal", CUPY, "cuda", _direct),
    Peer("cupyx signal, FFT", CUPY, "cuda", _transformed),
)
