"""Doing what a plan says on a CUDA device, in parts where it has too little memory.

What is launched is decided by :mod:`linear` and :mod:`neighbourhood`, from the plan and from where
the elements of the arrays lie.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gpuconv.backends.cuda import grains, kept, linear, neighbourhood, ready, runtime
from gpuconv.backends.cuda.launch import (
    Kept,
    Launch,
    Layout,
    Mask,
    Transform,
    Work,
    side_by_side,
)
from gpuconv.backends.cuda.parts import halves, needed
from gpuconv.backends.cuda.problem import AXES, separate_axes
from gpuconv.backends.cuda.protocol import Limits, Runtime
from gpuconv.bank import Bank
from gpuconv.errors import ArgumentError
from gpuconv.neighbourhood import NeighbourhoodPlan
from gpuconv.plan import Plan

__all__ = [
    "AnyPlan",
    "again",
    "download",
    "empty_like",
    "executed",
    "launches",
    "layout_of",
    "peak",
    "run",
    "together",
    "undivided",
    "uploaded",
]

AnyPlan = Plan | NeighbourhoodPlan


def launches(
    plan: AnyPlan, image: Layout, out: Layout, limits: Limits, mask: Mask | None = None
) -> Work:
    """Return what filters an image of layout `image` into an output of layout `out`."""
    if isinstance(plan, NeighbourhoodPlan):
        return neighbourhood.launches(plan, image, out, limits)
    return linear.launches(plan, image, out, limits, mask)


def run(plan: AnyPlan, image: Any, out: Any, mask: Any = None) -> None:
    """Filter `image` (…, H, W) into `out` as `plan` says; they must not overlap.

    `mask`, of the image's shape, are the weights of its pixels, for a plan that is masked. Arrays
    in host memory are copied to the device and back.

    Raises
    ------
    DeviceError
        The device has not even memory for one row of the output and what it is made from.
    """
    current = runtime.current()
    if mask is None and again(current, plan, image, out):
        return
    if 0 in plan.shape or 0 in image.shape:
        return
    weights = _weights(mask)
    if current.owns(image) and current.owns(out):
        with current.on_device_of(image):
            weights = weights and weights.there(current)
        with together(current, image, out=out, mask=weights and weights.array):
            _run_there(current, plan, image, out, weights)
    else:
        _run_from_host(current, plan, image, out, weights)


def together(current: Runtime, image: Any, **others: Any) -> AbstractContextManager[Any]:
    """Return a context in which the device that holds the image, and the others, is the current.

    Raises
    ------
    ArgumentError
        One lies on another device, whose memory kernels may not touch; None lies nowhere.
    """
    there = current.on_device_of(image)
    for name, array in others.items():
        if array is None or runtime.substituted() or current.on_device_of(array) == there:
            continue
        raise ArgumentError(
            f"{name} lies on another GPU than the image; make it there: with image.device: ..."
        )
    return there


def again(current: Runtime, plan: AnyPlan | Bank, image: Any, out: Any) -> bool:
    """Return whether this was a call such as was made before, and could be made again."""
    if not ready.expects(current, image, out):
        return False
    try:
        with together(current, image, out=out):
            return ready.run(current, plan, image, out)
    except MemoryError:  # it is done in parts
        return False


@dataclass(frozen=True)
class _Weights:
    """A mask, on the device or yet to go there; none of its values is above `largest`."""

    array: Any
    largest: float

    def __getitem__(self, index: Any) -> _Weights:
        return _Weights(self.array[index], self.largest)

    def there(self, current: Runtime) -> _Weights:
        """Return the same on the device."""
        return _Weights(uploaded(current, self.array), self.largest)


def _weights(mask: Any) -> _Weights | None:
    if mask is None:
        return None
    # Of real weights the largest must be known here: the only call that waits for the device.
    largest = 1.0 if mask.dtype.kind == "b" else float(mask.max())
    return _Weights(mask, largest)


def _run_there(
    current: Runtime, plan: AnyPlan, image: Any, out: Any, mask: _Weights | None
) -> None:
    layouts = layout_of(current, image), layout_of(current, out)
    weights = None
    if mask:
        weights = Mask(layout_of(current, mask.array), mask.array.dtype, mask.largest)
    if _scattered(plan, *layouts, *([weights.layout] if weights else [])):
        for i in range(plan.batch[0]):
            part = plan.within(batch=plan.batch[1:])
            _run_there(current, part, image[i], out[i], mask and mask[i])
        return
    work = launches(plan, *layouts, current.limits(), weights)
    if executed(current, work, {"image": image, "out": out, "mask": mask and mask.array}):
        if mask is None:
            ready.keep(current, plan, image, out, work)
        return
    whole = grains.of(plan, current.limits())
    for half in halves(plan, f"{work.bytes} bytes beside it", whole, undivided([plan], image)):
        some = mask and mask[half.image]
        _run_there(current, half.plan, image[half.image], out[half.out], some)


def _scattered(plan: AnyPlan, *layouts: Layout) -> bool:
    """Return whether the planes lie such that one launch cannot walk them all."""
    if isinstance(plan, NeighbourhoodPlan):
        layouts = tuple(neighbourhood.plane_of(plan, layout) for layout in layouts)
    return separate_axes(*layouts) > AXES


def layout_of(current: Runtime, array: Any) -> Layout:
    """Return where the elements of a device array lie."""
    size = array.dtype.itemsize
    strides = tuple(step // size for step in array.strides)
    return Layout(array.shape, strides, current.address(array) % 16)


def executed(current: Runtime, work: Work, arrays: dict[str, Any]) -> bool:
    """Return whether there was the memory to do it; if not, none of it is held on return."""
    try:
        _execute(current, work, arrays)
    except MemoryError:
        kept.clear()
        return False
    return True


def _execute(current: Runtime, work: Work, arrays: dict[str, Any]) -> None:
    """Launch; all memory is there before the first launch, so that nothing is done by halves."""
    for name, scratch in work.scratch.items():
        if isinstance(scratch, Kept):
            arrays[name] = kept.array(current, scratch)
        else:
            arrays[name] = current.empty(scratch.shape, scratch.dtype)
    # Batches have theirs in common: those too large to be kept would be planned for each anew.
    transforms = {
        step: current.transform(
            arrays[step.source][: step.count], arrays[step.target][: step.count]
        )
        for step in dict.fromkeys(work.steps)
        if isinstance(step, Transform)
    }
    steps = [
        transforms[step] if isinstance(step, Transform) else _prepared(current, step, arrays)
        for step in work.steps
    ]
    for go in steps:
        go()


def _prepared(current: Runtime, step: Launch, arrays: dict[str, Any]) -> Callable[[], None]:
    kernel = current.compile(step.program)
    arguments = [arrays[name] if name else None for name in step.operands]
    return lambda: kernel(step.grid, step.block, [*arguments, step.parameters], step.shared)


def _run_from_host(
    current: Runtime, plan: AnyPlan, image: Any, out: Any, mask: _Weights | None
) -> None:
    """Copy to the device, filter, and copy back: the whole if it fits, else part by part."""
    limits = current.limits()
    part, pixels = needed(plan, image)
    weights = mask and replace(mask, array=needed(plan, mask.array)[1])
    size = peak(part, limits, side_by_side(pixels)) + (weights.array.nbytes if weights else 0)
    if size <= current.free_memory() and _there_and_back(current, part, pixels, out, weights):
        return
    whole = grains.of(plan, limits)
    for half in halves(plan, f"{size} bytes", whole, undivided([plan], image)):
        some = mask and mask[half.image]
        _run_from_host(current, half.plan, image[half.image], out[half.out], some)


def _there_and_back(
    current: Runtime, plan: AnyPlan, image: Any, out: Any, mask: _Weights | None
) -> bool:
    """Return whether there was room for image and output; if not, none of it is held on return."""
    try:
        there = uploaded(current, image)
        result = empty_like(current, out)
        mask = mask and mask.there(current)
    except MemoryError:
        return False
    _run_there(current, plan, there, result, mask)
    download(current, result, out)
    return True


# Where an array in host memory has its channels side by side, so has what stands for it on the
# device: some kernels sum such in another order than planes, and the bits of a result should not
# tell where the image was. Besides, the copy is then one of memory as it lies.


def undivided(plans: Iterable[AnyPlan], image: Any) -> int | None:
    """Return the axis of channels that kernels take side by side, which parts are to have whole."""
    by_planes = all(plan.algorithm in linear.BY_PLANES for plan in plans)
    return None if by_planes else side_by_side(image)


def uploaded(current: Runtime, array: Any) -> Any:
    """Return an array of host memory on the device."""
    channels = side_by_side(array)
    if channels is None:
        return current.asarray(array)
    return np.moveaxis(current.asarray(np.moveaxis(array, channels, -1)), -1, channels)


def empty_like(current: Runtime, out: Any) -> Any:
    """Return an uninitialised array on the device for what goes to `out`, in host memory."""
    channels = side_by_side(out)
    if channels is None:
        return current.empty(out.shape, out.dtype.newbyteorder("="))
    shape = np.moveaxis(out, channels, -1).shape
    return np.moveaxis(current.empty(shape, out.dtype.newbyteorder("=")), -1, channels)


def download(current: Runtime, result: Any, out: Any) -> None:
    """Copy what `empty_like` gave back to host memory."""
    channels = side_by_side(out)
    if channels is not None:
        result, out = (np.moveaxis(array, channels, -1) for array in (result, out))
    out[...] = current.asnumpy(result)


def peak(plan: AnyPlan, limits: Limits, channels: int | None = None) -> int:
    """Return the bytes of device memory that `plan` takes for contiguous arrays, these included.

    `channels` is the axis of those that lie side by side.
    """
    image, out = (Layout.contiguous(shape, channels) for shape in (plan.image_shape, plan.shape))
    return plan.bytes_moved + launches(plan, image, out, limits).bytes
