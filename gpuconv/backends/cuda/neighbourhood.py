"""What is launched for a neighbourhood filter: a pure function of a plan and of the arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from gpuconv.backends.cuda import bilateral, nl_means, rank
from gpuconv.backends.cuda.launch import Launch, Layout, Scratch, Work
from gpuconv.backends.cuda.problem import Problem, flatten, within
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.neighbourhood import NeighbourhoodPlan

__all__ = ["launches", "plane_of"]

#: (problem, plan, elements from a channel to the next of the image and of the output, limits) →
#: launches and the scratch arrays they name.
Maker = Callable[
    [Problem, NeighbourhoodPlan, tuple[int, int], Limits],
    tuple[Sequence[Launch], Mapping[str, Scratch]],
]

_MAKERS: dict[str, Maker] = {
    "bilateral": bilateral.launches,
    "nl_means": nl_means.launches,
    "rank": rank.launches,
}
#: Families that can take the channels of interleaved images as taps that are apart.
_INTERLEAVED = ("rank",)


@lru_cache(maxsize=256)
def launches(plan: NeighbourhoodPlan, image: Layout, out: Layout, limits: Limits) -> Work:
    """Return what filters an image of layout `image` into an output of layout `out`."""
    family = plan.neighbourhood.family
    problem = flatten(
        plane_of(plan, image),
        plane_of(plan, out),
        (plan.y, plan.x),
        plan.border,
        plan.cval,
        (plan.dtype, plan.accumulator, plan.out_dtype),
        interleaved=family in _INTERLEAVED,
    )
    problem = within(problem, plan.extent)
    steps = (0, 0) if plan.channels is None else (image.strides[-3], out.strides[-3])
    made, scratch = _MAKERS[family](problem, plan, steps, limits)
    return Work(tuple(made), scratch)


def plane_of(plan: NeighbourhoodPlan, array: Layout) -> Layout:
    """Return the layout of the first of the channels that are filtered together.

    Examples
    --------
    >>> import gpuconv as gc
    >>> plan = gc.plan((8, 9, 3), "uint8", gc.Bilateral.of(5, sigma_color=9), channel_axis=2)
    >>> plane_of(plan, Layout((3, 8, 9), (1, 27, 3)))
    Layout(shape=(8, 9), strides=(27, 3), phase=0)
    """
    if plan.channels is None:
        return array
    shape, strides = array.shape, array.strides
    return Layout((*shape[:-3], *shape[-2:]), (*strides[:-3], *strides[-2:]), array.phase)
