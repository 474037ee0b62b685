"""Launch geometry of kernels_cuda/network.cu."""

from __future__ import annotations

from math import prod

from gpuconv.backends.cuda.launch import Launch, Scratch
from gpuconv.backends.cuda.parameters import Constants, program, up
from gpuconv.backends.cuda.problem import Problem
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.backends.cuda.rank_table import NOTHING
from gpuconv.neighbourhood import Rank

__all__ = ["lanes", "network", "tile_of"]

#: Threads of a block along x and along y, and outputs of a thread along x: THREADS_Y and X in
#: network.cu.
_THREADS_X, _THREADS_Y = 32, 8
_X = 4

#: Outputs of a tile along y and along x. Larger ones share more: 4 × 4 would take a tenth fewer
#: instructions, but more registers than there are (``python -m benchmarks.static --case median``).
_TALL, _WIDE = 2, 4

#: Bytes of a window, in registers, up to which a thread does with half of those it can have.
_HALF_A_DEVICE = 4 * 49

#: Tiles of a thread, one below the other, at most; and bytes of shared memory that they may fill.
_MOST_TILES = 4
_SHARED = 48 * 1024


def lanes(problem: Problem) -> int:
    """Return how many pixels a register holds."""
    small = problem.dtype.kind in "iu" and problem.dtype.itemsize <= 2
    return 2 if small else 1


def tile_of(rows: int, columns: int) -> tuple[int, int]:
    """Return the outputs of a tile along y and along x for a window.

    Examples
    --------
    >>> tile_of(3, 3), tile_of(7, 7), tile_of(1, 7)
    ((2, 2), (2, 4), (1, 4))
    """
    return min(_TALL, _power(rows)), min(_WIDE, _power(columns))


def _power(most: int) -> int:
    """Return the largest power of two that is at most so many."""
    return 1 << (most.bit_length() - 1)


def network(
    problem: Problem, wanted: Rank, limits: Limits
) -> tuple[list[Launch], dict[str, Scratch]]:
    """Return what selects pixels of rectangular windows by networks."""
    rows, columns = wanted.shape
    tall, wide = tile_of(rows, columns)
    spacing = problem.x.dilation
    width = _THREADS_X // spacing * _X * spacing
    vector = problem.vector
    lead = problem.x.offset % vector if vector > 1 else 0
    pitch = up(lead + width + (columns - 1) * spacing, max(vector, _X))
    row = pitch * problem.sum.itemsize
    many = _tiles(problem, tall * _THREADS_Y * lanes(problem), (width, row, rows), limits)
    height = many * tall * _THREADS_Y * lanes(problem)
    constants = Constants(problem, NOTHING, fixed=True)
    macros = [
        ("AS_IS", 1),
        ("ROWS", rows),
        ("COLUMNS", columns),
        ("PIXELS", wanted.count),
        ("RANK", wanted.index),
        ("SPACING", spacing),
        ("LEAD", lead),
        ("LANES", lanes(problem)),
        ("TALL", tall),
        ("WIDE", wide),
        ("BLOCKS", 2 if wanted.count * max(problem.sum.itemsize, 4) <= _HALF_A_DEVICE else 1),
        ("Y", many),
        ("VECTOR", vector),
        ("STORE", problem.store(_X) if spacing == 1 else min(problem.store(1), 1)),
    ]
    launch = Launch(
        program("network", "network", problem, macros, constants, 1),
        problem.blocks(width, height, limits.grid),
        (_THREADS_X, _THREADS_Y, 1),
        (height + rows - 1) * row,
        ("image", "out", None, *constants.operands),
        constants.parameters(1),
    )
    return [*constants.launches(), launch], constants.scratch


def _tiles(problem: Problem, once: int, strip: tuple[int, int, int], limits: Limits) -> int:
    """Return the tiles of a thread, one below the other; each makes `once` rows of its block.

    Fewer where the image would not keep the device busy, or where they do not fit.
    """
    width, row, rows = strip
    for many in range(_MOST_TILES, 1, -1):
        fits = (many * once + rows - 1) * row <= _SHARED
        if fits and prod(problem.blocks(width, many * once)) >= 2 * limits.multiprocessors:
            return many
    return 1
