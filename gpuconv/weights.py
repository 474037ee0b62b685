"""The numbers of a kernel: dense, or a sum of separable terms, and the arithmetic of both.

The arithmetic is float64, in which integers up to 2**53 are exact and become int64 again; beyond,
it rounds where int64 would wrap.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from operator import index
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gpuconv.errors import ArgumentError, ArgumentTypeError

__all__ = ["Array", "Term", "Weights", "check_anchor", "check_divisor"]

Array: TypeAlias = NDArray[Any]
Term: TypeAlias = tuple[Array, Array]


def _checked(value: ArrayLike, ndim: int, what: str) -> Array:
    """Return `value` as a read-only int64, float64 or complex128 array of `ndim` dimensions."""
    try:
        given = np.asarray(value)
    except ValueError as error:
        raise ArgumentError(f"{what} is not a rectangular array: {error}") from error
    if given.dtype.kind not in "biufc":
        raise ArgumentTypeError(f"{what} has dtype {given.dtype}; it must hold numbers")
    if given.ndim != ndim:
        raise ArgumentError(
            f"{what} has {given.ndim} dimensions (shape {given.shape}); it must have {ndim}"
        )
    if given.size == 0:
        raise ArgumentError(f"{what} has shape {given.shape}; it must have at least one weight")
    if not np.isfinite(given).all():
        raise ArgumentError(f"{what} has weights that are not finite")
    result = _integers(given.astype(np.complex128 if given.dtype.kind == "c" else np.float64))
    result.flags.writeable = False
    # Of a view nobody can make it writeable again: kernels are shared.
    return result.view()


def _integers(weights: Array) -> Array:
    """Return float weights as int64 if all are integers that float64 holds exactly."""
    if weights.dtype.kind == "c" or np.abs(weights).max() >= 2**53:
        return weights
    rounded = weights.astype(np.int64)
    return rounded if (rounded == weights).all() else weights


#: Bytes up to which what terms make is kept: caches keep many kernels.
_SMALL_PRODUCT = 2**18


@dataclass(frozen=True, eq=False)
class Weights:
    """Dense weights, or separable terms (column, row) of one size whose sum they are."""

    dense: Array | None
    terms: tuple[Term, ...] = ()

    @classmethod
    def of(cls, dense: ArrayLike) -> Weights:
        """Return dense weights, checked."""
        return cls(_checked(dense, 2, "kernel"))

    @classmethod
    def sum_of(cls, terms: Iterable[tuple[ArrayLike, ArrayLike]]) -> Weights:
        """Return a sum of terms, checked; terms that are zero are left out."""
        checked = [
            (_checked(c, 1, "kernel column"), _checked(r, 1, "kernel row")) for c, r in terms
        ]
        sizes = sorted({(len(column), len(row)) for column, row in checked})
        if len(sizes) != 1:
            raise ArgumentError(f"kernel terms have the sizes {sizes}; give terms of one size")
        used = [term for term in checked if term[0].any() and term[1].any()]
        return cls(None, tuple(used or checked[:1]))

    @property
    def array(self) -> Array:
        """The weights as a 2-D array, read-only; that of large terms is made anew each time."""
        if self.dense is not None:
            return self.dense
        made: Array | None = vars(self).get("_product")
        if made is None:
            made = _checked(sum(np.outer(1.0 * c, row) for c, row in self.terms), 2, "kernel")
            if made.nbytes <= _SMALL_PRODUCT:
                vars(self)["_product"] = made
        return made

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays that are kept, at most."""
        product = self.shape[0] * self.shape[1] * 8 if self.terms else 0
        kept = product if product <= _SMALL_PRODUCT else 0
        return sum(part.nbytes for part in self.parts) + kept

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)"""
        if self.dense is not None:
            return self.dense.shape[0], self.dense.shape[1]
        return len(self.terms[0][0]), len(self.terms[0][1])

    @property
    def parts(self) -> list[Array]:
        """Every array that the weights are made of."""
        return [part for term in self.terms for part in term] if self.terms else [self.array]

    @cached_property
    def total(self) -> float:
        """Σ|weights|; for terms the bound Σ |column|·|row| on it."""
        if not self.terms:
            return float(np.abs(self.array).sum())
        return float(sum(np.abs(1.0 * c).sum() * np.abs(r).sum() for c, r in self.terms))

    # Each operation says what it does to dense weights and what to a term.

    def map(self, dense: Callable[[Array], Array], term: Callable[[Array, Array], Term]) -> Weights:
        """Return the weights with `dense`, or `term` for each term, applied to them."""
        if self.dense is not None:
            return Weights.of(dense(self.dense))
        return Weights.sum_of([term(column, row) for column, row in self.terms])

    def move(
        self, dense: Callable[[Array], Array], term: Callable[[Array, Array], Term]
    ) -> Weights:
        """Return the same numbers in other places: views, which need not be checked again."""
        if self.dense is not None:
            return Weights(dense(self.dense))
        return Weights(None, tuple(term(column, row) for column, row in self.terms))

    def flip(self) -> Weights:
        """Return the weights turned by 180°."""
        return self.move(lambda w: w[::-1, ::-1], lambda c, r: (c[::-1], r[::-1]))

    def transpose(self) -> Weights:
        """Return the weights with rows and columns exchanged."""
        return self.move(lambda w: w.T, lambda c, r: (r, c))

    def scale(self, factor: complex) -> Weights:
        """Return the weights times `factor`."""
        return self.map(lambda w: 1.0 * w * factor, lambda c, r: (1.0 * c * factor, r))

    def pad(self, before: tuple[int, int], shape: tuple[int, int]) -> Weights:
        """Return the weights with zero margins: `before` them, and after them up to `shape`."""
        y, x = ((b, n - b - k) for b, n, k in zip(before, shape, self.shape, strict=True))
        return self.map(lambda w: np.pad(w, (y, x)), lambda c, r: (np.pad(c, y), np.pad(r, x)))

    def margins(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return how many rows (top, bottom) and columns (left, right) at the rim are zero.

        Of weights that are all zero, one is left.
        """
        if self.terms:
            columns, rows = zip(*self.terms, strict=True)
            return _margins(np.array(columns).any(axis=0)), _margins(np.array(rows).any(axis=0))
        used: Array = self.array != 0
        return _margins(used.any(axis=1)), _margins(used.any(axis=0))

    def crop(self, rows: tuple[int, int], columns: tuple[int, int]) -> Weights:
        """Return the weights without that many rows (top, bottom) and columns (left, right)."""
        height, width = self.shape
        y, x = slice(rows[0], height - rows[1]), slice(columns[0], width - columns[1])
        return self.map(lambda w: w[y, x], lambda c, r: (c[y], r[x]))

    def real(self) -> Weights:
        """Return the real parts."""
        if self.dense is not None:
            return Weights.of(self.dense.real)
        return Weights.sum_of(
            [t for c, r in self.terms for t in ((c.real, r.real), (-c.imag, r.imag))]
        )

    def imag(self) -> Weights:
        """Return the imaginary parts."""
        if self.dense is not None:
            return Weights.of(self.dense.imag)
        return Weights.sum_of(
            [t for c, r in self.terms for t in ((c.real, r.imag), (c.imag, r.real))]
        )

    @cached_property
    def lines(self) -> tuple[Term, ...]:
        """The terms; a dense row or column is one as it stands."""
        if self.dense is None or min(self.shape) > 1:
            return self.terms
        one = np.ones(1, np.int64)
        return ((self.array[:, 0], one) if self.shape[1] == 1 else (one, self.array[0]),)

    def _stays_separable(self, other: Weights) -> bool:
        return bool((self.terms or other.terms) and self.lines and other.lines)

    def add(
        self, other: Weights, anchor: tuple[int, int], other_anchor: tuple[int, int]
    ) -> tuple[Weights, tuple[int, int]]:
        """Return the sum with the anchors on one another, and the anchor of the sum.

        Terms stay terms if both have them.
        """
        sides = ((self, anchor), (other, other_anchor))
        joint = max(anchor[0], other_anchor[0]), max(anchor[1], other_anchor[1])
        rows, columns = (
            joint[i] + max(weights.shape[i] - own[i] for weights, own in sides) for i in (0, 1)
        )
        linear = self._stays_separable(other)
        a, b = (
            (Weights(None, weights.lines) if linear else weights).pad(
                (joint[0] - own[0], joint[1] - own[1]), (rows, columns)
            )
            for weights, own in sides
        )
        if linear:
            return Weights.sum_of(a.terms + b.terms), joint
        return Weights.of(1.0 * a.array + b.array), joint

    def compose(self, other: Weights) -> Weights:
        """Return the full convolution of the two."""
        if self._stays_separable(other):
            pairs = [(a, b) for a in self.lines for b in other.lines]
            return Weights.sum_of(
                [(np.convolve(1.0 * a[0], b[0]), np.convolve(1.0 * a[1], b[1])) for a, b in pairs]
            )
        few, many = sorted((self.array, other.array), key=np.size)
        rows, columns = (m + n - 1 for m, n in zip(few.shape, many.shape, strict=True))
        product = np.zeros((rows, columns), np.result_type(1.0 * few, many))
        for (y, x), weight in np.ndenumerate(few):
            product[y : y + many.shape[0], x : x + many.shape[1]] += weight * many
        return Weights.of(product)


