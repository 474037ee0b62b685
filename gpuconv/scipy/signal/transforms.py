"""Convolution by Fourier transforms of whole arrays, or of pieces of lines that overlap.

The transforms are those of ``numpy.fft``, which are CuPy's for arrays on a GPU.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gpuconv.algorithms.fourier import good_sizes
from gpuconv.arrays import Array

__all__ = ["convolved", "piece"]

#: Points of transforms that stay in the caches next to a core, and whose calls cost little.
_PIECE = 2**12


def convolved(in1: Array, in2: Array, axes: tuple[int, ...]) -> Array:
    """Return the whole convolution along `axes`; along others arrays are multiplied.

    Examples
    --------
    >>> convolved(np.array([1.0, 2.0]), np.array([1.0, 1.0]), (0,)).round(9).tolist()
    [1.0, 3.0, 2.0]
    """
    first, second = _transformable(in1), _transformable(in2)
    if len(axes) == 1:
        return _along(first, second, axes[0])
    lengths = [first.shape[a] + second.shape[a] - 1 for a in axes]
    size = [good_sizes(n, n)[0] for n in lengths]
    real = "c" not in (first.dtype.kind, second.dtype.kind)
    there, back = (np.fft.rfftn, np.fft.irfftn) if real else (np.fft.fftn, np.fft.ifftn)
    # Of numbers that are not finite, products warn; that is enough.
    with np.errstate(all="ignore"):
        spectra = there(first, size, axes=axes), there(second, size, axes=axes)
    spectrum = spectra[0] * spectra[1]
    kept = [slice(None)] * first.ndim
    for axis, length in zip(axes, lengths, strict=True):
        kept[axis] = slice(length)
    with np.errstate(all="ignore"):
        whole: Array = back(spectrum, size, axes=axes)
    return whole[tuple(kept)]


def _transformable(array: Array) -> Array:
    """Return an array of a dtype that SciPy transforms in: whole numbers are doubles."""
    if array.dtype.kind in "fc" and array.dtype.char != "e":
        return array
    if array.dtype.kind == "O":
        return array.astype(np.result_type(*map(type, array.flat), np.float64))
    return array.astype(np.float32 if array.dtype.char == "e" else np.float64)


def piece(n: int, k: int) -> int:
    """Return the length of transforms for lines of `n` and `k` elements.

    Four times the shorter line: three quarters of what is transformed are then of use.

    Examples
    --------
    >>> piece(100, 5), piece(10**6, 5), piece(10**6, 5000)
    (108, 4096, 20480)
    """
    whole, least = n + k - 1, max(4 * min(n, k), _PIECE)
    size = good_sizes(min(whole, least), min(whole, least))[0]
    return size if size < whole else good_sizes(whole, whole)[0]


def _along(first: Array, second: Array, axis: int) -> Array:
    """Return the convolution of lines, piece by piece of the longer: overlap-add."""
    long, short = np.moveaxis(first, axis, -1), np.moveaxis(second, axis, -1)
    if long.shape[-1] < short.shape[-1]:
        long, short = short, long
    n, k = long.shape[-1], short.shape[-1]
    size = piece(n, k)
    step = size - k + 1
    count = -(-n // step)
    if count * step > n:
        long = np.pad(long, [(0, 0)] * (long.ndim - 1) + [(0, count * step - n)])
    pieces = long.reshape(*long.shape[:-1], count, step)
    products = _multiplied(pieces, short[..., None, :], size)
    whole = products[..., :step].copy()
    with np.errstate(all="ignore"):
        whole[..., 1:, : k - 1] += products[..., :-1, step:]
    lines = whole.reshape(*whole.shape[:-2], count * step)
    made = np.concatenate([lines, products[..., -1, step:]], axis=-1)[..., : n + k - 1]
    return np.moveaxis(made, -1, axis)


def _multiplied(pieces: Array, line: Array, size: int) -> Array:
    real = "c" not in (pieces.dtype.kind, line.dtype.kind)
    there: Any = np.fft.rfft if real else np.fft.fft
    back: Any = np.fft.irfft if real else np.fft.ifft
    with np.errstate(all="ignore"):
        spectra = there(pieces, size), there(line, size)
    spectrum = spectra[0] * spectra[1]
    with np.errstate(all="ignore"):
        product: Array = back(spectrum, size)
    return product
