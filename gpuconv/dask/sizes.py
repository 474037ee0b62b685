"""What a cluster is given at a time: tiles, and the memory that its workers have for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import ceil, lcm, prod

from gpuconv.dask.worker import Seat
from gpuconv.io.source import Layout
from gpuconv.streaming.memory import SHARE, free_memory

__all__ = ["task_bytes", "tasks_sharing", "usual_tile"]

#: Rows and columns of a tile, about. A tile costs some 10 ms beside its pixels, as much as these
#: take of a million: 4096² pixels in 1024 tiles took 10.7 s, in 64 tiles 2.6 s (``box:size=1``, two
#: local workers on two cores).
_SIDE = 4096
#: Tiles for each thread, so that none waits long for the last one.
_DEALS = 4


def usual_tile(sink: Layout, grain: tuple[int, int], threads: int) -> tuple[int, int]:
    """Return tiles about as large as is usual, or smaller ones where threads would have too few.

    They begin and end where the engine's own tiles do, where that is possible.

    Examples
    --------
    >>> import numpy as np
    >>> large, small = (Layout((n, n), np.dtype("u1"), (512, 512)) for n in (65536, 2000))
    >>> usual_tile(large, (128, 1024), 2), usual_tile(small, (128, 1024), 2)
    ((4096, 4096), (512, 1024))
    """
    units = [
        lcm(chunk, each) if lcm(chunk, each) <= _SIDE else chunk
        for chunk, each in zip(sink.chunks, grain, strict=True)
    ]
    steps = [max(1, _SIDE // unit) for unit in units]

    def count() -> int:
        sides = (ceil(n / (u * s)) for n, u, s in zip(sink.size, units, steps, strict=True))
        return prod(sides) * prod(sink.planes)

    while count() < _DEALS * threads and max(steps) > 1:
        longer = int(steps[1] * units[1] > steps[0] * units[0] or steps[0] == 1)
        longer = longer if steps[longer] > 1 else 1 - longer
        steps[longer] = ceil(steps[longer] / 2)
    return units[0] * steps[0], units[1] * steps[1]


def task_bytes(workers: Iterable[Seat]) -> int:
    """Return the bytes that a task may take on the worker that has least for each of its threads.

    A worker without a limit is taken to have what this computer has free.

    Examples
    --------
    >>> task_bytes([Seat("here", 2, 8 * 2**30), Seat("there", 1, 2**30)]) // 2**20
    512
    """
    free = free_memory()
    shares = (int(SHARE * (seat.memory or free) / seat.threads) for seat in workers)
    return min(shares, default=int(SHARE * free))


def tasks_sharing(workers: Iterable[Seat]) -> int:
    """Return how many tasks share the cores of a computer, where most do.

    Examples
    --------
    >>> tasks_sharing([Seat("here", 2, 0), Seat("here", 2, 0), Seat("there", 1, 0)])
    4
    """
    threads = Counter[str]()
    for seat in workers:
        threads[seat.host] += seat.threads
    return max(threads.values(), default=1)
