"""What a stand-in does otherwise than what it stands in for: told in a list, by name."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Difference"]


@dataclass(frozen=True)
class Difference:
    """A way in which a function differs from the one of the same name that it stands in for."""

    #: Of the function.
    name: str
    #: What is different, for somebody who used the other; one sentence.
    how: str
    #: For what reason; one sentence.
    why: str
