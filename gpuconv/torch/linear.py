"""A filter as a linear map, and the map that is its transpose: what gradients go back through.

The gradient of a convolution is a convolution: what an output has read with a weight, it gives its
share of the gradient to with that weight. What was read in the border goes to the pixels that stand
there. Both maps are for arrays of any library.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gpuconv import backends, border
from gpuconv.api import convolve, correlate
from gpuconv.arguments import Accuracy, Size
from gpuconv.arrays import Array
from gpuconv.exchange import public
from gpuconv.kernel import Kernel
from gpuconv.tiling import Axis, axis

__all__ = ["Linear", "transposed"]


@dataclass(frozen=True)
class Linear:
    """A filter over the last two axes: linear, but for the value of a constant border."""

    #: As it is correlated with the image.
    kernel: Kernel
    #: Along y and along x.
    border: tuple[str, str]
    cval: complex
    size: Size
    stride: tuple[int, int]
    dilation: tuple[int, int]
    accuracy: Accuracy

    @property
    def derivative(self) -> Linear:
        """The filter of changes of an image, which the border has none of."""
        return replace(self, cval=0)

    def __call__(self, image: Any) -> Any:
        """Return the image filtered."""
        return correlate(
            image,
            self.kernel,
            border=self.border,
            cval=self.cval,
            size=self.size,
            stride=self.stride,
            dilation=self.dilation,
            accuracy=self.accuracy,
        )

    def axes(self, shape: tuple[int, int]) -> tuple[Axis, Axis]:
        """Return how rows and columns of an image are read."""
        y, x = (
            axis(n, taps, anchor, self.size, stride, dilation)
            for n, taps, anchor, stride, dilation in zip(
                shape,
                self.kernel.shape,
                self.kernel.anchor,
                self.stride,
                self.dilation,
                strict=True,
            )
        )
        return y, x


@public
def transposed(gradient: Any, linear: Linear, shape: tuple[int, int], real: bool = True) -> Any:
    """Return the gradient of an image, given that of the image filtered.

    Parameters
    ----------
    gradient : array of shape (…, rows, columns)
        Of what `linear` made.
    linear : Linear
        The filter.
    shape : (int, int)
        Rows and columns of the image.
    real : bool, default True
        Whether the image is real.

    Returns
    -------
    array
        Of the image's shape.

    Examples
    --------
    What was filtered with a border that goes on as the edge does:

    >>> ones = Linear(Kernel([[1, 1, 1]]), ("nearest",) * 2, 0, "same", (1, 1), (1, 1), "exact")
    >>> ones(np.array([[0.0, 0.0, 5.0]])).tolist()
    [[0.0, 5.0, 10.0]]
    >>> transposed(np.array([[0.0, 0.0, 1.0]]), ones, (1, 3)).tolist()
    [[0.0, 1.0, 2.0]]
    """
    y, x = linear.axes(shape)
    engine = backends.owner(gradient)
    with engine.place(gradient, None):
        if 0 in gradient.shape:
            return _zeros(gradient, (*gradient.shape[:-2], *shape))
        kernel = _conjugate(linear.kernel) if linear.kernel.complex else linear.kernel
        spread = convolve(
            _apart(gradient, linear.stride),
            kernel,
            border="zero",
            size="full",
            dilation=linear.dilation,
            accuracy=linear.accuracy,
        )
        spread = np.ascontiguousarray(spread.real) if real and spread.dtype.kind == "c" else spread
        folded = _folded(spread, y, linear.border[0])
        return np.swapaxes(_folded(np.swapaxes(folded, -1, -2), x, linear.border[1]), -1, -2)


def _conjugate(kernel: Kernel) -> Kernel:
    return Kernel(kernel.weights.conj(), anchor=kernel.anchor)


def _zeros(like: Array, shape: tuple[int, ...]) -> Array:
    """Return zeros of the dtype, and in the memory, of another array."""
    room: Array = backends.owner(like).empty(shape, like.dtype.newbyteorder("="))
    room[...] = 0
    return room


def _apart(values: Array, stride: tuple[int, int]) -> Array:
    """Return values as far apart as the pixels that they were computed for."""
    if stride == (1, 1):
        return values
    rows, columns = ((n - 1) * s + 1 for n, s in zip(values.shape[-2:], stride, strict=True))
    room = _zeros(values, (*values.shape[:-2], rows, columns))
    room[..., :: stride[0], :: stride[1]] = values
    return room


def _folded(spread: Array, axis: Axis, mode: str) -> Array:
    """Return what each row of the image has been given, in place and in the border."""
    found = _zeros(spread, (*spread.shape[:-2], axis.n, spread.shape[-1]))
    positions = range(axis.offset, axis.offset + spread.shape[-2])
    for start, stop, first, step in _runs(border.source_index(mode, positions, axis.n)):
        part = spread[..., start:stop, :]
        last = first + step * (stop - start - 1)
        if step == 0:
            found[..., first, :] += part.sum(axis=-2)
        elif step > 0:
            found[..., first : last + 1, :] += part
        else:
            found[..., last : first + 1, :] += part[..., ::-1, :]
    return found


def _runs(index: Array) -> Iterator[tuple[int, int, int, int]]:
    """Yield runs (start, stop) of positions whose pixels go on by one step, 1, −1 or 0.

    With each comes its first pixel. Positions without a pixel are left out.
    """
    inside = np.flatnonzero(index != border.FILL)
    if len(inside) < len(index):  # a constant border
        if len(inside):
            yield int(inside[0]), int(inside[-1]) + 1, int(index[inside[0]]), 1
        return
    start, steps = 0, np.diff(index)
    while start < len(index):
        step = int(steps[start]) if start < len(steps) else 1
        step = step if abs(step) <= 1 else 1
        others = np.flatnonzero(steps[start:] != step)
        stop = start + int(others[0]) + 1 if len(others) else len(index)
        yield start, stop, int(index[start]), step
        start = stop
