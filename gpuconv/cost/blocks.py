"""How the CPU engine cuts its work into pieces: what it does and what is priced are the same."""

from __future__ import annotations

__all__ = [
    "COLUMN_GROUP",
    "DENSE_GROUP",
    "KEPT",
    "LONG_STRIDE",
    "ROW_GROUP",
    "WORTH_SHARING",
    "together",
]

#: Output rows of a group of the dense engine: more would multiply more zeros of the band, fewer
#: give BLAS too little to do. 4 is best from 3×3 to 31×31, 8 is 10–30 % behind (``make bench``
#: after editing).
DENSE_GROUP = 4

#: Outputs of a column group and of a row group of the separable engine.
COLUMN_GROUP, ROW_GROUP = 8, 16

#: Groups beyond this stride would span far more pixels than they read: then each output is its own.
LONG_STRIDE = 16

#: Predicted seconds of a call from which on a second thread is worth starting, which takes time and
#: scratch of its own: calls of 3×3 bytes and of Gaussians that were predicted to take 1.45 ms alone
#: lasted longer on two threads, and those of 1.8 ms gained (benchmarks/NOTES.md).
WORTH_SHARING = 1.6e-3

#: Bytes of scratch that a thread keeps while it makes that for tiles of another shape.
KEPT = 6 * 2**20

#: Algorithms that read nothing but the footprint, so that small planes may share a block, one below
#: the other; and the bytes of pixels that a block then has, those of a large image's tile.
_STACKING = ("box", "dense", "scale", "separable")
_STACK = 2**19
#: Rows of scratch with fewer columns take as much room as those with so many.
_NARROW = 32


def together(algorithm: str, rows: int, columns: int, itemsize: int) -> int:
    """Return how many planes of a batch go through a block together.

    `rows` and `columns` are those of a tile with its halo, `itemsize` the bytes of a sum.

    Examples
    --------
    >>> together("dense", 66, 66, 4), together("dense", 130, 1026, 4), together("fft", 66, 66, 4)
    (30, 1, 1)
    """
    if algorithm not in _STACKING:
        return 1
    return max(1, _STACK // (rows * max(columns, _NARROW) * itemsize))