def _margins(used: Any) -> tuple[int, int]:
    places = np.flatnonzero(used)
    if not places.size:
        return len(used) // 2, (len(used) - 1) // 2
    return int(places[0]), int(len(used) - 1 - places[-1])


def check_anchor(anchor: Any, shape: tuple[int, int]) -> tuple[int, int]:
    """Return `anchor` as a pair of integers inside a kernel of `shape`."""
    try:
        y, x = map(index, anchor)
    except (TypeError, ValueError):
        raise ArgumentTypeError(f"anchor={anchor!r} must be a pair of integers (y, x)") from None
    if not (0 <= y < shape[0] and 0 <= x < shape[1]):
        raise ArgumentError(
            f"anchor={anchor!r} lies outside the kernel; allowed are (0, 0) … "
            f"({shape[0] - 1}, {shape[1] - 1})"
        )
    return y, x


def check_divisor(divisor: Any) -> float:
    """Return `divisor` as an int if it is whole, else as a float."""
    if not isinstance(divisor, (int, float, np.integer, np.floating)):
        raise ArgumentTypeError(f"divisor={divisor!r} must be a real number")
    number = int(divisor) if isinstance(divisor, (int, np.integer)) else float(divisor)
    if not abs(number) <= sys.float_info.max or number == 0:
        raise ArgumentError(f"divisor={divisor!r} must be finite and not 0")
    return int(number) if float(number).is_integer() else number
