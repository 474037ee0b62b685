"""One call that is verified, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from gpuconv import api, dtypes
from gpuconv.arguments import Step
from gpuconv.arrays import channel_index, channels_restored
from gpuconv.kernel import Kernel
from gpuconv.separation import cross_terms
from gpuconv.verify.kernels import KERNELS
from gpuconv.verify.operations import OPERATIONS, Operation

__all__ = ["Case"]


@dataclass(frozen=True)
class Case:
    """A call of ``convolve`` or ``correlate``, or of a filter that is no sum."""

    dtype: str
    #: Of :data:`KERNELS`, or of :data:`OPERATIONS`.
    kernel: str
    shape: tuple[int, ...] = (23, 37)
    border: str | tuple[str, str] = "reflect"
    size: str = "same"
    #: "direct" is a sum over taps, dense or of separable terms, whichever has fewer.
    method: str = "direct"
    stride: Step = 1
    dilation: Step = 1
    cval: float = 3
    call: str = "convolve"
    channel_axis: int | None = None
    #: Of the output; "" is the image's, or complex if it must be.
    out_dtype: str = ""
    #: Of the image, of :data:`LAYOUTS`.
    layout: str = "C"
    #: Of the output, of the same; or "new" for none given, "in place", or "overlapping".
    out: str = "C"
    #: Of :data:`CONTENTS`.
    content: str = "random"
    #: What follows the sums: "epilogue", "wrap", "mask", "nan", "bank", "magnitude", "direction",
    #: "parts", or nothing; see ``endings``.
    ending: str = ""
    #: Whether the image lies in host memory when the call is made.
    host: bool = False
    #: Whether the image is some rows again and again, and only the last of them are verified.
    far: bool = False
    accuracy: str = "exact"

    @property
    def operation(self) -> Operation | None:
        """The filter itself, if it is no sum."""
        return OPERATIONS.get(self.kernel)

    @property
    def weights(self) -> Kernel:
        """The kernel itself."""
        return KERNELS[self.kernel]

    @property
    def asked(self) -> str:
        """The method that the call asks for."""
        if self.method != "direct":
            return self.method
        return "auto" if self.operation else _direct(self.kernel)

    @property
    def stored(self) -> np.dtype[Any]:
        """The dtype of the output."""
        wanted = np.dtype(self.out_dtype or self.dtype)
        if self.operation:
            return wanted
        return dtypes.complex_of(wanted) if self.weights.complex and wanted.kind != "c" else wanted

    @property
    def exact(self) -> bool:
        """Whether the result must have the bits of the definition's."""
        if self.operation:
            return self.operation.selects
        if self.method == "ordered":
            return True
        integers = np.dtype(self.dtype).kind in "iu" and self.weights.integer
        # A weighted mean is a quotient, which may be rounded to either side of a tie; so may roots.
        sums = self.ending not in ("mask", "magnitude", "direction")
        return (integers and sums) or self.content == "ties"

    @property
    def out_shape(self) -> tuple[int, ...]:
        """The shape of the output."""
        if self.operation:
            return self.shape
        given, kernel = np.empty(0, self.dtype).real.dtype, self.weights
        planned = api.plan(
            self.shape,
            given,
            kernel.real if kernel.complex else kernel,
            border=self.border,  # type: ignore[arg-type]
            size=self.size,  # type: ignore[arg-type]
            stride=self.stride,
            dilation=self.dilation,
            channel_axis=self.channel_axis,
            method="dense",
        )
        return channels_restored(planned.shape, channel_index(len(self.shape), self.channel_axis))

    @property
    def label(self) -> str:
        """The case in words: what differs from the usual.

        Examples
        --------
        >>> Case("uint8", "Sobel", border="wrap", stride=2).label
        "uint8 'Sobel' of (23, 37), border='wrap', stride=2"
        """
        usual = Case(self.dtype, self.kernel, self.shape)
        changed = [
            f"{name}={value!r}"
            for name, value in vars(self).items()
            if value != getattr(usual, name)
        ]
        return ", ".join([f"{self.dtype} {self.kernel!r} of {self.shape}", *changed])


@cache
def _direct(name: str) -> str:
    """Return "dense" or "separable"; of a complex kernel each part is planned for itself."""
    kernel = KERNELS[name]
    if kernel.complex:
        return "auto"
    rows, columns = kernel.shape
    pays = (rows * columns - 1) // (rows + columns) if rows > 1 else 1
    terms = kernel.terms or cross_terms(kernel.numerators, _ROUNDING, pays)
    return "separable" if 0 < len(terms) <= pays else "dense"


#: Of weights that are a sum of terms in exact arithmetic.
_ROUNDING = 1e-12
