"""The memory that a call takes at its peak, beside the image and the result.

Each is one call in a process of its own. What the library needs for any call is there before it:
its modules, threads and compiled kernels, and the image in the layout that it takes. On the CPU
Linux counts, to some hundred KiB; on a GPU the driver, in steps of 2 MiB.

A row has

- "case", "kind", "filter", "dtype", "shape", "axes": what is computed;
- "bytes": what image and result take together;
- "peer", "version", "how": the library, and what is called;
- "peak": bytes that the call took beside them; None where it was not measured;
- "times": the same as a multiple of the image's bytes;
- "error", "allowed": of the result, as in the table;
- "left_out": why it was not measured.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import product
from math import inf
from typing import Any

from ...cases import Case, chosen
from ...filters import (
    Bilateral,
    Box,
    Canny,
    Dense,
    Gaussian,
    Median,
    NonLocalMeans,
    RichardsonLucy,
    Wiener,
)
from ...peers import FLOOR
from ..contract import Peer, Unable
from ..place import Place
from ..row import WRONG
from ..section import Found, Options, OutOfTime, Section, entered
from .fresh import answer

__all__ = ["CASES", "SECTION"]

_4096, _2048 = (4096, 4096), (2048, 2048)

CASES = (
    Case(Gaussian(2), "float32", _4096, quick=True),
    Case(Dense(15), "float32", _4096, quick=True),
    Case(Median(5), "uint8", _4096, "nearest", quick=True),
    Case(Gaussian(100), "float32", _4096),
    Case(Dense(63), "float32", _4096),
    Case(Box(301), "float32", _4096),
    Case(Gaussian(3), "uint8", _4096),
    Case(Median(5), "float32", _4096, "nearest"),
    Case(Bilateral(9), "float32", _2048, "mirror"),
    Case(NonLocalMeans(7, 5), "uint8", (1024, 1024), "mirror", content="noisy"),
    Case(Canny(), "uint8", _2048),
    Case(Wiener(), "float32", _2048, "wrap", content="blurred"),
    Case(RichardsonLucy(), "float32", _2048, "constant", content="blurred"),
)

#: Who takes as much as another one does.
_ALIKE = ("gpuconv, 1 thread", "OpenCV, 1 thread", "copy, by a kernel", "libvips, integer weights")

#: Seconds that a process may take, its start, its imports and the comparison included.
_PATIENCE = 20.0


def _run(place: Place, options: Options) -> Found:
    cases = [case for case in chosen(CASES, options.cases) if case.quick or not options.quick]
    asked = [peer for peer in entered(place.kind, options) if _counts(peer, options)]
    now = place.clock.now
    end = inf if options.seconds is None else now() + options.seconds
    for case, peer in product(cases, asked):
        options.watch(f"memory: {case.name}: {peer.name}")
        left = end - now()
        row = _row(case, peer, place, min(_PATIENCE, left)) if left > 0 else None
        if row is None or (row["peak"] is None and now() > end):
            raise OutOfTime
        yield [row]


def _counts(peer: Peer, options: Options) -> bool:
    """Tell whether a peer is asked: a copy takes nothing, and some are told by others."""
    return not peer.name.startswith(FLOOR) and (bool(options.peers) or peer.name not in _ALIKE)


def _row(case: Case, peer: Peer, place: Place, seconds: float) -> dict[str, Any]:
    what = {"case": case.name, "kind": case.kind, "filter": case.filter.name, "dtype": case.dtype}
    size = {"shape": list(case.shape), "axes": case.axes, "bytes": case.bytes}
    row = {**what, **size, "peer": peer.name, "version": peer.version, "how": "", "peak": None,
           "times": None, "error": None, "allowed": case.allowed, "left_out": ""}  # fmt: skip
    try:
        row |= _measured(case, peer, place, seconds)
    except Unable as reason:
        row["left_out"] = str(reason)
    return row


def _measured(case: Case, peer: Peer, place: Place, seconds: float) -> dict[str, Any]:
    if place.kind == "cpu" and not sys.platform.startswith("linux"):
        raise Unable("only Linux tells the peak of a process")
    told = answer(["-m", _MODULE, case.name, peer.name, place.device], seconds)
    if "peak" not in told:
        return told
    error, allowed = told["error"], told["allowed"]
    if error is None or error > allowed:
        said = "infinite" if error is None else f"{error:.3g}"
        return {**told, "peak": None, "left_out": f"{WRONG}error {said}, {allowed:.3g} allowed"}
    return {**told, "times": round(told["peak"] / (case.bytes / 2), 3)}


_MODULE = f"{__package__}.memory_process"


def _lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        yield f"{row['case']:<28}{row['peer']:<26}{_said(row)}"


def _said(row: dict[str, Any]) -> str:
    if row["peak"] is None:
        return str(row["left_out"])
    return f"{row['peak'] / 2**20:>8.1f} MiB, {row['times']:.2f} images"


SECTION = Section(
    "memory", "the memory of a call at its peak, beside the image and the result", _run, _lines
)
