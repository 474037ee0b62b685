"""What rank filters take on the CUDA engine.

Instructions are formulas fitted to those counted in the machine code for sm_90 (``make static``).
"""

from __future__ import annotations

from typing import TypeAlias

from gpuconv.cost import Machine, Prediction
from gpuconv.neighbourhood.rank import Rank
from gpuconv.neighbourhood.request import Candidate, Request

__all__ = ["extreme", "histogram", "network", "sort"]

Answer: TypeAlias = tuple[Candidate, Prediction] | str

#: Pixels of a side up to which windows are selected from by a network, and for pixels of 64 bits:
#: one of 11 × 11 compiles in two or three seconds, and a larger one has too few registers
#: (``python -m benchmarks.static --case median``).
MOST_SIDE, MOST_WIDE_SIDE = 11, 5

#: Share of the shorter of two times, of the bytes and of the instructions, that the longer does not
#: hide: as of sums (gpuconv/cost/cuda.py).
_UNHIDDEN = 0.1


def extreme(request: Request, machine: Machine) -> Answer:
    """Return what minima and maxima of windows take."""
    wanted = _rank(request)
    if not wanted.whole:
        return "a footprint that is no rectangle"
    if wanted.index not in (0, wanted.count - 1):
        return f"rank {wanted.index} of {wanted.count} is neither the least nor the largest"
    # Each step doubles the window, or nearly. 31×31: 250.
    steps = sum((side - 1).bit_length() for side in wanted.shape)
    return _answer("extreme", request, machine, 15 + 24 * steps)


def network(request: Request, machine: Machine) -> Answer:
    """Return what a selection network takes."""
    wanted = _rank(request)
    if not wanted.whole:
        return "a footprint that is no rectangle"
    most = MOST_WIDE_SIDE if request.dtype.itemsize == 8 else MOST_SIDE
    if max(wanted.shape) > most:
        return f"windows of {wanted.shape[0]}×{wanted.shape[1]}; {most} pixels a side at most"
    # Medians of 3×3, 5×5, 7×7, 9×9, 11×11 of float32: 31, 77, 158, 262, 426; of uint8: 22, 45, 87,
    # 142, 229.
    share = wanted.index * (wanted.count - 1 - wanted.index) / max((wanted.count - 1) / 2, 1) ** 2
    small = request.dtype.kind in "iu" and request.dtype.itemsize <= 2
    each = 0.53 if small else 1.0
    compared = 1.6 * wanted.count**1.16 * (0.05 + 0.95 * share)
    return _answer("network", request, machine, 10 + each * compared)


def histogram(request: Request, machine: Machine) -> Answer:
    """Return what counting takes."""
    wanted = _rank(request)
    if request.dtype.kind not in "iu" or request.dtype.itemsize > 2:
        return f"pixels of {request.dtype}, which have too many values to count"
    # Of a warp for each output: its runs leave and enter, 32 at a time; then the level moves. 31×31
    # of noise: 4,290, and 7,310 of uint16.
    rounds = -(-wanted.shape[0] // 32)
    levels = request.dtype.itemsize
    return _answer("histogram", request, machine, 32 * levels * (100 + 30 * rounds))


def sort(request: Request, machine: Machine) -> Answer:
    """Return what selecting in every window on its own takes, by bisection."""
    wanted = _rank(request)
    # As many rounds as leave one pixel, about, or as a pixel has bits. 21×21 of float32: 57,300.
    bits = 8 * request.dtype.itemsize
    rounds = 2 + min(wanted.count.bit_length() + 2, bits)
    return _answer("sort", request, machine, 30 + 10 * rounds * wanted.count)


def _rank(request: Request) -> Rank:
    wanted = request.neighbourhood
    assert isinstance(wanted, Rank)
    return wanted


def _answer(name: str, request: Request, machine: Machine, instructions: float) -> Answer:
    """Return a candidate that takes so many instructions for an output."""
    wide = 2 if request.dtype.itemsize == 8 else 1
    issuing = request.scalars * instructions * wide * machine.rate("instruction")
    moving = request.bytes * machine.rate("byte")
    longer, shorter = max(issuing, moving), min(issuing, moving)
    fixed = machine.rate("call") + machine.rate("launch")
    seconds = fixed + longer + _UNHIDDEN * shorter
    return Candidate(name, (64, 512), instructions), request.predicted(seconds)
