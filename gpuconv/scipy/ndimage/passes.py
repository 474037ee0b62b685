"""Filters that are passes along axes: how they become calls of an engine.

SciPy makes one pass after the other, and stores each in the dtype of the output. Two passes are one
call of an engine, which takes half the time; where it shows, in integers that are cut off after
each pass, every pass is a call of its own.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from gpuconv.api import correlate
from gpuconv.arrays import Array
from gpuconv.epilogue import NOTHING, Epilogue
from gpuconv.errors import ArgumentTypeError
from gpuconv.kernel import Kernel
from gpuconv.scipy.arguments import room_like
from gpuconv.scipy.errors import StateError
from gpuconv.scipy.lines import correlate_run, in_lines, merged
from gpuconv.scipy.ndimage.sums import fusible, is_small, method_for
from gpuconv.scipy.ndimage.taps import Line, Taps

__all__ = ["as_numbers", "check_dtypes", "copied", "ending", "fill_of", "filter_lines"]

#: Integers as SciPy stores them.
_WRAPPED = Epilogue(wrap=True)

#: What SciPy filters, by the letters of NumPy: no float16, no long double.
_FILTERED = frozenset("?bBhHiIlLqQfd")


@dataclass(frozen=True)
class _Step:
    """A call of an engine: one pass, or two."""

    lines: tuple[Line, ...]
    method: Any
    epilogue: Epilogue

    def run(self, image: Array, out: Array, cval: float) -> None:
        """Filter an image into an array of the same shape, which may be the image itself."""
        how: dict[str, Any] = {
            "cval": cval,
            "method": self.method,
            "accuracy": "double",
            "epilogue": self.epilogue,
        }
        if len(self.lines) == 2:
            one, two = self.lines
            source, target = merged((one.axis, two.axis), image, out)
            kernel = _fused(one.taps, one.anchor, two.taps, two.anchor)
            correlate(source, kernel, border=(one.border, two.border), out=target, **how)
        else:
            self._run_line(self.lines[0], image, out, how)

    def _run_line(self, line: Line, image: Array, out: Array, how: dict[str, Any]) -> None:
        """Filter along a single axis."""
        if image.ndim == 1:
            row = _row(line.taps, line.anchor)
            correlate_run(image, row, border=line.border, out=out, **how)
            return
        across, (source, target) = in_lines(line.axis, image, out)
        kernel = (_row if across else _column)(line.taps, line.anchor)
        correlate(source, kernel, border=line.border, out=target, **how)


def filter_lines(image: Array, lines: tuple[Line, ...], out: Array, cval: Any) -> None:
    """Filter an image along axes, one after the other, into an array of its shape.

    Examples
    --------
    >>> from gpuconv.scipy.ndimage.taps import line_of, taps_of
    >>> made = np.empty(3)
    >>> filter_lines(np.arange(3.0), (line_of(taps_of([1, 1]), 0, "wrap", 0),), made, 0)
    >>> made.tolist()
    [2.0, 1.0, 3.0]
    """
    if not lines:
        copied(image, out)
        return
    if image.dtype.kind == "c":
        if out.dtype.kind != "c":
            raise StateError(
                f"output must have complex dtype: it is {out.dtype}, the image {image.dtype}"
            )
        filter_lines(image.real, lines, out.real, np.real(cval))
        filter_lines(image.imag, lines, out.imag, np.imag(cval))
        return
    fill = fill_of(cval)
    check_dtypes(image, out)
    if not image.size:
        return
    image, out = as_numbers(image), as_numbers(out)
    *others, last = _steps(image.shape, image.dtype, out.dtype, lines, fill)
    for step in others:
        room = room_like(image, image.shape, out.dtype)
        step.run(image, room, fill)
        image = room
    last.run(image, out, fill)


def ending(written: np.dtype[Any]) -> Epilogue:
    """Return what is done to sums that are stored in a dtype."""
    return _WRAPPED if written.kind in "iu" else NOTHING


def copied(image: Array, out: Array) -> None:
    """Copy an image that is not filtered."""
    np.copyto(out, image, casting="unsafe")


def check_dtypes(*arrays: Array) -> None:
    """Raise as SciPy does if one of the arrays is of a dtype that it does not filter."""
    for array in arrays:
        if array.dtype.char not in _FILTERED:
            raise StateError(
                f"array type {array.dtype.newbyteorder('=')!r} not supported; allowed are bool, "
                "integers, float32, float64, complex64 and complex128"
            )


def as_numbers(array: Array) -> Array:
    """Return an array of bool as one of bytes: SciPy counts with them."""
    return array.view(np.uint8) if array.dtype.char == "?" else array


def fill_of(cval: Any) -> float:
    """Return what lies outside, as a float.

    Examples
    --------
    >>> fill_of(1j)
    Traceback (most recent call last):
    ...
    gpuconv.errors.ArgumentTypeError: must be real number, not complex: cval=1j
    """
    if isinstance(cval, (int, float)):
        return float(cval)
    if not isinstance(cval, str) and not np.iscomplexobj(cval) and np.ndim(cval) == 0:
        with suppress(TypeError):
            return float(cval)
    raise ArgumentTypeError(f"must be real number, not {type(cval).__name__}: cval={cval!r}")


@lru_cache(maxsize=1024)
def _steps(
    shape: tuple[int, ...],
    stored: np.dtype[Any],
    written: np.dtype[Any],
    lines: tuple[Line, ...],
    cval: float,
) -> tuple[_Step, ...]:
    """Return the calls that make passes."""
    small = is_small(shape)

    def may_fuse(passes: tuple[Line, ...]) -> bool:
        return fusible(stored, written, passes, cval, small)

    groups: list[tuple[Line, ...]] = [(line,) for line in lines]
    if may_fuse(lines):
        quick = _quickest(shape, lines)
        groups = _pairs(quick if may_fuse(quick) else lines)
    steps = list[_Step]()
    for group in groups:
        single = len(group) == 1 or written.kind in "iu"
        method = method_for(stored, written, group[0].taps, cval, small) if single else "auto"
        steps.append(_Step(group, method, ending(written)))
        stored = written
    return tuple(steps)


def _quickest(shape: tuple[int, ...], lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """Return passes in the order of memory; of an odd number that of the shortest axis is first."""
    order = sorted(lines, key=lambda line: line.axis)
    if len(order) % 2:
        shortest = min(order, key=lambda line: shape[line.axis])
        order = [shortest, *(line for line in order if line is not shortest)]
    return tuple(order)


def _pairs(lines: tuple[Line, ...]) -> list[tuple[Line, ...]]:
    """Return passes two by two; of an odd number the first is alone."""
    alone = len(lines) % 2
    return [lines[:alone]] * alone + [lines[i : i + 2] for i in range(alone, len(lines), 2)]


@lru_cache(maxsize=256)
def _fused(column: Taps, top: int, row: Taps, left: int) -> Kernel:
    return Kernel.separable(
        column.weights, row.weights, anchor=(top, left), divisor=column.divisor * row.divisor
    )


@lru_cache(maxsize=256)
def _column(taps: Taps, anchor: int) -> Kernel:
    return Kernel(taps.weights[:, None], anchor=(anchor, 0), divisor=taps.divisor)


@lru_cache(maxsize=256)
def _row(taps: Taps, anchor: int) -> Kernel:
    return Kernel(taps.weights[None], anchor=(0, anchor), divisor=taps.divisor)
