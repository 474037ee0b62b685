"""What is launched for a linear filter: a pure function of a plan and of the arrays' layouts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from math import isfinite

import numpy as np

from gpuconv.backends.cuda.box import box
from gpuconv.backends.cuda.dense import dense
from gpuconv.backends.cuda.dense_bytes import dense_bytes
from gpuconv.backends.cuda.fourier import fourier
from gpuconv.backends.cuda.launch import Layout, Mask, Scratch, Step, Work
from gpuconv.backends.cuda.masked import masked
from gpuconv.backends.cuda.ordered import ordered
from gpuconv.backends.cuda.problem import Problem, flatten, within
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.backends.cuda.recursive import recursive
from gpuconv.backends.cuda.separable import march, ring, two_pass
from gpuconv.plan import Plan

__all__ = ["BY_PLANES", "launches"]

Made = tuple[Sequence[Step], Mapping[str, Scratch]]
Rejected = tuple[tuple[str, str], ...]


#: Algorithms that have kernels of their own; all others are sums over taps.
_MAKERS: dict[str, Callable[[Problem, Plan, Limits], Made]] = {"fft": fourier, "ordered": ordered}
#: The kernels that can run a sum of separable terms in one pass, where they are not the usual two.
_FUSED = {"box": (box, march, ring), "recursive": (recursive, march, ring)}
#: Those to which taps that are apart cost more than channels that are planes.
BY_PLANES = ("fft", "recursive")


@lru_cache(maxsize=256)
def launches(
    plan: Plan, image: Layout, out: Layout, limits: Limits, mask: Mask | None = None
) -> Work:
    """Return what filters an image of layout `image` into an output of layout `out`.

    A plan that is masked is for a `mask`; without one, it is told for one of bool.

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
    interleaved = plan.algorithm not in BY_PLANES
    if plan.masked and mask is None:
        mask = Mask(Layout.contiguous(image.shape), np.dtype(bool))
    problem = flatten(
        image, out, (plan.y, plan.x), plan.border, plan.cval, types, interleaved, mask
    )
    problem = replace(within(problem, plan.extent), epilogue=plan.epilogue)
    guard = _needs_guard(plan)
    rejected: Rejected = ()
    made: Sequence[Step]
    scratch: Mapping[str, Scratch]
    if plan.weighed:
        made, scratch = masked(problem, plan, limits, mask.largest if mask else 1.0, guard)
    elif plan.algorithm in _MAKERS:
        made, scratch = _MAKERS[plan.algorithm](problem, plan, limits)
    elif plan.terms:
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
    for fused in _FUSED.get(plan.algorithm, (march, ring)):
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
