"""Weights of several axes: as a kernel of an engine, which has two."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from operator import index
from typing import Any

import numpy as np

from gpuconv.api import correlate
from gpuconv.arrays import Array
from gpuconv.errors import ArgumentError
from gpuconv.kernel import Kernel
from gpuconv.scipy.arguments import axes_of, border_of, each_axis, room_like
from gpuconv.scipy.errors import StateError
from gpuconv.scipy.lines import as_planes, correlate_run, in_lines, merged
from gpuconv.scipy.ndimage.passes import as_numbers, check_dtypes, ending, fill_of
from gpuconv.scipy.ndimage.sums import is_small, method_for
from gpuconv.scipy.ndimage.taps import Weighed

__all__ = ["Grid", "correlated", "grid_of"]

#: SciPy leaves out weights up to this.
_NOTHING = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Grid(Weighed):
    """Weights along some axes of an image, those along which there is more than one."""

    axes: tuple[int, ...]
    anchors: tuple[int, ...]


def correlated(
    image: Array,
    weights: Array,
    out: Array,
    mode: Any,
    cval: Any,
    origin: Any,
    axes: Any,
    flip: bool,
) -> None:
    """Filter a real image with real weights into `out`.

    Examples
    --------
    >>> made = np.empty((2, 2))
    >>> correlated(np.eye(2), np.ones((1, 3)), made, "constant", 0, 0, None, False)
    >>> made.tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    grid = grid_of(weights, image.ndim, axes, origin, flip)
    if not isinstance(mode, str) and isinstance(mode, Iterable):
        raise StateError(f"A sequence of modes is not supported: mode={mode!r}; give one")
    border, fill = border_of(mode), fill_of(cval)
    check_dtypes(image, out)
    if not image.size:
        return
    image, out = as_numbers(image), as_numbers(out)
    if len(grid.axes) > 2:
        _tall(image, grid, border, fill, out)
    else:
        _flat(image, grid, border, fill, out)


def grid_of(weights: Array, ndim: int, axes: Any, origin: Any, flip: bool) -> Grid:
    """Return the weights of a correlation along axes; those of a convolution if `flip`.

    Examples
    --------
    >>> grid = grid_of(np.ones((1, 4)), 2, None, 0, flip=True)
    >>> grid.axes, grid.weights.shape, grid.anchors
    ((1,), (4,), (1,))
    """
    used = axes_of(axes, ndim)
    if weights.ndim != len(used) or not weights.size:
        filled = sum(size > 0 for size in weights.shape)
        raise StateError(
            f"weights.ndim ({filled}) must match len(axes) ({len(used)}): "
            f"weights has shape {weights.shape}, axes={used}"
        )
    origins = tuple(map(index, each_axis(origin, len(used))))
    if len(used) < ndim:
        # As in SciPy: the axes of weights are in the image's order, origins in that of `axes`.
        origins = tuple(shift for _, shift in sorted(zip(used, origins, strict=True)))
    numbers = np.asarray(weights, np.float64, order="C")
    return _grid(numbers.tobytes(), numbers.shape, tuple(sorted(used)), origins, flip)


