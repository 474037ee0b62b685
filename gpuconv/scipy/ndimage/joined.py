"""Sums of filters over two axes, such as a Laplacian, in one call of an engine."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from gpuconv.api import correlate
from gpuconv.arrays import Array
from gpuconv.kernel import Kernel
from gpuconv.scipy.lines import merged
from gpuconv.scipy.ndimage.passes import as_numbers, check_dtypes, ending, fill_of
from gpuconv.scipy.ndimage.sums import exact_together, fusible, is_small, method_for
from gpuconv.scipy.ndimage.taps import Line, Weighed

__all__ = ["Terms", "filter_joined"]

#: What is added up: the results of some passes each.
Terms: TypeAlias = tuple[tuple[Line, ...], ...]


def filter_joined(image: Array, terms: Terms, out: Array, cval: Any) -> bool:
    """Filter an image by a sum of filters, if one call gives SciPy's results; else return False.

    Examples
    --------
    >>> from gpuconv.scipy.ndimage.taps import line_of, taps_of
    >>> bend = taps_of([1, -2, 1])
    >>> terms = tuple((line_of(bend, axis, "reflect", 0),) for axis in (0, 1))
    >>> spot, made = np.zeros((99, 99)), np.zeros((99, 99))
    >>> spot[1, 1] = 1
    >>> filter_joined(spot, terms, made, 0), made[1, :3].tolist()
    (True, [1.0, -4.0, 1.0])
    """
    if "c" in (image.dtype.kind, out.dtype.kind) or out.dtype.kind == "b":  # bools are "or"ed
        return False
    fill = fill_of(cval)
    image, out = as_numbers(image), as_numbers(out)
    call = _call(image.shape, image.dtype, out.dtype, terms, fill)
    if call is None:
        return False
    check_dtypes(image, out)
    source, target = merged(call.axes, image, out)
    correlate(
        source,
        call.kernel,
        border=call.borders,
        cval=fill,
        out=target,
        method=call.method,
        accuracy="double",
        epilogue=ending(out.dtype),
    )
    return True


@dataclass(frozen=True)
class _Call:
    """What one call of an engine needs to know."""

    axes: tuple[int, int]
    kernel: Kernel
    borders: tuple[str, str]
    method: Any


@lru_cache(maxsize=256)
def _call(
    shape: tuple[int, ...],
    stored: np.dtype[Any],
    written: np.dtype[Any],
    terms: Terms,
    cval: float,
) -> _Call | None:
    """Return the one call that gives SciPy's results, which stores each term, and then adds them.

    None if there is no such call.
    """
    borders = {(line.axis, line.border) for term in terms for line in term}
    axes = tuple(sorted({axis for axis, _ in borders}))
    if len(axes) != 2 or len(borders) != 2 or is_small(shape):
        return None
    if written.kind in "iu":
        alike = exact_together(stored, written, terms, cval)
    else:
        alike = all(len(term) == 1 or fusible(stored, written, term, cval, False) for term in terms)
    if not alike:
        return None
    kernel, (above, beside) = _kernel(terms, axes), sorted(borders)
    method = method_for(stored, written, Weighed(kernel.weights), cval, False)
    return _Call((axes[0], axes[1]), kernel, (above[1], beside[1]), method)


def _kernel(terms: Terms, axes: tuple[int, ...]) -> Kernel:
    """Return the sum of terms as a kernel; all taps are centred."""
    lines = [line for term in terms for line in term]
    reach = [max(line.anchor for line in lines if line.axis == axis) for axis in axes]
    columns = list[tuple[Array, Array]]()
    for term in terms:
        by_axis = {line.axis: line.taps.weights for line in term}
        y, x = (_centred(by_axis.get(a), r) for a, r in zip(axes, reach, strict=True))
        columns.append((y, x))
    kernel = Kernel.sum_of(columns)
    return Kernel(kernel.weights) if max(reach) == 1 else kernel


def _centred(weights: Array | None, reach: int) -> Array:
    """Return weights with zeros around them; a single 1 for none."""
    used = np.ones(1) if weights is None else weights
    return np.pad(used, reach - len(used) // 2)
