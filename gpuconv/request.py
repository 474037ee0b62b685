"""What is to be computed, and a way to do it: the question and an answer of a plan."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import isfinite, prod
from typing import Any

import numpy as np

from gpuconv import dtypes, tiling
from gpuconv.epilogue import Epilogue
from gpuconv.kernel import Kernel
from gpuconv.weights import Term

__all__ = ["ACCURACIES", "Candidate", "Request", "trimmed"]

#: How near results are to the definition: as near as sums in the accumulator can be, or to 1e-3 of
#: Σ|w| · max|x|, or as near as sums in float64 can be.
ACCURACIES = ("exact", "fast", "double")


@dataclass(frozen=True)
class Request:
    """One real correlation over the last two axes of an image (…, H, W)."""

    #: The kernel as it is correlated with the image, without margins of zeros.
    kernel: Kernel
    #: Planes of the batch: the leading axes of the image, channels among them.
    batch: tuple[int, ...]
    #: Arithmetic of the rows axis and of the columns axis.
    y: tiling.Axis
    x: tiling.Axis
    #: Border modes along y and along x, and the value of "constant".
    border: tuple[str, str]
    cval: float
    #: Read from, and written to.
    dtype: np.dtype[Any]
    out_dtype: np.dtype[Any]
    #: "auto", or the algorithm that is asked for.
    method: str
    #: "exact", "fast" or "double".
    accuracy: str
    epilogue: Epilogue
    #: Whether pixels have weights of their own, by which results are normalised.
    masked: bool
    #: Whether NaN is a pixel that does not count.
    ignore_nan: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the output, batch first."""
        return (*self.batch, self.y.out, self.x.out)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of the image, batch first."""
        return (*self.batch, self.y.n, self.x.n)

    @property
    def outputs(self) -> int:
        """Pixels of the output, in all planes."""
        return prod(self.shape)

    @property
    def bytes(self) -> int:
        """Bytes of the image and of the output: what must be read and written at least."""
        read = prod(self.image_shape) * self.dtype.itemsize
        return read + self.outputs * self.out_dtype.itemsize

    @property
    def unit(self) -> bool:
        """Whether neighbouring outputs and neighbouring taps are neighbours in the image."""
        return self.y.stride == self.x.stride == self.y.dilation == self.x.dilation == 1

    @property
    def weighed(self) -> bool:
        """Whether pixels have weights of their own, by which results are normalised."""
        return self.masked or self.ignore_nan

    @property
    def exact_integers(self) -> bool:
        """Whether every sum is an integer, and the result the definition's to the bit."""
        return self.dtype.kind in "iu" and self.kernel.integer and self.accuracy != "fast"

    @cached_property
    def accumulator(self) -> np.dtype[Any]:
        """The dtype in which the kernel's own weights are summed."""
        return self.summing(self.kernel.total)

    def summing(self, total: float) -> np.dtype[Any]:
        """Return the dtype in which weights with Σ|w| = `total` are summed."""
        kernel = self.kernel
        if self.accuracy == "double" and not self.exact_integers:
            return np.dtype("float64")
        fill = self.cval if "constant" in self.border and isfinite(self.cval) else 0.0
        return dtypes.accumulator(
            self.dtype, self.out_dtype, total, kernel.integer, kernel.divisor, fill
        )


@dataclass(frozen=True, eq=False)
class Candidate:
    """An algorithm that can run a request, with what it decides about it."""

    algorithm: str
    #: The dtype in which it sums.
    accumulator: np.dtype[Any]
    #: Output rows and columns of a tile (CPU), or of a transform's tile.
    tile: tuple[int, int]
    #: Multiply–adds per output pixel, or what takes as long.
    operations: float
    #: Separable terms (column, row), where it needs them.
    terms: tuple[Term, ...] = ()
    #: Rows and columns of a Fourier transform.
    transform: tuple[int, int] | None = None
    #: Standard deviations (along y, along x) of a Gaussian.
    sigma: tuple[float, float] | None = None
    #: Bytes of scratch of a thread (CPU).
    workspace: int = 0


def trimmed(
    kernel: Kernel, y: tiling.Axis, x: tiling.Axis
) -> tuple[Kernel, tiling.Axis, tiling.Axis]:
    """Return a kernel without its margins of zeros, and the axes that go with what is left.

    Outputs stay where they are: the axes of what is left begin where its first tap lies.

    Examples
    --------
    >>> y, x = tiling.axis(9, 1, 0), tiling.axis(9, 5, 2)
    >>> kernel, _, x = trimmed(Kernel([[0, 0, 0, 7, 0]]), y, x)
    >>> kernel.shape, x.taps, x.offset
    ((1, 1), 1, 1)
    """
    (top, bottom), (left, right) = kernel.margins()
    if not (top or bottom or left or right):
        return kernel, y, x
    return (
        kernel.cropped((top, bottom), (left, right)),
        y.without(top, bottom),
        x.without(left, right),
    )
