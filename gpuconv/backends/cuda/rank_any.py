"""Launch geometry of kernels_cuda/select.cu, extreme.cu and histogram.cu: windows of any size."""

from __future__ import annotations

from itertools import product
from math import prod

from gpuconv.backends.cuda.launch import Launch, Scratch
from gpuconv.backends.cuda.parameters import Constants, program
from gpuconv.backends.cuda.problem import Problem
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.backends.cuda.rank_table import NOTHING, Made, ranked, runs_of
from gpuconv.neighbourhood import Rank

__all__ = ["extreme", "histogram", "select"]

#: Rows of threads of a block: THREADS_Y in select.cu and extreme.cu, WARPS in histogram.cu.
_ROWS = 8

# ------------------------------------------------------------------------------- by bisection

#: Outputs of a thread of select.cu, the first that fits: more load fewer pixels twice.
_OUTPUTS = (4, 2, 1)


def select(problem: Problem, wanted: Rank, limits: Limits) -> Made:
    """Return what selects pixels under a footprint of any shape."""
    tall, shared = 1, 0
    for tall in _OUTPUTS:
        shared = _tile(problem, 32, _ROWS * tall)
        if shared <= limits.shared:
            break
    tiled = shared <= limits.shared
    macros = [("SPACING", problem.x.dilation), ("TILED", int(tiled)), ("Y", tall)]
    grid = problem.blocks(32, _ROWS * tall, limits.grid)
    return ranked("select", problem, wanted, macros, grid, shared if tiled else 0)


def _tile(problem: Problem, width: int, height: int) -> int:
    """Return the bytes of the pixels of a block."""
    across = width + problem.x.footprint - 1
    return (height + problem.y.footprint - 1) * across * problem.sum.itemsize


# ------------------------------------------------------------------------------- extremes

#: Output columns and rows of a block of extreme.cu: of those that fit, the ones that load the
#: fewest pixels for an output.
_WIDTHS, _HEIGHTS = (128, 64, 32), (64, 32, 16, 8, 4, 2, 1)
#: Pixels loaded for each output, at most; with more, two passes cost less.
_MOST_LOADED = 3.0


def extreme(problem: Problem, wanted: Rank, limits: Limits) -> Made | None:
    """Return what finds extremes of rectangles; None where not even a row fits."""
    largest, at_once = int(wanted.index > 0), _block(problem, limits)
    if at_once and (wanted.count == max(wanted.shape) or _loaded(problem, at_once) <= _MOST_LOADED):
        return _pass(problem, largest, at_once, limits)
    across, down, shape = problem.between()
    first, then = _block(across, limits), _block(down, limits)
    if first is None or then is None:
        return _pass(problem, largest, at_once, limits) if at_once else None
    launches, scratch = _pass(across, largest, first, limits, "x", ("image", "between"))
    more, others = _pass(down, largest, then, limits, "y", ("between", "out"))
    between = Scratch(shape, problem.sum)
    return [*launches, *more], {**scratch, **others, "between": between}


def _block(problem: Problem, limits: Limits) -> tuple[int, int] | None:
    """Return the output columns and rows of a block; None if not one fits."""
    rows = [each for each in _HEIGHTS if each < 2 * problem.y.out] or [1]
    fitting = [
        (width, height)
        for width, height in product(_WIDTHS, rows)
        if 2 * _tile(problem, width, height) <= limits.shared
    ]
    return min(fitting, key=lambda block: _loaded(problem, block), default=None)


def _loaded(problem: Problem, block: tuple[int, int]) -> float:
    """Return the pixels that are loaded for each output."""
    return _tile(problem, *block) / (prod(block) * problem.sum.itemsize)


def _pass(
    problem: Problem,
    largest: int,
    block: tuple[int, int],
    limits: Limits,
    label: str = "",
    operands: tuple[str, str] = ("image", "out"),
) -> Made:
    width, height = block
    constants = Constants(problem, NOTHING, fixed=False, label=label)
    macros = [
        ("AS_IS", 1),
        ("LARGEST", largest),
        ("X", width),
        ("Y", height),
        ("VECTOR", min(problem.vector, 1)),
        ("STORE", min(problem.store(1), 1)),
    ]
    launch = Launch(
        program("extreme", "extreme", problem, macros, constants, 1),
        problem.blocks(width, height, limits.grid),
        (32, _ROWS, 1),
        2 * _tile(problem, width, height),
        (*operands, None, *constants.operands),
        constants.parameters(1),
    )
    return [*constants.launches(), launch], constants.scratch


# ------------------------------------------------------------------------------- by counting

#: Pixels that a warp of histogram.cu makes, of which the first is taken that fits and leaves the
#: device busy: each counts its first window whole.
_SEGMENTS = (256, 128, 64, 32)
#: Bytes of shared memory beside the tile: of a warp's histograms for each byte of a pixel, of where
#: a run begins and ends, and of the words that make a row's number of words odd.
_BINS, _ENDS, _ODD = 1024, 8, 12


def histogram(problem: Problem, wanted: Rank, limits: Limits) -> Made | None:
    """Return what counts the pixels under a footprint; None where they do not fit."""
    fitting = [each for each in _SEGMENTS if _counting(problem, wanted, each) <= limits.shared]
    if not fitting:
        return None
    busy = (each for each in fitting if _blocks(problem, each) >= 2 * limits.multiprocessors)
    segment = next(busy, fitting[-1])
    x, y, z = problem.blocks(segment * problem.x.dilation, _ROWS, limits.grid)
    shared = _counting(problem, wanted, segment)
    return ranked("histogram", problem, wanted, [("SEGMENT", segment)], (x, y, z), shared)


def _blocks(problem: Problem, segment: int) -> int:
    return prod(problem.blocks(segment * problem.x.dilation, _ROWS))


def _counting(problem: Problem, wanted: Rank, segment: int) -> int:
    """Return the bytes of shared memory of a block."""
    size = problem.sum.itemsize
    columns = (segment + wanted.shape[1] - 1) * problem.x.dilation
    rows = _ROWS + wanted.shape[0] - 1
    return _ENDS * len(runs_of(wanted)) + _ROWS * _BINS * size + rows * (columns * size + _ODD)
