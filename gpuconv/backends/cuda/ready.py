"""Calls that need no more thought: kernels compiled, parameters made, for layouts met before.

A repeated call looks up what it found out the last time, by its plan and by where the elements of
its arrays lie, and launches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gpuconv.arrays import channels_first
from gpuconv.backends.cuda.extent import extent
from gpuconv.backends.cuda.launch import Kept, Launch, Work
from gpuconv.backends.cuda.protocol import Kernel, Runtime
from gpuconv.bank import Bank
from gpuconv.task import Task

__all__ = ["again", "expects", "keep", "run"]

#: Calls that are remembered; with their parameters they take a few KiB each.
_MOST = 256

Launched = tuple[
    Kernel, tuple[int, int, int], tuple[int, int, int], tuple[str | None, ...], Any, int
]


@dataclass(frozen=True)
class _Ready:
    """What a call launches."""

    #: Arrays that it needs for itself: name, shape, dtype.
    scratch: tuple[tuple[str, tuple[int, ...], Any], ...]
    launches: tuple[Launched, ...]
    #: Offsets of the first byte of the image and of the output, and of those after their last.
    image: tuple[int, int]
    out: tuple[int, int]

    def apart(self, image: int, out: int) -> bool:
        """Return whether image and output, at these addresses, share no memory."""
        (low, high), (first, last) = self.image, self.out
        return image + high <= out + first or out + last <= image + low


@dataclass(frozen=True)
class _Known:
    """What is remembered of a runtime: nothing, once another one takes its place."""

    runtime: Runtime | None
    #: The type of its arrays.
    kind: type[Any] | None
    calls: dict[Any, _Ready]


_known = _Known(None, None, {})


def _key(current: Runtime, plan: Task | Bank, image: Any, out: Any) -> tuple[Any, ...]:
    """Return what decides the launches of a call. Each device has limits of its own."""
    return (
        id(current.limits()),
        plan,
        image.dtype,
        image.strides,
        current.address(image) % 16,
        out.dtype,
        out.strides,
        current.address(out) % 16,
    )


def expects(current: Runtime, image: Any, out: Any) -> bool:
    """Return whether calls of this runtime, on arrays of this type, are remembered."""
    return _known.runtime is current and type(image) is type(out) is _known.kind


def run(current: Runtime, plan: Task | Bank, image: Any, out: Any) -> bool:
    """Launch what filters `image` into `out`; return False, and do nothing, if that is not known.

    The arrays are such as the runtime :func:`expects`.

    Raises
    ------
    MemoryError
        There is no room for what is between two launches; nothing was launched.
    """
    ready = _known.calls.get(_key(current, plan, image, out))
    if ready is None:
        return False
    _launch(current, ready, image, out)
    return True


def again(current: Runtime, plan: Task | Bank, image: Any, out: Any, channel: int | None) -> bool:
    """Launch what filters `image` into `out`; return False if that is not known, or cannot be done.

    They may be any arrays of the plan's shapes, but that their colours may stand in `channel`.
    """
    if not (expects(current, image, out) and current.here(image, out)):
        return False
    there, result = current.address(image), current.address(out)
    key = (
        id(current.limits()),
        plan,
        image.dtype,
        channels_first(image.strides, channel),
        there % 16,
        out.dtype,
        channels_first(out.strides, channel),
        result % 16,
    )
    ready = _known.calls.get(key)
    if ready is None or not ready.apart(there, result):
        return False
    try:
        _launch(current, ready, image, out)
    except MemoryError:  # it is done in parts
        return False
    return True


def _launch(current: Runtime, ready: _Ready, image: Any, out: Any) -> None:
    arrays = {None: None, "image": image, "out": out}
    for name, shape, dtype in ready.scratch:
        arrays[name] = current.empty(shape, dtype)
    for kernel, grid, block, names, parameters, shared in ready.launches:
        kernel(grid, block, [*[arrays[name] for name in names], parameters], shared)


def keep(current: Runtime, plan: Task | Bank, image: Any, out: Any, work: Work) -> None:
    """Remember the launches of a call, whose arrays are the runtime's own.

    Transforms, and arrays that outlive a call, belong to a stream, and are looked up each time.
    """
    global _known
    steps = [step for step in work.steps if isinstance(step, Launch)]
    kept = any(isinstance(each, Kept) for each in work.scratch.values())
    if kept or len(steps) < len(work.steps) or type(image) is not type(out):
        return
    if _known.runtime is not current or _known.kind is not type(image):
        _known = _Known(current, type(image), {})
    known = _known
    if len(known.calls) >= _MOST:
        known.calls.clear()
    known.calls[_key(current, plan, image, out)] = _Ready(
        tuple((name, each.shape, each.dtype) for name, each in work.scratch.items()),
        tuple(
            (
                current.compile(step.program),
                step.grid,
                step.block,
                step.operands,
                step.parameters,
                step.shared,
            )
            for step in steps
        ),
        extent(plan.image_shape, image.strides, image.dtype.itemsize),
        extent(plan.shape, out.strides, out.dtype.itemsize),
    )
