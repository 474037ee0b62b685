"""How a warp's accesses meet the memories of a GPU: banks of shared memory, sectors of global.

Reads what the checker kept of one block (`Rules.trace`, `LaunchRecord.trace`)::

    runtime = CpuRuntime(orders=("forward",))
    runtime.rules.trace = True
    ...                                   # launches
    for row in requests(runtime.launches[-1]):
        print(row.place, row.space, row.ways, row.sectors)

The k-th time that a thread executes an instruction is taken to be one with the k-th time of its
warp's other threads.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cuda_on_cpu.kernel import LaunchRecord, source_lines

__all__ = ["Requests", "requests"]

_WARP = 32
#: Shared memory: 32 banks of 4 bytes, which serve 128 bytes at once.
_BANKS, _WORD = 32, 4
#: Global memory moves in sectors of 32 bytes.
_SECTOR = 32


@dataclass(frozen=True)
class Requests:
    """All requests of the warps of a block by one instruction."""

    #: "file:line" of the instruction, then of the calls that it was inlined from.
    place: tuple[str, ...]
    #: "shared" or "global".
    space: str
    write: bool
    #: How many there were, and of how many lanes and how many bytes a lane together.
    count: int
    lanes: int
    bytes_per_lane: int
    #: Transactions that they took: passes over the banks, or sectors.
    transactions: int
    #: The least that as many bytes could take.
    least: int

    @property
    def bytes(self) -> int:
        """Bytes that the lanes asked for."""
        return self.lanes * self.bytes_per_lane

    @property
    def ways(self) -> float:
        """How many times the least number of transactions: 1 is free of conflicts."""
        return self.transactions / self.least

    @property
    def sectors(self) -> float:
        """Transactions of a request, on the average."""
        return self.transactions / self.count


def _nth_time(trace: NDArray[Any]) -> NDArray[np.int64]:
    """Return of each access how often its thread had executed the instruction before."""
    order = np.lexsort((trace["thread"], trace["line"]))  # stable: keeps the order of execution
    ordered = trace[order]
    same = (ordered["line"][1:] == ordered["line"][:-1]) & (
        ordered["thread"][1:] == ordered["thread"][:-1]
    )
    starts = np.flatnonzero(np.concatenate([[True], ~same]))
    lengths = np.diff(np.append(starts, len(trace)))
    nth = np.empty(len(trace), np.int64)
    nth[order] = np.arange(len(trace)) - np.repeat(starts, lengths)
    return nth


def _warp_requests(trace: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield the accesses of each request of a warp."""
    warp, nth = trace["thread"] // _WARP, _nth_time(trace)
    order = np.lexsort((trace["thread"], nth, warp, trace["line"]))
    keys = np.stack([trace["line"], warp, nth]).astype(np.int64)[:, order]
    cuts = np.flatnonzero((keys[:, 1:] != keys[:, :-1]).any(axis=0)) + 1
    yield from np.split(trace[order], cuts)


def _passes(request: NDArray[Any]) -> tuple[int, int]:
    """Return how many passes over the banks a request takes, and the least that it could.

    Wide accesses go by half warps (8 bytes) and quarter warps (16 bytes); lanes that read the same
    word share it.
    """
    size = int(request["bytes"][0])
    lanes_at_once = _WARP * _WORD // max(size, _WORD)
    part = request["thread"] % _WARP // lanes_at_once
    passes = 0
    for each in np.unique(part):
        words = _units(request[part == each], _WORD)
        passes += int(np.bincount(words % _BANKS).max())
    return passes, len(np.unique(part))


def _units(request: NDArray[Any], unit: int) -> NDArray[np.int64]:
    """Return the different words or sectors that a request touches."""
    first = request["address"].astype(np.int64)
    last = first + request["bytes"] - 1
    most = int((last // unit - first // unit).max()) + 1
    return np.unique(np.minimum(first[:, None] // unit + np.arange(most), last[:, None] // unit))


def _sectors(request: NDArray[Any]) -> tuple[int, int]:
    """Return how many sectors a request touches, and the least that could hold its bytes."""
    return len(_units(request, _SECTOR)), -(-len(_units(request, 1)) // _SECTOR)


def requests(record: LaunchRecord) -> list[Requests]:
    """Return what each instruction of a traced launch asked of memory, in order of address."""
    if record.trace is None:
        raise ValueError("the launch was not traced: set runtime.rules.trace in mode 'check'")
    if not len(record.trace):
        return []
    groups = defaultdict(list)
    for request in _warp_requests(record.trace):
        first = request[0]
        cost = _passes(request) if first["shared"] else _sectors(request)
        key = int(first["line"]), bool(first["shared"]), bool(first["write"]), int(first["bytes"])
        groups[key].append((len(request), *cost))
    places = source_lines(record.library, sorted({key[0] for key in groups}))
    rows = []
    for (line, shared, write, size), costs in sorted(groups.items()):
        lanes, transactions, least = (sum(column) for column in zip(*costs, strict=True))
        space = "shared" if shared else "global"
        rows.append(
            Requests(places[line], space, write, len(costs), lanes, size, transactions, least)
        )
    return rows
