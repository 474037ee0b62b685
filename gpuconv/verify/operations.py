"""Filters to verify that are no sums, by name: each form that an engine may run in its own way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv import dtypes, operations, reference
from gpuconv.kernel import Kernel
from gpuconv.kernels import motion_blur
from gpuconv.neighbourhood import Bilateral, NonLocalMeans, Rank

__all__ = ["OPERATIONS", "Operation", "stored"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Operation:
    """A function of the library with its arguments, and its definition."""

    function: Callable[..., Any]
    arguments: dict[str, Any]
    #: From (image, dtype, joint, options of the border): the result.
    define: Callable[..., Array]
    #: Whether results are pixels of the image, bit by bit, and of no other dtype.
    selects: bool = False
    #: Options of a case that the function is called with.
    options: tuple[str, ...] = ("border", "cval", "dtype", "method")


def _rank(name: str, **arguments: Any) -> Operation:
    make = Rank.of if name == "rank" else getattr(Rank, name)
    wanted: Rank = make(**arguments)

    def define(image: Array, dtype: Any, joint: bool, **border: Any) -> Array:
        at = wanted.anchor
        return reference.rank(image, wanted.footprint, wanted.index, anchor=at, **border)

    options = ("border", "cval", "method")
    return Operation(getattr(operations, name), arguments, define, selects=True, options=options)


def _bilateral(**arguments: Any) -> Operation:
    wanted = Bilateral.of(**arguments)
    sizes = wanted.radius, wanted.sigma_color, wanted.sigma_space

    def define(image: Array, dtype: Any, joint: bool, **border: Any) -> Array:
        return reference.bilateral(image, *sizes, joint=joint, dtype=dtype, **border)

    return Operation(operations.bilateral, arguments, define)


def _nl_means(**arguments: Any) -> Operation:
    wanted = NonLocalMeans.of(**arguments)
    sizes = wanted.patch_size, wanted.search_distance, wanted.h, wanted.sigma

    def define(image: Array, dtype: Any, joint: bool, **border: Any) -> Array:
        return reference.nl_means(image, *sizes, joint=joint, dtype=dtype, **border)

    return Operation(operations.nl_means, arguments, define)


def _richardson_lucy(psf: Kernel, iterations: int) -> Operation:
    """Return the iteration within a border."""

    def define(image: Array, dtype: Any, joint: bool, **border: Any) -> Array:
        estimate = np.full(image.shape, 0.5)
        for _ in range(iterations):
            blurred = reference.convolve(estimate, psf, **border)
            estimate *= reference.correlate(image / blurred, psf, border=border["border"])
        return stored(estimate / psf.weights.sum() ** iterations, dtype)

    arguments = {"psf": psf, "iterations": iterations}
    options = ("border", "cval", "dtype")
    return Operation(operations.richardson_lucy, arguments, define, options=options)


def _richardson_lucy_beyond(psf: Kernel, iterations: int) -> Operation:
    """Return the iteration that estimates the surroundings, too."""
    (rows, columns), (y, x) = psf.shape, psf.anchor

    def define(image: Array, dtype: Any, joint: bool) -> Array:
        *batch, height, width = image.shape
        estimate = np.full((*batch, height + rows - 1, width + columns - 1), 0.5)
        seen = reference.correlate(np.ones(image.shape), psf, border="constant", size="full")
        for _ in range(iterations):
            ratio = image / reference.convolve(estimate, psf, size="valid")
            votes = reference.correlate(ratio, psf, border="constant", size="full")
            estimate = np.where(seen > 1e-2, estimate * votes / np.maximum(seen, 1e-2), 0)
        top, left = rows - 1 - y, columns - 1 - x
        return stored(estimate[..., top : top + height, left : left + width], dtype)

    arguments = {"psf": psf, "iterations": iterations}
    return Operation(operations.richardson_lucy, arguments, define, options=("dtype",))


def _wiener(psf: Kernel, balance: float) -> Operation:
    """Return the inverse over a torus, which is the formula: for border="wrap"."""
    laplacian = Kernel([[0, -1, 0], [-1, 4, -1], [0, -1, 0]])

    def define(image: Array, dtype: Any, joint: bool, **border: Any) -> Array:
        size = image.shape[-2:]
        blur, rough = _spectrum(psf, size), _spectrum(laplacian, size)
        inverse = blur.conj() / (abs(blur) ** 2 + balance * abs(rough) ** 2)
        seen = np.fft.rfft2(image.astype(np.float64))
        return stored(np.fft.irfft2(seen * inverse, size), dtype)

    arguments = {"psf": psf, "balance": balance}
    return Operation(operations.wiener, arguments, define, options=("border", "cval", "dtype"))


def _spectrum(kernel: Kernel, size: tuple[int, ...]) -> Array:
    """Return the spectrum of a kernel whose anchor is pixel (0, 0) of a torus."""
    places = (np.arange(n) - at for n, at in zip(kernel.shape, kernel.anchor, strict=True))
    around = np.zeros(size)
    rows, columns = (at % n for at, n in zip(places, size, strict=True))
    np.add.at(around, np.ix_(rows, columns), kernel.weights)
    return np.fft.rfft2(around)


def _canny(**arguments: Any) -> Operation:
    """Return the detector, defined by the CPU engine's, whose tests compare it pixel for pixel."""

    def define(image: Array, dtype: Any, joint: bool) -> Array:
        return np.asarray(operations.canny(image, **arguments, device="cpu"))

    return Operation(operations.canny, arguments, define, selects=True, options=())


def stored(values: Array, dtype: Any) -> Array:
    """Return float values as the library stores them in a dtype."""
    out = np.empty(values.shape, dtype)
    dtypes.store(values, out)
    return out


_RING = np.hypot(*np.mgrid[-4:5, -4:5]).round() == 4

OPERATIONS: dict[str, Operation] = {
    **{f"median {side}": _rank("median", size=side) for side in (3, 5, 7, 9, 11, 15, 21, 31)},
    "rank 7 of 4×6": _rank("rank", rank=7, size=(4, 6)),
    "quartile 5": _rank("percentile", percentile=25, size=5),
    "minimum 3": _rank("minimum", size=3),
    "minimum 4×9": _rank("minimum", size=(4, 9), anchor=(0, 8)),
    "maximum 15": _rank("maximum", size=15),
    "cross": _rank("median", footprint=[[0, 1, 0], [1, 1, 1], [0, 1, 0]]),
    "ring": _rank("median", footprint=_RING.astype(int)),
    "row of 9": _rank("median", size=(1, 9)),
    "bilateral 5": _bilateral(diameter=5, sigma_color=40.0),
    "bilateral 9": _bilateral(diameter=9, sigma_color=25.0, sigma_space=3.0),
    "bilateral 31": _bilateral(diameter=31, sigma_color=30.0),
    "nl_means 3": _nl_means(patch_size=3, search_distance=3, h=20.0, sigma=5.0),
    "nl_means 7": _nl_means(patch_size=7, search_distance=5, h=12.0),
    "nl_means even": _nl_means(patch_size=4, search_distance=2, h=15.0),
    "richardson_lucy": _richardson_lucy(motion_blur(7, 30), 4),
    "richardson_lucy beyond": _richardson_lucy_beyond(motion_blur(7, 30), 4),
    "wiener": _wiener(motion_blur(7, 30), 0.1),
    "canny": _canny(sigma=1.2),
}
