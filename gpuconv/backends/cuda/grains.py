"""Where parts of a result may begin and end, to have the bits of the whole.

Most kernels make each output from the pixels around it alone, in one order, wherever it lies. Some
share work between outputs, and the order of their sums is that of what is shared: segments down
which a sum runs, tiles that are transformed. Parts are then made of whole ones. Which these are is
read off what is launched, so that the two cannot disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from math import gcd, lcm

import numpy as np

from gpuconv.backends.cuda import linear, neighbourhood, nl_means
from gpuconv.backends.cuda.launch import Launch, Layout, Work
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.neighbourhood import NeighbourhoodPlan
from gpuconv.plan import Plan
from gpuconv.task import Task

__all__ = ["Grain", "common", "of", "tile_of"]

#: Output rows and columns.
Grain = tuple[int, int]

#: Algorithms of which outputs share work.
_SHARING = ("fft", "box", "recursive", "shifts")


def of(plan: Task, limits: Limits) -> Grain:
    """Return the grid of outputs that `plan` computes as one, for channels side by side.

    Examples
    --------
    >>> import gpuconv as gc
    >>> h200 = Limits(multiprocessors=132, shared=232448)
    >>> of(gc.plan((4096, 4096), "float32", gc.kernels.box(31), method="box"), h200)
    (79, 8)
    >>> of(gc.plan((4096, 4096), "uint8", gc.kernels.box(31), method="box"), h200)
    (1, 1)
    """
    if plan.algorithm not in _SHARING:
        return 1, 1
    if isinstance(plan, Plan) and plan.transform:
        return plan.tile
    found = [_of_launch(launch, plan) for launch in _work(plan, limits).launches]
    return _least_common(found)


def _work(plan: Task, limits: Limits) -> Work:
    image, out = _layout(plan.image_shape), _layout(plan.shape)
    if isinstance(plan, NeighbourhoodPlan):
        return neighbourhood.launches(plan, image, out, limits)
    assert isinstance(plan, Plan)
    return linear.launches(plan, image, out, limits)


def _layout(shape: tuple[int, ...]) -> Layout:
    """Return the layout of (H, W, C) seen as (C, H, W), or that of a new array."""
    return Layout.contiguous(shape, channels=0 if len(shape) == 3 else None)


def _of_launch(launch: Launch, plan: Task) -> Grain:
    rule = _RULES.get(launch.program.entry)
    return (1, 1) if rule is None else rule(launch, dict(launch.program.macros), plan)


def _of_box(launch: Launch, told: dict[str, str], plan: Task) -> Grain:
    """Return segments, of floats alone: integers, and marks, come out exactly."""
    if told["BITS"] != "0" or told["MARKS"] != "0":
        return 1, 1
    chunk = int(told["X"]) // int(told["SPACING"])
    return _segment(launch), chunk // gcd(chunk, plan.x.stride)


def _of_recursive(launch: Launch, told: dict[str, str], plan: Task) -> Grain:
    return (1, _segment(launch)) if told["ACROSS"] == "1" else (_segment(launch), 1)


def _of_nl_means(launch: Launch, told: dict[str, str], plan: Task) -> Grain:
    return nl_means.block_of(int(told["X"]), int(told["PATCH"]))


def _segment(launch: Launch) -> int:
    return int(launch.parameters["geometry"]["segment"][0])


_RULES: dict[str, Callable[[Launch, dict[str, str], Task], Grain]] = {
    "box": _of_box,
    "recursive": _of_recursive,
    "nl_means": _of_nl_means,
}


def common(plans: tuple[Task, ...], limits: Limits) -> Grain:
    """Return the grid for several filters over one image, of which all parts begin together."""
    if len(plans) == 1:
        return of(plans[0], limits)
    tile = tile_of(plans)
    found = [tile] if tile else []
    for plan in plans:
        if not getattr(plan, "transform", None):
            # Where responses are reduced, sums may be wider than those of a filter alone.
            wide = replace(plan, accumulator=np.dtype(np.float64))
            found += [of(plan, limits), of(wide, limits)]
    return _least_common(found)


def tile_of(plans: Iterable[Task]) -> Grain | None:
    """Return tiles that suit the transforms of all filters; None if none has any."""
    tiles = [plan.tile for plan in plans if getattr(plan, "transform", None)]
    if not tiles:
        return None
    return min(rows for rows, _ in tiles), min(columns for _, columns in tiles)


def _least_common(grains: list[Grain]) -> Grain:
    return lcm(*(rows for rows, _ in grains)), lcm(*(columns for _, columns in grains))
