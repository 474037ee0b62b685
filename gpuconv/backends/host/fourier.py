"""Correlation by Fourier transforms: the spectrum of a tile, times the kernel's, and back.

Rows are transformed where they lie, pixels giving way to their spectrum; then columns, a few at a
time: there, times the kernel, and back, while they are in cache; then the rows of the outputs, and
no others. All calls are scaled by 1/√n ("ortho"), there and back: by NumPy's default, one direction
is scaled by an integer 1, and to cast it NumPy copies what is to be transformed, which takes about
as long as the transform.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import cache
from math import isfinite, prod
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from gpuconv.algorithms.fourier import BATCH
from gpuconv.backends.host.bands import reach
from gpuconv.backends.host.block import Block, every, scratch
from gpuconv.bounded import Bounded
from gpuconv.plan import Plan

__all__ = ["block"]

Array = NDArray[Any]


def block(plan: Plan, height: int, width: int) -> Block:
    """Return a block that correlates by Fourier transforms of the planned size."""
    tile = _Tile(plan, height, width, plan.accumulator)
    weights = _spectrum(plan, "weights", plan.accumulator)
    limit, whole = _limit(plan), _whole(plan)
    # Made for the first tile with NaN or infinity, which few images have.
    counter = cache(lambda: _Tile(plan, height, width, np.dtype(np.float64)))

    def compute() -> Array:
        pixels = tile.pixels
        # NaN is not below any limit.
        plain = limit is None or max(pixels.max(), -pixels.min()) < limit
        sums = tile.correlate(weights) if plain else _guarded(plan, tile, weights, counter)
        return np.rint(sums, out=sums) if whole else sums

    return Block(tile.pixels, compute, smears=False)


def _whole(plan: Plan) -> bool:
    """Return whether sums are integers, so that rounding takes their errors away."""
    fills = not isfinite(plan.cval) or float(plan.cval).is_integer()
    return plan.dtype.kind in "iu" and plan.kernel.integer and fills and not plan.masked


def _limit(plan: Plan) -> float | None:
    """Return how large pixels may be so that no transform overflows; None if they always are."""
    assert plan.transform is not None
    largest = float(np.finfo(plan.accumulator).max)
    limit = largest / (4 * prod(plan.transform) * max(plan.kernel.total, 1))
    tame = plan.dtype.kind in "iu" and not plan.masked and abs(plan.cval) < limit
    return None if tame else limit


# ------------------------------------------------------------------------ a tile


class _Tile:
    """Scratch for a tile with its halo, and its correlation with any kernel's spectrum."""

    def __init__(self, plan: Plan, height: int, width: int, dtype: np.dtype[Any]) -> None:
        assert plan.transform is not None
        (rows, columns), y, x = plan.transform, plan.y, plan.x
        high = reach(height, y.taps, y.stride, y.dilation)
        wide = reach(width, x.taps, x.stride, x.dilation)
        self._room = scratch(rows, columns + 2, dtype)
        self._spectrum = self._room.view(_complex(dtype))
        self.pixels = self._room[:high, :wide]
        self._outputs = every(0, y, height), every(0, x, width)
        # Rows, and then columns, pass through the same scratch.
        row, column = (columns + 2) * dtype.itemsize, 2 * rows * dtype.itemsize
        some_rows = min(max(BATCH // row, 1), rows)
        some_columns = min(max(BATCH // column, 1), columns // 2 + 1)
        shared = np.empty(max(some_rows * row, some_columns * column), np.uint8).view(dtype)
        self._rows = shared[: some_rows * (columns + 2)].reshape(some_rows, columns + 2)
        self._columns = shared[: some_columns * 2 * rows].view(_complex(dtype)).reshape(-1, rows)

    def correlate(self, kernel: Array) -> Array:
        """Return the sums over the pixels, which are lost."""
        self._rows_there()
        for part in _parts(len(kernel), len(self._columns)):
            here, columns = self._spectrum[:, part].T, self._columns[: _length(part)]
            np.fft.fft(here, axis=1, norm="ortho", out=columns)
            np.multiply(columns, kernel[part], out=columns)
            np.fft.ifft(columns, axis=1, norm="ortho", out=here)
        self._rows_back()
        return self._room[self._outputs]

    def _rows_there(self) -> None:
        high, wide = self.pixels.shape
        columns = self._room.shape[1] - 2
        self._room[:high, wide:] = 0
        for part in _parts(high, len(self._rows)):
            there = self._rows.view(self._spectrum.dtype)[: _length(part)]
            np.fft.rfft(self._room[part, :columns], axis=1, norm="ortho", out=there)
            self._spectrum[part] = there
        self._spectrum[high:] = 0

    def _rows_back(self) -> None:
        outputs, reached = self._outputs[0], self._outputs[1].stop
        columns = self._room.shape[1] - 2
        for part in _parts(outputs.stop, len(self._rows) * outputs.step, outputs.step):
            spectrum = self._spectrum[part]
            back = self._rows[: len(spectrum), :columns]
            np.fft.irfft(spectrum, columns, axis=1, norm="ortho", out=back)
            self._room[part, :reached] = back[:, :reached]


def _parts(stop: int, size: int, step: int = 1) -> Iterator[slice]:
    """Yield slices of `size` that cover every `step`-th of 0 … `stop` − 1."""
    for first in range(0, stop, size):
        yield slice(first, min(first + size, stop), step)


def _length(part: slice) -> int:
    length: int = part.stop - part.start
    return length


def _complex(real: np.dtype[Any]) -> np.dtype[Any]:
    return np.result_type(real, np.complex64)


# ------------------------------------------------------------------------ NaN and infinity


def _guarded(plan: Plan, tile: _Tile, weights: Array, counter: Callable[[], _Tile]) -> Array:
    """Return sums over pixels among which there may be NaN, infinities, and numbers near them.

    A transform would spread them over the tile. So they are taken out, the rest is scaled, and
    where the taps ≠ 0 of an output meet them is counted, by transforms of its own.
    """
    pixels = tile.pixels
    nan, infinite = np.isnan(pixels), np.isinf(pixels)
    signs = np.sign(pixels, where=infinite, out=np.zeros_like(pixels))
    pixels[nan | infinite] = 0
    exponent = np.frexp(np.abs(pixels).max())[1]
    np.ldexp(pixels, -exponent, out=pixels)
    sums = tile.correlate(weights)
    np.ldexp(sums, exponent, out=sums)

    def count(what: Array, taps: str) -> Array:
        counter().pixels[...] = what
        return counter().correlate(_spectrum(plan, taps, np.dtype(np.float64)))

    if infinite.any():
        # Each of them adds ±∞: that many, and the difference of the numbers of both kinds.
        balance = count(signs, "signs").copy()
        together = count(infinite, "used")
        sums[together + balance > 1] += np.inf
        sums[together - balance > 1] -= np.inf
    if nan.any():
        sums[count(nan, "used") > 0.5] = np.nan
    return sums


# ------------------------------------------------------------------------ the kernel's spectrum

#: Spectra of the last kernels, for calls to come; a transform of 2²⁴ points has one of 64 MiB.
_KEPT: Bounded[Array] = Bounded(most=80 * 2**20)
#: Those in use, however large: one for all threads and blocks, made by the first.
_USED: WeakValueDictionary[object, Array] = WeakValueDictionary()
_making = threading.Lock()

#: What may be transformed of a kernel's weights.
_PARTS: dict[str, Callable[[Array], Array]] = {
    "weights": lambda weights: weights,
    "used": lambda weights: weights != 0,
    "signs": np.sign,
}


def _spectrum(plan: Plan, what: str, dtype: np.dtype[Any]) -> Array:
    """Return the spectrum that correlates with a part of the kernel's weights, columns first."""
    assert plan.transform is not None
    key = plan.kernel, plan.y.dilation, plan.x.dilation, plan.transform, what, dtype
    rows, columns = plan.transform
    size = rows * (columns + 2) * dtype.itemsize
    with _making:
        found = _USED.get(key)
        if found is None:
            found = _KEPT.get(key, lambda: _transformed(plan, what, dtype), size)
            _USED[key] = found
        return found


def _transformed(plan: Plan, what: str, dtype: np.dtype[Any]) -> Array:
    """Return it, computed in float64: the errors of a result are then those of its tile."""
    assert plan.transform is not None
    (rows, columns), y, x = plan.transform, plan.y, plan.x
    weights = _PARTS[what](plan.kernel.numerators)
    half = np.empty((y.taps, columns // 2 + 1), np.complex128)
    for part in _parts(y.taps, max(BATCH // (8 * columns), 1)):
        line = np.zeros((_length(part), columns))
        line[:, : x.footprint : x.dilation] = weights[part]
        np.fft.rfft(line, axis=1, norm="ortho", out=half[part])
    spectrum = np.empty((columns // 2 + 1, rows), _complex(dtype))
    for part in _parts(len(spectrum), max(BATCH // (16 * rows), 1)):
        column = np.zeros((_length(part), rows), np.complex128)
        column[:, : y.footprint : y.dilation] = half[:, part].T
        there = np.fft.fft(column, axis=1, norm="ortho")
        spectrum[part] = there.conj() * np.sqrt(rows * columns)
    return spectrum
