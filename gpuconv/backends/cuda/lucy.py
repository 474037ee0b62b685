"""Launch geometry of kernels_cuda/lucy.cu: the point-wise half of an iteration."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from gpuconv.backends.cuda import execution, runtime
from gpuconv.backends.cuda.launch import Launch, Work
from gpuconv.backends.cuda.parameters import ctype
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.backends.cuda.source import Program

__all__ = ["Iteration", "compare", "correct", "launch"]

#: Threads of a block: __launch_bounds__ in lucy.cu.
_THREADS = 256


def launch(
    stage: str,
    operands: tuple[str | None, ...],
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    limits: Limits,
    least: float = 0.0,
) -> Launch:
    """Return the launch of a stage over contiguous planes (…, H, W)."""
    size, count = prod(shape[-2:]), prod(shape[:-2])
    macros = ("NUMBER", ctype(dtype)), ("STAGE", stage.upper())
    shares = ("SHARES", str(int(operands[-1] is not None)))
    made = Program("lucy", stage, (*macros, shares) if stage == "correct" else macros)
    planes = np.zeros(1, np.dtype([("size", "i8"), ("count", "i4"), ("least", dtype)], align=True))
    planes[0] = size, count, least
    grid = -(-size // _THREADS), min(count, limits.grid), 1
    return Launch(made, grid, (_THREADS, 1, 1), 0, operands, planes)


@dataclass(frozen=True)
class Iteration:
    """An iteration whose programs are wanted."""

    dtype: str

    def programs(self, limits: Limits) -> tuple[Program, ...]:
        """Return the programs of its point-wise half, on a device with these limits."""
        stages: tuple[tuple[str, tuple[str | None, ...]], ...] = (
            ("compare", ("observed", "blurred")),
            ("correct", ("estimate", "votes", "shares")),
            ("correct", ("estimate", "votes", None)),
        )
        dtype = np.dtype(self.dtype)
        return tuple(launch(*stage, (2, 2), dtype, limits).program for stage in stages)


def compare(observed: Any, blurred: Any, least: float) -> None:
    """Make observed / blurred of `blurred`, and 0 where it is not above `least`."""
    _run("compare", {"observed": observed, "blurred": blurred}, blurred, least)


def correct(estimate: Any, votes: Any, shares: Any) -> None:
    """Multiply an estimate with its votes, and these with shares, of one plane; none is below 0."""
    _run("correct", {"estimate": estimate, "votes": votes, "shares": shares}, votes)


def _run(stage: str, arrays: dict[str, Any], like: Any, least: float = 0.0) -> None:
    current = runtime.current()
    operands = tuple(name if array is not None else None for name, array in arrays.items())
    made = launch(stage, operands, like.shape, like.dtype, current.limits(), least)
    execution.executed(current, Work((made,), {}), arrays)
