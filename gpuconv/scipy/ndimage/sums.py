"""Whether sums may be taken together, or in another order than SciPy's, and give its results.

Floats differ in their last bits then, as they do between two builds of SciPy. Integers must not
differ at all: what is cut off between two passes shows, and so does a last bit before a cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, isfinite, prod
from typing import Any

import numpy as np

from gpuconv.scipy.ndimage.taps import Line, Taps, Weighed

__all__ = ["exact", "exact_together", "fusible", "is_small", "method_for"]

#: Consecutive integers up to this are exact in float64.
_EXACT = 2.0**53

#: Integers beyond this do not wrap when they are stored in up to 32 bits: SciPy's casts, as CPUs
#: make them, go through int32 (and through int64 for uint32).
_WRAPPING = 2.0**31

#: Elements of an image up to which a call takes as long as its sums: those are taken as in SciPy,
#: which programs see that compare small results with == and ties with each other.
_SMALL = 1024

#: Taps up to which one pass in SciPy's order is as fast as any other.
_FEW = 5


def is_small(shape: tuple[int, ...]) -> bool:
    """Return whether sums over an image of a shape take no longer in SciPy's order.

    Examples
    --------
    >>> is_small((9, 9)), is_small((99, 99))
    (True, False)
    """
    return prod(shape) <= _SMALL


def method_for(
    stored: np.dtype[Any], written: np.dtype[Any], weighed: Weighed, cval: float, small: bool
) -> str:
    """Return by which method of an engine a pass gives SciPy's results.

    Examples
    --------
    >>> from gpuconv.scipy.ndimage.taps import taps_of
    >>> method_for(np.dtype("u1"), np.dtype("u1"), taps_of([1, 2, 1]), 0, False)
    'auto'
    >>> method_for(np.dtype("u1"), np.dtype("u1"), taps_of([0.25, 0.5, 0.25]), 0, False)
    'ordered'
    """
    if isinstance(weighed, Taps) and weighed.divisor != 1:
        return "auto"  # SciPy's means are running sums, which have an order of their own
    if written.kind in "iu":
        return "auto" if exact(stored, weighed, cval) else "ordered"
    return "ordered" if small or weighed.count <= _FEW else "auto"


def exact(stored: np.dtype[Any], weighed: Weighed, cval: float) -> bool:
    """Return whether all sums are integers that float64 holds: those are the same in any order.

    Examples
    --------
    >>> from gpuconv.scipy.ndimage.taps import taps_of
    >>> [exact(np.dtype(name), taps_of([1, -2, 1]), 0) for name in ("uint8", "int64", "float32")]
    [True, False, False]
    """
    integers = stored.kind in "iu" and weighed.integer
    return integers and _within(_EXACT, stored.itemsize, weighed.largest, cval)


def fusible(
    stored: np.dtype[Any],
    written: np.dtype[Any],
    lines: tuple[Line, ...],
    cval: float,
    small: bool,
) -> bool:
    """Return whether passes may be one.

    Examples
    --------
    >>> from gpuconv.scipy.ndimage.taps import line_of, taps_of
    >>> lines = tuple(line_of(taps_of([1, 2]), axis, "constant", 0) for axis in (0, 1))
    >>> single, byte = np.dtype("float32"), np.dtype("uint8")
    >>> fusible(single, single, lines, 0, False), fusible(single, single, lines, 1, False)
    (True, False)
    >>> fusible(byte, byte, lines, 0, False), fusible(single, byte, lines, 0, False)
    (True, False)
    """
    if len(lines) < 2 or not _same_outside(lines, cval):
        return False
    if written.kind == "f":
        return not small
    return stored.kind in "iu" and _wraps_at_the_end(stored, written, lines, cval)


def _same_outside(lines: tuple[Line, ...], cval: float) -> bool:
    """Return whether the outside of each pass is that of the image, filtered.

    That of later ones is `cval` again, which earlier ones must have left as it is.
    """
    kept = [abs(line.taps.sum - 1) < 1e-14 for line in lines]
    filled = (i for i, line in enumerate(lines) if line.border == "constant")
    return cval == 0 or all(all(kept[:i]) for i in filled)


def _wraps_at_the_end(
    stored: np.dtype[Any], written: np.dtype[Any], lines: tuple[Line, ...], cval: float
) -> bool:
    """Return whether passes over integers come to the same if only the last one wraps."""
    if not all(line.taps.integer and line.taps.divisor == 1 for line in lines):
        return False
    if written == np.uint64:  # what wraps below 0 is no longer exact in float64
        return False
    size = max(stored.itemsize, min(written.itemsize, 4))
    largest = prod(line.taps.largest for line in lines)
    return _within(_limit(written), size, largest, cval)


def exact_together(
    stored: np.dtype[Any], written: np.dtype[Any], terms: Sequence[Sequence[Line]], cval: float
) -> bool:
    """Return whether integers that single passes make may be added before they are stored.

    Examples
    --------
    >>> from gpuconv.scipy.ndimage.taps import line_of, taps_of
    >>> terms = [[line_of(taps_of([1, -2, 1]), axis, "wrap", 0)] for axis in (0, 1)]
    >>> byte, word = np.dtype("uint8"), np.dtype("int32")
    >>> exact_together(byte, byte, terms, 0), exact_together(word, word, terms, 0)
    (True, False)
    """
    if not all(len(term) == 1 and exact(stored, term[0].taps, cval) for term in terms):
        return False
    largest = sum(term[0].taps.largest for term in terms)
    return _within(_limit(written), stored.itemsize, largest, cval)


def _limit(written: np.dtype[Any]) -> float:
    """Return up to what integers wrap when they are stored."""
    return _WRAPPING if written.itemsize < 4 or written == np.int32 else _EXACT


def _within(limit: float, itemsize: int, largest: float, cval: float) -> bool:
    """Return whether sums over integers of so many bytes are integers within a limit."""
    whole = isfinite(cval) and cval == floor(cval)
    return whole and largest * max(2.0 ** (8 * itemsize), abs(cval)) <= limit
