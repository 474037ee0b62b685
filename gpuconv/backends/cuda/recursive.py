"""Launch geometry of kernels_cuda/recursive.cu: a pass along each axis."""

from __future__ import annotations

from dataclasses import replace
from math import copysign, isfinite, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.algorithms.recursive import Recursion, recursion
from gpuconv.backends.cuda.box import moving
from gpuconv.backends.cuda.launch import Launch, Scratch
from gpuconv.backends.cuda.parameters import Constants, program, up
from gpuconv.backends.cuda.problem import Problem
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.kernel import Kernel
from gpuconv.weights import Term

__all__ = ["recursive"]

Array = NDArray[Any]
Made = tuple[list[Launch], dict[str, Scratch]]

#: Warps of a block: WARPS in recursive.cu; and lines of a warp.
_WARPS, _LINES = 4, 32
#: Warps that a multiprocessor runs at once: each waits for a window of 4 KiB.
_AT_ONCE = 8
#: Pixels of a segment of a line, at least.
_SHORTEST = 128
#: At most, and how many times as far as the kernel reaches these may be instead. A sum has rounded
#: what was before it in its segment, so parts of an image are made of whole segments. Before one
#: begins it takes up what the kernel reaches: an eighth of the work at most.
_LONGEST, _MOST_REACHES = 1024, 8
#: Oscillations that half a Gaussian is made of.
_POLES = 3


def recursive(
    problem: Problem, terms: tuple[Term, ...], kernel: Kernel, limits: Limits, guard: bool
) -> Made | str:
    """Return the launches of a recursive Gaussian: along x, then along y.

    Or the reason why they cannot be.
    """
    if not problem.unit_steps or problem.x.dilation != 1:
        return "strides, or a dilation"
    ((column, row),) = terms
    along_y, along_x = recursion(tuple(column.tolist())), recursion(tuple(row.tolist()))
    if isinstance(along_y, str) or isinstance(along_x, str):
        return "the weights are no Gaussian"
    if guard:
        return "weights of 0"
    made = _marks(problem, column[0] * row[0], limits)
    if isinstance(made, str):
        return made
    marks, scratch = made
    marked = "marks" if marks else None
    across, down, between = problem.between()
    shape = (*problem.planes, problem.y.out, problem.x.out)
    scratch |= {"between": Scratch(between, problem.sum), "sums": Scratch(shape, problem.sum)}
    first, more = _pass(across, along_x, 1.0, limits, ("image", "between", "between", None), marked)
    operands = ("between", "out", "sums", marked)
    second, further = _pass(down, along_y, kernel.divisor, limits, operands, marked)
    return [*marks, *first, *second], scratch | more | further


def _marks(problem: Problem, sign: float, limits: Limits) -> Made | str:
    """Return the launch that says what pixels that are not finite do to each sum, if any can.

    `sign` is that of all weights: a divisor comes later, to the sums and to this.
    """
    filled = "constant" in problem.border and not isfinite(problem.cval)
    if problem.dtype.kind != "f" and not filled:
        return [], {}
    target, shape = problem.contiguous(problem.sum)
    made = moving(target, copysign(1, sign), 1.0, limits, marks=True)
    if isinstance(made, str):
        return made
    launches, scratch = made
    return _into_marks(launches), scratch | {"marks": Scratch(shape, problem.sum)}


def _into_marks(launches: list[Launch]) -> list[Launch]:
    """Return the same launches, which write to the marks instead of the output."""

    def renamed(name: str | None) -> str | None:
        return "marks" if name == "out" else name

    return [replace(each, operands=tuple(map(renamed, each.operands))) for each in launches]


def _pass(
    problem: Problem,
    fit: Recursion,
    divisor: float,
    limits: Limits,
    operands: tuple[str | None, ...],
    marked: str | None,
) -> Made:
    """Return the launch of a pass along x if `problem` has but one tap along y, else along y."""
    across = operands[0] == "image"
    label = "along x " if across else "along y "
    constants = Constants(problem, _weights(fit), fixed=False, label=label)
    macros = [
        ("ACROSS", int(across)),
        ("POLES", _POLES),
        ("MARKS", int(marked is not None)),
        ("WARPS", _WARPS),
        ("VECTOR", min(problem.vector, 1)),
        ("STORE", problem.store(1)),
        ("GUARD", 0),
    ]
    lines, length = (problem.y.out, problem.x.out)[:: 1 if across else -1]
    groups, planes = -(-lines // (_LINES * _WARPS)), prod(problem.planes)
    segment = _segment(problem, across, limits)
    launch = Launch(
        program("recursive", "recursive", problem, macros, constants, divisor),
        (groups, min(-(-length // segment), limits.grid), min(planes, limits.grid)),
        (_LINES, _WARPS, 1),
        0,
        (*operands, *constants.operands),
        constants.parameters(divisor, segment=segment),
    )
    return [*constants.launches(), launch], constants.scratch


def _segment(problem: Problem, across: bool, limits: Limits) -> int:
    """Return the pixels of a segment, for every part of a call."""
    whole = problem.extent
    line, other = (whole.x, whole.y) if across else (whole.y, whole.x)
    warps = -(-other.out // _LINES) * prod(whole.batch)
    segments = max(1, limits.multiprocessors * _AT_ONCE // warps)
    longest = max(_LONGEST, up(_MOST_REACHES * (line.taps // 2), _LINES))
    return min(max(_SHORTEST, up(-(-line.out // segments), _LINES)), longest)


def _weights(fit: Recursion) -> Array:
    """Return the weights as recursive.cu reads them."""
    weights = np.zeros(1 + 4 * _POLES)
    weights[0] = fit.half[0]
    for i, (pole, residue) in enumerate(zip(fit.poles, fit.residues, strict=True)):
        result = residue * pole
        weights[1 + 4 * i : 5 + 4 * i] = pole.real, pole.imag, result.real, result.imag
    return weights
