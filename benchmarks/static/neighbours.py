"""The filters of neighbourhoods that are counted, as the sums of cases.py are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from gpuconv.backends.cuda import neighbourhood
from gpuconv.backends.cuda.launch import Layout, Work
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.backends.cuda.warmup import planned
from gpuconv.neighbourhood import (
    Bilateral,
    Neighbourhood,
    NeighbourhoodPlan,
    NonLocalMeans,
    Rank,
)

__all__ = ["NEIGHBOURS", "Neighbours", "bilateral", "maximum", "median", "nl_means"]


@dataclass(frozen=True)
class Neighbours:
    """A call of a filter that is no sum, and what it may cost."""

    name: str
    dtype: str
    filter: Neighbourhood = field(repr=False)
    method: str = "auto"
    shape: tuple[int, int] = (4096, 4096)
    #: Interleaved channels.
    channels: int = 1
    #: Most lane-instructions per output element; None if none is set.
    budget: float | None = None
    #: Most bytes read beyond the block's own pixels, as a fraction of these.
    halo: float | None = None
    border: str = "reflect"
    #: Whether a prediction can be made of the counts.
    predicted: bool = True

    #: No pixel has a weight.
    mask: ClassVar[str] = ""

    @property
    def layout(self) -> Layout:
        """Where the pixels of the image, and of the output, lie: channels first, as in a plan."""
        height, width = self.shape
        if self.channels == 1:
            return Layout.contiguous(self.shape)
        return Layout((self.channels, height, width), (1, width * self.channels, self.channels))

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Shape of the output."""
        return self.layout.shape

    def plan(self, limits: Limits) -> NeighbourhoodPlan:
        """Return the plan on a device with these limits."""
        shape = self.layout.shape
        return planned(self.filter, shape, self.dtype, self.method, limits, self.border)

    def work(self, limits: Limits) -> Work:
        """Return what is launched on a device with these limits."""
        return neighbourhood.launches(self.plan(limits), self.layout, self.layout, limits)


def median(
    size: int, dtype: str, method: str, budget: float | None = None, channels: int = 1
) -> Neighbours:
    """Return a case of a median of a square."""
    colour = " RGB" if channels == 3 else ""
    name = f"{dtype}{colour} median {size}×{size} {method}"
    return Neighbours(name, dtype, Rank.median(size), method, channels=channels, budget=budget)


def bilateral(across: int, dtype: str, budget: float, channels: int = 1) -> Neighbours:
    """Return a case of a bilateral filter."""
    colour = " RGB" if channels == 3 else ""
    name = f"{dtype}{colour} bilateral {across}"
    wanted = Bilateral.of(across, sigma_color=25.0)
    # Exponentials take longer than they are counted for.
    return Neighbours(name, dtype, wanted, channels=channels, budget=budget, predicted=False)


def maximum(size: int, dtype: str) -> Neighbours:
    """Return a case of the largest pixels of a square."""
    return Neighbours(f"{dtype} maximum {size}×{size}", dtype, Rank.maximum(size))


def nl_means(patch: int, search: int, dtype: str, channels: int = 1) -> Neighbours:
    """Return a case of non-local means, which read the sums of one shift for the next."""
    colour = " RGB" if channels == 3 else ""
    name = f"{dtype}{colour} nl_means {patch}/{search}"
    wanted = NonLocalMeans.of(patch, search, h=25.0)
    return Neighbours(name, dtype, wanted, channels=channels, predicted=False)


NEIGHBOURS: tuple[Neighbours, ...] = (
    median(3, "uint8", "network", 22),
    median(5, "uint8", "network", 46),
    median(3, "float32", "network", 31),
    median(5, "float32", "network", 78),
    *(median(size, dtype, "network") for dtype in ("uint8", "float32") for size in (7, 11)),
    median(5, "uint16", "network"),
    median(5, "uint8", "network", channels=3),
    median(31, "uint8", "histogram"),
    median(31, "uint16", "histogram"),
    median(21, "float32", "sort"),
    maximum(31, "uint8"),
    maximum(31, "float32"),
    bilateral(5, "float32", 105),
    bilateral(9, "float32", 330),
    bilateral(9, "uint8", 335),
    bilateral(9, "float32", 250, channels=3),
    bilateral(9, "uint8", 255, channels=3),
    bilateral(15, "float32", 950),
    bilateral(41, "float32", 11500),
    nl_means(7, 2, "float32"),
    nl_means(7, 2, "uint8"),
    nl_means(7, 2, "uint8", channels=3),
)
