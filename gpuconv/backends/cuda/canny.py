"""Launch geometry of kernels_cuda/canny.cu, and how often strong edges are spread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gpuconv.backends.cuda import execution, runtime
from gpuconv.backends.cuda.launch import Launch, Work
from gpuconv.backends.cuda.parameters import ctype
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.backends.cuda.source import Program
from gpuconv.errors import DeviceError

__all__ = ["Edges", "edges", "launch"]

#: Output rows of a block in one turn: of ridges, and SIDE of canny.cu.
_ROWS = {"ridges": 8, "spread": 32}

#: Launches between two looks at whether anything changed, for which the host waits: an even number,
#: after which the result is where it began. Two rounds of 32 pixels end most edges of photographs.
_ROUNDS = 4

#: What a strong pixel is: STRONG of canny.cu.
_STRONG = 2


def launch(
    stage: str,
    operands: tuple[str | None, ...],
    shape: tuple[int, int],
    dtype: np.dtype[Any],
    limits: Limits,
    low: float = 0.0,
    high: float = 0.0,
) -> Launch:
    """Return the launch of a stage over a plane."""
    height, width = shape
    if stage == "spread":  # which knows no slopes
        dtype = np.dtype(np.float32)
    types = [(name, ctype(dtype)) for name in ("PIXEL", "RESULT", "SUM")]
    counted = [("COUNTED", str(int(operands[2] is not None)))] if stage == "ridges" else []
    macros = (*types, ("DIVIDE", "DIVIDE_NOT"), ("STAGE", stage.upper()), *counted)
    fields = [("height", "i4"), ("width", "i4"), ("low", dtype), ("high", dtype)]
    picture = np.zeros(1, np.dtype(fields, align=True))
    with np.errstate(over="ignore"):  # a threshold that no magnitude reaches
        picture[0] = height, width, low, high
    grid = -(-width // 32), min(-(-height // _ROWS[stage]), limits.grid), 1
    return Launch(Program("canny", stage, macros), grid, (32, 8, 1), 0, operands, picture)


def edges(x: Any, y: Any, counts: Any, low: float, high: float) -> Any:
    """Return which pixels are edges, as bool on the device.

    Parameters
    ----------
    x, y : device arrays of shape (H, W)
        Slopes, contiguous, float32 or float64.
    counts : device array of shape (H, W) or None
        Which pixels may be edges, contiguous, bool.
    low, high : float
        Magnitudes from which pixels are weak, and strong.

    Raises
    ------
    DeviceError
        The device has not the memory for three bytes a pixel.
    """
    current = runtime.current()
    try:
        one, other = (current.empty(x.shape, np.dtype(np.uint8)) for _ in range(2))
        changes = current.empty((1,), np.dtype(np.uint32))
    except MemoryError:
        raise DeviceError(
            f"the device has no memory for the edges of {x.shape} pixels; use device='cpu'"
        ) from None
    arrays = {"x": x, "y": y, "counts": counts, "one": one, "other": other, "changes": changes}
    plane = x.shape, x.dtype, current.limits()
    given = ("x", "y", None if counts is None else "counts", "one", "changes")
    execution.executed(current, Work((launch("ridges", given, *plane, low, high),), {}), arrays)
    there = launch("spread", ("one", "other", "changes"), *plane)
    back = launch("spread", ("other", "one", "changes"), *plane)
    rounds, before = Work((there, back) * (_ROUNDS // 2), {}), 0
    while True:
        execution.executed(current, rounds, arrays)
        found = int(current.asnumpy(changes)[0])
        if found == before:
            return one == _STRONG
        before = found


@dataclass(frozen=True)
class Edges:
    """A search for edges whose programs are wanted, before there is an image."""

    dtype: str

    def programs(self, limits: Limits) -> tuple[Program, ...]:
        """Return the programs that it runs: for all pixels, for some, and to spread."""
        plane = (1080, 1920), np.dtype(self.dtype), limits
        return (
            launch("ridges", ("x", "y", None, "one", "changes"), *plane).program,
            launch("ridges", ("x", "y", "counts", "one", "changes"), *plane).program,
            launch("spread", ("one", "other", "changes"), *plane).program,
        )
