"""What a call costs: small images, where looking at arguments takes longer than the pixels do.

Rows are those of the table. On a GPU `wall` is what counts here: calls back to back on the host's
clock, each with an output that exists already.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ...cases import Case, chosen
from ...filters import Dense, Gaussian
from ..measure import ON_CPU, ON_GPU, measure
from ..place import Place
from ..section import Found, Options, Section, entered
from .pace import paced

__all__ = ["CASES", "SECTION"]

_SIDES = (32, 64, 128, 256, 512, 1024)
_QUICK = (64, 512)

CASES = tuple(
    Case(filter_, dtype, (side, side), border, quick=side in _QUICK)
    for filter_, dtype, border in (
        (Dense(3), "uint8", "nearest"),
        (Gaussian(2), "float32", "reflect"),
        (Dense(3), "float32", "mirror"),
    )
    for side in _SIDES
)

#: They set a variable of the environment in each call, which takes longer than a small image; and
#: no image here is worth a second thread.
_DISTURBED = ("gpuconv, 1 thread",)


def _run(place: Place, options: Options) -> Found:
    cases = [case for case in chosen(CASES, options.cases) if case.quick or not options.quick]
    peers = [peer for peer in entered(place.kind, options) if peer.name not in _DISTURBED]
    # Short calls: a second of them is a thousand.
    usual = replace(ON_CPU if place.kind == "cpu" else ON_GPU, rounds=30, each=0.4)
    for case, limits, watch in paced(cases, place, options, usual):
        yield [row.json() for row in measure(case, peers, place, limits, watch)]


def _lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    timed = [(row["peer"], row["wall"] or row["seconds"]) for row in rows if row["seconds"]]
    yield rows[0]["case"]
    yield "  " + ", ".join(f"{peer} {1e6 * spread['median']:.3g} µs" for peer, spread in timed)


SECTION = Section("small", "what a call costs: images of 32² … 1024²", _run, _lines)