@lru_cache(maxsize=256)
def _grid(
    content: bytes,
    shape: tuple[int, ...],
    axes: tuple[int, ...],
    origins: tuple[int, ...],
    flip: bool,
) -> Grid:
    weights = np.frombuffer(content, np.float64).reshape(shape)
    weights = np.where(np.abs(weights) <= _NOTHING, 0, weights)
    if flip:
        weights = np.flip(weights)
        origins = tuple(-o - (n % 2 == 0) for o, n in zip(origins, shape, strict=True))
    anchors = tuple(n // 2 + o for o, n in zip(origins, shape, strict=True))
    if not all(0 <= a < n for a, n in zip(anchors, shape, strict=True)):
        raise ArgumentError(
            "Invalid origin; origin must satisfy -(weights.shape[k] // 2) <= origin[k] <= "
            f"(weights.shape[k]-1) // 2: origin={origins!r}, weights of shape {shape}"
        )
    wide = [i for i, n in enumerate(shape) if n > 1]
    return Grid(
        weights.reshape([shape[i] for i in wide]),
        tuple(axes[i] for i in wide),
        tuple(anchors[i] for i in wide),
    )


@lru_cache(maxsize=256)
def _kernel(grid: Grid, across: bool) -> Kernel:
    """Return the weights of at most two axes as a kernel; those of one as a row or a column."""
    if len(grid.axes) == 2:
        top, left = grid.anchors
        return Kernel(grid.weights, anchor=(top, left))
    # An even number of taps is added up one by one, where the method is "ordered", and not as
    # `correlate1d` does it. Those of weight 0 are left out then, and no other method minds them.
    line = np.append(grid.weights, np.zeros(2 - grid.weights.size % 2))
    anchor = grid.anchors[0] if grid.anchors else 0
    weights = line[None] if across else line[:, None]
    return Kernel(weights, anchor=(0, anchor) if across else (anchor, 0))


def _flat(image: Array, grid: Grid, border: str, cval: float, out: Array) -> None:
    """Filter along two axes, one or none."""
    if not image.ndim:
        image, out = image.reshape(1), out.reshape(1)
    method = method_for(image.dtype, out.dtype, grid, cval, is_small(image.shape))
    how: dict[str, Any] = {
        "border": border,
        "cval": cval,
        "method": method,
        "accuracy": "double",
        "epilogue": ending(out.dtype),
    }
    if image.ndim == 1:
        correlate_run(image, _kernel(grid, True), out=out, **how)
    elif len(grid.axes) == 2:
        source, target = merged(grid.axes, image, out)
        correlate(source, _kernel(grid, True), out=target, **how)
    else:
        axis = grid.axes[0] if grid.axes else image.ndim - 1
        across, (source, target) = in_lines(axis, image, out)
        correlate(source, _kernel(grid, across), out=target, **how)


def _tall(image: Array, grid: Grid, border: str, cval: float, out: Array) -> None:
    """Filter along three axes or more, as an image of many rows: those of all planes.

    With the border around them, a step along any axis is so many rows further, and the kernel is a
    tall one of two axes, most rows of which are empty.
    """
    if out.dtype.kind == "f" and not is_small(image.shape):
        grid = _longest_last(grid, image.shape)
    count = len(grid.axes)
    last = tuple(range(-count, 0))
    source = _extended(np.moveaxis(image, grid.axes, last), grid, border, cval)
    target = np.moveaxis(out, grid.axes, last)
    shape = source.shape
    rows = source.reshape(*shape[:-count], prod(shape[-count:-1]), shape[-1])
    kernel = _stood_up(grid, shape[-count:-1])
    room = room_like(image, (*rows.shape[:-1], target.shape[-1]), out.dtype)
    correlate(
        rows,
        kernel,
        size="valid",
        out=room[..., : rows.shape[-2] - kernel.shape[0] + 1, :],
        method="ordered",
        epilogue=ending(out.dtype),
    )
    planes = room.reshape(*shape[:-1], target.shape[-1])
    target[...] = planes[tuple(map(slice, target.shape))]


@lru_cache(maxsize=256)
def _longest_last(grid: Grid, shape: tuple[int, ...]) -> Grid:
    """Return weights along the same axes, the longest last: the order of sums is free."""
    order = sorted(range(len(grid.axes)), key=lambda i: shape[grid.axes[i]])
    axes, anchors = ([values[i] for i in order] for values in (grid.axes, grid.anchors))
    return Grid(np.transpose(grid.weights, order), tuple(axes), tuple(anchors))


def _extended(image: Array, grid: Grid, border: str, cval: float) -> Array:
    """Return an image with what its last axes read outside, by copies of an engine's."""
    held = border != "constant" or _holds(image.dtype, cval)
    dtype = image.dtype if held else np.float64
    for i in range(-len(grid.axes), 0):
        n, axis = grid.weights.shape[i], image.ndim + i
        shape = (*image.shape[:axis], image.shape[axis] + n - 1, *image.shape[axis + 1 :])
        room = room_like(image, shape, dtype)
        shift = Kernel(np.eye(n, 1, grid.anchors[i] + 1 - n))
        source, target = as_planes(image, axis), as_planes(room, axis)
        correlate(source, shift, border=border, cval=cval, size="full", out=target)
        image = room
    return image


def _holds(dtype: np.dtype[Any], value: float) -> bool:
    """Return whether a value of a dtype is equal to another value.

    Examples
    --------
    >>> [_holds(np.dtype(name), 300.0) for name in ("uint8", "int16", "float32")]
    [False, True, True]
    """
    with np.errstate(all="ignore"):
        return bool(np.float64(value).astype(dtype) == value)


@lru_cache(maxsize=64)
def _stood_up(grid: Grid, planes: tuple[int, ...]) -> Kernel:
    """Return weights of several axes as those of two, for images of so many rows, plane by plane.

    Examples
    --------
    >>> _stood_up(Grid(np.ones((2, 1, 1)), (0, 1, 2), (0, 0, 0)), (9, 3)).weights.ravel().tolist()
    [1, 0, 0, 1]
    """
    *sizes, wide = grid.weights.shape
    steps = [prod(planes[i + 1 :]) for i in range(len(planes))]
    rows = np.zeros((), int)
    for step, n in zip(steps, sizes, strict=True):
        rows = np.add.outer(rows, step * np.arange(n))
    tall = np.zeros((int(rows.max()) + 1, wide))
    tall[rows.ravel()] = grid.weights.reshape(-1, wide)
    return Kernel(tall, anchor=(0, 0))
