"""Whole images multiplied in their spectra: rows there, columns there and back, rows back.

As in :mod:`gpuconv.backends.host.fourier`, columns pass through scratch that stays in cache, a few
at a time, and all scaling is by 1/√n. Threads share the rows, and then the columns.
"""

from __future__ import annotations

from math import prod
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from gpuconv.algorithms.fourier import BATCH
from gpuconv.backends.host.threads import over, thread_count
from gpuconv.backends.transfer import Transfer
from gpuconv.bounded import Bounded

__all__ = ["run"]

Array = NDArray[Any]

#: Transfer functions of the last calls, columns first: three or four for images of 2048².
_KEPT: Bounded[Array] = Bounded(most=64 * 2**20)
#: Those in use, however large: what filters several times makes one once.
_USED: WeakKeyDictionary[Transfer, Array] = WeakKeyDictionary()

#: Pixels from which on threads are worth their start.
_SHARED = 2**17


def run(images: Array, transfer: Transfer) -> None:
    """Filter periodic images (…, rows, columns), contiguous, in place."""
    response = _USED.get(transfer)
    if response is None:
        response = _KEPT.get(transfer, lambda: _columns_first(transfer), transfer.nbytes)
        _USED[transfer] = response
    spectrum = np.empty(transfer.shape, transfer.complex)
    for image in images.reshape(-1, *transfer.size):
        _filtered(image, spectrum, response)


def _columns_first(transfer: Transfer) -> Array:
    return np.ascontiguousarray(transfer.values().T, transfer.complex)


def _filtered(image: Array, spectrum: Array, response: Array) -> None:
    (rows, columns), item = image.shape, spectrum.itemsize

    def there(part: slice) -> None:
        np.fft.rfft(image[part], axis=1, norm="ortho", out=spectrum[part])

    def back(part: slice) -> None:
        np.fft.irfft(spectrum[part], columns, axis=1, norm="ortho", out=image[part])

    def between(part: slice) -> None:
        lines = np.fft.fft(spectrum[:, part].T, axis=1, norm="ortho")
        np.multiply(lines, response[part], out=lines)
        np.fft.ifft(lines, axis=1, norm="ortho", out=spectrum[:, part].T)

    threads = thread_count() if prod(image.shape) >= _SHARED else 1
    over(there, rows, max(BATCH // (columns * item), 1), threads)
    over(between, len(response), max(BATCH // (rows * item), 1), threads)
    over(back, rows, max(BATCH // (columns * item), 1), threads)
