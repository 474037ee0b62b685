"""A section of the bench: one question, with what answers it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..peers import FLOOR, OURS, peers
from .contract import Peer
from .place import Place

__all__ = ["Found", "Lost", "Options", "OutOfTime", "Section", "Watch", "entered", "unseen"]

#: What a section finds out, piece by piece: rows of plain values, as they are kept in JSON.
Found = Iterator[list[dict[str, Any]]]
#: Is told what is being done, for somebody who waits.
Watch = Callable[[str], None]


class OutOfTime(Exception):  # noqa: N818 — it is no fault
    """Raised by a section whose seconds are over before all is measured."""


class Lost(Exception):  # noqa: N818 — whose fault it is, it says
    """Raised where a device no longer answers, so that nothing more can be measured there."""


def unseen(doing: str) -> None:
    """Watch nothing: nobody waits."""


@dataclass(frozen=True)
class Options:
    """What a run is limited to."""

    #: Only cases, and only peers, whose names contain one of the texts; all if there are none.
    cases: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()
    #: Only what tells most.
    quick: bool = False
    #: For everything in the section; None: as its limits are.
    seconds: float | None = None
    #: Times that each is timed; None: as its limits are.
    rounds: int | None = None
    watch: Watch = field(default=unseen, repr=False, compare=False)

    @property
    def everything(self) -> bool:
        """Whether no case and no peer is left out."""
        return not (self.cases or self.peers or self.quick)

    def json(self) -> dict[str, Any]:
        """Return them as plain values, for the record."""
        return {
            "cases": list(self.cases),
            "peers": list(self.peers),
            "quick": self.quick,
            "seconds": self.seconds,
            "rounds": self.rounds,
        }


@dataclass(frozen=True)
class Section:
    """A question that the bench answers."""

    name: str
    #: For a reader, in a line.
    about: str
    #: Yields a piece when it is measured, so that an interrupted run keeps what it has.
    run: Callable[[Place, Options], Found]
    #: A piece as lines for the terminal.
    lines: Callable[[list[dict[str, Any]]], Iterator[str]]
    #: What tells its rows apart: of rows alike in these, the last measured is kept.
    key: tuple[str, ...] = ("case", "peer")
    #: How much of a limited time it gets, beside the others' shares.
    share: float = 1.0


def entered(kind: str, options: Options) -> list[Peer]:
    """Return the peers of a kind of device that take part; gpuconv and the floor always do."""
    texts = [text.casefold() for text in options.peers]
    return [
        peer
        for peer in peers(kind)
        if not texts
        or peer.name in (OURS, FLOOR)
        or any(text in peer.name.casefold() for text in texts)
    ]
