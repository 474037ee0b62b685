"""A filter call as the kernels see it: planes of rows of scalars.

The channels of an interleaved colour image lie side by side in a row, so such an image is one plane
of longer rows whose taps are as many scalars apart as there are channels. Batch axes that follow
one another in memory are one axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv import border, tiling
from gpuconv.backends.cuda.launch import MOST_CHANNELS, Layout, Mask
from gpuconv.epilogue import NOTHING, Epilogue
from gpuconv.errors import ArgumentError
from gpuconv.task import Whole

__all__ = ["AXES", "Problem", "Steps", "flatten", "separate_axes", "within"]

#: Elements from one to the next along an axis, in each of several arrays.
_Step = tuple[int, ...]

#: Batch axes that a kernel can walk: AXES in kernels_cuda/tile.cuh.
AXES = 3

#: Kernels count positions along an axis with 32 bits, and go a tile or a border beyond its ends.
LONGEST_AXIS = 2**31 - 2**26

#: Bytes that the widest load moves.
_VECTOR_BYTES = 16


@dataclass(frozen=True)
class Steps:
    """Elements from one plane, row and column of an array to the next."""

    planes: tuple[int, ...]
    row: int
    column: int
    #: The address of the first element modulo 16.
    phase: int = 0

    def vector(self, itemsize: int, most: int) -> int:
        """Return how many elements one access can move, from any column that is a multiple of it.

        0 where neighbours in x are not neighbours in memory.

        Examples
        --------
        >>> Steps((), 1920, 1).vector(4, most=8), Steps((), 1922, 1).vector(4, most=8)
        (4, 2)
        >>> Steps((), 1920, -1).vector(4, most=8)
        0
        """
        if self.column != 1:
            return 0
        count = min(most, _VECTOR_BYTES // itemsize)
        steps = (self.row, *self.planes)
        while count > 1 and (self.phase % (count * itemsize) or any(s % count for s in steps)):
            count //= 2
        return count


@dataclass(frozen=True)
class Problem:
    """What to filter: `planes` planes, along `y` in rows and along `x` in scalars."""

    planes: tuple[int, ...]
    image: Steps
    out: Steps
    y: tiling.Axis
    x: tiling.Axis
    #: Interleaved channels: scalars to a pixel.
    channels: int
    border: tuple[str, str]
    cval: float
    dtype: np.dtype[Any]
    sum: np.dtype[Any]
    out_dtype: np.dtype[Any]
    #: Done to each result on its way to the output.
    epilogue: Epilogue = NOTHING
    #: Where weights of the pixels lie, and what they are read as; None: no pixel has one.
    mask: Steps | None = None
    mask_dtype: np.dtype[Any] | None = None
    #: What this is a part of, its columns in scalars; None: it is the whole.
    whole: Whole | None = None

    @property
    def extent(self) -> Whole:
        """The whole: what decides where sums begin that run on from one output to the next."""
        return self.whole or Whole(self.planes, self.y, self.x)

    def blocks(self, width: int, height: int, most: int | None = None) -> tuple[int, int, int]:
        """Return the grid of blocks that make `width` × `height` outputs each.

        Along y and z, at most `most`: these then walk.
        """
        y, z = -(-self.y.out // height), prod(self.planes)
        return -(-self.x.out // width), min(y, most or y), min(z, most or z)

    @property
    def unit_steps(self) -> bool:
        """Whether neighbouring outputs read neighbouring rows and scalars, tap by tap in y."""
        return self.y.stride == self.x.stride == self.y.dilation == 1

    @property
    def vector(self) -> int:
        """Scalars that one load of the image can move, and of its mask.

        8 are as many as a thread sums.
        """
        most = self.image.vector(self.dtype.itemsize, most=8)
        if self.mask is None or self.mask_dtype is None:
            return most
        return self.mask.vector(self.mask_dtype.itemsize, most)

    def store(self, count: int) -> int:
        """Return 2 if `count` neighbouring outputs can be written at once.

        Else 1 if they are neighbours in memory at all, and 0 if not.
        """
        size = self.out_dtype.itemsize
        at_once = self.out.vector(size, count)
        return (
            2
            if at_once > 1 and at_once * size == min(count * size, _VECTOR_BYTES)
            else min(at_once, 1)
        )

    @cached_property
    def edges(self) -> tuple[tuple[int, int, int, int], NDArray[np.int32]]:
        """The entries (before y, after y, before x, after x) of the border tables, and these."""
        before_y, after_y = _outside(self.y)
        before_x, after_x = _outside(self.x)
        width = self.x.n // self.channels
        rows = border.source_index(
            self.border[0], _positions(before_y, after_y, self.y.n), self.y.n
        )
        pixel, channel = np.divmod(_positions(before_x, after_x, self.x.n), self.channels)
        source = border.source_index(self.border[1], pixel, width)
        scalars = np.where(source < 0, border.FILL, source * self.channels + channel)
        table = np.concatenate([rows, scalars]).astype(np.int32)
        return (before_y, after_y, before_x, after_x), table

    def between(self) -> tuple[Problem, Problem, tuple[int, ...]]:
        """Return the problems along x alone and along y alone, and the shape of what is between.

        The first reads the image and writes sums of every row that the second reads: those in the
        border, too, so that the second has none.
        """
        first, stop = self.y.source(0, self.y.out)
        needed, y = stop - first, self.y
        shape = (*self.planes, needed, self.x.out)
        strides = Layout.contiguous(shape).strides
        steps = Steps(strides[:-2], strides[-2], 1)
        every = tiling.Axis(y.n, needed, 1, first, 1, 1)
        across = replace(self, out=steps, y=every, out_dtype=self.sum, epilogue=NOTHING)
        down = tiling.Axis(needed, y.out, y.taps, 0, y.stride, y.dilation)
        idle = tiling.Axis(self.x.out, self.x.out, 1, 0, 1, 1)
        return across, replace(self, image=steps, y=down, x=idle, dtype=self.sum), shape

    def contiguous(self, dtype: np.dtype[Any]) -> tuple[Problem, tuple[int, ...]]:
        """Return the same with a new array of `dtype` as its output, and that array's shape.

        What is kept there is not finished: nothing is done to it.
        """
        shape = (*self.planes, self.y.out, self.x.out)
        strides = Layout.contiguous(shape).strides
        out = Steps(strides[:-2], strides[-2], 1)
        return replace(self, out=out, out_dtype=dtype, epilogue=NOTHING), shape


def _outside(axis: tiling.Axis) -> tuple[int, int]:
    """Return how many positions before and after the image its outputs read."""
    first, stop = axis.source(0, axis.out)
    return max(0, -first), max(0, stop - axis.n)


def _positions(before: int, after: int, n: int) -> NDArray[np.int64]:
    return np.concatenate([np.arange(-before, 0), np.arange(n, n + after)])


def flatten(
    image: Layout,
    out: Layout,
    axes: tuple[tiling.Axis, tiling.Axis],
    border: tuple[str, str],
    cval: float,
    dtypes: tuple[np.dtype[Any], np.dtype[Any], np.dtype[Any]],
    interleaved: bool = True,
    mask: Mask | None = None,
) -> Problem:
    """Return the problem of filtering an image (…, H, W); at most AXES batch axes may remain.

    `dtypes` are those that are read, summed in and written. Not `interleaved`, every channel is a
    plane of its own, wherever it lies.

    Examples
    --------
    >>> f32 = np.dtype("float32")
    >>> interleaved = Layout((3, 100, 200), (1, 600, 3))
    >>> axis = tiling.axis(100, 5, 2), tiling.axis(200, 5, 2)
    >>> p = flatten(interleaved, interleaved, axis, ("wrap", "wrap"), 0, (f32, f32, f32))
    >>> p.planes, p.x.n, p.x.dilation, p.image.column
    ((), 600, 3, 1)
    """
    y, x = axes
    layouts = (image, out, mask.layout) if mask else (image, out)
    sizes = list(image.shape[:-2])
    *batch, row, column = zip(*(layout.strides for layout in layouts), strict=True)
    channels = 1
    side_by_side = [i for i, size in enumerate(sizes) if _interleaved(size, batch[i], column, x)]
    if interleaved and side_by_side:
        channels = sizes.pop(side_by_side[0])
        del batch[side_by_side[0]]
        column = (1,) * len(layouts)
        x = _in_scalars(x, channels)
    _check_size("rows", y)
    _check_size("columns", x)
    planes, merged = _merged(sizes, batch)
    if len(planes) > AXES:
        raise ArgumentError(f"image has {len(planes)} separate batch axes; at most {AXES} will do")
    read, written, *weights = (
        Steps(tuple(step[i] for step in merged), row[i], column[i], layout.phase)
        for i, layout in enumerate(layouts)
    )
    made = Problem(planes, read, written, y, x, channels, border, cval, *dtypes)
    return replace(made, mask=weights[0], mask_dtype=mask.dtype) if mask else made


def within(problem: Problem, whole: Whole) -> Problem:
    """Return a problem that knows the call that it is a part of."""
    channels = problem.channels
    planes = prod(whole.batch) // channels
    return replace(problem, whole=Whole((planes,), whole.y, _in_scalars(whole.x, channels)))


def _in_scalars(x: tiling.Axis, channels: int) -> tiling.Axis:
    """Return the axis of rows in which `channels` scalars make a pixel; they have no stride."""
    if channels == 1:
        return x
    return tiling.Axis(
        x.n * channels, x.out * channels, x.taps, x.offset * channels, 1, x.dilation * channels
    )


def _check_size(what: str, axis: tiling.Axis) -> None:
    longest = max(axis.n, axis.out) + axis.footprint
    if longest > LONGEST_AXIS:
        raise ArgumentError(
            f"image has {axis.n} {what} (counting channels), with its border {longest}; the CUDA "
            f"engine takes at most {LONGEST_AXIS}: filter it in parts"
        )


def _interleaved(size: int, step: _Step, column: _Step, x: tiling.Axis) -> bool:
    side_by_side = set(step) == {1} and set(column) == {size}
    return side_by_side and 1 < size <= MOST_CHANNELS and x.stride == 1


def separate_axes(*layouts: Layout) -> int:
    """Return how many batch axes are left when those that continue each other are one.

    Examples
    --------
    >>> plain = Layout.contiguous((2, 3, 5, 8, 8))
    >>> apart = Layout((2, 3, 5, 8, 8), (9, 99, 99, 8, 1))
    >>> separate_axes(plain, plain), separate_axes(apart, plain)
    (1, 3)
    """
    steps = list(zip(*(layout.strides[:-2] for layout in layouts), strict=True))
    return len(_merged(layouts[0].shape[:-2], steps)[0])


def _merged(sizes: Sequence[int], steps: Sequence[_Step]) -> tuple[tuple[int, ...], list[_Step]]:
    """Drop axes of one plane; make one axis of neighbours that continue each other in memory."""
    planes, merged = list[int](), list[_Step]()
    for size, step in zip(sizes, steps, strict=True):
        if size == 1:
            continue
        if planes and merged[-1] == tuple(each * size for each in step):
            planes[-1] *= size
            merged[-1] = step
        else:
            planes.append(size)
            merged.append(step)
    return tuple(planes), merged
