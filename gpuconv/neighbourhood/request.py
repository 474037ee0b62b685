"""What is to be computed, and a way to do it: the question and an answer of a plan."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from gpuconv import tiling
from gpuconv.cost import Prediction
from gpuconv.neighbourhood.base import Neighbourhood

__all__ = ["Candidate", "Request"]


@dataclass(frozen=True)
class Request:
    """One neighbourhood filter over the last two axes of an image (…, H, W), or (…, C, H, W)."""

    neighbourhood: Neighbourhood
    #: Planes of the batch: the leading axes of the image; channels that are filtered together are
    #: not among them.
    batch: tuple[int, ...]
    #: Channels that are filtered together; None: the image has no axis of such.
    channels: int | None
    #: Rows and columns of the image.
    height: int
    width: int
    border: tuple[str, str]
    cval: float
    dtype: np.dtype[Any]
    out_dtype: np.dtype[Any]
    #: The dtype in which it is computed.
    computed: np.dtype[Any]
    #: "auto", or the algorithm that is asked for.
    method: str

    @property
    def axes(self) -> tuple[tiling.Axis, tiling.Axis]:
        """Arithmetic of the rows axis and of the columns axis."""
        (above, below), (left, right) = self.neighbourhood.reach
        return (
            tiling.axis(self.height, above + below + 1, above),
            tiling.axis(self.width, left + right + 1, left),
        )

    @property
    def pixels(self) -> int:
        """Pixels of the image, a colour being one."""
        return prod(self.batch) * self.height * self.width

    @property
    def scalars(self) -> int:
        """Pixels of the image, of each channel."""
        return self.pixels * (1 if self.channels is None else self.channels)

    @property
    def bytes(self) -> int:
        """Bytes of the image and of the output: what must be read and written at least."""
        return self.scalars * (self.dtype.itemsize + self.out_dtype.itemsize)

    def predicted(self, seconds: float, scratch: float = 0) -> Prediction:
        """Return the prediction for a candidate that takes so long, and so much memory beside."""
        return Prediction(seconds, self.bytes, self.bytes + round(scratch))


@dataclass(frozen=True, eq=False)
class Candidate:
    """An algorithm that can run a request, with what it decides about it."""

    algorithm: str
    #: Output rows and columns of a tile.
    tile: tuple[int, int]
    #: Operations per output pixel.
    operations: float
    #: Whether tiles are dealt to threads (CPU).
    shared: bool = True
