"""Sums of integers as SciPy has them: exact, modulo 2**bits, however large they grow.

The engines sum integers in floats, exactly as long as no sum can pass 2**53. Larger ones are put
together from those of pieces: 16 bits of each pixel and of each weight at a time.
"""

from __future__ import annotations

from math import ceil, log2
from typing import Any

import numpy as np

from gpuconv.api import convolve
from gpuconv.arrays import Array
from gpuconv.epilogue import Epilogue
from gpuconv.kernel import Kernel
from gpuconv.scipy.arguments import room_like
from gpuconv.scipy.signal.known import kernel_of

__all__ = ["summed"]

#: Integers up to which float64 holds every one.
_EXACT = 2**53

#: Bits of a pixel that are summed at a time, the engines' next to largest unsigned integers.
_PIECE = 16

_WRAPPED = Epilogue(wrap=True)


def summed(
    image: Array,
    weights: Array,
    anchor: tuple[int, int],
    cval: int,
    out: Array,
    **options: Any,
) -> None:
    """Convolve planes of integers with integer weights, which lie in host memory, into `out`.

    Examples
    --------
    >>> made = np.empty((1, 1), np.int64)
    >>> summed(np.array([[2**62 + 1]]), np.array([[5]]), (0, 0), 0, made, border="constant")
    >>> int(made[0, 0]) == (5 * (2**62 + 1) + 2**63) % 2**64 - 2**63
    True
    """
    kernel = kernel_of(weights, anchor)
    pixels = _narrowed(image)
    largest = max(2 ** (8 * pixels.itemsize), abs(cval))
    if kernel is not None and kernel.total * largest < _EXACT:
        convolve(pixels, kernel, cval=cval, out=out, epilogue=_WRAPPED, **options)
    else:
        _in_pieces(image, weights, anchor, cval, out, options)


def _narrowed(image: Array) -> Array:
    """Return an image of wide integers in the narrowest dtype that holds its pixels."""
    if image.itemsize < 4 or not image.size:
        return image
    low, high = int(image.min()), int(image.max())
    dtype = np.result_type(np.min_scalar_type(low), np.min_scalar_type(high))
    if dtype.kind not in "iu" or dtype.itemsize >= image.itemsize:
        return image
    return image.astype(dtype)


def _in_pieces(
    image: Array,
    weights: Array,
    anchor: tuple[int, int],
    cval: int,
    out: Array,
    options: dict[str, Any],
) -> None:
    bits = max(8 * out.itemsize, _PIECE)
    # So many bits of a weight that the sum of all products is below 2**53.
    share = min(_PIECE, 53 - _PIECE - ceil(log2(weights.size)))
    wide = room_like(image, image.shape, "<u8")
    wide[...] = image
    pieces = wide.view("<u2")
    whole = weights.astype(np.uint64)
    total = room_like(image, out.shape, np.uint64)
    total[...] = 0
    part = room_like(image, out.shape, np.float64)
    for low in range(0, bits, _PIECE):
        pixels = pieces[..., low // _PIECE :: 64 // _PIECE]
        for shift in range(0, bits - low, share):
            piece = (whole >> np.uint64(shift)) & np.uint64(2**share - 1)
            if piece.any():
                fill = cval >> low & 2**_PIECE - 1
                kernel = Kernel(piece, anchor=anchor)
                convolve(pixels, kernel, cval=fill, out=part, **options)
                total += part.astype(np.uint64) << np.uint64(low + shift)
    np.copyto(out, total, casting="unsafe")
