"""Memory for the machine, which counts what each request of a warp touches."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["SECTOR", "WARP", "Memory", "Region"]

Addresses = NDArray[np.int64]

#: Lanes of a warp.
WARP = 32
#: What DRAM and the caches move at least, in bytes.
SECTOR = 32
#: Bytes that the 32 banks of shared memory deliver at once.
BANKS = 128


@dataclass(frozen=True)
class Region:
    """An array in the machine's memory."""

    start: int
    bytes: NDArray[np.uint8]
    name: str


class Memory:
    """Arrays at addresses, one block's shared memory, and a record of the requests."""

    def __init__(self, shared: int = 0) -> None:
        self._regions: list[Region] = []
        self._shared_bytes = shared
        self._shared = np.zeros(0, np.uint8)
        #: Requests of warps, and what they cost, by "global load" and the like.
        self.requests: Counter[str] = Counter()
        self.cost: Counter[str] = Counter()
        #: What requests to shared memory would cost without bank conflicts.
        self.least: Counter[str] = Counter()
        #: Of each array: sectors loaded, sectors stored, and bytes stored, as often as they were.
        self._loaded: dict[str, list[Addresses]] = defaultdict(list)
        self._stored: dict[str, list[Addresses]] = defaultdict(list)
        self._written: dict[str, list[Addresses]] = defaultdict(list)

    def map(self, start: int, array: NDArray[Any], name: str) -> None:
        """Place an array at an address."""
        self._regions.append(Region(start, array.reshape(-1).view(np.uint8), name))

    def share(self, start: int) -> None:
        """Give the block its shared memory, which begins at `start`."""
        self._shared = np.zeros(start + self._shared_bytes, np.uint8)

    def loaded(self, name: str) -> int:
        """Return the distinct sectors of an array that were loaded."""
        return _distinct(self._loaded.get(name))

    def stored(self, name: str) -> int:
        """Return the distinct sectors of an array that were stored."""
        return _distinct(self._stored.get(name))

    @property
    def written(self) -> dict[str, int]:
        """The distinct bytes that were stored to each array."""
        return {name: _distinct(bytes_) for name, bytes_ in self._written.items()}

    def load(self, where: Addresses, size: int, active: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """Return `size` bytes from global memory for each active thread, as (active, size)."""
        region, at = self._region(where[active], size)
        if region.name != "constant":
            touched = self._count_sectors("global load", where, size, active)
            self._loaded[region.name].append(touched)
        return region.bytes[at[:, None] + np.arange(size)]

    def store(self, where: Addresses, data: NDArray[np.uint8], active: NDArray[np.bool_]) -> None:
        """Write bytes (active, size) to global memory."""
        size = data.shape[1]
        region, at = self._region(where[active], size)
        touched = self._count_sectors("global store", where, size, active)
        self._stored[region.name].append(touched)
        places = at[:, None] + np.arange(size)
        self._written[region.name].append(places.ravel())
        region.bytes[places] = data

    def load_shared(
        self, where: Addresses, size: int, active: NDArray[np.bool_]
    ) -> NDArray[np.uint8]:
        """Return `size` bytes from shared memory for each active thread."""
        self._count_banks("shared load", where, size, active)
        return self._shared[self._inside(where[active], size)]

    def store_shared(
        self, where: Addresses, data: NDArray[np.uint8], active: NDArray[np.bool_]
    ) -> None:
        """Write bytes (active, size) to shared memory."""
        self._count_banks("shared store", where, data.shape[1], active)
        self._shared[self._inside(where[active], data.shape[1])] = data

    def add_shared(
        self, where: Addresses, addend: NDArray[np.uint32], active: NDArray[np.bool_]
    ) -> None:
        """Add to words of shared memory; those that name the same one count as one pass."""
        self._count_banks("shared atomic", where, 4, active)
        places = self._inside(where[active], 4)[:, 0] // 4
        whole = len(self._shared) // 4 * 4
        np.add.at(self._shared[:whole].view(np.uint32), places, addend)

    def _inside(self, where: Addresses, size: int) -> Addresses:
        if where.min() < 0 or where.max() + size > len(self._shared):
            raise IndexError(f"shared memory has {len(self._shared)} bytes; {where.max()} is out")
        return where[:, None] + np.arange(size)

    def _region(self, where: Addresses, size: int) -> tuple[Region, Addresses]:
        low, high = int(where.min()), int(where.max()) + size
        for region in self._regions:
            if region.start <= low and high <= region.start + len(region.bytes):
                return region, where - region.start
        raise IndexError(f"no array holds the bytes from {low:#x} to {high:#x}")

    def _count_sectors(
        self, what: str, where: Addresses, size: int, active: NDArray[np.bool_]
    ) -> Addresses:
        """Count a request, and return the sectors that it touches."""
        lanes = np.flatnonzero(active)
        ends = np.stack([where[lanes], where[lanes] + size - 1]) // SECTOR
        pairs = np.unique(np.concatenate([lanes // WARP + (end << 16) for end in ends]))
        self.requests[what] += len(np.unique(lanes // WARP))
        self.cost[what] += len(pairs)
        return np.unique(pairs >> 16)

    def _count_banks(
        self, what: str, where: Addresses, size: int, active: NDArray[np.bool_]
    ) -> None:
        """Count passes: a warp that asks for 16 bytes a lane is served by quarters."""
        lanes = np.flatnonzero(active)
        group = lanes // min(WARP, BANKS // size)
        words = where[lanes, None] // 4 + np.arange(max(1, size // 4))
        distinct = np.unique(group[:, None] * (1 << 32) + words)
        load = Counter(zip((distinct >> 32).tolist(), (distinct % 32).tolist(), strict=True))
        most: dict[int, int] = {}
        for (part, _), count in load.items():
            most[part] = max(most.get(part, 0), count)
        self.requests[what] += len(np.unique(lanes // WARP))
        self.cost[what] += sum(most.values())
        self.least[what] += len(most)


def _distinct(touched: list[Addresses] | None) -> int:
    return len(np.unique(np.concatenate(touched))) if touched else 0
