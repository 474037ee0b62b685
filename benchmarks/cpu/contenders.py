"""Who is timed: every algorithm of gpuconv, the planner's choice, and peers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

import gpuconv as gc
from benchmarks.cpu.cells import Cell
from gpuconv.algorithms import ALGORITHMS

__all__ = ["PEERS", "Call", "algorithms", "calls"]

Array = NDArray[Any]
#: Filters rows of an image that has the cell's dtype and width.
Call = Callable[[Array], Array]

#: Of OpenCV and SciPy, which have several ways.
PEERS = ("ndimage", "signal", "opencv 1", "opencv 2")


def algorithms(cell: Cell) -> list[str]:
    """Return the names of the algorithms that can run the cell exactly.

    As many separable terms as the kernel has rows would do as well, and are never worth trying.
    """
    return [name for name in ALGORITHMS if _possible(cell, name)]


def _possible(cell: Cell, method: str) -> bool:
    if (cell.kind, method) == ("dense", "separable"):
        return False
    try:
        gc.plan(cell.image.shape, cell.dtype, cell.kernel, method=method)
    except gc.ArgumentError:
        return False
    return True


def calls(cell: Cell) -> Iterator[tuple[str, Call]]:
    """Yield everything that is timed for a cell, with its name."""
    yield "auto", _ours(cell, "auto")
    for name in algorithms(cell):
        yield name, _ours(cell, name)
    yield "ndimage", _ndimage(cell)
    yield "signal", _signal(cell)
    for threads in (1, 2):
        yield f"opencv {threads}", _opencv(cell, threads)


def _ours(cell: Cell, method: str) -> Call:
    out = np.empty_like(cell.image)

    def call(image: Array) -> Array:
        return gc.correlate(image, cell.kernel, out=out[: len(image)], method=method)

    return call


def _ndimage(cell: Cell) -> Call:
    out = np.empty_like(cell.image)

    def call(image: Array) -> Array:
        target = out[: len(image)]
        if cell.kind == "gaussian":
            ndimage.gaussian_filter(image, cell.sigma, radius=cell.taps // 2, output=target)
        elif cell.kind == "box":
            ndimage.uniform_filter(image, cell.taps, output=target)
        else:
            ndimage.correlate(image, cell.weights, output=target)
        return target

    return call


def _signal(cell: Cell) -> Call:
    """Convolve by Fourier transforms, in float32 and with zeros outside, as SciPy offers it."""
    weights = cell.weights[::-1, ::-1].astype(np.float32)

    def call(image: Array) -> Array:
        found: Array = signal.oaconvolve(image.astype(np.float32, copy=False), weights, "same")
        if cell.dtype == "uint8":
            return np.clip(np.rint(found), 0, 255).astype(np.uint8)
        return found

    return call


def _opencv(cell: Cell, threads: int) -> Call:
    out = np.empty_like(cell.image)
    sides, border = (cell.taps, cell.taps), cv2.BORDER_REFLECT
    weights = cell.weights.astype(np.float32)

    def call(image: Array) -> Array:
        cv2.setNumThreads(threads)
        target = out[: len(image)]
        if cell.kind == "gaussian":
            return cv2.GaussianBlur(image, sides, cell.sigma, target, cell.sigma, border)
        if cell.kind == "box":
            return cv2.blur(image, sides, target, borderType=border)
        return cv2.filter2D(image, -1, weights, target, borderType=border)

    return call
