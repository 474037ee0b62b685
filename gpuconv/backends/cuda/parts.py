"""A call in parts, for a device with too little memory for the whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import EllipsisType
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from gpuconv.backends.cuda.launch import side_by_side
from gpuconv.errors import DeviceError
from gpuconv.task import Task
from gpuconv.tiling import Axis
from gpuconv.window import Needs, indices, needs

__all__ = ["NoRoomError", "Part", "halves", "needed"]

Array = NDArray[Any]
_Task = TypeVar("_Task", bound=Task)


class NoRoomError(DeviceError):
    """A call cannot be done in smaller parts, and the smallest takes too much memory."""


@dataclass(frozen=True)
class Part(Generic[_Task]):
    """A part of a call: its plan, and what it reads and writes of the whole arrays."""

    plan: _Task
    #: Index into the image: planes.
    image: tuple[slice, ...]
    #: Index into the output: planes, or rows and columns.
    out: tuple[slice | EllipsisType, ...]


def halves(
    plan: _Task, needed: str, grain: tuple[int, int] = (1, 1), channels: int | None = None
) -> Iterator[Part[_Task]]:
    """Yield the two halves of a plan: of its first batch axis that has any, else of its rows.

    `channels` that are filtered side by side are an axis that stays whole while there are rows.

    They have the bits of the whole as long as there are two of `grain`, rows or columns of output
    that are computed as one; less than one of them is better than nothing.

    Raises
    ------
    NoRoomError
        There is one row left, and that is too much; `needed` says what for.
    """
    for axis, size in enumerate(plan.batch):
        if size > 1 and (axis != channels or plan.y.out == 1):
            for start, stop in _cut(size, 1):
                batch = (*plan.batch[:axis], stop - start, *plan.batch[axis + 1 :])
                index = (*(slice(None),) * axis, slice(start, stop))
                yield Part(plan.within(batch=batch), index, index)
            return
    if plan.y.out == 1:
        raise NoRoomError(
            f"the device has too little free memory for one row of the result ({needed}); "
            "free arrays on it, or filter narrower parts of the image"
        )
    rows, columns = slice(0, plan.y.out), slice(0, plan.x.out)
    if plan.y.out <= grain[0] and 1 < grain[1] < plan.x.out:
        parts = [(rows, slice(*ends)) for ends in _cut(plan.x.out, grain[1])]
    else:
        parts = [(slice(*ends), columns) for ends in _cut(plan.y.out, grain[0])]
    # What is computed as one is a call of its own once it is cut: it then takes less memory, too.
    apart = plan.y.out <= grain[0] and plan.x.out <= grain[1]
    for down, across in parts:
        part = plan.within(y=_run(plan.y, down), x=_run(plan.x, across))
        yield Part(replace(part, whole=None) if apart else part, (), (..., down, across))


def _cut(size: int, grain: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return two runs of about the same length, which meet on a grid if there is room for it."""
    middle = size // 2 // grain * grain or (grain if grain < size else size // 2)
    return (0, middle), (middle, size)


def _run(axis: Axis, run: slice) -> Axis:
    """Return the axis of a run of outputs, in the whole image."""
    return axis.part(run.start, run.stop, 0, axis.n)


def needed(plan: _Task, image: Array) -> tuple[_Task, Array]:
    """Return the pixels of `image` that `plan` reads, and the plan for an image of just these.

    Those in the border are copied to where they stand, but those that are filled. An image of which
    all are needed is returned as it is.

    Examples
    --------
    >>> import gpuconv as gc
    >>> import numpy as np
    >>> plan = gc.plan((8, 2), "uint8", gc.kernels.box(3), border="wrap")
    >>> first = next(halves(plan, "")).plan
    >>> part, pixels = needed(first, np.arange(16, dtype=np.uint8).reshape(8, 2))
    >>> pixels[:, 0].tolist(), part.y.offset, part.y.n
    ([14, 0, 2, 4, 6, 8], 0, 6)
    """
    high, wide = (
        needs((axis,), mode, 0, axis.out)
        for axis, mode in zip((plan.y, plan.x), plan.border, strict=True)
    )
    down, across = high.size < plan.y.n, wide.size < plan.x.n
    if not (down or across):
        return plan, image
    if down:
        image = _picked(image, (..., _index(high), slice(None)))
    if across:
        image = _picked(image, (..., _index(wide)))
    y = _moved(plan.y, high) if down else plan.y
    x = _moved(plan.x, wide) if across else plan.x
    return plan.within(y=y, x=x), image


def _picked(image: Array, index: tuple[Any, ...]) -> Array:
    """Return pixels of an image; channels that lie side by side stay so, which NumPy may change."""
    channels = side_by_side(image)
    picked: Array = image[index]
    if channels is None:
        return picked
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(picked, channels, -1)), -1, channels)


def _index(axis: Needs) -> slice | Array:
    """Return what picks the pixels of a window."""
    if axis.order is None:
        ((start, stop),) = axis.runs
        return slice(start, stop)
    read = np.concatenate([np.arange(*run) for run in axis.runs])
    return read[indices(axis.order)]


def _moved(axis: Axis, window: Needs) -> Axis:
    """Return the axis of the same outputs in a window."""
    return axis.part(0, axis.out, window.origin, window.size)
