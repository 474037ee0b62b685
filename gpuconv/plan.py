"""What to run, and why: a pure function from arguments to a frozen value.

No device is touched here. The same inputs give the same plan, and plans are cached, so that a
repeated call finds its decisions made.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from gpuconv import dtypes, tiling
from gpuconv.errors import ArgumentError
from gpuconv.kernel import Kernel
from gpuconv.weights import Term, Weights, cross_terms

__all__ = ["METHODS", "Plan", "make_plan"]

METHODS = ("auto", "dense", "separable")

#: Rows of a tile and bytes of a row, without the halo: with it and its copies a tile fills a
#: second-level cache (1–2 MiB). Half the width costs up to half the speed, as a tile has a fixed
#: cost in Python.
_TILE_ROWS = 128
_TILE_ROW_BYTES = 4096


@dataclass(frozen=True)
class Plan:
    """A decision: which algorithm runs on what, in which tiles, and why no other.

    Make one with :func:`gpuconv.plan`; it says its reasons by :meth:`explain`.
    """

    #: "dense" or "separable".
    algorithm: str
    #: The kernel as it is correlated with the image (turned by 180° for a convolution).
    kernel: Kernel
    #: Separable terms (column, row) to run; () for dense.
    terms: tuple[Term, ...]
    #: Planes of the batch: the leading axes of the image, channels among them.
    batch: tuple[int, ...]
    #: Arithmetic of the rows axis and of the columns axis.
    y: tiling.Axis
    x: tiling.Axis
    #: Border modes along y and along x, and the value of "constant".
    border: tuple[str, str]
    cval: float
    #: Read from, summed in, written to.
    dtype: np.dtype[Any]
    accumulator: np.dtype[Any]
    out_dtype: np.dtype[Any]
    #: Output rows and columns of a tile.
    tile: tuple[int, int]
    #: Multiply–adds per output pixel.
    operations: int
    #: Other algorithms, each with the reason why it was not chosen.
    rejected: tuple[tuple[str, str], ...]
    #: What the engine of the GPU that it was planned for says of it.
    engine: tuple[str, ...] = ()

    # Terms hold arrays, which have neither a hash nor a plain ==; the kernel decides them.
    def _identity(self) -> tuple[object, ...]:
        return tuple(v for name, v in vars(self).items() if name != "terms")

    def __hash__(self) -> int:
        return hash(self._identity())

    def __eq__(self, other: object) -> bool:
        return self._identity() == other._identity() if isinstance(other, Plan) else NotImplemented

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the output, batch first."""
        return (*self.batch, self.y.out, self.x.out)

    @property
    def bytes_moved(self) -> int:
        """Bytes read from the image plus bytes written to the output."""
        read = prod(self.batch) * self.y.n * self.x.n * self.dtype.itemsize
        return read + prod(self.shape) * self.out_dtype.itemsize

    def explain(self) -> str:
        """Return what will run, what it costs, and why each other algorithm was turned down."""
        rows, columns = self.kernel.shape
        form = f"{len(self.terms)} separable term(s)" if self.terms else "dense"
        reads = f"{self.dtype} → {self.accumulator} → {self.out_dtype}"
        lines = [
            f"algorithm   {self.algorithm}",
            f"kernel      {rows}×{columns}, {form}, anchor {self.kernel.anchor}",
            f"image       {(*self.batch, self.y.n, self.x.n)} → {self.shape}, {reads}",
            f"border      {self.border[0]} along y, {self.border[1]} along x",
            f"operations  {self.operations} multiply-adds per output pixel",
            f"memory      {self.bytes_moved / 1e6:.1f} MB read and written",
        ]
        engine = self.engine or (f"tile        {self.tile[0]}×{self.tile[1]} output pixels",)
        return "\n".join(
            lines + list(engine) + [f"not {name:<11} {why}" for name, why in self.rejected]
        )


def _choose(
    kernel: Kernel, method: str, tolerance: float
) -> tuple[tuple[Term, ...], tuple[tuple[str, str], ...]]:
    """Return the separable terms to run (() for dense) and the other algorithm with its reason."""
    rows, columns = kernel.shape
    dense, pair = rows * columns, rows + columns
    if method == "dense":
        return (), (("separable", "method='dense' was asked for"),)
    line = rows == 1 < columns
    most = min(rows, columns) if method == "separable" or line else (dense - 1) // pair
    terms = kernel.terms or cross_terms(kernel.numerators, tolerance, most)
    if method == "separable":
        if not terms:
            raise ArgumentError(
                "method='separable' cannot run this kernel exactly: its integer weights are no "
                "sum of integer separable terms; use method='auto' or 'dense'"
            )
        return terms, (("dense", "method='separable' was asked for"),)
    if not terms:
        return (), (("separable", f"the kernel is no sum of {most} or fewer separable terms"),)
    if line:
        return terms, (("dense", "it needs several rows to be efficient, and this kernel is one"),)
    cost = len(terms) * pair
    if cost >= dense:
        return (), (("separable", f"{cost} multiply-adds per pixel, dense takes {dense}"),)
    return terms, (("dense", f"{dense} multiply-adds per pixel, separable takes {cost}"),)


def _tile(y: tiling.Axis, x: tiling.Axis, itemsize: int) -> tuple[int, int]:
    """Return output rows and columns of a tile: at least as wide as its halo, which is work too."""
    width = max(_TILE_ROW_BYTES // itemsize, x.footprint) // x.stride
    return max(_TILE_ROWS // y.stride, 1), max(width, 1)


@lru_cache(maxsize=256)
def make_plan(
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    kernel: Kernel,
    flip: bool,
    border: tuple[str, str],
    cval: float,
    size: str,
    stride: tuple[int, int],
    dilation: tuple[int, int],
    out_dtype: np.dtype[Any],
    method: str,
) -> Plan:
    """Plan a real correlation over the last two axes of an image (…, H, W).

    `flip` turns the kernel first, which makes it a convolution. The arguments are as
    :class:`gpuconv.arguments.Options` has checked them.
    """
    used = kernel.flip() if flip else kernel
    y, x = (
        tiling.axis(shape[i - 2], used.shape[i], used.anchor[i], size, stride[i], dilation[i])
        for i in (0, 1)
    )
    fill = cval if "constant" in border else 0.0

    def accumulator(total: float) -> np.dtype[Any]:
        return dtypes.accumulator(dtype, out_dtype, total, used.integer, used.divisor, fill)

    terms, rejected = _choose(used, method, float(np.finfo(accumulator(used.total)).eps) / 4)
    # Terms found for dense weights may cancel, and then their sums are larger than the kernel's.
    summed = accumulator(max(used.total, Weights(None, terms).total if terms else 0))
    rows, columns = used.shape
    return Plan(
        algorithm="separable" if terms else "dense",
        kernel=used,
        terms=terms,
        batch=shape[:-2],
        y=y,
        x=x,
        border=border,
        cval=cval,
        dtype=dtype,
        accumulator=summed,
        out_dtype=out_dtype,
        tile=_tile(y, x, summed.itemsize),
        operations=len(terms) * (rows + columns) or rows * columns,
        rejected=rejected,
    )
