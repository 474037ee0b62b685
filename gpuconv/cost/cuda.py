"""What a call takes on the CUDA engine: launches, bytes, and instructions per output.

Instructions are formulas fitted to those counted in the machine code for sm_90 (``make static``);
the rest of the rates is assumed until ``gpuconv tune`` has measured it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, log2, prod

import numpy as np

from gpuconv.cost.machine import Machine
from gpuconv.request import Candidate, Request

__all__ = ["Passes", "passes", "scratch", "seconds", "traffic", "transfer"]


@dataclass(frozen=True)
class Passes:
    """The work of all launches of a call together."""

    launches: int
    #: Per output pixel.
    instructions: float
    #: Written to and read from device memory, beside the image and the output.
    bytes: float = 0
    #: Of memory for what lies between launches.
    scratch: float = 0


#: How much of the shorter of two times, that of the bytes and that of the instructions, adds to the
#: longer: blocks that wait and blocks that compute do not always meet. Assumed.
_UNHIDDEN = 0.1

#: Taps along an axis of dense kernels that are unrolled (_UNROLLED in backends/cuda/dense.py).
_UNROLLED = 7
#: Kernel rows, and pixels along a row, that dp4a takes (_MOST_ROWS and _MOST_BYTES in
#: backends/cuda/dense_bytes.py).
_BYTES_ROWS, _BYTES_COLUMNS = 7, 8
#: Taps along y that march.cuh keeps sums for, by the bytes of a sum: of one term, and of several.
_MARCHING = {4: (31, 23), 8: (11, 9)}
#: Kernel rows times terms, of 4-byte sums, whose ring of rows fits into shared memory.
_RING = 340
#: Rows of a block of the marching kernels, at most and at least, and its columns (_MOST_ROWS and
#: _THREADS in backends/cuda/separable.py).
_LONGEST, _SHORTEST, _STRIP = 512, 8, 512

#: Instructions per output of a window that slides down. Assumed.
_SLIDING = 16
#: And of a sweep of a recursive filter: of three oscillations, nine multiply–adds each. Assumed.
_SWEEP = 30
#: And of a tap that is added in an order: addresses, a load, a product, a sum. Assumed.
_ORDERED_TAP = 6
#: Bytes of tiles that are transformed at once (_BATCH_BYTES in backends/cuda/fourier.py).
_BATCH = 16 * 2**20

#: Taps up to which sums over pixels with weights take one pass (_MOST_TAPS in
#: backends/cuda/masked.py).
_WEIGHED_AT_ONCE = 128


def passes(candidate: Candidate, request: Request, machine: Machine) -> Passes:
    """Return the launches of an algorithm."""
    return _ALGORITHMS[candidate.algorithm](candidate, request, machine)


def _scale(candidate: Candidate, request: Request, machine: Machine) -> Passes:
    return Passes(1, 1 + _handling(request))


def _dense(candidate: Candidate, request: Request, machine: Machine) -> Passes:
    rows, columns = request.kernel.shape
    if _takes_bytes(request):
        return Passes(1, rows * -(-columns // 4) + 4.7)
    unrolled = request.unit and max(rows, columns) <= _UNROLLED
    # Unrolled 3×3, 5×5, 7×7: 15.1, 31.1, 55.6; 11×11, in pieces: 195.6.
    return Passes(1, (1 if unrolled else 1.56) * rows * columns + 4 + _handling(request))


def _takes_bytes(request: Request) -> bool:
    """Return whether dense_bytes.cu can run a request: 7.7, 14.7 and 20 for 3×3, 5×5 and 7×7."""
    rows, _ = request.kernel.shape
    small = rows <= _BYTES_ROWS and request.x.footprint <= _BYTES_COLUMNS
    if not (small and request.unit and request.dtype.itemsize == 1 and request.kernel.integer):
        return False
    weights = request.kernel.numerators
    return bool(weights.min() >= -128 and weights.max() <= 127)


def _handling(request: Request) -> float:
    """Return the instructions that read a pixel, make it a number, and write a result."""
    return 2.2 if request.dtype == np.float32 == request.out_dtype else 4.4


def _separable(candidate: Candidate, request: Request, machine: Machine) -> Passes:
    rows, columns = request.kernel.shape
    terms, size = len(candidate.terms), candidate.accumulator.itemsize
    marching = request.unit and rows <= _MARCHING[size][terms > 1]
    if marching or (request.unit and rows * terms * size <= _RING * 4):
        # 5, 9, 15, 21, 31 taps march at 12.6, 20.7, 33.3, 45.7, 66.8. A tap of the ring is also
        # loaded from shared memory, with three others: assumed.
        tap = 1.035 if marching else 1.035 + 0.25
        halo = (rows - 1) / _segment(request, machine)
        more = 1.1 if terms > 1 else 1.0
        across, down = tap * columns * terms, tap * rows * terms
        return Passes(1, more * (across * (1 + halo) + down) + _handling(request))
    between = request.outputs * size
    launches = 2 * terms
    instructions = terms * (1.56 * (rows + columns) + 2 * _handling(request))
    return Passes(launches, instructions, 2 * between * (2 * terms - 1), between * min(terms, 2))


def _segment(request: Request, machine: Machine) -> float:
    """Return about how many rows a block marches: fewer where the image is small."""
    strips = -(-request.x.out // _STRIP) * prod(request.batch)
    share = strips * request.y.out / (4 * machine.units)
    return min(max(share, _SHORTEST), _LONGEST)


def _box(candidate: Candidate, request: Request, machine: Machine) -> Passes:
    # Each block begins with all rows of a window; then a row enters for each that leaves, which is
    # read again: from the second-level cache as often as not, it is assumed.
    halo = (request.y.taps - 1) / _segment(request, machine)
    read = request.bytes - request.outputs * request.out_dtype.itemsize
    return Passes(1, _SLIDING * (1 + halo / 2) + _handling(request), (1 + halo) / 2 * read)


def _fft(candidate: Candidate, request: Request, machine: Machine) -> Passes:
    rows, columns = candidate.transform or (1, 1)
    tiles = -(-request.y.out // candidate.tile[0]) * -(-request.x.out // candidate.tile[1])
    points = rows * columns * tiles * prod(request.batch)
    size = points * candidate.accumulator.itemsize
    batches = max(ceil(size / _BATCH), 1)
    batch = size / batches
    # Tiles are written and read, and so is what lies between the transforms along each axis, there
    # and back, and on either side of the product.
    instructions = 5 * log2(rows * columns) * points / max(request.outputs, 1)
    return Passes(8 * batches, instructions, 10 * size, 4 * batch + rows * columns * 8)


def _recursive(candidate: Candidate, request: Request, machine: Machine) -> Passes:
    # A sweep there and one back along each axis, each taking up the pixels before its segment; and
    # of floats another pass, which finds those that are not finite.
    between = request.outputs * candidate.accumulator.itemsize
    marks = 2 if request.dtype.kind == "f" else 0
    halo = sum(request.kernel.shape) / 2 / _LONGEST
    instructions = 4 * _SWEEP * (1 + halo) + marks * _SLIDING
    return Passes(5 + marks, instructions, (6 + marks) * between, (2 + marks / 2) * between)


def _ordered(candidate: Candidate, request: Request, machine: Machine) -> Passes:
    return Passes(1, _ORDERED_TAP * candidate.operations + _handling(request))


_ALGORITHMS: dict[str, Callable[[Candidate, Request, Machine], Passes]] = {
    "scale": _scale,
    "dense": _dense,
    "separable": _separable,
    "box": _box,
    "fft": _fft,
    "recursive": _recursive,
    "ordered": _ordered,
}


def seconds(candidate: Candidate, request: Request, machine: Machine) -> float:
    """Return what the call takes, of arrays on the device."""
    work = passes(candidate, request, machine)
    moving = (request.bytes + work.bytes) * machine.rate("byte")
    wide = machine.rate("double") if candidate.accumulator == np.float64 else 1
    planes = 2 if request.weighed else 1
    issuing = request.outputs * work.instructions * planes * wide * machine.rate("instruction")
    longer, shorter = max(moving, issuing), min(moving, issuing)
    fixed = machine.rate("call") + work.launches * machine.rate("launch")
    return fixed + longer + _UNHIDDEN * shorter


def traffic(candidate: Candidate, request: Request, machine: Machine) -> int:
    """Return the bytes moved beside image and output."""
    return int(passes(candidate, request, machine).bytes)


def scratch(candidate: Candidate, request: Request, machine: Machine) -> int:
    """Return the bytes of device memory for what lies between launches, and for a mask of bool."""
    mask = prod(request.image_shape) if request.masked else 0
    between = passes(candidate, request, machine).scratch
    if request.weighed:
        between = _weighed(candidate, request, between)
    return int(mask + between)


def _weighed(candidate: Candidate, request: Request, between: float) -> float:
    """Return the bytes between launches where pixels have weights: twice as much, or nothing."""
    terms = candidate.terms or request.kernel.terms
    if not terms or prod(request.kernel.shape) <= _WEIGHED_AT_ONCE:
        return 0
    laid, summed = prod(request.image_shape), request.outputs
    return 2 * (between + (laid + summed) * candidate.accumulator.itemsize)


def transfer(read: int, written: int, machine: Machine) -> float:
    """Return what it takes to copy so many bytes to the device, and so many of results back."""
    copies = 2 * machine.rate("transfer")
    return copies + read * machine.rate("upload") + written * machine.rate("download")
