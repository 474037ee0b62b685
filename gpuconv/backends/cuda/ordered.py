"""Launch geometry of kernels_cuda/ordered.cu."""

from __future__ import annotations

import numpy as np

from gpuconv.algorithms.ordered import order
from gpuconv.backends.cuda.dense import SHARED
from gpuconv.backends.cuda.launch import Launch, Scratch
from gpuconv.backends.cuda.parameters import Constants, program
from gpuconv.backends.cuda.problem import Problem
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.plan import Plan

__all__ = ["ordered"]

#: Threads of a block, each of which makes one output column: THREADS_Y in ordered.cu.
_THREADS = (32, 8, 1)
#: Output rows of a thread, in the order in which they are tried: the tile must fit.
_TALL = (4, 2, 1)


def ordered(
    problem: Problem, plan: Plan, limits: Limits
) -> tuple[list[Launch], dict[str, Scratch]]:
    """Return the launch that adds the taps of a plan's kernel in SciPy's order."""
    used = order(plan.kernel)
    taps = np.array(used.taps, np.int32).ravel()
    constants = Constants(
        problem, np.array(used.weights), fixed=False, variant="ordered", beside=taps
    )
    tall, shared = _tile(problem)
    macros = [
        ("Y", tall),
        ("TILE", int(shared > 0)),
        ("FOLD", used.fold),
        ("VECTOR", min(problem.vector, 1)),
        ("STORE", problem.store(1)),
    ]
    launch = Launch(
        program("ordered", "ordered", problem, macros, constants, plan.kernel.divisor),
        problem.blocks(_THREADS[0], _THREADS[1] * tall, limits.grid),
        _THREADS,
        shared,
        ("image", "out", None, *constants.operands),
        constants.parameters(plan.kernel.divisor, taps=len(used.taps)),
    )
    return [*constants.launches(), launch], constants.scratch


def _tile(problem: Problem) -> tuple[int, int]:
    """Return the output rows of a thread and the bytes of a block's tile: 0 if it has none."""
    y, x = problem.y, problem.x
    columns = (_THREADS[0] - 1) * x.stride + x.footprint
    for tall in _TALL:
        rows = (_THREADS[1] * tall - 1) * y.stride + y.footprint
        shared = rows * columns * problem.sum.itemsize
        if shared <= SHARED:
            return tall, shared
    return _TALL[0], 0
