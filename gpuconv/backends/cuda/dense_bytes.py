"""Launch geometry of kernels_cuda/dense_bytes.cu."""

from __future__ import annotations

from dataclasses import replace
from math import frexp, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.backends.cuda.launch import Launch, Scratch
from gpuconv.backends.cuda.parameters import Constants, program, up
from gpuconv.backends.cuda.problem import Problem
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.kernel import Kernel

__all__ = ["dense_bytes"]

Array = NDArray[Any]

#: Threads of a block, and output columns of a thread: THREADS_Y and X in dense_bytes.cu.
_THREADS = (32, 8, 1)
_X = 8
#: Output columns of a block.
_WIDTH = _THREADS[0] * _X

#: Kernel rows that are unrolled.
_MOST_ROWS = 7
#: Bytes from the first tap of a row to the last: two words of four. Where taps lie so far apart
#: that they need a third, float weights take fewer instructions.
_MOST_BYTES = 8

#: Output rows of a thread, and of one where the image would not keep the device busy.
_TALL, _LOW = 8, 2


def dense_bytes(
    problem: Problem, kernel: Kernel, limits: Limits
) -> tuple[list[Launch], dict[str, Scratch]] | str:
    """Return what correlates bytes with integer weights, in exact sums, or why that cannot be.

    Parameters
    ----------
    problem : Problem
        What to filter.
    kernel : Kernel
        With integer numerators: no sum of 7 × 8 products is above 7 · 8 · 255 · 128 < 2²¹.
    limits : Limits
        Of the device.
    """
    if reason := _unfit(problem, kernel):
        return reason
    if "constant" not in problem.border:
        # What no output needs is filled with it, and it need not be a byte.
        problem = replace(problem, cval=0.0)
    rows, footprint = problem.y.taps, problem.x.footprint
    vector, lead = _loads(problem)
    tall = _tall(problem, limits)
    macros = {
        "ROWS": rows,
        "COLUMNS": footprint,
        "LEAD": lead,
        "Y": tall,
        "VECTOR": vector,
        "STORE": problem.store(_X),
        "PRODUCT": int(_is_product(problem, kernel.divisor)),
    }
    constants = Constants(problem, _words(kernel.numerators, problem.x.dilation), fixed=True)
    if not constants.by_value:
        return "the kernel lies too far from its anchor"
    height = tall * _THREADS[1]
    pitch = up(lead + _WIDTH + footprint - 1, max(vector, _X))
    results = _THREADS[1] * _WIDTH * problem.out_dtype.itemsize
    launch = Launch(
        program("dense_bytes", "dense_bytes", problem, macros.items(), constants, kernel.divisor),
        problem.blocks(_WIDTH, height, limits.grid),
        _THREADS,
        up((height + rows - 1) * pitch, 16) + results,
        ("image", "out", None, *constants.operands),
        constants.parameters(kernel.divisor),
    )
    return [launch], {}


def _unfit(problem: Problem, kernel: Kernel) -> str:
    """Return why the kernel cannot run the problem; "" if it can."""
    weights, image = kernel.numerators, problem.image
    if problem.dtype not in (np.uint8, np.int8):
        return f"{problem.dtype} pixels are no bytes"
    if problem.sum != np.float32:
        return f"sums are asked for in {problem.sum}"
    if not kernel.integer or weights.min() < -128 or weights.max() > 127:
        return "the weights are not integers from -128 to 127"
    if not problem.unit_steps:
        return "it takes no strides, nor a dilation along y"
    if problem.y.taps > _MOST_ROWS or problem.x.footprint > _MOST_BYTES:
        taps = f"{problem.y.taps}×{problem.x.footprint}"
        return f"the kernel covers {taps} bytes of more than {_MOST_ROWS}×{_MOST_BYTES}"
    if "constant" in problem.border and not _is_byte(problem.cval, problem.dtype):
        return f"cval={problem.cval:g} is no {problem.dtype}"
    if abs(image.row) < abs(image.column):
        return "columns lie closer in memory than rows"
    return ""


def _is_byte(value: float, dtype: np.dtype[Any]) -> bool:
    least, most = np.iinfo(dtype).min, np.iinfo(dtype).max
    return bool(least <= value <= most) and value == int(value)


def _loads(problem: Problem) -> tuple[int, int]:
    """Return the bytes of a load (1 for rows that are not aligned, 0 for columns apart).

    And how many are loaded before the first tap to be aligned.
    """
    vector = problem.image.vector(1, most=16)
    if vector < 4:
        return min(vector, 1), 0
    return vector, problem.x.offset % vector


def _tall(problem: Problem, limits: Limits) -> int:
    """Return the output rows of a thread."""
    tiles = prod(problem.blocks(_WIDTH, _TALL * _THREADS[1]))
    return _TALL if tiles >= 2 * limits.multiprocessors else _LOW


def _is_product(problem: Problem, divisor: float) -> bool:
    """Return whether a sum times 1/divisor, rounded twice, becomes the result of the division.

    With a power of two nothing is rounded. With an odd integer d a quotient is no tie between two
    integers: it is at least 1/2d away from one, and the product of a sum below 2²² is nearer to the
    quotient than that. Where an epilogue follows, or results are cut off, the quotient itself is
    needed.
    """
    if problem.epilogue or not 1 <= abs(divisor) < 2**22:
        return False
    return frexp(abs(divisor))[0] == 0.5 or (problem.out_dtype.kind in "iu" and divisor % 2 == 1)


def _words(weights: Array, dilation: int) -> Array:
    """Return weights by fours, for taps that begin at each byte of a word: (rows, 4, words).

    Where taps are further apart, zeros stand between. The kernel takes those that end in the last
    word. They travel as the numbers whose bits they are.

    Examples
    --------
    >>> _words(np.array([[1, 2, 3]]), 1).view(np.int8)[0].tolist()
    [[1, 2, 3, 0], [0, 1, 2, 3], [0, 0, 1, 2], [0, 0, 0, 1]]
    """
    rows, taps = weights.shape
    size = up((taps - 1) * dilation + 1, 4)
    moved = np.zeros((rows, 4, size + 4), np.int8)
    for i in range(4):
        moved[:, i, i : i + taps * dilation : dilation] = weights
    return np.ascontiguousarray(moved[..., :size]).view(np.float32)
