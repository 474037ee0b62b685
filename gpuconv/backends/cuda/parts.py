"""A call in parts, for a device with too little memory for the whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import EllipsisType
from typing import Any, Generic, TypeVar

from numpy.typing import NDArray

from gpuconv import border
from gpuconv.errors import DeviceError
from gpuconv.task import Task

__all__ = ["NoRoomError", "Part", "halves", "needed_rows"]

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
    #: Index into the output: planes, or rows.
    out: tuple[slice | EllipsisType, ...]


def halves(plan: _Task, needed: str) -> Iterator[Part[_Task]]:
    """Yield the two halves of a plan: of its first batch axis that has any, else of its rows.

    Raises
    ------
    NoRoomError
        There is one row left, and that is too much; `needed` says what for.
    """
    for axis, size in enumerate(plan.batch):
        if size > 1:
            for start, stop in _cut(size):
                batch = (*plan.batch[:axis], stop - start, *plan.batch[axis + 1 :])
                index = (*(slice(None),) * axis, slice(start, stop))
                yield Part(replace(plan, batch=batch), index, index)
            return
    if plan.y.out == 1:
        raise NoRoomError(
            f"the device has too little free memory for one row of the result ({needed}); "
            "free arrays on it, or filter narrower parts of the image"
        )
    for start, stop in _cut(plan.y.out):
        offset = plan.y.offset + start * plan.y.stride
        part = replace(plan, y=replace(plan.y, out=stop - start, offset=offset))
        yield Part(part, (), (..., slice(start, stop), slice(None)))


def _cut(size: int) -> tuple[tuple[int, int], tuple[int, int]]:
    return (0, size // 2), (size // 2, size)


def needed_rows(plan: _Task, image: Array) -> tuple[_Task, Array]:
    """Return the rows of `image` that `plan` reads, and the plan for an image of just these.

    Rows in the border are copied to where they stand, but those that are filled. An image of which
    all rows are needed is returned as it is.

    Examples
    --------
    >>> import gpuconv as gc
    >>> import numpy as np
    >>> plan = gc.plan((8, 2), "uint8", gc.kernels.box(3), border="wrap")
    >>> first = next(halves(plan, "")).plan
    >>> part, rows = needed_rows(first, np.arange(16, dtype=np.uint8).reshape(8, 2))
    >>> rows[:, 0].tolist(), part.y.offset, part.y.n
    ([14, 0, 2, 4, 6, 8], 0, 6)
    """
    first, stop = plan.y.source(0, plan.y.out)
    if stop - first >= plan.y.n:
        return plan, image
    if plan.border[0] == "constant":
        low, high = min(max(first, 0), plan.y.n - 1), max(min(stop, plan.y.n), 1)
        rows = image[..., low:high, :]
    else:
        low = first
        rows = image[..., border.source_index(plan.border[0], range(first, stop), plan.y.n), :]
    y = replace(plan.y, n=rows.shape[-2], offset=first - low)
    return replace(plan, y=y), rows
