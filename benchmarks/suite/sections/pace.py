"""How a section spends its time: whatever one piece leaves is the others'."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from math import inf
from typing import TypeVar

from ..measure import Limits
from ..place import Place
from ..section import Options, OutOfTime, Watch

__all__ = ["paced"]

Piece = TypeVar("Piece")


def paced(
    pieces: Sequence[Piece], place: Place, options: Options, usual: Limits
) -> Iterator[tuple[Piece, Limits, Watch]]:
    """Yield pieces of work, each with its limits, and with what to tell what is being done.

    Raises
    ------
    OutOfTime
        The time is over before the last of them.
    """
    now = place.clock.now
    end = inf if options.seconds is None else now() + options.seconds
    limits = replace(usual, rounds=options.rounds or usual.rounds)
    for number, piece in enumerate(pieces):
        if (left := end - now()) <= 0:
            raise OutOfTime
        whole = min(usual.whole, left / (len(pieces) - number))
        watch = partial(_tell, options.watch, f"{number + 1}/{len(pieces)}")
        yield piece, replace(limits, whole=whole), watch


def _tell(watch: Watch, number: str, doing: str) -> None:
    watch(f"{number} {doing}")
