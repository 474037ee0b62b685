"""scipy.signal and scipy.fft: sums by transforms in float32, on all cores.

Transforms know zeros outside, or the other end: for other borders the image is padded first, on
the clock, and integers and half floats are cast. What depends on the blur alone of a Wiener filter
is computed before. Of `fftconvolve` and `oaconvolve` the first is
the faster here, for kernels of 3×3 … 63×63.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.backends.host.threads import usable_cores

from .. import filters
from ..cases import Case
from ..filters import Filter
from ..suite.contract import Buffers, Peer, Prepared, Unable
from .asking import Run, adapted, imported, padded, rounded, writing

__all__ = ["PEERS"]

Array = NDArray[Any]

_LAPLACIAN = np.array([[0, -1, 0], [-1, 4, -1], [0, -1, 0]], np.float32)


def _linear(f: filters.Linear, case: Case) -> Run:
    signal, y = imported("scipy.signal", "SciPy"), case.axes.index("y")
    turned = f.weights[::-1, ::-1]
    turned = turned.reshape(*(1,) * y, *turned.shape, *(1,) * (len(case.axes) - y - 2))
    zeros = case.border == "constant"

    def run(image: Array, out: Array) -> None:
        wide = image.astype(np.float32, copy=False)
        if not zeros:
            wide = padded(wide, case, f.reach)
        size = "same" if zeros else "valid"
        rounded(signal.fftconvolve(wide, turned, size, axes=(y, y + 1)), out)

    return run


def _median(f: filters.Median, case: Case) -> Run:
    signal, reach = imported("scipy.signal", "SciPy"), f.reach
    if case.axes != "yx":
        raise Unable("its median is of 2-D images")

    def run(image: Array, out: Array) -> None:
        found = signal.medfilt2d(padded(image, case, reach), f.side)
        out[...] = found[reach:-reach, reach:-reach]

    return run


def _wiener(f: filters.Wiener, case: Case) -> Run:
    if (case.axes, case.border) != ("yx", "wrap"):
        raise Unable("a transform's images are 2-D, and periodic")
    fft = imported("scipy.fft", "SciPy")
    blur, rough = (_transfer(fft, w, case.shape) for w in (filters.psf(), _LAPLACIAN))
    inverse = blur.conj() / (np.abs(blur) ** 2 + np.float32(f.balance) * np.abs(rough) ** 2)

    def run(image: Array, out: Array) -> None:
        out[...] = fft.irfft2(inverse * fft.rfft2(image), image.shape, overwrite_x=True)

    return run


def _transfer(fft: Any, weights: Array, shape: tuple[int, ...]) -> Array:
    """Return the transform of weights whose middle is at the origin."""
    placed = np.zeros(shape, np.float32)
    rows, columns = weights.shape
    placed[:rows, :columns] = weights
    at_origin = np.roll(placed, (-(rows // 2), -(columns // 2)), (0, 1))
    return np.asarray(fft.rfft2(at_origin))


def _lucy(f: filters.RichardsonLucy, case: Case) -> Run:
    if (case.axes, case.border) != ("yx", "constant"):
        raise Unable("a convolution by transforms has zeros outside")
    signal, blur = imported("scipy.signal", "SciPy"), filters.psf()
    turned = np.ascontiguousarray(blur[::-1, ::-1])

    def run(image: Array, out: Array) -> None:
        out.fill(0.5)
        for _ in range(f.iterations):
            blurred = signal.fftconvolve(out, blur, "same")
            np.divide(image, np.maximum(blurred, 1e-12, out=blurred), out=blurred)
            np.multiply(out, signal.fftconvolve(blurred, turned, "same"), out=out)

    return run


#: What is called, and what asks for it.
_ASKED: dict[type[Filter], tuple[str, Callable[[Any, Case], Run]]] = {
    filters.Linear: ("signal.fftconvolve", _linear),
    filters.Median: ("signal.medfilt2d", _median),
    filters.Wiener: ("fft.rfft2 and irfft2", _wiener),
    filters.RichardsonLucy: ("signal.fftconvolve in a loop", _lucy),
}


def _prepare(case: Case, buffers: Buffers) -> Prepared:
    how, ask = adapted(_ASKED, case.filter)
    run, fft = ask(case.filter, case), imported("scipy.fft", "SciPy")
    written, workers = writing(case, buffers, run), usable_cores()

    def call(i: int) -> None:
        with fft.set_workers(workers):
            written(i)

    return Prepared(call, how)


PEERS = (Peer("SciPy signal", ("scipy",), "cpu", _prepare),)
