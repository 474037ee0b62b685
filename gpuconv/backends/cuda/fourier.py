"""Launch geometry of kernels_cuda/fourier.cu: correlation by Fourier transforms of tiles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv import tiling
from gpuconv.backends.cuda.launch import Kept, Launch, Scratch, Step, Transform
from gpuconv.backends.cuda.parameters import Constants, ctype, program
from gpuconv.backends.cuda.problem import Problem
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.backends.cuda.source import Program
from gpuconv.kernel import Kernel
from gpuconv.plan import Plan

__all__ = ["fourier", "product"]

Array = NDArray[Any]
Made = tuple[list[Step], dict[str, Scratch]]
Grid = tuple[int, int, int]

#: Bytes of the tiles that are transformed at once, unless one tile has more. With their spectra,
#: and as much again for each direction's work, a batch takes about four times that: near what the
#: second-level cache of a large GPU holds (50 MB), and a tenth of a millisecond of its time, which
#: hides the launches. Reasoned, not measured.
_BATCH_BYTES = 16 * 2**20

#: Columns of a block and rows of a thread, and threads of `multiply`: ROWS and
#: __launch_bounds__ in fourier.cu.
_COLUMNS, _ROWS, _THREADS_Y, _THREADS = 32, 16, 8, 256

#: Blocks that keep a multiprocessor busy, of 256 threads each.
_BUSY = 8


@dataclass(frozen=True)
class _Tiles:
    """How the planes are cut, and how many of the tiles are transformed at once."""

    #: Of a plane.
    down: int
    across: int
    #: Outputs of a tile.
    height: int
    width: int
    #: Positions of a tile.
    rows: int
    columns: int
    #: Of all planes, and in a batch.
    all: int
    batch: int

    @classmethod
    def of(cls, problem: Problem, transform: tuple[int, int], tile: tuple[int, int]) -> _Tiles:
        """Return the tiles of transforms of that size, in batches of one size.

        That of the whole call, for its parts too: cuFFT promises the same bits for the same plan
        only, and how many images are transformed at once is part of a plan.
        """
        # A library may refuse arrays whose order is both C's and Fortran's.
        rows, columns = (max(size, 2) for size in transform)
        down, across = cls._counts(problem.y, problem.x, tile)
        whole = problem.extent
        of_whole = prod(whole.batch) * prod(cls._counts(whole.y, whole.x, tile))
        most = max(_BATCH_BYTES // (rows * columns * problem.sum.itemsize), 1)
        batch = -(-of_whole // -(-of_whole // most))
        return cls(down, across, *tile, rows, columns, prod(problem.planes) * down * across, batch)

    @staticmethod
    def _counts(y: tiling.Axis, x: tiling.Axis, tile: tuple[int, int]) -> tuple[int, int]:
        return -(-y.out // tile[0]), -(-x.out // tile[1])

    @property
    def frequencies(self) -> tuple[int, int]:
        """Rows and columns of a tile's spectrum."""
        return self.rows, self.columns // 2 + 1

    @property
    def cells(self) -> tuple[int, int]:
        """Rows and columns of a tile's cells: Cells in fourier.cu."""
        return -(-self.rows // _ROWS), -(-self.columns // _COLUMNS)

    def grid(self, width: int, height: int, count: int, limits: Limits) -> Grid:
        """Return the blocks for `count` tiles of `width` × `height`."""
        across, down = -(-width // _COLUMNS), -(-height // (_ROWS * _THREADS_Y))
        return across, min(down, limits.grid), min(count, limits.grid)


def fourier(problem: Problem, plan: Plan, limits: Limits) -> Made:
    """Return the steps that correlate by transforms of the size that is planned, batch by batch.

    The workspace is bounded: four times _BATCH_BYTES, or what a single tile takes if that is more,
    and the spectrum of the kernel.
    """
    assert plan.transform is not None
    tiles = _Tiles.of(problem, plan.transform, plan.tile)
    guard = problem.dtype.kind == "f" or _filled_with_nonsense(problem)
    constants = Constants(problem, plan.kernel.numerators, fixed=False, travel=False)
    stages = _Stages(problem, plan.kernel, tiles, constants, guard, limits)
    steps = [
        step
        for first in range(0, tiles.all, tiles.batch)
        for step in stages.steps(first, min(tiles.batch, tiles.all - first))
    ]
    return steps, _scratch(problem, plan.kernel, tiles, constants, guard)


def _scratch(
    problem: Problem, kernel: Kernel, tiles: _Tiles, constants: Constants, guard: bool
) -> dict[str, Scratch]:
    """Return the arrays of a batch, and those that all calls with this kernel share."""
    # An array without entries has room for one.
    edges = np.resize(constants.edges, max(constants.edges.size, 1))
    where = problem.y, problem.x, problem.border
    scratch: dict[str, Scratch] = {
        "tiles": Scratch((tiles.batch, tiles.rows, tiles.columns), problem.sum),
        "spectra": Scratch((tiles.batch, *tiles.frequencies), _complex(problem.sum)),
        "spectrum": _spectrum(problem, kernel, tiles),
        "edges": Kept(edges.shape, edges.dtype, ("edges", *where), lambda: edges),
    }
    if guard:
        weights = constants.weights
        key = "weights", kernel, weights.dtype
        scratch["marked"] = Scratch((tiles.batch, *tiles.cells), np.dtype(np.uint8))
        scratch["weights"] = Kept(weights.shape, weights.dtype, key, lambda: weights)
    return scratch


def _filled_with_nonsense(problem: Problem) -> bool:
    return "constant" in problem.border and not isfinite(problem.cval)


def _complex(real: np.dtype[Any]) -> np.dtype[Any]:
    return np.result_type(real, np.complex64)


def _spectrum(problem: Problem, kernel: Kernel, tiles: _Tiles) -> Kept:
    """Return the spectrum with which to multiply those of tiles."""
    size, y, x = (tiles.rows, tiles.columns), problem.y, problem.x

    def values() -> Array:
        # Turned by 180° around the first position, so that the product of spectra correlates; and
        # divided by what a transform there and back multiplies with.
        down, across = -np.arange(y.taps) * y.dilation, -np.arange(x.taps) * x.dilation
        turned = np.zeros(size, problem.sum)
        turned[np.ix_(down, across)] = kernel.numerators / prod(size)
        return turned[None]

    key = "spectrum", kernel, y.dilation, x.dilation, size, problem.sum
    return Kept((1, *tiles.frequencies), _complex(problem.sum), key, values, spectrum=True)


#: Tiles in fourier.cu.
_PLACES = ("first", "count", "down", "across", "height", "width", "rows", "columns")
_TILES = np.dtype([(name, np.int32) for name in _PLACES])


@dataclass(frozen=True)
class _Stages:
    """The steps of a batch of tiles."""

    problem: Problem
    kernel: Kernel
    tiles: _Tiles
    constants: Constants
    #: Whether there may be pixels that are NaN or Inf.
    guard: bool
    limits: Limits

    def steps(self, first: int, count: int) -> Iterator[Step]:
        """Yield what is done with `count` tiles from tile `first` on.

        A batch that is not full has tiles of zeros: its transforms are those of all others.
        """
        t, sum_ = self.tiles, self.problem.sum
        marked, weights = ("marked", "weights") if self.guard else (None, None)
        places = np.zeros(1, _TILES)
        places[0] = first, count, t.down, t.across, t.height, t.width, t.rows, t.columns
        read = t.grid(t.columns, t.rows, t.batch, self.limits)
        filled = places.copy()
        filled["count"] = t.batch
        yield self._launch("gather", read, ("image", "edges", "tiles", marked), filled)
        yield Transform("tiles", "spectra", t.batch, t.rows, t.columns, sum_)
        yield product(t.batch, t.rows, t.columns, sum_, ("spectrum", "spectra"), self.limits)
        yield Transform("spectra", "tiles", t.batch, t.rows, t.columns, sum_)
        made = t.grid(t.width, t.height, count, self.limits)
        operands = ("image", "out", "tiles", weights, "edges", marked)
        yield self._launch("scatter", made, operands, places)

    def _launch(
        self, stage: str, grid: Grid, operands: tuple[str | None, ...], places: Array
    ) -> Launch:
        """Return the launch of a stage between tiles and image or output."""
        problem, divisor = self.problem, self.kernel.divisor
        macros: dict[str, int | str] = {
            "STAGE": stage.upper(),
            "WHOLE": int(_whole(problem, self.kernel)),
            "VECTOR": min(problem.vector, 1),
            "STORE": min(problem.store(1), 1),
            "GUARD": int(self.guard),
        }
        made = program("fourier", stage, problem, macros.items(), self.constants, divisor)
        call = self.constants.parameters(divisor)
        work = np.zeros(1, np.dtype([("call", call.dtype), ("tiles", _TILES)], align=True))
        work["call"], work["tiles"] = call, places
        return Launch(made, grid, (_COLUMNS, _THREADS_Y, 1), 0, operands, work)


def product(
    count: int,
    rows: int,
    columns: int,
    dtype: np.dtype[Any],
    operands: tuple[str, str],
    limits: Limits,
) -> Launch:
    """Return the launch that multiplies `count` spectra with one.

    `operands` name the one and the others, of images of `rows` × `columns` pixels of `dtype`. The
    one is read no more often than keeps all busy.
    """
    places = np.zeros(1, _TILES)
    places["count"], places["rows"], places["columns"] = count, rows, columns
    across = -(-rows * (columns // 2 + 1) // _THREADS)
    wanted = -(-_BUSY * limits.multiprocessors // across)
    grid = across, min(wanted, count, limits.grid), 1
    macros = [(name, ctype(dtype)) for name in ("PIXEL", "RESULT", "SUM")]
    macros += [("STAGE", "MULTIPLY"), ("VECTOR", "0"), ("STORE", "0"), ("GUARD", "0")]
    macros += [("EDGES", "0"), ("WEIGHTS", "0"), ("DIVIDE", "DIVIDE_NOT")]
    made = Program("fourier", "multiply", tuple(macros))
    return Launch(made, grid, (_THREADS, 1, 1), 0, operands, places)


def _whole(problem: Problem, kernel: Kernel) -> bool:
    """Return whether all sums are integers."""
    filled = "constant" in problem.border and not float(problem.cval).is_integer()
    return problem.dtype.kind in "iu" and kernel.integer and not filled
