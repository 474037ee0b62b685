"""Items of an image on disk, by integers, slices and an ellipsis, as NumPy takes them."""

from __future__ import annotations

from dataclasses import dataclass
from operator import index
from typing import Any

from gpuconv.errors import ArgumentTypeError

__all__ = ["Pick", "picks"]


@dataclass(frozen=True)
class Pick:
    """What is taken of an axis."""

    #: The places, in their order.
    items: range
    #: Whether the axis goes, because an integer was given for it.
    dropped: bool

    @property
    def falling(self) -> bool:
        """Whether the places are taken from the last on."""
        return self.items.step < 0

    @property
    def rising(self) -> range:
        """The same places from the first on."""
        return self.items[::-1] if self.falling else self.items

    @property
    def key(self) -> int | slice:
        """What takes the places from the whole axis."""
        if self.dropped:
            return self.items[0]
        if not self.items:
            return slice(0, 0)
        # Going down to 0, a range stops at −1, which a slice takes for the last place.
        stop = None if self.items.stop < 0 else self.items.stop
        return slice(self.items.start, stop, self.items.step)


def picks(item: Any, shape: tuple[int, ...]) -> tuple[Pick, ...]:
    """Return what ``array[item]`` takes of each axis of an array.

    Raises
    ------
    ArgumentTypeError
        Something that is no integer, slice or ellipsis.
    IndexError
        Too many of them, or an integer outside its axis.

    Examples
    --------
    >>> [pick.items for pick in picks((2, ..., slice(None, None, -2)), (5, 6, 7))]
    [range(2, 3), range(0, 6), range(6, -1, -2)]
    """
    given = item if isinstance(item, tuple) else (item,)
    keys = _for_each_axis(given, len(shape))
    return tuple(_pick(key, n) for key, n in zip(keys, shape, strict=True))


def _for_each_axis(given: tuple[Any, ...], ndim: int) -> tuple[Any, ...]:
    """Replace the ellipsis, which stands at the end if it is not written, by whole axes."""
    places = [i for i, key in enumerate(given) if key is Ellipsis] or [len(given)]
    named = len(given) - sum(key is Ellipsis for key in given)
    if len(places) > 1 or named > ndim:
        raise IndexError(f"an image of {ndim} dimensions has no item {given!r}")
    at = places[0]
    return (*given[:at], *(slice(None),) * (ndim - named), *given[at + 1 :])


def _pick(key: Any, n: int) -> Pick:
    if isinstance(key, slice):
        return Pick(range(n)[key], dropped=False)
    if key is None or isinstance(key, bool):
        raise _wrong(key)
    try:
        place = index(key)
    except TypeError:
        raise _wrong(key) from None
    if not -n <= place < n:
        raise IndexError(f"index {place} is outside an axis of {n}")
    return Pick(range(place % n, place % n + 1), dropped=True)


def _wrong(key: Any) -> ArgumentTypeError:
    return ArgumentTypeError(
        f"images on disk are indexed by integers, slices and ..., not by {key!r}"
    )
