"""Dense and separable correlation on a CUDA device.

:func:`launches` decides, from a plan and the layouts of the arrays, what is launched: a pure
function of numbers. :func:`run` does it, in parts where the device has too little memory.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from math import isfinite
from typing import Any

from gpuconv.backends.cuda import runtime
from gpuconv.backends.cuda.dense import dense
from gpuconv.backends.cuda.dense_bytes import dense_bytes
from gpuconv.backends.cuda.launch import Launch, Layout, Scratch, Work
from gpuconv.backends.cuda.parts import halves, needed_rows
from gpuconv.backends.cuda.problem import AXES, Problem, flatten, separate_axes
from gpuconv.backends.cuda.protocol import Limits, Runtime
from gpuconv.backends.cuda.separable import march, ring, two_pass
from gpuconv.plan import Plan

__all__ = ["launches", "peak", "run"]

Made = tuple[list[Launch], dict[str, Scratch]]
Rejected = tuple[tuple[str, str], ...]


# ------------------------------------------------------------------------ what is launched


@lru_cache(maxsize=256)
def launches(plan: Plan, image: Layout, out: Layout, limits: Limits) -> Work:
    """Return what filters an image of layout `image` into an output of layout `out`.

    Examples
    --------
    >>> import gpuconv as gc
    >>> plan = gc.plan((512, 512), "float32", gc.kernels.laplacian())
    >>> layout = Layout.contiguous((512, 512))
    >>> work = launches(plan, layout, layout, Limits(multiprocessors=132, shared=232448))
    >>> [launch.program.entry for launch in work.launches], work.bytes
    (['dense'], 0)
    """
    types = plan.dtype, plan.accumulator, plan.out_dtype
    problem = flatten(image, out, (plan.y, plan.x), plan.border, plan.cval, types)
    guard = _needs_guard(plan)
    rejected: Rejected = ()
    if plan.terms:
        (made, scratch), rejected = _separable(problem, plan, limits, guard)
    else:
        (made, scratch), rejected = _dense(problem, plan, limits, guard)
    return Work(tuple(made), scratch, rejected)


def _dense(problem: Problem, plan: Plan, limits: Limits, guard: bool) -> tuple[Made, Rejected]:
    """Return the kernel for bytes if it can run the plan, else the one that can run any."""
    made = dense_bytes(problem, plan.kernel, limits)
    if not isinstance(made, str):
        return made, ()
    weights, divisor = plan.kernel.numerators, plan.kernel.divisor
    return dense(problem, weights, divisor, limits, guard=guard), (("dense_bytes", made),)


def _separable(problem: Problem, plan: Plan, limits: Limits, guard: bool) -> tuple[Made, Rejected]:
    """Return the first of the separable kernels that can run the plan, and why not those before.

    Two passes can run any.
    """
    rejected = list[tuple[str, str]]()
    for fused in (march, ring):
        made = fused(problem, plan.terms, plan.kernel, limits, guard)
        if not isinstance(made, str):
            return made, tuple(rejected)
        rejected.append((fused.__name__, made))
    return two_pass(problem, plan.terms, plan.kernel, limits, guard), tuple(rejected)


def _needs_guard(plan: Plan) -> bool:
    """Return whether a sum might take up NaN or Inf from a pixel that no weight ≠ 0 lies over."""
    filled = "constant" in plan.border and not isfinite(plan.cval)
    if plan.dtype.kind != "f" and not filled:
        return False
    return len(plan.terms) > 1 or bool((plan.kernel.numerators == 0).any())


# ------------------------------------------------------------------------ doing it


def run(plan: Plan, image: Any, out: Any) -> None:
    """Filter `image` (…, H, W) into `out` as `plan` says; they must not overlap.

    Arrays in host memory are copied to the device and back.

    Raises
    ------
    DeviceError
        The device has not even memory for one row of the output and what it is made from.
    """
    if 0 in plan.shape or 0 in image.shape:
        return
    current = runtime.current()
    if current.owns(image) and current.owns(out):
        with current.on_device_of(image):
            _run_there(current, plan, image, out)
    else:
        _run_from_host(current, plan, image, out)


def _run_there(current: Runtime, plan: Plan, image: Any, out: Any) -> None:
    layouts = _layout(current, image), _layout(current, out)
    if separate_axes(*layouts) > AXES:
        for i in range(plan.batch[0]):
            _run_there(current, replace(plan, batch=plan.batch[1:]), image[i], out[i])
        return
    work = launches(plan, *layouts, current.limits())
    try:
        _execute(current, work, {"image": image, "out": out})
    except MemoryError:
        for part in halves(plan, f"{work.bytes} bytes beside it"):
            _run_there(current, part.plan, image[part.image], out[part.out])


def _layout(current: Runtime, array: Any) -> Layout:
    size = array.dtype.itemsize
    strides = tuple(step // size for step in array.strides)
    return Layout(array.shape, strides, current.address(array) % 16)


def _execute(current: Runtime, work: Work, arrays: dict[str, Any]) -> None:
    """Launch; all memory is there before the first launch, so that nothing is done by halves."""
    for name, scratch in work.scratch.items():
        arrays[name] = current.empty(scratch.shape, scratch.dtype)
    kernels = [current.compile(launch.program) for launch in work.launches]
    for kernel, launch in zip(kernels, work.launches, strict=True):
        operands = [arrays[name] if name else None for name in launch.operands]
        kernel(launch.grid, launch.block, [*operands, launch.parameters], launch.shared)


def _run_from_host(current: Runtime, plan: Plan, image: Any, out: Any) -> None:
    """Copy to the device, filter, and copy back: the whole if it fits, else part by part."""
    part, rows = needed_rows(plan, image)
    needed = peak(part, current.limits())
    try:
        if needed > current.free_memory():
            raise MemoryError
        there = current.asarray(rows)
        result = current.empty(part.shape, part.out_dtype)
        _run_there(current, part, there, result)
        out[...] = current.asnumpy(result)
    except MemoryError:
        for half in halves(plan, f"{needed} bytes"):
            _run_from_host(current, half.plan, image[half.image], out[half.out])


def peak(plan: Plan, limits: Limits) -> int:
    """Return the bytes of device memory that `plan` takes for contiguous arrays, these included."""
    image = (*plan.batch, plan.y.n, plan.x.n)
    work = launches(plan, Layout.contiguous(image), Layout.contiguous(plan.shape), limits)
    return plan.bytes_moved + work.bytes
