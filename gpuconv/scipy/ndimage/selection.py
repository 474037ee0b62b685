"""Picking the element of a rank from a neighbourhood: as a value, and along one axis or two."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from math import prod

import numpy as np
from numpy.typing import NDArray

from gpuconv.apply import Choices, applied
from gpuconv.arrays import Array
from gpuconv.neighbourhood import Rank
from gpuconv.scipy.lines import merged

__all__ = ["Selection", "choices_of", "filter_planes"]


@dataclass(frozen=True)
class Selection:
    """The element number `index`, from the least, of those under a footprint; one entry an axis."""

    #: Of the footprint.
    shape: tuple[int, ...]
    #: The place in the footprint that lies over the output.
    anchor: tuple[int, ...]
    borders: tuple[str, ...]
    index: int
    #: The footprint, a byte of 0 or 1 for each element; empty if all are 1.
    members: bytes = b""

    @cached_property
    def footprint(self) -> NDArray[np.bool_]:
        """True where an element counts, of shape `shape`."""
        if not self.members:
            return np.ones(self.shape, bool)
        return np.frombuffer(self.members, bool).reshape(self.shape)

    @cached_property
    def live(self) -> tuple[int, ...]:
        """The axes along which the footprint extends."""
        return tuple(axis for axis, n in enumerate(self.shape) if n > 1)

    @cached_property
    def fills(self) -> bool:
        """Whether a constant may lie under the footprint."""
        return any(self.borders[axis] == "constant" for axis in self.live)

    @cached_property
    def separable(self) -> bool:
        """Whether it is the same to filter one axis after the other."""
        return not self.members and self.index in (0, prod(self.shape) - 1)

    @property
    def of_line(self) -> bool:
        """Whether SciPy has an algorithm of its own, that compares in int64, not in float64."""
        return len(self.shape) == 1 and not self.separable

    def along(self, axes: tuple[int, ...]) -> Selection:
        """Return the filter of some axes of one that is separable.

        Examples
        --------
        >>> Selection((3, 5), (1, 2), ("wrap", "wrap"), 14).along((1,)).index
        4
        """
        shape = tuple(n if axis in axes else 1 for axis, n in enumerate(self.shape))
        anchor = tuple(at if axis in axes else 0 for axis, at in enumerate(self.anchor))
        return replace(self, shape=shape, anchor=anchor, index=prod(shape) - 1 if self.index else 0)


def filter_planes(image: Array, wanted: Selection, cval: float, out: Array) -> None:
    """Filter an image by a footprint that extends along one axis, or along two."""
    axes = wanted.live
    source, target = merged(axes, image, out)
    # A single axis is that of the rows, or the last of the columns.
    pair = axes if len(axes) == 2 else (None, *axes) if axes[0] == image.ndim - 1 else (*axes, None)
    rank, borders = _rank_of(wanted, pair)
    applied(source, rank, choices_of(borders, cval), None, None, target, None)


@lru_cache(maxsize=256)
def _rank_of(wanted: Selection, axes: tuple[int | None, ...]) -> tuple[Rank, tuple[str, str]]:
    """Return the engine's filter along two axes, of which one may be none, and its borders."""
    size = tuple(1 if axis is None else wanted.shape[axis] for axis in axes)
    anchor = tuple(0 if axis is None else wanted.anchor[axis] for axis in axes)
    borders = tuple("nearest" if axis is None else wanted.borders[axis] for axis in axes)
    members = wanted.footprint.reshape(size) if wanted.members else None
    rank = Rank.of(wanted.index, size, footprint=members, anchor=anchor)  # type: ignore[arg-type]
    return rank, borders  # type: ignore[return-value]


@lru_cache(maxsize=256)
def choices_of(borders: tuple[str, str], cval: float) -> Choices:
    """Return the borders along two axes as the engine has them."""
    return Choices(borders, cval, "auto")
