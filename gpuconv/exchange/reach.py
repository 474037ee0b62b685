"""How far a filter reads: what must be known to filter a part of an array."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = ["Reach", "Reaching"]


@dataclass(frozen=True)
class Reach:
    """What a call reads beyond each element, axis by axis of the array that is filtered.

    A part of the result is then the same call for a part of the array with so much more around it,
    cut off again.
    """

    #: Elements before and after, one pair for each axis; (0, 0) where it does not read along one.
    depth: tuple[tuple[int, int], ...]
    #: For each axis, whether the array goes on with its other end ("wrap").
    wraps: tuple[bool, ...]
    #: Axes that must not be cut, as the filter needs all of them: channels that count together.
    whole: tuple[int, ...] = ()


#: What says the reach of a call, from the values of its parameters by name; None where a part needs
#: the whole array.
Reaching: TypeAlias = Callable[[Mapping[str, Any]], Reach | None]
