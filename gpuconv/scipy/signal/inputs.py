"""How the functions of ``scipy.signal`` take two arrays: checked here, with SciPy's words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any

import numpy as np

from gpuconv import backends
from gpuconv.arrays import Array
from gpuconv.errors import ArgumentError
from gpuconv.scipy.arguments import room_like

__all__ = [
    "BORDERS",
    "MODES",
    "check_mode",
    "check_numeric",
    "in_host_memory",
    "larger_first",
    "local",
    "pair_of",
    "part_of",
    "result_of",
    "span",
    "swapped",
]

#: What part of a convolution is returned.
MODES = ("full", "same", "valid")

#: Boundaries of ``convolve2d``, and the border that each is.
BORDERS = {
    "circular": "wrap",
    "fill": "constant",
    "pad": "constant",
    "symm": "reflect",
    "symmetric": "reflect",
    "wrap": "wrap",
}


def pair_of(in1: Any, in2: Any) -> tuple[Array, Array]:
    """Return both inputs as plain arrays of the engine that owns them.

    Raises
    ------
    ArgumentError
        They lie on different devices.

    Examples
    --------
    >>> [array.shape for array in pair_of([1, 2], 3)]
    [(2,), ()]
    """
    home, other = backends.owner(in1), backends.owner(in2)
    if home is not other:
        raise ArgumentError(
            f"in1 lies in the memory of the engine {home.NAME!r} and in2 in that of "
            f"{other.NAME!r}; they must be on one device"
        )
    return home.asarray(in1), home.asarray(in2)


def local(array: Array) -> Array:
    """Return an array, or a copy of it, in host memory.

    Examples
    --------
    >>> local(np.ones(2)).tolist()
    [1.0, 1.0]
    """
    copy: Array = backends.owner(array).asnumpy(array)
    return copy


def in_host_memory(array: Array) -> bool:
    """Return whether an array is NumPy's.

    Examples
    --------
    >>> in_host_memory(np.ones(2))
    True
    """
    return backends.owner(array) is backends.host


def check_mode(mode: Any, word: str = "Acceptable") -> str:
    """Return `mode`, if it is one.

    Examples
    --------
    >>> check_mode("same")
    'same'
    """
    if not isinstance(mode, str) or mode not in MODES:
        raise ArgumentError(f"{word} mode flags are 'valid', 'same', or 'full', not mode={mode!r}")
    return mode


def check_numeric(dtype: np.dtype[Any], words: str) -> None:
    """Raise where SciPy's compiled sums have no version for a dtype.

    Examples
    --------
    >>> check_numeric(np.dtype("int8"), "Unsupported type")
    """
    if dtype.kind not in "iufc" or dtype.char == "e":
        raise ArgumentError(
            f"{words}: in1 and in2 make {dtype}; allowed are numbers other than float16"
        )


def swapped(
    mode: str, first: Sequence[int], second: Sequence[int], axes: Iterable[int] | None = None
) -> bool:
    """Return whether the inputs change places: for "valid", where the second is the larger.

    Examples
    --------
    >>> swapped("valid", (5, 5), (2, 2)), swapped("valid", (2, 2), (5, 5))
    (False, True)
    """
    if mode != "valid":
        return False
    used = tuple(range(len(first)) if axes is None else axes)
    if all(first[a] >= second[a] for a in used):
        return False
    if all(second[a] >= first[a] for a in used):
        return True
    raise ArgumentError(
        "For 'valid' mode, one must be at least as large as the other in every dimension: "
        f"in1 and in2 have shapes {tuple(first)} and {tuple(second)}"
    )


def span(mode: str, n: int, k: int) -> tuple[int, int]:
    """Return where what is wanted begins in the whole convolution of an axis, and its length.

    Examples
    --------
    >>> [span(mode, 10, 3) for mode in MODES]
    [(0, 12), (1, 10), (2, 8)]
    """
    if mode == "full":
        return 0, n + k - 1
    return ((k - 1) // 2, n) if mode == "same" else (k - 1, n - k + 1)


def result_of(mode: str, first: Sequence[int], second: Sequence[int]) -> tuple[int, ...]:
    """Return the shape of a convolution over all axes.

    Examples
    --------
    >>> result_of("full", (3, 4), (2, 2))
    (4, 5)
    """
    return tuple(span(mode, n, k)[1] for n, k in zip(first, second, strict=True))


def part_of(whole: Array, first: Array, second: Array, mode: str, used: tuple[int, ...]) -> Array:
    """Return the part of a whole convolution that `mode` names, as an array of its own.

    Along axes that are not `used`, arrays were multiplied.

    Examples
    --------
    >>> part_of(np.arange(5), np.ones(3), np.ones(3), "same", (0,)).tolist()
    [1, 2, 3]
    """
    part = []
    for a, (n, k) in enumerate(zip(first.shape, second.shape, strict=True)):
        start, count = span(mode, n, k) if a in used else (0, whole.shape[a])
        if a not in used and mode == "same":
            start, count = (whole.shape[a] - n) // 2, n
        part.append(slice(start, start + count))
    kept = whole[tuple(part)]
    made = room_like(first, kept.shape, kept.dtype)
    made[...] = kept
    return made


def larger_first(first: Array, second: Array) -> tuple[Array, Array]:
    """Return both inputs, the one of more elements first: whole convolutions are the same.

    Examples
    --------
    >>> [array.size for array in larger_first(np.ones(2), np.ones(3))]
    [3, 2]
    """
    return (second, first) if prod(second.shape) > prod(first.shape) else (first, second)
