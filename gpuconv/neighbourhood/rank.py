"""Rank filters: the pixel of a given rank among those under a footprint."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import isfinite, prod
from operator import index
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.neighbourhood.base import Neighbourhood

__all__ = ["Rank"]


@dataclass(frozen=True)
class Rank(Neighbourhood):
    """The pixel number `index`, counted from the least, among those under a footprint.

    Make one with :meth:`of`, :meth:`percentile`, :meth:`median`, :meth:`minimum` or
    :meth:`maximum`. Margins of the footprint without a pixel are taken away.

    Examples
    --------
    >>> Rank.median(3)
    Rank(shape=(3, 3), anchor=(1, 1), index=4)
    >>> Rank.median(footprint=[[0, 1, 0], [1, 1, 1], [0, 1, 0]]).count
    5
    """

    family: ClassVar[str] = "rank"
    selects: ClassVar[bool] = True

    #: Rows and columns of the footprint.
    shape: tuple[int, int]
    #: (row, column) of the footprint that lies over the output pixel; may lie beside it.
    anchor: tuple[int, int]
    #: Counted from 0, the least.
    index: int
    #: The footprint, a byte of 0 or 1 for each of its pixels; empty if all are 1.
    members: bytes = b""

    def __repr__(self) -> str:
        told = f"Rank(shape={self.shape}, anchor={self.anchor}, index={self.index}"
        return told + (f", count={self.count})" if self.members else ")")

    @classmethod
    def of(
        cls,
        rank: int,
        size: int | tuple[int, int] = 3,
        *,
        footprint: ArrayLike | None = None,
        anchor: tuple[int, int] | None = None,
    ) -> Rank:
        """Return the filter that picks pixel number `rank`; a negative one counts from the largest.

        Parameters
        ----------
        rank : int
        size : int or (int, int), default 3
            Pixels of a rectangle (along y, along x).
        footprint : array_like of shape (rows, columns), optional
            Instead of `size`: true where a pixel counts.
        anchor : (int, int), optional
            (row, column) that lies over the output pixel; by default (rows // 2, columns // 2).

        Raises
        ------
        ArgumentError
            There are no such pixels, or there is no such rank among them.

        Examples
        --------
        >>> Rank.of(-1, (1, 3)) == Rank.maximum((1, 3))
        True
        """
        shape, members = _under(size, footprint)
        count = prod(shape) if members is None else int(members.sum())
        try:
            wanted = index(rank)
        except TypeError:
            raise ArgumentTypeError(f"rank={rank!r} must be an integer") from None
        if not -count <= wanted < count:
            raise ArgumentError(
                f"rank={rank} is none of a footprint of {count} pixels; "
                f"allowed are {-count} … {count - 1}"
            )
        return cls._cropped(shape, members, _anchor(anchor, shape), wanted % count)

    @classmethod
    def _cropped(
        cls,
        shape: tuple[int, int],
        members: NDArray[np.bool_] | None,
        at: tuple[int, int],
        wanted: int,
    ) -> Rank:
        """Return the filter without margins that have no pixel."""
        if members is None:
            return cls(shape, at, wanted)
        rows, columns = (np.flatnonzero(members.any(axis=axis)) for axis in (1, 0))
        kept = members[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        shape = kept.shape[0], kept.shape[1]
        anchor = at[0] - int(rows[0]), at[1] - int(columns[0])
        return cls(shape, anchor, wanted, b"" if kept.all() else kept.tobytes())

    @classmethod
    def percentile(
        cls,
        percentile: float,
        size: int | tuple[int, int] = 3,
        *,
        footprint: ArrayLike | None = None,
        anchor: tuple[int, int] | None = None,
    ) -> Rank:
        """Return the filter that picks the pixel above `percentile` per cent of the others.

        That is number ⌊count · percentile / 100⌋, as :func:`scipy.ndimage.percentile_filter` has
        it, and the largest for 100; negative ones count from 100.

        Examples
        --------
        >>> Rank.percentile(25, 3).index, Rank.percentile(-25, 3).index
        (2, 6)
        """
        real = isinstance(percentile, (int, float, np.integer, np.floating))
        if not (real and isfinite(percentile)):
            raise ArgumentTypeError(f"percentile={percentile!r} must be a finite number")
        share = percentile + 100 if percentile < 0 else percentile
        if not 0 <= share <= 100:
            raise ArgumentError(f"percentile={percentile} must be in -100 … 100")
        shape, members = _under(size, footprint)
        count = prod(shape) if members is None else int(members.sum())
        wanted = count - 1 if share == 100 else int(float(count) * share / 100.0)
        return cls._cropped(shape, members, _anchor(anchor, shape), wanted)

    @classmethod
    def median(cls, size: int | tuple[int, int] = 3, **where: Any) -> Rank:
        """Return the filter that picks the median: number ⌊count / 2⌋."""
        shape, members = _under(size, where.pop("footprint", None))
        if members is None:
            return cls.of(prod(shape) // 2, shape, **where)
        return cls.of(int(members.sum()) // 2, footprint=members, **where)

    @classmethod
    def minimum(cls, size: int | tuple[int, int] = 3, **where: Any) -> Rank:
        """Return the filter that picks the least pixel."""
        return cls.of(0, size, **where)

    @classmethod
    def maximum(cls, size: int | tuple[int, int] = 3, **where: Any) -> Rank:
        """Return the filter that picks the largest pixel."""
        return cls.of(-1, size, **where)

    @cached_property
    def footprint(self) -> NDArray[np.bool_]:
        """True where a pixel counts, of shape `shape`; read-only."""
        if not self.members:
            return np.broadcast_to(np.True_, self.shape)
        return np.frombuffer(self.members, bool).reshape(self.shape)

    @cached_property
    def columns(self) -> tuple[tuple[int, ...], ...]:
        """The rows of each column of the footprint in which a pixel counts."""
        if self.whole:
            # One and the same tuple: there may be millions of pixels.
            return (tuple(range(self.shape[0])),) * self.shape[1]
        return tuple(tuple(np.flatnonzero(column).tolist()) for column in self.footprint.T)

    @property
    def whole(self) -> bool:
        """Whether the footprint is a whole rectangle."""
        return not self.members

    @cached_property
    def count(self) -> int:
        """Pixels under the footprint."""
        return prod(self.shape) if self.whole else int(self.footprint.sum())

    @property
    def reach(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Pixels read (above, below) and (left, right) of an output."""
        (rows, columns), (y, x) = self.shape, self.anchor
        return (y, rows - 1 - y), (x, columns - 1 - x)

    @property
    def label(self) -> str:
        """The filter in a few words."""
        rows, columns = self.shape
        kind = {0: "minimum", self.count - 1: "maximum", self.count // 2: "median"}
        name = kind.get(self.index, f"rank {self.index}")
        under = f"{rows}×{columns}" if self.whole else f"{self.count} of {rows}×{columns}"
        return f"{name} of {under} pixels"

    def computed_in(self, dtype: np.dtype[Any], out_dtype: np.dtype[Any]) -> np.dtype[Any]:
        """Return the dtype in which pixels are compared: their own; float32 for float16."""
        if dtype != out_dtype:
            raise ArgumentTypeError(
                f"out has dtype {out_dtype}; a rank filter returns pixels as they are, {dtype}"
            )
        return np.dtype(np.float32) if dtype == np.float16 else dtype


def _under(
    size: Any, footprint: ArrayLike | None
) -> tuple[tuple[int, int], NDArray[np.bool_] | None]:
    """Return the shape of the footprint that is asked for, and where it has pixels; None: all."""
    if footprint is None:
        return _sides(size), None
    try:
        members = np.asarray(footprint)
    except ValueError as error:
        raise ArgumentError(f"footprint is not a rectangular array: {error}") from error
    if members.ndim != 2 or not members.size or members.dtype.kind not in "biuf":
        raise ArgumentError(
            f"footprint has shape {members.shape} and dtype {members.dtype}; it must be a matrix "
            "of truth values, (rows, columns)"
        )
    if not members.any():
        raise ArgumentError("footprint has no pixel that is true; give at least one")
    return (members.shape[0], members.shape[1]), members.astype(bool)


def _sides(size: Any) -> tuple[int, int]:
    given = size if isinstance(size, (tuple, list)) else (size, size)
    try:
        sides = tuple(map(index, given))
    except TypeError:
        sides = ()
    if len(sides) != 2 or min(sides) < 1 or max(sides) >= 2**15:
        raise ArgumentError(
            f"size={size!r} must be a positive integer, or a pair of them (along y, along x), "
            "below 2**15"
        )
    return sides[0], sides[1]


def _anchor(anchor: Any, shape: tuple[int, ...]) -> tuple[int, int]:
    """Return (row, column) over the output pixel, the middle one by default."""
    if anchor is None:
        return shape[0] // 2, shape[1] // 2
    try:
        row, column = map(index, anchor)
    except (TypeError, ValueError):
        raise ArgumentError(f"anchor={anchor!r} must be a pair of integers (row, column)") from None
    if not (0 <= row < shape[0] and 0 <= column < shape[1]):
        raise ArgumentError(
            f"anchor={anchor!r} does not lie in a footprint of {shape[0]}×{shape[1]} pixels"
        )
    return row, column
