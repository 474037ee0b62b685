"""A chain of filters over an image that nobody holds: any part of its result, to the bit.

A part is asked for from the end. The last filter needs a window of what the one before it makes,
that one a window of what the one before *it* makes, and the first a window of the source: so the
halos of a chain add up, and borders are those of each filter's own image. Parts of what lies in
between begin and end where the engine's own tiles do (its *grain*), because only then the bits are
those of the whole; what is too much is cut off again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import lcm, prod
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gpuconv import backends
from gpuconv.cost import planning_for
from gpuconv.errors import ArgumentError
from gpuconv.filters.chain import Chain, Step
from gpuconv.task import Task
from gpuconv.window import Needs, Run, Window, gather, needs

__all__ = ["Job", "Making", "Part", "Parts"]

Array = NDArray[Any]
#: Rows and columns.
Region: TypeAlias = tuple[Run, Run]


@dataclass(frozen=True)
class Job:
    """A part of a filter's result, and what it is made from."""

    #: Which filter of the chain.
    step: int
    #: Of the result.
    rows: Run
    columns: Run
    #: Of the filter's image: the window that it reads.
    high: Needs
    wide: Needs
    #: For each block of the window, row by row, the part of the filter before that has it; none
    #: for the first filter, whose window is read.
    below: tuple[Job, ...] = ()

    @property
    def leaves(self) -> tuple[Job, ...]:
        """The parts of the first filter among all that this one is made from."""
        return sum((job.leaves for job in self.below), ()) if self.below else (self,)

    @property
    def window(self) -> tuple[int, int]:
        """Rows and columns of the window."""
        return self.high.size, self.wide.size


class Part(Protocol):
    """A part of a result that is to be made: a :class:`Job`, or several for the same pixels."""

    @property
    def leaves(self) -> tuple[Job, ...]:
        """What is read of the image: a window for each."""


class Making(Protocol):
    """What makes any part of a result: :class:`Parts`, and those that know of alpha and light."""

    #: Of the result: (H, W) or (H, W, C); what its channels mean, as a layout says it.
    result: tuple[int, ...]
    channels: str
    written: np.dtype[Any]

    @property
    def grain(self) -> tuple[int, int]:
        """Rows and columns of the grid on which parts of the result are made without waste."""

    def job(self, rows: Run, columns: Run) -> Any:
        """Return the :class:`Part` of some rows and columns of the result."""

    def read(self, leaf: Job, image: Array) -> Array:
        """Return the window of a leaf, from an image that supports ``image[rows, columns]``."""

    def make(self, job: Any, rows: Run, columns: Run, windows: Sequence[Array]) -> Array:
        """Return rows and columns of the result, from the windows of the part's leaves."""

    def peak(self, job: Any) -> int:
        """Return how many bytes `make` takes at most, the windows of leaves and the result too."""


