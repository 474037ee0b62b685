"""What the kernels of rank filters read beside the image: the footprint, as runs of pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.backends.cuda.launch import Kept, Launch, Scratch
from gpuconv.backends.cuda.parameters import Constants, program
from gpuconv.backends.cuda.problem import Problem
from gpuconv.neighbourhood import Rank

__all__ = ["NOTHING", "Made", "ranked", "runs_of"]

Made = tuple[list[Launch], Mapping[str, Scratch]]

#: Weights, of which rank filters have none, but a call has room for one at least.
NOTHING: NDArray[Any] = np.zeros(1)


def runs_of(wanted: Rank) -> NDArray[np.int32]:
    """Return the runs of a footprint's pixels along x: (row, first column, column after the last).

    Examples
    --------
    >>> runs_of(Rank.median(footprint=[[1, 1, 0, 1], [0, 1, 1, 1]])).tolist()
    [[0, 0, 2], [0, 3, 4], [1, 1, 4]]
    """
    outside = np.zeros((wanted.shape[0], 1), np.int8)
    padded = np.hstack([outside, wanted.footprint.astype(np.int8), outside])
    change = np.diff(padded, axis=1)
    rows, first = np.nonzero(change == 1)
    _, stop = np.nonzero(change == -1)
    return np.stack([rows, first, stop], axis=1).astype(np.int32)


def ranked(
    entry: str,
    problem: Problem,
    wanted: Rank,
    macros: list[tuple[str, int]],
    grid: tuple[int, int, int],
    shared: int,
) -> Made:
    """Return the launch of a kernel that takes footprints of any shape."""
    runs = runs_of(wanted)
    constants = Constants(problem, NOTHING, fixed=False, variant="rank")
    defined = [
        ("AS_IS", 1),
        ("RANKED", 1),
        *macros,
        # Pixels are read one by one: most of the time they are read from shared memory.
        ("VECTOR", min(problem.vector, 1)),
        ("STORE", min(problem.store(1), 1)),
    ]
    launch = Launch(
        program(entry, entry, problem, defined, constants, 1),
        grid,
        (32, 8, 1),
        shared,
        ("image", "out", "runs", *constants.operands),
        constants.parameters(1, rank=wanted.index, runs=len(runs)),
    )
    key = "runs", wanted.shape, wanted.members
    kept = Kept(runs.shape, runs.dtype, key, lambda: runs)
    return [*constants.launches(), launch], {**constants.scratch, "runs": kept}
