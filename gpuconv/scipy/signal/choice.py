"""Which of sums and transforms is the faster: asked of the engine's plan where it has one."""

from __future__ import annotations

from math import prod
from time import perf_counter
from typing import Any

import numpy as np

from gpuconv import backends
from gpuconv.arrays import Array
from gpuconv.kernel import Kernel
from gpuconv.scipy.signal.inputs import in_host_memory, larger_first, local, result_of
from gpuconv.scipy.signal.planes import planned

__all__ = ["faster", "safe", "seconds"]

#: A line takes NumPy one multiply–add for each pair of elements. Transforms cost as much as
#: _POINT of them for each element, and _CALLS beside: measured, for lines of 10³ to 10⁶ elements.
_POINT, _CALLS = 100, 250_000

#: A point of transforms over three axes takes as long as so many multiply–adds of an engine, which
#: sums plane by plane: measured for 64³ elements on a CPU.
_FAR_POINT = 60

#: Integers up to which a transform in float64 may be off by less than one.
_PRECISE = 2**52 - 1


def safe(volume: Array, kernel: Array) -> bool:
    """Return whether transforms do for such numbers, as SciPy sees it.

    Examples
    --------
    >>> safe(np.array([2**40]), np.array([2**20])), safe(np.array([3]), np.array([0.5]))
    (False, True)
    """
    kinds = {volume.dtype.kind, kernel.dtype.kind}
    if kinds & set("iu"):
        largest = int(abs(volume).max()) * int(abs(kernel).max())
        if largest * min(volume.size, kernel.size) > _PRECISE:
            return False
    return kinds <= set("biufc") and kinds != {"b"}


def faster(volume: Array, kernel: Array, mode: str) -> bool:
    """Return whether transforms are expected to be faster than sums.

    Examples
    --------
    >>> faster(np.ones(8), np.ones(6), "full"), faster(np.ones(10**6), np.ones(10**4), "full")
    (False, True)
    """
    if volume.ndim == 0 or 0 in volume.shape or 0 in kernel.shape:
        return False
    if volume.ndim == 1 and in_host_memory(volume):
        pairs = volume.size * kernel.size
        return pairs > _CALLS + _POINT * (volume.size + kernel.size)
    large, small = larger_first(volume, kernel)
    inside = all(n >= k for n, k in zip(large.shape, small.shape, strict=True))
    part = "valid" if mode == "valid" and inside else "full"
    real = small.dtype.kind in "biuf" and {large.dtype.char, small.dtype.char}.isdisjoint("gG")
    if volume.ndim <= 2 and real and large.dtype.kind != "c":
        return _planned(large, local(small), part)
    outputs = prod(result_of(part, large.shape, small.shape))
    points = prod(result_of("full", large.shape, small.shape))
    return small.size * outputs > _FAR_POINT * points


def _planned(large: Array, weights: Array, mode: str) -> bool:
    if not np.isfinite(weights).all():
        return False
    kernel = Kernel(weights.reshape((1,) * (2 - weights.ndim) + weights.shape))
    shape = (1,) * (2 - large.ndim) + large.shape
    dtype = np.dtype(np.uint8) if large.dtype.kind == "b" else large.dtype
    return planned(backends.owner(large).NAME, shape, dtype, kernel, mode).algorithm == "fft"


def seconds(call: Any) -> float:
    """Return how long a call takes, at best: the shortest of three rounds of some milliseconds.

    Examples
    --------
    >>> seconds(lambda: None) < 1
    True
    """
    start = perf_counter()
    call()
    first = perf_counter() - start
    if first > 1:
        return first
    count = max(int(5e-3 / max(first, 1e-7)), 1)
    rounds = []
    for _ in range(3):
        start = perf_counter()
        for _ in range(count):
            call()
        rounds.append((perf_counter() - start) / count)
    return min(rounds)
