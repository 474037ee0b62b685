"""The one part that there is of a result all of whose pixels depend on all of the image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gpuconv import backends, dtypes
from gpuconv.errors import ArgumentError
from gpuconv.filters.chain import Chain
from gpuconv.io import Image
from gpuconv.io.mapping import check_mapping, map_pixels
from gpuconv.io.source import Layout
from gpuconv.streaming.parts import Job, Parts
from gpuconv.window import Needs, Run

__all__ = ["Whole", "is_local"]

Array = NDArray[Any]

#: Values, as filters sum them up, that a filter keeps at most for each of an image's: Wiener's
#: spectra are the most, 9.7. Alpha and linear light keep a few more around it. tests/
#: test_stream_whole.py measures them all.
_KEPT, _AROUND = 10, 6


def is_local(chain: Chain) -> bool:
    """Tell whether each pixel of a chain's result depends on those around it alone.

    Examples
    --------
    >>> is_local(Chain.parse(["gaussian:sigma=2"])), is_local(Chain.parse(["canny"]))
    (True, False)
    """
    return all(each.action.local for each in chain.filters)


class Whole:
    """What makes the result of filters that need the whole image: all of it, whatever is asked for.

    It stands where :class:`~gpuconv.streaming.parts.Parts` do, for chains that these refuse.

    Parameters
    ----------
    chain : Chain
    layout : Layout
        Of the image.
    alpha, linear
        As for :meth:`gpuconv.io.Image.map`.
    grey : bool
        Whether colour is made grey before, as :meth:`gpuconv.io.Image.grey` does it.

    Raises
    ------
    ArgumentError
        An option has a value that is not allowed, or it is for pixels of which the file tells more.

    Examples
    --------
    >>> image = np.full((6, 8), 7, np.uint8)
    >>> parts = Whole(Chain.parse(["canny"]), Layout(image.shape, image.dtype, (6, 8)))
    >>> job = parts.job((2, 4), (0, 8))
    >>> parts.make(job, (2, 4), (0, 8), [image]).shape
    (2, 8)
    """

    def __init__(
        self,
        chain: Chain,
        layout: Layout,
        *,
        alpha: Literal["premultiply", "straight"] = "premultiply",
        linear: bool = False,
        grey: bool = False,
    ) -> None:
        check_mapping(layout.dtype, layout.channels, alpha, linear)
        if (linear or grey) and not layout.channels:
            raise ArgumentError(
                "linear=True and grey=True are for grey, RGB, RGBA and CMYK; nothing tells what "
                f"the {layout.picture[-1]} channels of this image are"
            )
        self._chain, self._layout = replace(chain, device=None), layout
        self._alpha, self._linear = alpha, linear
        shade = "LA" if layout.channels.endswith("A") else "L"
        self.channels, self.written = shade if grey else layout.channels, layout.dtype
        lost = self.channels != layout.channels
        count = (2,) if self.channels == "LA" else ()
        self.result = (*layout.size, *count) if lost else layout.picture

    @property
    def grain(self) -> tuple[int, int]:
        """Rows and columns of the image: no part of it is made without the rest."""
        return self._layout.size

    def job(self, rows: Run, columns: Run) -> Job:
        """Return what makes all."""
        high, wide = ((0, n) for n in self._layout.size)
        return Job(0, high, wide, Needs(0, (high,)), Needs(0, (wide,)))

    def read(self, leaf: Job, image: Array) -> Array:
        """Return the pixels of the image."""
        return Parts.read(leaf, image)

    def make(self, job: Job, rows: Run, columns: Run, windows: Sequence[Array]) -> Array:
        """Return rows and columns of the result, from all of the image."""
        home = backends.owner(windows[0])
        pixels = home.asnumpy(windows[0])
        if self.channels != self._layout.channels:
            pixels = Image(pixels, self._layout.channels).grey().pixels

        def filtered(seen: Array) -> Array:
            there: Array = home.asnumpy(self._chain(home.asarray(seen)))
            return there

        made = map_pixels(pixels, self.channels, filtered, self._alpha, self._linear)
        part: Array = home.asarray(np.ascontiguousarray(made[slice(*rows), slice(*columns)]))
        return part

    def peak(self, job: Job) -> int:
        """Return how many bytes `make` takes at most, the image and the result too."""
        values = prod(self._layout.picture)
        plain = not self._linear and not self.channels.endswith("A")
        kept = _KEPT if plain else _KEPT + _AROUND
        each = np.dtype(dtypes.rule(self.written).accumulator).itemsize
        return values * (kept * each + 2 * self.written.itemsize)
