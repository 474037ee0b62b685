"""What a fresh process does for the section "memory": one call, and the memory that it takes.

Run with -m: ``python -m benchmarks.suite.sections.memory_process CASE PEER DEVICE``.
"""

from __future__ import annotations

import ctypes
import json
import sys
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ...cases import Case
from ...peers import peers
from .. import check
from ..contract import Buffers, Peer, Prepared, Unable
from ..place import Place, place
from .memory import CASES

__all__ = ["Cuda", "Linux", "Meter", "main", "peak"]

#: Rows of the image in a call before the one that counts: modules, threads, compiled kernels.
_BEFORE = 64
#: Rows and columns on which filters that know no limit are compared.
_SMALL = (160, 224)

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Meter(Protocol):
    """What knows how much memory a process takes."""

    def start(self) -> None:
        """Begin, and forget the peak so far."""

    def stop(self) -> int:
        """Return by how many bytes the process has grown at its peak since."""


class Linux:
    """The kernel's own count of a process's pages in memory, and the most there were.

    Each core adds to it in lots of pages, so that it is some hundred KiB off.
    """

    def start(self) -> None:
        """Give back what is free but kept, which would hide what is taken; forget the peak."""
        libc = ctypes.CDLL(None)
        if hasattr(libc, "malloc_trim"):  # glibc's
            libc.malloc_trim(0)
        _CLEAR.write_text("5")  # proc(5): resets the peak
        self._before = _bytes("VmRSS")

    def stop(self) -> int:
        """Return the growth."""
        return max(_bytes("VmHWM") - self._before, 0)


def _bytes(field: str) -> int:
    [line] = [row for row in _STATUS.read_text().splitlines() if row.startswith(field)]
    return int(line.split()[1]) << 10


class Cuda:
    """The driver's count of a GPU's free memory.

    Libraries give memory back to pools of their own, not to the driver, so that what a call took
    is still taken after it. Of one that has no pool it counts only what it keeps. A process has
    memory in steps of 2 MiB.
    """

    def __init__(self, cupy: Any) -> None:
        self._cupy = cupy

    def start(self) -> None:
        """Empty the pools."""
        self._cupy.get_default_memory_pool().free_all_blocks()
        if "torch" in sys.modules:
            torch = sys.modules["torch"]
            # To try all of cuDNN's algorithms once takes memory that no later call takes.
            torch.backends.cudnn.benchmark = False
            torch.cuda.empty_cache()
        self._before = self._free()

    def stop(self) -> int:
        """Return the growth."""
        return max(self._before - self._free(), 0)

    def _free(self) -> int:
        self._cupy.cuda.Device().synchronize()
        return int(self._cupy.cuda.runtime.memGetInfo()[0])


def peak(case: Case, peer: Peer, where: Place, meter: Meter) -> dict[str, Any]:
    """Return how much memory a call takes at its peak beside image and result, and its error.

    Raises
    ------
    Unable
        The peer cannot do the case.
    """
    few = case.of_rows(min(_BEFORE, case.rows))
    peer.prepare(few, where.buffers(few.image)).call(0)
    image = case.image
    buffers = where.buffers(image)
    prepared = peer.prepare(case, buffers)
    meter.start()
    result = prepared.call(0)
    grown = meter.stop()
    made = result is not None and not _same(result, buffers.outs[0], where)
    # A result of its own is no memory beside the result; one that is wider than the image is.
    beside = max(grown - made * case.bytes // 2, 0)
    if case.filter.everywhere:  # its definition is too slow for more than a small image
        case = replace(case, shape=_SMALL)
        buffers = where.buffers(case.image)
        prepared = peer.prepare(case, buffers)
        result = prepared.call(0)
    error, allowed = _judged(case, prepared, buffers, result, where)
    return {"peak": beside, "how": prepared.how, "error": error, "allowed": allowed}


def _same(result: Any, out: Any, where: Place) -> bool:
    """Tell whether a result lies in the output that was there before."""
    if where.kind == "cpu":
        return np.may_share_memory(np.asarray(result), out)
    return bool(_address(result) == _address(out))


def _address(array: Any) -> Any:
    known = (getattr(array, f"__{kind}_interface__", None) for kind in ("cuda_array", "array"))
    return next((interface["data"] for interface in known if interface), id(array))


def _judged(
    case: Case, prepared: Prepared, buffers: Buffers, result: Any, where: Place
) -> tuple[float | None, float]:
    """Return how far a result is from the definition, None for infinitely, and what is allowed."""
    found = where.numpy(buffers.outs[0] if result is None else result)
    error = check.apart(prepared, case, found, check.wanted(case, where.numpy(buffers.images[0])))
    allowed = case.allowed if prepared.allowed is None else prepared.allowed
    return error if isfinite(error) else None, allowed


def main(name: str, peer: str, device: str) -> None:
    """Print what a call takes, or why there is none, as JSON."""
    [case] = [each for each in CASES if each.name == name]
    with place(device) as where:
        [asked] = [each for each in peers(where.kind) if each.name == peer]
        try:
            told = peak(case, asked, where, _meter(where))
        except Unable as reason:
            told = {"left_out": str(reason)}
    print(json.dumps(told))


def _meter(where: Place) -> Meter:
    if where.kind == "cpu":
        return Linux()
    import cupy

    return Cuda(cupy)


if __name__ == "__main__":
    main(*sys.argv[1:])
