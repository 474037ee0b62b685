"""Blurs undone: Wiener's filter, and Richardson and Lucy's iteration, as scikit-image has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gpuconv import backends
from gpuconv.api import convolve
from gpuconv.arrays import Array
from gpuconv.exchange import public
from gpuconv.kernel import Kernel
from gpuconv.scipy import signal
from gpuconv.scipy.arguments import array_of, room_like
from gpuconv.skimage.laplacian import laplacian
from gpuconv.skimage.pixels import float_dtype

__all__ = ["richardson_lucy", "wiener"]

#: What Richardson and Lucy's iteration starts with, and what keeps it from dividing by 0.
_START, _LEAST = 0.5, 1e-12


@public
def wiener(
    image: Any,
    psf: Any,
    balance: float,
    reg: Any = None,
    is_real: bool = True,
    clip: bool = True,
) -> Array:
    """Undo a blur, and prefer smooth results: ``skimage.restoration.wiener``.

    Parameters
    ----------
    image : array_like
        Real pixels, of any number of axes; integers keep their values. It goes on with its other
        end outside.
    psf : array_like
        What a point became, its middle at ``shape // 2``; or its transfer function, which is known
        by its shape.
    balance : float
        How much to prefer smooth results: more for more noise.
    reg : array_like, optional
        What is kept small, by its weights or, if complex, by its transfer function; the default is
        the Laplacian.
    is_real : bool, default True
        Whether transfer functions are those of ``rfftn``, for real images; else of ``fftn``.
    clip : bool, default True
        Whether to limit results to −1 … 1.

    Returns
    -------
    ndarray
        Of float32 for images of it and of float16, else of float64; complex without `is_real`.

    Raises
    ------
    ArgumentError
        The image is complex.

    See Also
    --------
    gpuconv.wiener : does not ring at the frame, and finds `balance` by itself.

    Examples
    --------
    >>> points = np.zeros((16, 16))
    >>> points[4, 4] = points[9, 11] = 1
    >>> blurred = sum(np.roll(points, shift, axis=1) for shift in (-1, 0, 1)) / 3
    >>> np.argwhere(wiener(blurred, np.ones((1, 3)) / 3, 1e-6) > 0.5).tolist()
    [[4, 4], [9, 11]]
    """
    given = array_of(image)
    home, dtype = backends.owner(given), float_dtype(given.dtype)
    pixels, shape = given.astype(dtype, copy=False), given.shape
    rough = home.asarray(laplacian(given.ndim) if reg is None else reg)
    if rough.dtype.kind != "c":
        rough = _transfer(rough.astype(dtype, copy=False), pixels, is_real)
    rough = rough.real.astype(dtype, copy=False)
    blur = home.asarray(psf).real.astype(dtype, copy=False)
    if blur.shape != rough.shape:
        blur = _transfer(blur, pixels, is_real)
    axes = tuple(range(pixels.ndim))
    spectrum = np.fft.rfftn(pixels, axes=axes) if is_real else np.fft.fftn(pixels, axes=axes)
    spectrum *= np.conj(blur) / (np.abs(blur) ** 2 + balance * rough**2)
    restored: Array = (
        np.fft.irfftn(spectrum, shape, axes=axes) if is_real else np.fft.ifftn(spectrum, axes=axes)
    )
    return _limited(restored) if clip else restored


def _transfer(weights: Array, pixels: Array, is_real: bool) -> Array:
    """Return the transfer function of weights over periodic images like `pixels`."""
    sheet = room_like(pixels, pixels.shape, weights.dtype)
    sheet[...] = 0
    sheet[tuple(map(slice, weights.shape))] = weights
    axes = tuple(range(weights.ndim))
    sheet = np.roll(sheet, [-(side // 2) for side in weights.shape], axis=axes)
    return np.fft.rfftn(sheet, axes=axes) if is_real else np.fft.fftn(sheet, axes=axes)


@public
def richardson_lucy(
    image: Any,
    psf: Any,
    num_iter: int = 50,
    clip: bool = True,
    filter_epsilon: float | None = None,
) -> Array:
    """Undo a blur step by step, for light that is counted: ``skimage.restoration.richardson_lucy``.

    Parameters
    ----------
    image : array_like
        Real pixels, of any number of axes; integers keep their values. It is dark outside.
    psf : array_like
        What a point became, of as many axes.
    num_iter : int, default 50
        How many steps.
    clip : bool, default True
        Whether to limit results to −1 … 1.
    filter_epsilon : float, optional
        Where the blurred estimate is below this, the comparison with the image is 0.

    Returns
    -------
    ndarray
        Of float32 for images of it and of float16, else of float64.

    Raises
    ------
    ArgumentError
        The image is complex, or `psf` has another number of axes.

    See Also
    --------
    gpuconv.richardson_lucy : does not ring at the frame, and works in place.

    Examples
    --------
    >>> points = np.zeros((16, 16))
    >>> points[4, 4] = points[9, 11] = 1
    >>> blurred = sum(np.roll(points, shift, axis=1) for shift in (-1, 0, 1)) / 3
    >>> np.argwhere(richardson_lucy(blurred, np.ones((1, 3)) / 3) > 0.5).tolist()
    [[4, 4], [9, 11]]
    """
    given = array_of(image)
    dtype = float_dtype(given.dtype)
    pixels = given.astype(dtype, copy=False)
    blur = np.asarray(psf).astype(dtype, copy=False)
    there, back = _blur(pixels, blur), _blur(pixels, np.flip(blur))
    estimate = room_like(pixels, pixels.shape, dtype)
    estimate[...] = _START
    # Where there is no light, 0 / 0 may come up, as in scikit-image.
    for _ in range(num_iter):
        shown = there(estimate)
        shown += _LEAST
        ratio = np.divide(pixels, shown)
        if filter_epsilon:
            ratio[shown < filter_epsilon] = 0
        estimate *= back(ratio)
    return _limited(estimate) if clip else estimate


def _blur(pixels: Array, weights: Array) -> Callable[[Array], Array]:
    """Return what convolves images like `pixels`, dark outside, with some weights."""
    home = backends.owner(pixels)
    if pixels.ndim != 2 or weights.ndim != 2 or not weights.size:
        beside = home.asarray(weights)
        return lambda image: signal.convolve(image, beside, mode="same")
    # SciPy's middle of an even number of weights lies before ours.
    anchor = (weights.shape[0] - 1) // 2, (weights.shape[1] - 1) // 2
    kernel = Kernel(weights, anchor=anchor)
    return lambda image: convolve(image, kernel, border="constant")


def _limited(restored: Array) -> Array:
    """Limit results to −1 … 1, in place; NaN stays."""
    restored[restored > 1] = 1
    restored[restored < -1] = -1
    return restored