class Parts:
    """Any part of what a chain makes of an image.

    Parameters
    ----------
    chain : Chain
        Of filters each of whose pixels depends on those around it alone.
    shape : tuple of int
        Of the image, (H, W) or (H, W, C).
    dtype : dtype
        Of the image.
    device : {"cpu", "cuda"}
        Where parts will be made.
    channels : str
        What the last axis means.

    Raises
    ------
    ArgumentError
        A filter needs the whole image.

    Examples
    --------
    >>> image = np.arange(48, dtype=np.uint8).reshape(6, 8)
    >>> chain = Chain.parse(["gaussian:sigma=1", "median:size=3"], border="wrap")
    >>> parts = Parts(chain, image.shape, image.dtype)
    >>> job = parts.job((4, 6), (0, 8))
    >>> made = parts.make(job, (4, 6), (0, 8), [parts.read(leaf, image) for leaf in job.leaves])
    >>> bool((made == chain(image)[4:6]).all())
    True
    """

    def __init__(
        self,
        chain: Chain,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        device: str = "cpu",
        channels: str = "",
    ) -> None:
        self.shape, self.dtype = shape, np.dtype(dtype)
        self.result, self.channels, self.written = shape, channels, self.dtype
        self.chain = replace(chain, device=None)
        self._steps = self.chain.steps(dtype)
        for step in self._steps:
            _check_local(step)
        # Whoever makes parts, and wherever: they are those of one plan.
        self._machine = backends.select(None, device).machine()
        planning = replace(chain, device=device).steps(dtype)
        self._plans = [step.plans(shape) for step in planning]
        self._grains = [
            _grain(device, step, plans)
            for step, plans in zip(self._steps, self._plans, strict=True)
        ]

    @property
    def plans(self) -> tuple[tuple[Task, ...], ...]:
        """The plans of each filter, for the whole image."""
        return tuple(self._plans)

    @property
    def grain(self) -> tuple[int, int]:
        """Rows and columns of the grid on which parts of the result are made without waste."""
        rows, columns = self._grains[-1]
        return rows, columns

    def job(self, rows: Run, columns: Run) -> Job:
        """Return what makes some rows and columns of the result, or a few more of them."""
        return self._job(len(self._steps) - 1, rows, columns)

    def _job(self, step: int, rows: Run, columns: Run) -> Job:
        plans, (height, width) = self._plans[step], self.shape[:2]
        down, across = self._grains[step]
        rows, columns = _snapped(rows, down, height), _snapped(columns, across, width)
        mode_y, mode_x = plans[0].border
        high = needs(tuple(plan.y for plan in plans), mode_y, *rows)
        wide = needs(tuple(plan.x for plan in plans), mode_x, *columns)
        blocks = [(y, x) for y in high.runs for x in wide.runs] if step else []
        below = tuple(self._job(step - 1, *block) for block in blocks)
        return Job(step, rows, columns, high, wide, below)

    @staticmethod
    def read(leaf: Job, image: Array) -> Array:
        """Return the window of a leaf, from an image that supports ``image[rows, columns]``."""
        return gather(leaf.high, leaf.wide, lambda y, x: image[slice(*y), slice(*x)])

    def make(self, job: Job, rows: Run, columns: Run, windows: Sequence[Array]) -> Array:
        """Return rows and columns of the result, from the windows of the job's leaves.

        The windows lie where the filters are to run, and the result lies there too.
        """
        with planning_for(self._machine):
            made = self._make(job, iter(windows))
        return _cut(job, made, rows, columns)

    def _make(self, job: Job, windows: Iterator[Array]) -> Array:
        origin = job.high.origin, job.wide.origin
        pixels = self._between(job, windows) if job.below else next(windows)
        return self._steps[job.step](Window(pixels, self.shape, job.rows, job.columns, origin))

    def _between(self, job: Job, windows: Iterator[Array]) -> Array:
        """Return a window of what the filter before makes."""
        made = [(below, self._make(below, windows)) for below in job.below]
        blocks, home = iter(made), backends.owner(made[0][1])

        def fetch(rows: Run, columns: Run) -> Array:
            return _cut(*next(blocks), rows, columns)

        return gather(job.high, job.wide, fetch, home.empty)

    def peak(self, job: Job) -> int:
        """Return how many bytes `make` takes at most, the windows of leaves and the result too."""
        step, plans = self._steps[job.step], self._plans[job.step]
        channels = prod(self.shape[2:])
        read = prod(job.window) * channels * step.read.itemsize
        pixels = (job.rows[1] - job.rows[0]) * (job.columns[1] - job.columns[0]) * channels
        beside = max(plan.prediction.peak - plan.bytes_moved for plan in plans)
        own = read + pixels * step.written.itemsize + beside
        return own + sum(self.peak(below) for below in job.below)


def _check_local(step: Step) -> None:
    if not step.local:
        raise ArgumentError(
            f"filter {step.filter.name!r} needs the whole image at once, so it cannot be done in "
            "parts: give an image that memory holds, as an array or to 'gpuconv batch'"
        )


def _grain(device: str, step: Step, plans: tuple[Task, ...]) -> tuple[int, int]:
    """Return the grid on which parts of a filter's result have the whole's bits."""
    engine = backends.select(None, device)
    # The parts of a complex kernel run one after the other, each in tiles of its own; the filters
    # of a bank run together.
    apart = [(plan,) for plan in plans] if step.filter.linear else [plans]
    rows, columns = zip(*map(engine.grain, apart), strict=True)
    return lcm(*rows), lcm(*columns)


def _snapped(run: Run, grain: int, n: int) -> Run:
    """Return the least run around `run` that begins and ends on a grid, or with the image."""
    return run[0] // grain * grain, min(-(-run[1] // grain) * grain, n)


def _cut(job: Job, made: Array, rows: Run, columns: Run) -> Array:
    """Return rows and columns of the result from the part that a job made."""
    top, left = job.rows[0], job.columns[0]
    return made[rows[0] - top : rows[1] - top, columns[0] - left : columns[1] - left]
