"""What a plan means on a CUDA device, in words: kernels, grids, memory, and why no other kernel."""

from __future__ import annotations

from collections import Counter
from math import prod

from gpuconv.backends.cuda.execution import AnyPlan, launches, peak
from gpuconv.backends.cuda.launch import Layout, Step, Transform, Work
from gpuconv.backends.cuda.protocol import Limits

__all__ = ["lines"]


def lines(plan: AnyPlan, limits: Limits) -> tuple[str, ...]:
    """Return lines for ``plan.explain()``, for contiguous arrays on a device of these limits.

    Examples
    --------
    >>> import gpuconv as gc
    >>> plan = gc.plan((4096, 4096), "float32", gc.kernels.gaussian(1), stride=2)
    >>> for line in lines(plan, Limits(multiprocessors=132, shared=232448)):
    ...     print(line)
    kernels     dense 16×257×1 blocks, dense 16×128×1 blocks
    device      117.5 MB at most: image, result and 33.6 MB between passes
    not march   strides, or a dilation along y
    not ring    strides, or a dilation along y
    """
    if 0 in plan.shape or 0 in plan.image_shape:
        return ("kernels     none: the image or the result is empty",)
    image = Layout.contiguous(plan.image_shape)
    work = launches(plan, image, Layout.contiguous(plan.shape), limits)
    mask = prod(image.shape) if plan.masked else 0  # of bool
    held = ["image", "mask", "result"] if mask else ["image", "result"]
    if work.bytes:
        held.append(f"{work.bytes / 1e6:.1f} MB between passes")
    return (
        f"kernels     {_kernels(work)}",
        f"device      {(peak(plan, limits) + mask) / 1e6:.1f} MB at most: "
        f"{', '.join(held[:-1])} and {held[-1]}",
        *(f"not {name:<7} {why}" for name, why in work.rejected),
    )


def _kernels(work: Work) -> str:
    """Return the steps in words, those that come again and again as one."""
    times = Counter(map(_words, work.steps))
    return ", ".join(words if n == 1 else f"{n} × {words}" for words, n in times.items())


def _words(step: Step) -> str:
    if isinstance(step, Transform):
        return f"{step.source} → {step.target} {step.count}×{step.rows}×{step.columns}"
    return f"{step.program.entry} {'×'.join(map(str, step.grid))} blocks"
