"""Chains of filters: what a batch does to the pixels of an image, in one pass over the file."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from gpuconv import api, dtypes, kernels
from gpuconv.border import pair
from gpuconv.errors import ArgumentError, ArgumentTypeError, choose
from gpuconv.filters.action import Convolution, Operation
from gpuconv.filters.filter import Filter
from gpuconv.task import Task
from gpuconv.window import Window

__all__ = ["NEGATIVE", "Chain", "Step"]

Pixels = NDArray[Any]

#: What can become of negative results in an image that cannot hold them.
NEGATIVE: dict[str, str] = {
    "clip": "they become 0",
    "abs": "they lose their sign",
    "offset": "zero is drawn as mid-grey, so that both signs show",
}


@dataclass(frozen=True)
class Chain:
    """One or more filters, applied one after the other.

    Between filters pixels are kept in float32 (float64 for 32- and 64-bit pixels), but for rank
    filters, which keep them as they are; they are rounded and saturated once, at the end. One
    filter alone is the library's function on the pixels as they are, :func:`gpuconv.convolve` for a
    kernel.

    Parameters
    ----------
    filters : tuple of Filter
    border : str or pair of str, optional
        Border mode, as for :func:`gpuconv.convolve`. The default is each filter's own: "reflect"
        for most, "estimate" for those that undo a blur. Filters without a choice refuse any.
    cval : float
        What lies outside in border mode "constant", in units of pixels.
    negative : {"clip", "abs", "offset"}
        What becomes of negative results in unsigned images: they become 0, lose their sign, or are
        drawn darker than mid-grey, which stands for zero. "abs" acts on all images, "offset" is
        refused for others. Both are refused where the last filter is no convolution: only those
        have results of both signs.
    gain : float
        What results are multiplied by, before rounding.
    device : str, optional
        Where to compute, as for :func:`gpuconv.convolve`.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        There is no filter, or an option has a value that is not allowed.

    Examples
    --------
    >>> chain = Chain.parse(["gaussian:sigma=2", "box:size=3"], border="edge")
    >>> chain.name
    'gaussian_box'
    >>> chain(np.full((4, 4), 7, np.uint8)).max()
    np.uint8(7)
    """

    filters: tuple[Filter, ...]
    border: str | tuple[str, str] | None = None
    cval: float = 0
    negative: str = "clip"
    gain: float = 1
    device: str | None = None

    def __post_init__(self) -> None:
        if not self.filters:
            raise ArgumentError("filters=() is empty; give at least one filter")
        for each in self.filters:
            if not isinstance(each, Filter):
                raise ArgumentTypeError(f"filters has the member {each!r}; members must be Filter")
        choose("negative", self.negative, NEGATIVE, "a way to treat negative results")
        if self.negative != "clip" and not self.filters[-1].linear:
            raise ArgumentError(
                f"negative={self.negative!r} is for convolutions, whose results have both signs; "
                f"the last filter is {self.filters[-1].name!r}: leave it out"
            )
        if not (math.isfinite(self.gain) and self.gain != 0):
            raise ArgumentError(f"gain={self.gain!r} must be finite and not 0")
        if not all(self.border in (None, each.border) for each in self.filters):
            pair(self.border, self.cval)

    @classmethod
    def parse(cls, filters: Iterable[str | Filter], **options: Any) -> Chain:
        """Return the chain of `filters`, each a :class:`Filter` or ``name:key=value,…``."""
        if isinstance(filters, str):
            raise ArgumentTypeError(f"filters={filters!r} must be a list of filters, not one text")
        return cls(
            tuple(f if isinstance(f, Filter) else Filter.parse(f) for f in filters), **options
        )

    @property
    def name(self) -> str:
        """The names of the filters, joined by underscores."""
        return "_".join(each.name for each in self.filters)

    @property
    def spec(self) -> str:
        """Canonical text of all that decides the result, without what is as usual."""
        border = self._border
        parts = {
            "border": border,
            "cval": float(self.cval) if "constant" in border else 0.0,
            "negative": self.negative,
            "gain": float(self.gain),
        }
        usual = {"border": "", "cval": 0.0, "negative": "clip", "gain": 1.0}
        told = [f" {key}={value}" for key, value in parts.items() if value != usual[key]]
        return "|".join(each.spec for each in self.filters) + "".join(told)

    @property
    def _border(self) -> str:
        """The border as text; "" where it is each filter's own."""
        if all(self.border in (None, each.border) for each in self.filters):
            return ""
        rows, columns = pair(self.border, self.cval)
        text = rows if rows == columns else f"{rows},{columns}"
        return "" if all(text == each.border for each in self.filters) else text

    def __call__(self, pixels: Pixels, *, stacked: bool = False) -> Pixels:
        """Return `pixels` filtered.

        Parameters
        ----------
        pixels : ndarray of shape (H, W) or (H, W, C)
        stacked : bool
            They are several images, one after the other along a first axis.

        Returns
        -------
        ndarray of the shape of `pixels`
            Of their dtype; or bool, if the last filter answers yes or no, as "canny" does.
        """
        values = pixels
        for step in self.steps(pixels.dtype):
            values = step(values, stacked=stacked)
        return values

    def steps(self, dtype: DTypeLike) -> tuple[Step, ...]:
        """Return what is done to pixels of a dtype, filter by filter.

        Examples
        --------
        >>> chain = Chain.parse(["gaussian:sigma=2", "median:size=3", "sharpen"])
        >>> [(str(step.read), str(step.written)) for step in chain.steps("uint8")]
        [('uint8', 'float32'), ('float32', 'float32'), ('float32', 'uint8')]
        """
        first, steps = np.dtype(dtype), list[Step]()
        read = first
        for index, each in enumerate(self.filters[:-1]):
            written = _working(first) if each.action.chooses_dtype else read
            steps.append(Step(self, index, read, written))
            read = written
        return (*steps, Step(self, len(steps), read, first))

    def where_all(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which pixels of the result are made of true pixels of a mask (H, W) alone.

        Examples
        --------
        >>> mask = np.array([[False, True, True, True, True]])
        >>> Chain.parse(["box:size=3"]).where_all(mask).tolist()
        [[False, False, True, True, True]]
        """
        if mask.all() or not all(step.local for step in self.steps(np.uint8)):
            return np.full(mask.shape, mask.all())
        return self.least(mask.shape)(mask.view(np.uint8)).view(bool)

    def least(self, shape: tuple[int, ...]) -> Chain:
        """Return the chain of minima that reads of an image (H, W) what this one does.

        And the pixel itself, which a kernel can pass over. What stands in the border "constant" is
        1 to it, and its pixels are uint8.
        """
        minima = (_minimum(step.plans(shape)) for step in self.steps(np.float32))
        border = None if self.border is None else pair(self.border, self.cval)
        return Chain(tuple(minima), border, cval=1)

    @cached_property
    def _last(self) -> tuple[Convolution | Operation, float]:
        """What the last filter does, and the gain that is left: a kernel has it in its weights."""
        action = self.filters[-1].action
        if isinstance(action, Convolution) and self.gain != 1:
            return Convolution(action.kernel * self.gain), 1
        return action, self.gain

    def _finish(self, values: Pixels, gain: float, dtype: np.dtype[Any]) -> Pixels:
        """Return `values` as `dtype`: amplified, negative ones treated as asked for, rounded."""
        values = values.astype(_working(dtype), copy=False)
        if gain != 1:
            values = values * gain
        if self.negative == "abs":
            values = abs(values)
        elif self.negative == "offset":
            values = values + _middle(dtype)
        # A kernel of one weight is how all engines round, saturate and store.
        stored: Pixels = api.convolve(values, kernels.identity(), dtype=dtype)
        return stored


@dataclass(frozen=True)
class Step:
    """One filter of a chain at work on pixels of a dtype."""

    chain: Chain
    #: Which of its filters.
    index: int
    #: The dtypes of the pixels, and of the result.
    read: np.dtype[Any]
    written: np.dtype[Any]

    @property
    def filter(self) -> Filter:
        """The filter."""
        return self.chain.filters[self.index]

    @property
    def local(self) -> bool:
        """Whether a pixel of the result depends on those around it alone."""
        return self.filter.action.local

    def plans(self, shape: tuple[int, ...], *, stacked: bool = False) -> tuple[Task, ...]:
        """Return the plans of what is done to an image of shape (H, W) or (H, W, C).

        Or, `stacked`, to several along a first axis.
        """
        action, _, stored = self._work
        options = self._options(len(shape) - stacked)
        return action.plans(shape, self.read, {**options, "out_dtype": stored})

    def __call__(self, image: Pixels | Window, *, stacked: bool = False) -> Pixels:
        """Return the image filtered; of a window, the part that it is for."""
        action, gain, stored = self._work
        values: Pixels = action(image, stored, self._options(image.ndim - stacked))
        if values.dtype == bool:
            return self._truth(values, gain)
        if not self._last or (self._plain and values.dtype == self.written):
            return values
        return self.chain._finish(values, gain, self.written)

    @property
    def _last(self) -> bool:
        return self.index == len(self.chain.filters) - 1

    @property
    def _plain(self) -> bool:
        """Whether the filter itself makes the chain's result."""
        action, gain = self.chain._last
        return self.chain.negative == "clip" and gain == 1 and action.any_dtype

    @cached_property
    def _work(self) -> tuple[Convolution | Operation, float, np.dtype[Any]]:
        """What is done, the gain that is left for afterwards, and the dtype in which it is done."""
        action, gain = self.chain._last if self._last else (self.filter.action, 1)
        stored = self.written if self._plain or not self._last else _working(self.written)
        return action, gain, stored if action.chooses_dtype else self.read

    def _options(self, ndim: int) -> dict[str, Any]:
        return {
            "border": self.chain.border,
            "cval": self.chain.cval,
            "device": self.chain.device,
            "channel_axis": -1 if ndim == 3 else None,
        }

    def _truth(self, values: Pixels, gain: float) -> Pixels:
        """Return answers of yes or no, which only the last filter of a chain may give."""
        name = self.filter.name
        if not self._last:
            raise ArgumentError(f"filter {name!r} answers yes or no: it must be the last")
        if gain != 1:
            raise ArgumentError(f"gain={gain!r} is not for {name!r}: yes or no")
        return values


def _minimum(plans: tuple[Task, ...]) -> Filter:
    """Return the minimum of a pixel and all those that any of some plans reads."""
    high = [(0, 1), *(plan.y.source(0, 1) for plan in plans)]
    wide = [(0, 1), *(plan.x.source(0, 1) for plan in plans)]
    top, left = (min(start for start, _ in runs) for runs in (high, wide))
    bottom, right = (max(stop for _, stop in runs) for runs in (high, wide))
    return Filter("minimum", size=(bottom - top, right - left), anchor=(-top, -left))


def _working(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return what pixels of `dtype` are kept in between filters."""
    return np.dtype(dtypes.rule(dtype).accumulator)


def _middle(dtype: np.dtype[Any]) -> int:
    """Return mid-grey of unsigned pixels."""
    if dtype.kind != "u":
        # Nothing tells here what is white: pixels with transparency, or in linear light, come as
        # floats in units of the file's.
        raise ArgumentTypeError(
            f"negative='offset' has no mid-grey for pixels of dtype {dtype}; it is for unsigned "
            "integers, and not for images with transparency or linear light: use 'abs' or 'clip'"
        )
    return int(2 ** (8 * dtype.itemsize - 1))
