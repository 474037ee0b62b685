"""Kernels that people type or keep in files.

Numbers are read as fractions: ``1/9 1/9 1/9`` is three ones over 9, so that sums over integer
pixels stay exact. A matrix is correlated or convolved as it is written, first row on top.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.errors import ArgumentError, GpuconvError
from gpuconv.kernel import Kernel

__all__ = [
    "KERNEL_SUFFIXES",
    "anchor_of",
    "kernel_of",
    "kernel_of_file",
    "kernel_of_text",
    "normalized",
]

#: What a kernel file may be called.
KERNEL_SUFFIXES = (".csv", ".npy", ".txt")

#: Numerators below this stay integers; float64 holds integers exactly up to 2**53.
_EXACT = 2**53


def _number(text: str) -> Fraction:
    """Return an integer, a decimal or a fraction, exactly."""
    try:
        # An exponent could ask for a number of a billion digits; as a float it cannot.
        return Fraction(float(text)) if "e" in text.lower() else Fraction(text)
    except (ValueError, OverflowError, ZeroDivisionError):
        raise ArgumentError(
            f"kernel has the entry {text!r}; entries are numbers such as 2, -0.5 or 1/9"
        ) from None


def _row(text: str) -> list[Fraction]:
    return [_number(entry) for entry in re.split(r"\s*,\s*|\s+", text.strip())]


def _exact(rows: list[list[Fraction]]) -> Kernel:
    """Return integers over their common divisor, or floats where those grow too large."""
    divisor = math.lcm(*(entry.denominator for row in rows for entry in row))
    if max(divisor, *(abs(entry.numerator) * divisor for row in rows for entry in row)) < _EXACT:
        numerators = [[int(entry * divisor) for entry in row] for row in rows]
        return Kernel(np.array(numerators, np.int64), divisor=divisor)
    return Kernel([[float(entry) for entry in row] for row in rows])


def kernel_of_text(text: str) -> Kernel:
    """Return the kernel that `text` writes out.

    Parameters
    ----------
    text : str
        Spaces or commas between numbers, semicolons or line ends between rows; a line from ``#``
        on is a comment. Fractions are welcome.

    Raises
    ------
    ArgumentError
        An entry is not a number, or the rows differ in length.

    Examples
    --------
    >>> kernel_of_text("0 -1 0; -1 5 -1; 0 -1 0").weights.tolist()
    [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]
    >>> kernel_of_text("1/9 1/9, 0.5").numerators.tolist(), kernel_of_text("1/9 1/9, 0.5").divisor
    ([[2, 2, 9]], 18)
    """
    lines = (line.partition("#")[0] for line in text.splitlines())
    rows = [_row(row) for line in lines for row in line.split(";") if row.strip()]
    if not rows:
        raise ArgumentError("kernel is empty; write rows of numbers: '0 -1 0; -1 5 -1; 0 -1 0'")
    lengths = [len(row) for row in rows]
    if len(set(lengths)) != 1:
        raise ArgumentError(f"kernel has rows of {lengths} numbers; all rows must be equally long")
    return _exact(rows)


def _text_file(path: Path) -> Kernel:
    text = path.read_text(encoding="utf-8-sig")
    if path.suffix.lower() == ".csv" and ";" in text:
        raise ArgumentError("semicolons could end rows or entries; separate entries by commas")
    return kernel_of_text(text)


def _array_file(path: Path) -> Kernel:
    with open(path, "rb") as file:
        return Kernel(np.lib.format.read_array(file, allow_pickle=False))


def kernel_of_file(path: str | Path) -> Kernel:
    """Return the kernel in a file: ``.npy`` (2-D), or ``.txt`` and ``.csv`` with rows as lines.

    Raises
    ------
    ArgumentError
        The file cannot be read, or holds no kernel; the message names it.
    """
    path = Path(path)
    if path.suffix.lower() not in KERNEL_SUFFIXES:
        listed = ", ".join(KERNEL_SUFFIXES)
        raise ArgumentError(f"kernel={str(path)!r} is not a kernel file (one of {listed})")
    try:
        return _array_file(path) if path.suffix.lower() == ".npy" else _text_file(path)
    except (GpuconvError, OSError, ValueError, EOFError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise ArgumentError(f"kernel={str(path)!r} holds no kernel: {reason}") from error


def kernel_of(text: str) -> Kernel:
    """Return the kernel in the file `text`, if it is the name of one; else that it writes out."""
    from_file = Path(text).suffix.lower() in KERNEL_SUFFIXES
    return kernel_of_file(text) if from_file else kernel_of_text(text)


def normalized(kernel: Kernel) -> Kernel:
    """Return `kernel` divided by its sum, so that flat areas keep their value.

    Raises
    ------
    ArgumentError
        The sum is 0, or the weights are complex.

    Examples
    --------
    >>> normalized(Kernel([[1, 2, 1]])).divisor
    4
    """
    numerators: NDArray[Any] = kernel.numerators
    if kernel.complex:
        raise ArgumentError("kernel is complex; only real kernels can be normalized")
    total = numerators.sum().item()
    # Rounding leaves a sum that should be 0 within an ulp for each weight.
    if abs(total) <= np.finfo(float).eps * np.abs(numerators).sum():
        raise ArgumentError("kernel sums to 0, so it cannot be normalized; leave out normalize")
    return Kernel(numerators, anchor=kernel.anchor, divisor=total, name=kernel.name)


def anchor_of(text: str) -> tuple[int, int]:
    """Return the anchor written as ``y,x``.

    Examples
    --------
    >>> anchor_of("0,2")
    (0, 2)
    """
    found = re.fullmatch(r"\s*(\d+)\s*[, ]\s*(\d+)\s*", text)
    if not found:
        raise ArgumentError(f"anchor={text!r} must be y,x: two integers from 0, such as 1,1")
    return int(found[1]), int(found[2])
