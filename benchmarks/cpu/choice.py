"""The planner's choice in each cell, beside every other algorithm and the peers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Protocol

import numpy as np

import gpuconv as gc
from benchmarks.cpu.cells import KINDS, Cell
from benchmarks.cpu.contenders import PEERS, calls
from benchmarks.cpu.timing import Clock, Times
from gpuconv.algorithms import ALGORITHMS

__all__ = ["SIZES", "TAPS", "Named", "Row", "cells", "lines", "measured", "summary"]

TAPS = (3, 5, 7, 9, 15, 21, 31, 63, 127, 255)
SIZES = (512, 4096)

#: Largest error beside OpenCV, of a level or of a pixel's range: OpenCV rounds weights of bytes to
#: fixed point in some filters, and is a level off.
TOLERANCE = {"uint8": 1.0, "float32": 0.01}


class Named(Protocol):
    """What the table says of a cell."""

    @property
    def kind(self) -> str:
        """What filters it."""

    @property
    def taps(self) -> int:
        """The side of its window."""

    @property
    def dtype(self) -> str:
        """The dtype of its pixels."""

    @property
    def size(self) -> int:
        """The side of its image."""


@dataclass(frozen=True)
class Row:
    """What was measured in a cell."""

    cell: Named
    #: What the planner chose.
    chosen: str
    times: Times
    #: What it could choose among.
    algorithms: tuple[str, ...] = tuple(ALGORITHMS)

    @property
    def best(self) -> str:
        """The algorithm that was fastest; the chosen one where none was fast enough to be timed."""
        ours = {name: t for name in self.algorithms if (t := self.times.get(name)) is not None}
        return min(ours, key=lambda name: ours[name]) if ours else self.chosen

    @property
    def loss(self) -> float:
        """The time of the choice as a multiple of the fastest algorithm's.

        It was timed twice: as the choice, and by its name.
        """
        best = self.times.get(self.best)
        both = (self.times.get(name) for name in ("auto", self.chosen))
        timed = [t for t in both if t is not None]
        if best is None:
            return 1.0
        return max(1.0, min(timed) / best) if timed else float("inf")


def cells(taps: tuple[int, ...] = TAPS, sizes: tuple[int, ...] = SIZES) -> list[Cell]:
    """Return all cells, small images first."""
    return [Cell(*cell) for cell in _ordered(taps, sizes)]


def _ordered(taps: tuple[int, ...], sizes: tuple[int, ...]) -> list[tuple[str, int, str, int]]:
    every = product(sizes, ("float32", "uint8"), KINDS, taps)
    return [(kind, side, dtype, size) for size, dtype, kind, side in every]


def measured(cell: Cell, clock: Clock) -> Row:
    """Return a cell's times, having checked the planner's result."""
    every = dict(calls(cell))
    found, other = every["auto"](cell.image).copy(), every["opencv 2"](cell.image)
    error = float(np.abs(found.astype(float) - other).max())
    if error > TOLERANCE[cell.dtype] * 1.001:
        raise SystemExit(f"{cell}: {error:.3g} beside OpenCV; nothing is timed")
    chosen = gc.plan(cell.image.shape, cell.dtype, cell.kernel.flip()).algorithm
    return Row(cell, chosen, clock.shortest(every, cell.image))


def lines(rows: list[Row], peers: Sequence[str] = PEERS) -> list[str]:
    """Return the tables in Markdown, one for each size and dtype; times in milliseconds."""
    out = list[str]()
    names = [name for name in rows[0].algorithms if any(row.times.get(name) for row in rows)]
    for size, dtype in sorted({(row.cell.size, row.cell.dtype) for row in rows}):
        out += ["", f"### {size}² {dtype}, milliseconds", ""]
        heads = ["kernel", "choice", "its loss", *names, *peers]
        out += ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
        for row in rows:
            if (row.cell.size, row.cell.dtype) == (size, dtype):
                figures = [_said(row, name) for name in (*names, *peers)]
                what = f"{row.cell.kind} {row.cell.taps}"
                loss = f"{100 * (row.loss - 1):.0f} %"
                out.append("| " + " | ".join([what, row.chosen, loss, *figures]) + " |")
    return out


def _said(row: Row, name: str) -> str:
    if name not in row.times:
        return ""
    seconds = row.times[name]
    if seconds is None:
        return "long"
    said = f"{1e3 * seconds:.3g}" if seconds < 1 else f"{1e3 * seconds:.0f}"
    return f"**{said}**" if name == row.chosen else said


def summary(rows: list[Row]) -> str:
    """Return how good the choices were, in a sentence."""
    losses = np.array([row.loss for row in rows])
    near = 100 * float((losses <= 1.15).mean())
    worst = rows[int(losses.argmax())]
    return (
        f"In {near:.0f} % of {len(rows)} cells the planner's choice is within 15 % of the fastest "
        f"algorithm; the worst is {worst.loss:.2f} times it ({worst.cell.kind} {worst.cell.taps}, "
        f"{worst.cell.dtype}, {worst.cell.size}²: {worst.chosen}, {worst.best} is fastest)."
    )
