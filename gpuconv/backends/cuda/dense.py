"""Launch geometry of kernels_cuda/dense.cu."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import gcd, prod
from typing import Any

from numpy.typing import NDArray

from gpuconv import tiling
from gpuconv.backends.cuda.launch import Launch, Scratch
from gpuconv.backends.cuda.parameters import Constants, program, up
from gpuconv.backends.cuda.problem import Problem
from gpuconv.backends.cuda.protocol import Limits

__all__ = ["SHARED", "THREADS_X", "WIDTH", "Shape", "dense", "shape_of", "threads"]

Array = NDArray[Any]

#: Threads of a block along x, and output columns of a thread: X in dense.cuh.
THREADS_X = 32
_X = 4
#: Output columns of a block.
WIDTH = THREADS_X * _X

#: Taps along an axis up to which a kernel is unrolled: 7 × 7 still compile in about 100 ms.
_UNROLLED = 7
#: Scalars between taps that the compiler is told; beyond, windows would outgrow the registers.
_SPACING = 4

#: Bytes of shared memory that every device gives a block without being asked.
SHARED = 48 * 1024


@dataclass(frozen=True)
class Shape:
    """How a block does its tile: the macros that decide it, the fields, the bytes of the tile."""

    macros: tuple[tuple[str, int], ...]
    fields: dict[str, int]
    shared: int


def dense(
    problem: Problem,
    weights: Array,
    divisor: float,
    limits: Limits,
    *,
    guard: bool = False,
    operands: tuple[str, str] = ("image", "out"),
    before: str | None = None,
    label: str = "",
) -> tuple[list[Launch], dict[str, Scratch]]:
    """Return launches that correlate with dense `weights`, and the scratch arrays they need.

    Parameters
    ----------
    problem : Problem
        What to filter.
    weights : ndarray of shape (rows, columns)
        The weights before the division by `divisor`.
    limits : Limits
        Of the device.
    guard : bool
        Whether sums that are not finite are taken again by definition.
    operands : (str, str)
        Names of the arrays to read and to write.
    before : str, optional
        An array of sums to add to: contiguous, of the output's shape.
    label : str
        Begins the names of scratch arrays, to tell those of several launches apart.
    """
    shape = shape_of(problem, limits)
    tall = dict(shape.macros)["Y"]
    constants = Constants(problem, weights, fixed=dict(shape.macros)["ROWS"] > 0, label=label)
    macros = [
        *shape.macros,
        ("STORE", problem.store(_X)),
        ("GUARD", int(guard)),
        ("ADD", int(before is not None)),
    ]
    launch = Launch(
        program("dense", "dense", problem, macros, constants, divisor),
        problem.blocks(WIDTH, threads(tall) * tall, limits.grid),
        (THREADS_X, threads(tall), 1),
        shape.shared,
        (*operands, before, *constants.operands),
        constants.parameters(divisor, **shape.fields),
    )
    return [*constants.launches(), launch], constants.scratch


def shape_of(
    problem: Problem,
    limits: Limits,
    *,
    room: int = SHARED,
    most: int = 16,
    unroll: bool = True,
) -> Shape:
    """Return the most special form that the problem allows.

    Its tile has at most `room` bytes; a thread makes at most so many rows of outputs.
    """
    forms = (_unrolled, _rolled) if unroll else (_rolled,)
    simple = problem.unit_steps and problem.x.dilation <= _SPACING
    for form in forms if simple else ():
        shape = form(problem, limits, room, most)
        if shape.shared <= room:
            return shape
    return _stepped(problem, room)


def threads(tall: int) -> int:
    """Return the threads of a block along y: THREADS_Y in dense.cuh."""
    return 4 if tall == 16 else 8


def _tallest(problem: Problem, most: int) -> int:
    """Return the output rows that a thread can have."""
    return most if problem.sum.itemsize == 4 else min(most, 4)


def _tall(problem: Problem, limits: Limits, most: int) -> int:
    """Return the output rows of a thread: fewer where the image would not keep the device busy."""
    most = _tallest(problem, most)
    tiles = prod(problem.blocks(WIDTH, most * threads(most)))
    return most if tiles >= 2 * limits.multiprocessors else 2


def _lead(problem: Problem) -> tuple[int, int]:
    """Return the scalars of a load, and how many are loaded before the first tap to be aligned.

    With more than four, a row would have too few loads for a warp.
    """
    vector = min(problem.vector, 4)
    return vector, problem.x.offset % vector if vector > 1 else 0


def _unrolled(problem: Problem, limits: Limits, room: int, most: int) -> Shape:
    y, x = problem.y, problem.x
    if max(y.taps, x.taps) > _UNROLLED:
        return _rolled(problem, limits, room, most)
    vector, lead = _lead(problem)
    tall = _tall(problem, limits, most)
    pitch = up(lead + WIDTH + x.footprint - 1, max(vector, _X))
    macros = {"ROWS": y.taps, "COLUMNS": x.taps, "SPACING": x.dilation, "LEAD": lead}
    shared = (threads(tall) * tall + y.taps - 1) * pitch * problem.sum.itemsize
    return Shape((*macros.items(), ("Y", tall), ("VECTOR", vector)), {}, shared)


#: Scalars that may be loaded before the first tap, for rows that are aligned by four.
_MOST_LEAD = 3
#: Taps that run-time kernels take at once, at the end of a row: FEW in dense.cuh.
_FEW = 4
#: Kernel columns of a piece: a multiple of any vector, so that all pieces begin equally aligned.
_PIECE_COLUMNS = 32


def _rolled(problem: Problem, limits: Limits, room: int, most: int) -> Shape:
    y, x = problem.y, problem.x
    vector, lead = _lead(problem)
    tall = _tall(problem, limits, min(most, 8))
    columns = min(x.taps, _PIECE_COLUMNS)
    # The order of sums is that of the pieces, so these are the same wherever rows lie in memory and
    # however few rows a thread makes of a small image.
    row = up(_MOST_LEAD + WIDTH + (up(columns, _FEW) - 1) * x.dilation, _X) * problem.sum.itemsize
    before = 8 * _tallest(problem, min(most, 8)) - 1
    rows = _even(y.taps, max(room // row - before, 1))
    macros = {"ROWS": 0, "COLUMNS": 0, "SPACING": x.dilation, "LEAD": lead}
    fields = {"piece_rows": rows, "piece_columns": columns, "step_y": 1, "step_x": 1}
    if (before + rows) * row > room:
        return Shape((), {}, room + 1)
    pitch = up(lead + WIDTH + (up(columns, _FEW) - 1) * x.dilation, max(vector, _X))
    shared = (8 * tall + rows - 1) * pitch * problem.sum.itemsize
    return Shape((*macros.items(), ("Y", tall), ("VECTOR", vector)), fields, shared)


def _even(taps: int, most: int) -> int:
    """Return the size of the fewest pieces of at most `most` taps, all about as large."""
    return -(-taps // -(-taps // most))


#: Output rows of a thread where strides and dilations are data: their tiles are large.
_STEPPED_Y = 2


def _stepped(problem: Problem, room: int) -> Shape:
    """Return the form for any strides and dilations: the largest pieces whose tile fits."""
    size = problem.sum.itemsize
    height, width = 8 * _STEPPED_Y, WIDTH
    # Half of the room for a tile of one kernel row lets several rows of such a piece in.
    least = min(extent for _, _, extent in _pieces(problem.y, height))
    columns, step_x, across = _largest(problem.x, width, room // 2 // (least * size))
    rows, step_y, down = _largest(problem.y, height, room // (across * size))
    macros = {"ROWS": 0, "COLUMNS": 0, "SPACING": 0, "LEAD": 0, "Y": _STEPPED_Y}
    vector = 1 if problem.vector else 0
    fields = {
        "piece_rows": rows,
        "piece_columns": columns,
        "step_y": step_y,
        "step_x": step_x,
    }
    return Shape((*macros.items(), ("VECTOR", vector)), fields, across * down * size)


def _largest(axis: tiling.Axis, outputs: int, most: int) -> tuple[int, int, int]:
    """Return the largest of the pieces whose tile has at most `most` positions, else the last."""
    *others, last = _pieces(axis, outputs)
    return next((piece for piece in others if piece[2] <= most), last)


def _pieces(axis: tiling.Axis, outputs: int) -> Iterator[tuple[int, int, int]]:
    """Yield (taps, step of the tile, tile rows or columns) of pieces, largest first.

    A tile holds the positions that its outputs and taps can reach; the outputs of a single tap are
    a stride apart, and so are then the tile's positions.

    Examples
    --------
    >>> list(_pieces(tiling.axis(1000, 3, 1, stride=4, dilation=6), 16))
    [(3, 2, 37), (2, 2, 34), (1, 4, 16)]
    """
    step = gcd(axis.stride, axis.dilation)
    for taps in range(axis.taps, 1, -1):
        yield taps, step, ((outputs - 1) * axis.stride + (taps - 1) * axis.dilation) // step + 1
    yield 1, axis.stride, outputs
