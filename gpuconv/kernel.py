"""The kernel of a linear filter, as an immutable value with an algebra.

A kernel is a sum of separable terms (column ⊗ row) where such a form is known, dense weights
otherwise; with an anchor, the pixel that lies over the output pixel, and a divisor, so that a mean
of nine pixels is nine ones over 9: integers stay integers, and the engines can be exact.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from gpuconv import picture
from gpuconv.algebra import Algebra
from gpuconv.weights import Array, Term, Weights, check_anchor, check_divisor

__all__ = ["Kernel", "KernelLike", "as_kernel"]

KernelLike: TypeAlias = "Kernel | ArrayLike | tuple[ArrayLike, ArrayLike]"


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Kernel(Algebra):
    """An immutable filter kernel.

    Parameters
    ----------
    weights : array_like of shape (rows, columns)
        Weights; integers are kept as integers.
    anchor : (int, int), optional
        (y, x) of the kernel pixel that lies over the output pixel; the default is SciPy's,
        ``(rows // 2, columns // 2)``.
    divisor : number, default 1
        What every sum is divided by, after all taps are added.
    name : str, optional
        Shown by ``repr``.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        The weights are not a non-empty 2-D array of finite numbers, or the anchor lies outside.

    Examples
    --------
    >>> mean = Kernel(np.ones((3, 3), int), divisor=9)
    >>> mean.shape, mean.anchor, mean.integer
    ((3, 3), (1, 1), True)
    >>> sharpen = 2 * Kernel([[1]]) - mean
    >>> sharpen.weights.round(3).tolist()
    [[-0.111, -0.111, -0.111], [-0.111, 1.889, -0.111], [-0.111, -0.111, -0.111]]
    """

    #: (y, x) of the pixel that lies over the output pixel.
    anchor: tuple[int, int]
    #: What every sum is divided by.
    divisor: float
    name: str
    _weights: Weights

    # NumPy must not take ``array * kernel`` apart element by element.
    __array_ufunc__: ClassVar[None] = None

    def __init__(
        self,
        weights: ArrayLike | Weights,
        *,
        anchor: tuple[int, int] | None = None,
        divisor: float = 1,
        name: str = "",
    ) -> None:
        checked = weights if isinstance(weights, Weights) else Weights.of(weights)
        rows, columns = checked.shape
        middle = rows // 2, columns // 2
        position = middle if anchor is None else check_anchor(anchor, checked.shape)
        object.__setattr__(self, "_weights", checked)
        object.__setattr__(self, "anchor", position)
        object.__setattr__(self, "divisor", check_divisor(divisor))
        object.__setattr__(self, "name", name)

    @classmethod
    def separable(
        cls,
        column: ArrayLike,
        row: ArrayLike,
        *,
        anchor: tuple[int, int] | None = None,
        divisor: float = 1,
        name: str = "",
    ) -> Kernel:
        """Return the kernel ``outer(column, row) / divisor``, known to be separable.

        Examples
        --------
        >>> Kernel.separable([1, 2, 1], [1, 0, -1]).weights.tolist()
        [[1, 0, -1], [2, 0, -2], [1, 0, -1]]
        """
        return cls.sum_of([(column, row)], anchor=anchor, divisor=divisor, name=name)

    @classmethod
    def sum_of(
        cls,
        terms: Iterable[tuple[ArrayLike, ArrayLike]],
        *,
        anchor: tuple[int, int] | None = None,
        divisor: float = 1,
        name: str = "",
    ) -> Kernel:
        """Return the sum of separable terms of one size, over `divisor`."""
        return cls(Weights.sum_of(terms), anchor=anchor, divisor=divisor, name=name)

    # What it is

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)"""
        return self._weights.shape

    @property
    def terms(self) -> tuple[Term, ...]:
        """Separable terms (column, row) that sum to the numerators; () if none are known."""
        return self._weights.terms

    @property
    def parts(self) -> list[Array]:
        """Every array that the weights are made of: the columns and rows of terms, or one."""
        return self._weights.parts

    @property
    def nbytes(self) -> int:
        """Bytes that it keeps alive, about: its weights, and a copy by which it is told apart."""
        return self._weights.nbytes + sum(part.nbytes for part in self.parts)

    @property
    def numerators(self) -> Array:
        """The weights before the division, 2-D, read-only."""
        return self._weights.array

    @property
    def weights(self) -> Array:
        """The weights, 2-D: int64 if all are integers, else float64 or complex128."""
        return self.numerators if self.divisor == 1 else self.numerators / self.divisor

    @cached_property
    def integer(self) -> bool:
        """Whether all numerators are integers, so that sums over integer pixels are exact."""
        return all(part.dtype.kind == "i" for part in self._weights.parts)

    @cached_property
    def complex(self) -> bool:
        """Whether any weight is complex."""
        return any(part.dtype.kind == "c" for part in self._weights.parts)

    @property
    def total(self) -> float:
        """Σ|numerators|, or for separable terms the bound Σ |column|·|row| on it."""
        return self._weights.total

    def rank(self, tolerance: float = 1e-12) -> int:
        """Return the number of singular values above `tolerance` × the largest.

        It is the least number of separable terms that the kernel can be written as.

        Examples
        --------
        >>> Kernel([[1, 2], [2, 4]]).rank(), Kernel([[1, 0], [0, 1]]).rank()
        (1, 2)
        """
        values = np.linalg.svd(self.numerators, compute_uv=False)
        return int((values > tolerance * values[0]).sum())

    @cached_property
    def _key(self) -> tuple[object, ...]:
        parts = self._weights.parts
        content = tuple((part.dtype.char, part.tobytes()) for part in parts)
        return self.shape, self.anchor, self.divisor, content

    def __getstate__(self) -> dict[str, object]:
        # Hashes of text and bytes differ between processes.
        return {k: v for k, v in vars(self).items() if k != "_hash"}

    @cached_property
    def _hash(self) -> int:
        return hash(self._key)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return self._key == other._key if isinstance(other, Kernel) else NotImplemented

    # How it shows itself

    def __repr__(self) -> str:
        rows, columns = self.shape
        title = f"Kernel {self.name}" if self.name else "Kernel"
        count = len(self.terms)
        form = f", {count} separable term{'s' if count > 1 else ''}" if count else ""
        head = f"<{title} {rows}×{columns}{form}, anchor {self.anchor}>"
        if rows * columns > 81:
            return head
        over = "" if self.divisor == 1 else f" / {self.divisor:.10g}"
        body = np.array2string(
            self.numerators, precision=4, suppress_small=True, max_line_width=100
        )
        return f"{head}\n{body}{over}"

    def _repr_png_(self) -> bytes:
        return picture.to_png(self.weights)

    def plot(self, axes: Any = None) -> Any:
        """Draw the weights with matplotlib (the ``[plot]`` extra); returns the axes.

        Parameters
        ----------
        axes : matplotlib.axes.Axes, optional
            Where to draw; the default is a new figure.

        Raises
        ------
        MissingExtraError
            matplotlib is not installed.
        """
        return picture.plot(self.weights, title=self.name, axes=axes)


def as_kernel(kernel: KernelLike) -> Kernel:
    """Return `kernel` as a :class:`Kernel`.

    Parameters
    ----------
    kernel : Kernel, 2-D array_like, or tuple (column, row) of 1-D array_like
        A *tuple* of two 1-D sequences is a separable kernel; everything else is dense weights.

    Examples
    --------
    >>> as_kernel(([1, 2, 1], [1, 0, -1])).terms != ()
    True
    >>> as_kernel([[1, 2, 1], [1, 0, -1]]).shape
    (2, 3)
    """
    if isinstance(kernel, Kernel):
        return kernel
    if isinstance(kernel, tuple) and len(kernel) == 2 and all(map(_is_line, kernel)):
        return Kernel.separable(*kernel)
    return Kernel(kernel)  # type: ignore[arg-type]


def _is_line(value: ArrayLike) -> bool:
    try:
        return np.ndim(value) == 1
    except ValueError:  # ragged: told of where the weights are checked
        return False
