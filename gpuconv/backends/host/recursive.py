"""Gaussians by recursion, run in blocks of pixels, as products of matrices.

A recursive filter goes from pixel to pixel, which NumPy cannot do fast. Here it goes from block to
block: what all pixels before a block mean for it is in a *state* of six numbers, and the results of
a block are the pixels of the block times one matrix plus the states from either side times another.
Only the states are handed on one after the other, a row or a column of the whole tile at a time.
The tile's halo is where the states warm up: results beside it see all that the kernel covers.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gpuconv.algorithms.recursive import BLOCK, Recursion, recursion
from gpuconv.backends.host.bands import groups, multiply
from gpuconv.backends.host.block import Block, scratch
from gpuconv.backends.host.footprint import mark, marks
from gpuconv.plan import Plan

__all__ = ["Line", "Matrices", "block", "matrices"]

Array = NDArray[Any]

#: Rows of a pass along x, and rows or columns whose pixels are gathered into states at once: BLAS
#: takes twice as long where every row of an operand is in a page of memory of its own and these are
#: more than the processor keeps in mind.
_ROWS, _GATHERED = 256, 128


class Matrices(NamedTuple):
    """A recursive filter over blocks of pixels."""

    #: From the pixels of a block to its results: by the kernel's own weights.
    near: Array
    #: From the states before and after a block to its results.
    far: Array
    #: From the pixels of a block to the states that they add to: of what follows, of what precedes.
    forwards: Array
    backwards: Array
    #: From a state to what it is a block further on.
    carry: Array


class Line(NamedTuple):
    """Blocks of an axis of a tile: those of the halo before the results, of these, and after."""

    before: int
    results: int
    after: int

    @classmethod
    def of(cls, results: int, taps: int) -> Line:
        """Return the blocks for so many results of a filter of so many taps."""
        halo = -(-(taps // 2) // BLOCK)
        return cls(halo, -(-results // BLOCK), halo)


def matrices(fit: Recursion, dtype: np.dtype[Any]) -> Matrices:
    """Return a recursive filter over blocks of pixels.

    A state is Σ poles^k · pixel over the pixels k = 0, 1, … away from the block's edge, scaled so
    that none is larger than the largest pixel; its imaginary parts follow its real ones.
    """
    places = np.arange(BLOCK)
    weights = np.pad(fit.half, (0, BLOCK))
    near = weights[np.abs(places[:, None] - places)]
    scale = 1 - np.abs(fit.poles)
    powers = fit.poles ** places[:, None]
    results = powers * fit.poles * fit.residues / scale
    after = np.hstack([results.real, -results.imag])
    states = np.hstack([(powers * scale).real, (powers * scale).imag]).T
    turn = np.diag(fit.poles**BLOCK)
    carry = np.block([[turn.real, -turn.imag], [turn.imag, turn.real]])
    all_of_them = near, np.hstack([after, after[::-1]]), states[:, ::-1], states, carry
    return Matrices(*(np.ascontiguousarray(matrix, dtype) for matrix in all_of_them))


def block(plan: Plan, height: int, width: int) -> Block:
    """Return a block for Gaussians, as near as accuracy="fast" promises."""
    y, x, dtype = plan.y, plan.x, plan.accumulator
    column, row = (recursion(tuple(part.tolist())) for part in plan.terms[0])
    assert isinstance(column, Recursion)
    assert isinstance(row, Recursion)
    tall, wide = (height - 1) * y.stride + 1, (width - 1) * x.stride + 1
    down, across = Line.of(tall, y.taps), Line.of(wide, x.taps)
    # Blocks begin at the first result: above and left of the halo are zeros that nothing changes.
    whole = scratch(sum(down) * BLOCK, sum(across) * BLOCK, dtype)
    top, left = down.before * BLOCK - y.taps // 2, across.before * BLOCK - x.taps // 2
    pixels = whole[top : top + tall + y.taps - 1, left : left + wide + x.taps - 1]
    between = np.empty((down.results * BLOCK, whole.shape[1]), dtype)
    # An odd number of blocks, as rows that are powers of two apart share few sets of a cache.
    sums = np.empty((len(between), (across.results | 1) * BLOCK), dtype)
    passes = [_downwards(matrices(column, dtype), down, whole, between)]
    sideways, part = matrices(row, dtype), np.empty((_ROWS, sums.shape[1]), dtype)
    for start in range(0, len(sums), _ROWS):
        rows = slice(start, start + _ROWS)
        passes.append(_sideways(sideways, across, between[rows], sums[rows], part))
    result = sums[: tall : y.stride, : wide : x.stride]
    finite = plan.dtype.kind != "f" and isfinite(plan.cval)
    negative = column.half[0] * row.half[0] < 0

    def compute() -> Array:
        found = None if finite else marks(pixels)
        for step in passes:
            step()
        if found is not None:
            mark(result, found, plan, negative)
        return result

    return Block(pixels, compute, smears=False)


def _downwards(m: Matrices, line: Line, source: Array, target: Array) -> Callable[[], None]:
    """Return a pass along y: blocks of rows of `source` to those of `target`."""
    blocks = groups(source, 0, sum(line), BLOCK, BLOCK)
    here = slice(line.before, line.before + line.results)
    results = groups(target, 0, line.results, BLOCK, BLOCK)
    states = _States(m, line, blocks)
    part = np.empty_like(target)
    parts = groups(part, 0, line.results, BLOCK, BLOCK)

    def run() -> None:
        multiply(m.near, blocks[here], results)
        if states.any:
            states.update()
            multiply(m.far, states.around, parts)
            np.add(target, part, out=target)

    return run


def _sideways(
    m: Matrices, line: Line, source: Array, target: Array, part: Array
) -> Callable[[], None]:
    """Return a pass along x: blocks of columns of `source` to those of `target`."""
    blocks = groups(source, 1, sum(line), BLOCK, BLOCK)
    here = slice(line.before, line.before + line.results)
    results = groups(target, 1, line.results, BLOCK, BLOCK)
    states = _States(m, line, blocks.swapaxes(1, 2))
    far = np.ascontiguousarray(m.far.T)
    part = part[: len(target)]
    parts = groups(part, 1, line.results, BLOCK, BLOCK)

    def run() -> None:
        multiply(blocks[here], m.near, results)  # the same from both sides: it is symmetric
        if states.any:
            states.update()
            multiply(states.around.swapaxes(1, 2), far, parts)
            np.add(target, part, out=target)

    return run


class _States:
    """The states around each block of a line: of all pixels before it, and of all after it."""

    def __init__(self, m: Matrices, line: Line, blocks: Array) -> None:
        size, count = len(m.carry), sum(line)
        # Block b has the states b + 1; nothing comes before the first, or after the last.
        all_states = np.zeros((count + 2, 2 * size, blocks.shape[2]), blocks.dtype)
        before, after = all_states[:, :size], all_states[:, size:]
        first, last = line.before, line.before + line.results - 1
        self.any = size > 0
        self.around = all_states[first + 1 : last + 2]
        parts = [slice(i, i + _GATHERED) for i in range(0, blocks.shape[2], _GATHERED)]
        self._gather = [
            (matrix, pixels[..., part], states[..., part])
            for part in parts
            for matrix, pixels, states in (
                (m.forwards, blocks[:last], before[2 : last + 2]),
                (m.backwards, blocks[first + 1 :], after[first + 1 : count]),
            )
        ]
        self._carry, self._part = m.carry, np.empty_like(before[0])
        self._onwards = [
            *((before[b], before[b + 1]) for b in range(2, last + 1)),
            *((after[b + 1], after[b]) for b in range(count - 2, first, -1)),
        ]

    def update(self) -> None:
        """Compute the states from the pixels, and hand them on."""
        for matrix, pixels, states in self._gather:
            multiply(matrix, pixels, states)
        for known, following in self._onwards:
            np.matmul(self._carry, known, out=self._part)
            np.add(following, self._part, out=following)
