"""Calls of neighbourhood filters whose programs are wanted; how pixels may lie in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gpuconv.backends.cuda import neighbourhood
from gpuconv.backends.cuda.launch import Layout
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.backends.cuda.source import Program
from gpuconv.cost import gpu
from gpuconv.neighbourhood import (
    Bilateral,
    Neighbourhood,
    NeighbourhoodPlan,
    NonLocalMeans,
    Rank,
    Request,
    make_plan,
)

__all__ = ["LAYOUTS", "LIMITS", "Neighbours", "denoise", "every_neighbourhood", "planned"]

#: What programs are made for where no device is asked: an H200.
LIMITS = Limits(132, 227 * 1024)

#: A 4K frame: large enough to keep any device busy, and its rows are aligned.
_HEIGHT, _WIDTH = 2160, 3840

#: How pixels may lie in memory, each with what it is like; shapes are channels first.
LAYOUTS: dict[str, Layout] = {
    "grey": Layout.contiguous((_HEIGHT, _WIDTH)),
    "colour": Layout((3, _HEIGHT, _WIDTH), (1, 3 * _WIDTH, 3)),
    # From an odd column on: nothing is aligned.
    "crop": Layout((_HEIGHT, _WIDTH - 1), (_WIDTH, 1), phase=1),
    "transposed": Layout((_HEIGHT, _WIDTH), (1, _HEIGHT)),
    # Too few tiles for a large device.
    "small": Layout.contiguous((256, 256)),
    "bands": Layout.contiguous((6, _HEIGHT, _WIDTH)),
}


@dataclass(frozen=True)
class Neighbours:
    """A call of a filter of neighbourhoods whose programs are wanted."""

    dtype: str
    filter: Neighbourhood
    layout: str = "grey"
    method: str = "auto"
    border: str = "reflect"

    def programs(self, limits: Limits) -> tuple[Program, ...]:
        """Return the programs that the call runs, on a device with these limits."""
        image = LAYOUTS[self.layout]
        plan = planned(self.filter, image.shape, self.dtype, self.method, limits, self.border)
        work = neighbourhood.launches(plan, image, image, limits)
        return tuple(launch.program for launch in work.launches)


def planned(
    filter: Neighbourhood,
    shape: tuple[int, ...],
    dtype: str,
    method: str,
    limits: Limits,
    border: str = "reflect",
) -> NeighbourhoodPlan:
    """Return the plan of a filter for an image (H, W) or, of colours, (C, H, W)."""
    *planes, height, width = shape
    channels = planes.pop() if filter.joint and planes else None
    pixel = np.dtype(dtype)
    computed = filter.computed_in(pixel, pixel)
    borders, types = (border, border), (pixel, pixel, computed)
    request = Request(filter, tuple(planes), channels, height, width, borders, 0.0, *types, method)
    return make_plan(request, gpu(limits.multiprocessors))


def denoise() -> Iterator[Neighbours]:
    """Yield what people take noise away with, from photographs."""
    for dtype, layout in (("uint8", "grey"), ("uint8", "colour"), ("float32", "grey")):
        yield Neighbours(dtype, Rank.median(3), layout)
        yield Neighbours(dtype, Rank.median(5), layout)
        yield Neighbours(dtype, Bilateral.of(9, sigma_color=1), layout)
        yield Neighbours(dtype, NonLocalMeans.of(7, 11, h=1, sigma=1), layout)


def _every_bilateral() -> Iterator[Neighbours]:
    for dtype, across, layout in (
        ("uint8", 9, "grey"),
        ("uint8", 9, "colour"),
        ("float32", 3, "small"),
        ("float32", 41, "crop"),
        ("float16", 11, "colour"),
        ("float64", 9, "transposed"),
        ("uint16", 5, "bands"),
    ):
        yield Neighbours(dtype, Bilateral.of(across, sigma_color=1), layout)


def _every_nl_means() -> Iterator[Neighbours]:
    for dtype, patch, search, layout in (
        ("uint8", 7, 11, "grey"),
        ("uint8", 7, 11, "colour"),
        ("float32", 3, 5, "small"),
        ("float32", 15, 11, "colour"),
        ("float32", 21, 11, "transposed"),
        ("float32", 41, 11, "crop"),
        ("float32", 7, 200, "colour"),
        ("float64", 7, 11, "grey"),
        ("float64", 7, 200, "grey"),
    ):
        yield Neighbours(dtype, NonLocalMeans.of(patch, search, h=1, sigma=1), layout)


def _every_rank() -> Iterator[Neighbours]:
    for dtype, *sizes in (("uint8", 3, 5, 7, 11), ("float32", 3, 5, 7, 11), ("float64", 3, 5)):
        for size in sizes:
            yield Neighbours(dtype, Rank.median(size), method="network")
    for dtype in ("int16", "float16", "int32", "uint64"):
        yield Neighbours(dtype, Rank.median(3), method="network")
    for dtype, layout in (("uint8", "colour"), ("float32", "colour"), ("float32", "transposed")):
        yield Neighbours(dtype, Rank.median(3), layout, "network")
    for dtype in ("uint8", "uint32", "float32", "float64"):
        yield Neighbours(dtype, Rank.median(31), method="sort")
    yield Neighbours("float32", Rank.median(301), method="sort")
    for dtype, layout in (("uint8", "grey"), ("int16", "grey"), ("uint8", "colour")):
        yield Neighbours(dtype, Rank.median(31), layout, "histogram")
    for dtype in ("uint8", "float32", "float64"):
        yield Neighbours(dtype, Rank.minimum(31), method="extreme")


def every_neighbourhood() -> Iterator[Neighbours]:
    """Yield calls that together have every form of every kernel."""
    yield from _every_rank()
    yield from _every_bilateral()
    yield from _every_nl_means()
