"""Filter banks on a CUDA device: one read of the image for all filters, where they are small.

Else every filter runs as it would alone, into scratch arrays of which a last launch makes results.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv import tiling
from gpuconv.backends.cuda import execution, grains, ready, runtime
from gpuconv.backends.cuda.dense import THREADS_X, WIDTH, Shape, shape_of, threads
from gpuconv.backends.cuda.launch import Launch, Layout, Scratch, Work
from gpuconv.backends.cuda.parameters import Constants, program
from gpuconv.backends.cuda.parts import NoRoomError, halves
from gpuconv.backends.cuda.problem import AXES, Problem, flatten, separate_axes, within
from gpuconv.backends.cuda.protocol import Limits, Runtime
from gpuconv.backends.cuda.separable import REPAIR_THREADS
from gpuconv.bank import REDUCTIONS, Bank
from gpuconv.epilogue import NOTHING
from gpuconv.plan import Plan

__all__ = ["launches", "run"]

Array = NDArray[Any]

#: Taps that a filter counts as at least, when it runs alone: it then reads and writes 8 bytes a
#: pixel, in which time an H200 does 60 instructions.
_LEAST_TAPS = 60
#: Weights up to which the loop over filters is unrolled, and the taps of each: twice 5 × 5 compile
#: in 100 ms. Taps alone would take more registers than there are.
_UNROLLED_WEIGHTS = 64
#: Pixels that the rectangle around all filters may be wide and high.
_MOST_TAPS = 31
#: Outputs of a thread that makes one result of responses: to find its first takes more instructions
#: than the outputs do (make static).
_REDUCED = 4
#: Output rows of a thread, in the order in which they are tried: its tile must fit at once.
_TALL = (8, 4, 2)


# ------------------------------------------------------------------------ what is launched


@lru_cache(maxsize=64)
def launches(bank: Bank, image: Layout, out: Layout, limits: Limits) -> Work | str:
    """Return the launch that runs all filters at once, or why there can be none.

    Examples
    --------
    >>> import gpuconv as gc
    >>> plans = [gc.plan((8, 8), "uint8", k) for k in (gc.kernels.sobel_x(), gc.kernels.sobel_y())]
    >>> bank = Bank(tuple(plans), "magnitude", gc.Epilogue(), np.dtype("uint8"))
    >>> layout = Layout.contiguous((8, 8))
    >>> work = launches(bank, layout, layout, Limits(multiprocessors=132, shared=232448))
    >>> [launch.program.entry for launch in work.launches]
    ['bank']
    """
    axes = _around([plan.y for plan in bank.plans]), _around([plan.x for plan in bank.plans])
    if reason := _unfit(bank, axes):
        return reason
    problem = _problem(bank, image, out, axes)
    weights = np.concatenate([_of_filter(plan, axes) for plan in bank.plans])
    found = _shape(problem, limits, unroll=weights.size <= _UNROLLED_WEIGHTS)
    if found is None:
        return "the tile that all filters need does not fit into shared memory"
    made, scratch = _launch(bank, problem, out, found, weights, limits)
    return Work(tuple(made), scratch)


def _around(axes: list[tiling.Axis]) -> tiling.Axis:
    """Return the axis of the taps that hold those of all filters.

    Examples
    --------
    >>> _around([tiling.axis(9, 3, 1), tiling.axis(9, 5, 0)])
    Axis(n=9, out=9, taps=6, offset=-1, stride=1, dilation=1)
    """
    first = min(axis.offset for axis in axes)
    last = max(axis.offset + axis.footprint - 1 for axis in axes)
    return replace(axes[0], offset=first, taps=(last - first) // axes[0].dilation + 1)


def _unfit(bank: Bank, axes: tuple[tiling.Axis, tiling.Axis]) -> str:
    """Return why filters cannot run at once, or had better not; "" if they can."""
    y, x = axes
    if any(plan.weighed for plan in bank.plans):
        return "pixels have weights of their own"
    if any(plan.algorithm == "ordered" for plan in bank.plans):
        return "the taps of each filter are added in an order of its own"
    if not y.stride == x.stride == y.dilation == x.dilation == 1:
        return "strides or dilations"
    if max(y.taps, x.taps) > _MOST_TAPS:
        return f"together the filters cover {y.taps}×{x.taps} pixels, above {_MOST_TAPS}"
    together = len(bank.plans) * y.taps * x.taps
    apart = sum(max(plan.operations, _LEAST_TAPS) for plan in bank.plans)
    if together > apart:
        return f"{together} taps together, and apart the work of {apart:.0f}"
    return ""


def _problem(
    bank: Bank, image: Layout, out: Layout, axes: tuple[tiling.Axis, tiling.Axis]
) -> Problem:
    plan = bank.plans[0]
    types = plan.dtype, bank.accumulator, bank.out_dtype
    one = out if bank.reduce else replace(out, shape=out.shape[1:], strides=out.strides[1:])
    made = flatten(image, one, axes, plan.border, plan.cval, types)
    return replace(within(made, plan.extent), epilogue=bank.epilogue)


def _shape(problem: Problem, limits: Limits, unroll: bool) -> Shape | None:
    """Return the tallest form whose tile fits into shared memory at once, if one does."""
    for tall in _TALL:
        shape = shape_of(problem, limits, most=tall, unroll=unroll)
        decided, fields = dict(shape.macros), shape.fields
        whole = fields.get("piece_rows", 0), fields.get("piece_columns", 0)
        if decided["ROWS"] or (decided["SPACING"] and whole == (problem.y.taps, problem.x.taps)):
            return shape
    return None


def _of_filter(plan: Plan, axes: tuple[tiling.Axis, tiling.Axis]) -> Array:
    """Return what the kernel reads of a filter: weights of all taps, divisor and reciprocal."""
    y, x = axes
    weights = np.zeros((y.taps, x.taps))
    top = (plan.y.offset - y.offset) // y.dilation
    left = (plan.x.offset - x.offset) // x.dilation
    rows, columns = plan.kernel.shape
    weights[top : top + rows, left : left + columns] = plan.kernel.numerators
    return np.append(weights, [plan.kernel.divisor, 1 / plan.kernel.divisor])


def _launch(
    bank: Bank, problem: Problem, out: Layout, shape: Shape, weights: Array, limits: Limits
) -> tuple[list[Launch], dict[str, Scratch]]:
    decided = dict(shape.macros)
    constants = Constants(problem, weights, fixed=decided["ROWS"] > 0, variant="bank")
    step = 0 if bank.reduce else out.strides[0]
    # Each response must be aligned, too.
    each = replace(problem.out, planes=(*problem.out.planes, step))
    divisors = {plan.kernel.divisor for plan in bank.plans}
    macros = [
        *shape.macros,
        ("STORE", replace(problem, out=each).store(4)),
        ("GUARD", int(_needs_guard(bank, weights))),
        ("FILTERS", len(bank.plans) if decided["ROWS"] else 0),
        ("REDUCE", _number(bank)),
    ]
    tall, divisor = decided["Y"], 1.0 if divisors == {1} else max(divisors | {2.0})
    launch = Launch(
        program("bank", "bank", problem, macros, constants, divisor),
        problem.blocks(WIDTH, threads(tall) * tall, limits.grid),
        (THREADS_X, threads(tall), 1),
        shape.shared,
        ("image", "out", None, *constants.operands),
        constants.parameters(1.0, **shape.fields, out_filter=step, filters=len(bank.plans)),
    )
    return [*constants.launches(), launch], constants.scratch


def _number(bank: Bank) -> int:
    """Return the reduction as kernels_cuda/reduction.cuh counts them."""
    return 1 + REDUCTIONS.index(bank.reduce) if bank.reduce else 0


def _needs_guard(bank: Bank, weights: Array) -> bool:
    plan = bank.plans[0]
    filled = "constant" in plan.border and not np.isfinite(plan.cval)
    return (plan.dtype.kind == "f" or filled) and bool((weights == 0).any())


def _reduction(bank: Bank, out: Layout, limits: Limits) -> Work:
    """Return the launch that makes one result of responses that lie in a scratch array."""
    plan = bank.plans[0]
    one = Layout.contiguous(plan.shape)
    types = bank.accumulator, bank.accumulator, bank.out_dtype
    idle = tuple(tiling.Axis(axis.out, axis.out, 1, 0, 1, 1) for axis in (plan.y, plan.x))
    problem = flatten(one, out, (idle[0], idle[1]), plan.border, 0.0, types)
    problem = replace(problem, epilogue=bank.epilogue)
    constants = Constants(problem, np.ones(1), fixed=True, variant="bank")
    macros = [("VECTOR", 1), ("STORE", problem.store(1)), ("GUARD", 0), ("REDUCE", _number(bank))]
    launch = Launch(
        program("reduce", "reduce", problem, macros, constants, 1.0),
        problem.blocks(REPAIR_THREADS[0], _REDUCED * REPAIR_THREADS[1], limits.grid),
        REPAIR_THREADS,
        0,
        (None, "out", "responses", None, None),
        constants.parameters(1.0, filters=len(bank.plans)),
    )
    return Work((launch,), {})


# ------------------------------------------------------------------------ doing it


def run(bank: Bank, image: Any, out: Any) -> None:
    """Filter `image` (…, H, W) into `out` as `bank` says; they must not overlap.

    Arrays in host memory are copied to the device and back.

    Raises
    ------
    DeviceError
        The device has not the memory for the image and one row of the result.
    """
    if 0 in bank.shape or 0 in image.shape:
        return
    current = runtime.current()
    if execution.again(current, bank, image, out):
        return
    if current.owns(image) and current.owns(out):
        with execution.together(current, image, out=out):
            _run_there(current, bank, image, out)
    else:
        _run_from_host(current, bank, image, out)


def _run_there(current: Runtime, bank: Bank, image: Any, out: Any) -> None:
    one = out if bank.reduce else out[0]
    if separate_axes(execution.layout_of(current, image), execution.layout_of(current, one)) > AXES:
        for i in range(bank.plans[0].batch[0]):
            _run_there(current, _plane(bank), image[i], out[i] if bank.reduce else out[:, i])
        return
    layouts = execution.layout_of(current, image), execution.layout_of(current, out)
    work = launches(bank, *layouts, current.limits())
    if isinstance(work, str):
        done = _run_apart(current, bank, image, out)
    elif done := execution.executed(current, work, {"image": image, "out": out}):
        ready.keep(current, bank, image, out, work)
    if not done:
        for part, images, outs in _halves(bank, current.limits(), image):
            _run_there(current, part, image[images], out[outs])


def _run_apart(current: Runtime, bank: Bank, image: Any, out: Any) -> bool:
    """Run filter by filter; return whether there was memory for their responses, and to do it."""
    if not bank.reduce:
        for plan, response in zip(_alone(bank), out, strict=True):
            execution.run(plan, image, response)
        return True
    shape = (len(bank.plans), *bank.plans[0].shape)
    try:
        responses = current.empty(shape, bank.accumulator)
        for plan, response in zip(_alone(bank), responses, strict=True):
            execution.run(plan, image, response)
    except (MemoryError, NoRoomError):
        return False
    work = _reduction(bank, execution.layout_of(current, out), current.limits())
    return execution.executed(current, work, {"out": out, "responses": responses})


@lru_cache(maxsize=64)
def _alone(bank: Bank) -> tuple[Plan, ...]:
    """Return what each filter runs as where it runs alone: finished, unless that comes later."""
    tile = grains.tile_of(bank.plans)
    plans = [replace(plan, tile=tile) if tile and plan.transform else plan for plan in bank.plans]
    if bank.reduce:
        # Kernels that sum in float32 cannot store float64.
        wide = bank.accumulator
        return tuple(
            replace(plan, epilogue=NOTHING, accumulator=wide, out_dtype=wide) for plan in plans
        )
    return tuple(replace(plan, epilogue=bank.epilogue, out_dtype=bank.out_dtype) for plan in plans)


def _run_from_host(current: Runtime, bank: Bank, image: Any, out: Any) -> None:
    """Copy to the device, filter, and copy back: the whole if it fits, else part by part."""
    if not _there_and_back(current, bank, image, out):
        for part, images, outs in _halves(bank, current.limits(), image):
            _run_from_host(current, part, image[images], out[outs])


def _there_and_back(current: Runtime, bank: Bank, image: Any, out: Any) -> bool:
    """Return whether there was room for it; if not, none of it is held on return."""
    try:
        there = execution.uploaded(current, image)
        result = execution.empty_like(current, out)
        _run_there(current, bank, there, result)
    except (MemoryError, NoRoomError):
        return False
    execution.download(current, result, out)
    return True


def _plane(bank: Bank) -> Bank:
    """Return the bank for one plane of the first batch axis."""
    plans = tuple(plan.within(batch=plan.batch[1:]) for plan in bank.plans)
    return replace(bank, plans=plans)


def _halves(bank: Bank, limits: Limits, image: Any) -> Iterator[tuple[Bank, Any, Any]]:
    """Yield the halves of a bank, each with its index into the image and into the output."""
    whole = grains.common(bank.plans, limits)
    channels = execution.undivided(bank.plans, image)
    cuts = [halves(plan, "for all responses", whole, channels) for plan in bank.plans]
    for parts in zip(*cuts, strict=True):
        part = replace(bank, plans=tuple(each.plan for each in parts))
        outs = parts[0].out
        if not bank.reduce and outs[:1] != (...,):
            outs = (slice(None), *outs)
        yield part, parts[0].image, outs
