"""Frames a second: images of 4K one after another, each in a call with an output of its own.

As in a video, no frame is in the cache when its turn comes: calls rotate among more memory than
the last cache has. Rows are those of the table and have beside

- "per_second": frames, of the median.

On a GPU frames come from host memory and go back there, which is measured with `gpuconv.stream`
by ``python -m benchmarks.gpu --stage stream``; here is nothing to run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...cases import Case, chosen
from ...filters import Gaussian, Median, Sobel
from ..contract import Array, Buffers
from ..measure import ON_CPU, measure
from ..place import Place
from ..section import Found, Options, Section, entered
from .pace import paced

__all__ = ["CASES", "SECTION", "Frames"]

_4K = (2160, 3840)

CASES = (
    Case(Gaussian(1.1, 5), "uint8", _4K, "reflect", quick=True),
    Case(Sobel(), "uint8", _4K),
    Case(Median(3), "uint8", _4K, "nearest"),
    Case(Gaussian(1.4, 7), "uint8", (*_4K, 3), "mirror", "yxc"),
)

#: Bytes that frames and results take together: more than the last caches of desktops and servers,
#: of which the largest that a core can fill alone have 96 MiB.
_BEYOND_CACHES = 192 << 20


@dataclass(frozen=True)
class Frames(Place):
    """The CPU, with several sets of buffers."""

    def buffers(self, image: Array) -> Buffers:
        """Return copies of an image, and an output for each."""
        count = max(2, -(-_BEYOND_CACHES // (2 * image.nbytes)))
        copies = [image.copy() for _ in range(count)]
        buffers = Buffers(copies, [np.empty_like(image) for _ in copies], self.device)
        buffers.spoil()
        return buffers


def _run(place: Place, options: Options) -> Found:
    if place.kind != "cpu":
        return
    cases = [case for case in chosen(CASES, options.cases) if case.quick or not options.quick]
    frames, everyone = Frames(place.device, place.clock), entered(place.kind, options)
    usual = replace(ON_CPU, call=1.0, each=1.5, case=12.0)
    for case, limits, watch in paced(cases, frames, options, usual):
        rows = measure(case, everyone, frames, limits, watch)
        yield [{**row.json(), "per_second": _rate(row.seconds)} for row in rows]


def _rate(seconds: Any) -> float | None:
    return None if seconds is None else round(1 / seconds.median, 2)


def _lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    yield f"{rows[0]['case']}, frames a second"
    yield "  " + ", ".join(
        f"{row['peer']} {row['per_second']:.1f}" for row in rows if row["per_second"]
    )


SECTION = Section("throughput", "frames of 4K a second, call after call", _run, _lines)
