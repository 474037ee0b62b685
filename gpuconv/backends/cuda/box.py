"""Launch geometry of kernels_cuda/box.cu."""

from __future__ import annotations

from math import gcd, isfinite, prod

import numpy as np

from gpuconv import tiling
from gpuconv.backends.cuda.launch import Launch, Scratch
from gpuconv.backends.cuda.parameters import Constants, program, up
from gpuconv.backends.cuda.problem import Problem
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.kernel import Kernel
from gpuconv.task import Whole
from gpuconv.weights import Term

__all__ = ["box", "moving"]

Made = tuple[list[Launch], dict[str, Scratch]]

#: Pixels of a thread, by the bytes of its sums: grey, and with interleaved channels.
_PIXELS = {4: (8, 4), 8: (4, 2)}
#: Threads of a block from which one is chosen: the first of which a small part (_HALO) loads only
#: for windows of its neighbours. Each thread can have 255 registers, into which its sums and the
#: rows that enter and leave fit (tests/test_compile_gate.py).
_THREADS, _HALO = (128, 256), 1 / 8
#: Part of the most threads that may load for others: a block is of little use where it is larger.
_MOST_HALO = 3 / 4
#: Threads that a multiprocessor runs at once. Each waits for 64 bytes, so all for 16 KiB: what a
#: memory of 3 TB/s brings to each of 132 in 700 ns. With more, blocks would be lower, and the rows
#: that each reads before its first output a larger part.
_AT_ONCE = 256

#: Output rows of a block, at least: a block begins with all rows of a window.
_FEWEST_ROWS = 16
#: Output rows of a block that sums floats, at most, and windows' heights that these may be instead.
#: What rounds such a sum is all that the block has summed before, so blocks of a part of an image
#: must begin where those of the whole do, and parts are made of whole blocks. To begin takes up one
#: window where each output takes up two rows: this costs a sixteenth at most.
_MOST_ROWS, _MOST_WINDOWS = 256, 8


def box(
    problem: Problem, terms: tuple[Term, ...], kernel: Kernel, limits: Limits, guard: bool
) -> Made | str:
    """Return the launch that sums windows of equal weights: those of `terms`, which are one term.

    Or the reason why it cannot be.
    """
    if guard:
        return "weights of 0"
    ((column, row),) = terms
    return moving(problem, column[0] * row[0], kernel.divisor, limits)


def moving(
    problem: Problem, weight: float, divisor: float, limits: Limits, marks: bool = False
) -> Made | str:
    """Return the launch that sums windows and weighs the sums.

    With `marks` all finite pixels count as 0, so that what is left are NaN and infinities.
    """
    y, x = problem.y, problem.x
    if y.dilation != 1 or x.dilation != problem.channels:
        return "a dilation"
    bits = 0 if marks else _bits(problem)
    size = bits // 8 or problem.sum.itemsize
    wide = _PIXELS[size][problem.channels > 1] * problem.channels
    reach = -(-(x.taps - 1) * problem.channels // wide)
    each = 2 * size * (wide + 1 - wide % 2 + problem.channels)
    most = min(_THREADS[-1], limits.shared // each // 32 * 32)
    if reach > _MOST_HALO * most:
        return f"windows of {x.taps} pixels, which are too wide for a block"
    threads = _threads(x, wide, reach, most)
    constants = Constants(problem, np.array([weight]), fixed=False)
    vector = gcd(problem.vector, wide) if problem.vector else 0
    piece = gcd(wide, 8 if problem.out_dtype.itemsize <= 4 else 4)
    macros = [
        ("BITS", bits),
        ("SPACING", x.dilation),
        ("LEAD", x.offset % vector if vector > 1 else 0),
        ("X", wide),
        ("THREADS", _THREADS[-1]),
        ("VECTOR", vector),
        ("STORE", problem.store(piece) if x.stride == 1 else min(problem.store(1), 1)),
        ("FILLED", int("constant" in problem.border)),
        ("MARKS", int(marks)),
        ("GUARD", 0),
    ]
    width = wide * (threads - reach)
    at_once = limits.multiprocessors * max(1, _AT_ONCE // threads)
    segment = _segment(problem.y, _strips(problem.x, width) * prod(problem.planes), at_once)
    if not bits and not marks:
        segment = _fixed(problem.extent, wide, reach, most, limits)
    _, rows, planes = problem.blocks(1, segment, limits.grid)
    launch = Launch(
        program("box", "box", problem, macros, constants, divisor),
        (_strips(x, width), rows, planes),
        (threads, 1, 1),
        each * threads,
        ("image", "out", None, *constants.operands),
        constants.parameters(divisor, segment=segment),
    )
    return [*constants.launches(), launch], constants.scratch


def _bits(problem: Problem) -> int:
    """Return the bits of integers that hold every sum of a window; 0 if sums must be floats."""
    filled = "constant" in problem.border
    if problem.dtype.kind not in "iu" or problem.dtype.itemsize > 4:
        return 0
    if filled and not (isfinite(problem.cval) and problem.cval == int(problem.cval)):
        return 0
    pixels = np.iinfo(problem.dtype)
    largest = max(-int(pixels.min), int(pixels.max), int(abs(problem.cval)) if filled else 0)
    most = largest * problem.y.taps * problem.x.taps
    return next((bits for bits in (32, 64) if most < 2 ** (bits - 1)), 0)


def _apart(x: tiling.Axis) -> int:
    """Return the scalars of a row at which windows begin, those that a stride leaves out too."""
    return (x.out - 1) * x.stride + 1


def _strips(x: tiling.Axis, width: int) -> int:
    """Return the blocks that make a row, of `width` scalars each."""
    return -(-_apart(x) // width)


def _threads(x: tiling.Axis, wide: int, reach: int, most: int) -> int:
    """Return the threads of a block, at most `most`: such that strips are of one width."""
    few = (threads for threads in _THREADS if reach <= _HALO * threads)
    usual = min(next(few, most), most)
    chunks = -(-_apart(x) // wide)
    strips = -(-chunks // max(usual - reach, 1))
    return min(usual, up(-(-chunks // strips) + reach, 32))


def _segment(y: tiling.Axis, strips: int, at_once: int) -> int:
    """Return the output rows of a block, of which `strips` stand side by side.

    A block reads its first window whole, so it should be tall; but the device can run `at_once` of
    them at once.
    """
    segments = max(1, at_once // strips)
    return max(_FEWEST_ROWS, -(-y.out // segments))


def _fixed(whole: Whole, wide: int, reach: int, most: int, limits: Limits) -> int:
    """Return the output rows of a block for every part of a call."""
    threads = _threads(whole.x, wide, reach, most)
    strips = _strips(whole.x, wide * (threads - reach)) * prod(whole.batch)
    at_once = limits.multiprocessors * max(1, _AT_ONCE // threads)
    return min(_segment(whole.y, strips, at_once), max(_MOST_ROWS, _MOST_WINDOWS * whole.y.taps))
