"""All rows of the table."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.cpu.beyond import alike, edges, ranks, restoration
from benchmarks.cpu.beyond.case import Case

__all__ = ["CASES"]


def _cases() -> Iterator[Case]:
    for dtype in ("uint8", "float32"):
        yield from (ranks.median(side, dtype) for side in (3, 5, 11, 31))
        for which in ("minimum", "maximum"):
            yield from (ranks.extreme(which, side, dtype) for side in (3, 31))
        yield ranks.percentile(25, 5, dtype)
        for colours in (False, True):
            yield alike.bilateral(9, dtype, colours)
            yield alike.nl_means(7, 11, dtype, colours)
        yield from edges.cases(dtype)
    yield from restoration.cases()


CASES = tuple(_cases())
