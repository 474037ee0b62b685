"""What was measured of a case and a peer, as it is kept in JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

from ..cases import Case
from .contract import Peer
from .timing import Spread

__all__ = ["FAILED", "WRONG", "Row", "broken"]

#: How reasons begin that nobody should be content with.
FAILED, WRONG = "failed: ", "wrong: "


@dataclass
class Row:
    """A case, a peer, and its times or the reason why there are none.

    Times are in seconds, of the whole image; where `part` is below 1 they were measured on that
    part of its rows, and scaled.
    """

    case: str
    kind: str
    filter: str
    family: str
    #: Where the filter stands on the curve of its family.
    extent: float
    dtype: str
    shape: tuple[int, ...]
    axes: str
    border: str
    #: What must be read and written once.
    bytes: int
    peer: str
    version: str
    how: str = ""
    #: What counts: a call on the CPU; on a GPU between events, buffers out of its caches.
    seconds: Spread | None = None
    #: On a GPU: buffers just used; and calls back to back on the host's clock.
    warm: Spread | None = None
    wall: Spread | None = None
    rounds: int = 0
    part: float = 1.0
    error: float | None = None
    allowed: float = 0.0
    measure: str = "largest"
    because: str = ""
    #: Why it was not timed; "" if it was.
    left_out: str = ""
    #: When it was measured, where it is kept among others.
    date: str = ""

    @classmethod
    def of(cls, case: Case, peer: Peer) -> Row:
        """Return the row of a case before anything is measured."""
        f = case.filter
        named = case.name, case.kind, f.name, f.family, f.extent
        image = case.dtype, case.shape, case.axes, case.border, case.bytes
        allowed, measure = case.allowed, f.measure
        version = peer.version
        return cls(*named, *image, peer.name, version, allowed=allowed, measure=measure)

    @classmethod
    def read(cls, kept: dict[str, Any]) -> Row:
        """Return a row that `json` made."""
        spreads = {
            name: Spread(**kept[name]) if kept[name] else None
            for name in ("seconds", "warm", "wall")
        }
        return cls(**{**kept, **spreads, "shape": tuple(kept["shape"])})

    def json(self) -> dict[str, Any]:
        """Return it as plain values; an error that is infinite is None, as JSON has no word."""
        error = self.error if self.error is None or isfinite(self.error) else None
        return {**asdict(self), "error": error}


def broken(row: dict[str, Any]) -> bool:
    """Tell whether a row has no time because its result is wrong, or an error came instead.

    Examples
    --------
    >>> broken({"left_out": "wrong: largest error 3, 1 allowed"}), broken({"left_out": "has none"})
    (True, False)
    """
    reason: str = row["left_out"]
    return reason.startswith((WRONG, FAILED))
