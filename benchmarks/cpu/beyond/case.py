"""What is timed: a filter on an image, and how each library is asked for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.cpu.beyond.images import CONTENTS

__all__ = ["OURS", "Case", "Peer", "same"]

Array = NDArray[Any]
#: Filters an image, into `out` where the library can; returns the result.
Call = Callable[[Array, Array], Array]

OURS = "gpuconv"


def same(result: Array) -> Array:
    """Return a result that is like gpuconv's as it is."""
    return result


@dataclass(frozen=True)
class Peer:
    """A library, and how it is asked."""

    library: str
    #: What is called, for the reader.
    how: str
    call: Call
    #: Most that its result may be off: the "largest" difference of a pixel, the "mean" one, or the
    #: "share" of pixels that differ; in levels of 255.
    limit: float = 0.0
    measure: str = "largest"
    #: Makes a result of its into one like gpuconv's, off the clock.
    alike: Callable[[Array], Array] = same

    def off(self, result: Array, ours: Array) -> float:
        """Return by how much a result differs from gpuconv's, in levels where it is no share."""
        levels = 1.0 if ours.dtype.kind in "ub" else 255.0
        apart = np.abs(self.alike(result).astype(np.float64) - ours) * levels
        if self.measure == "share":
            return float((apart > 0).mean())
        return float(apart.max() if self.measure == "largest" else apart.mean())


@dataclass(frozen=True)
class Case:
    """A row of the table; the first peer is gpuconv."""

    name: str
    dtype: str
    peers: tuple[Peer, ...]
    #: What the image is of; see `images.CONTENTS`.
    content: str = "photograph"
    #: Pixels along the edges that are not compared: libraries differ in what is beyond.
    margin: int = 0

    @property
    def contenders(self) -> tuple[Peer, ...]:
        """All who take part: OpenCV twice, on one thread and on two."""
        found = list[Peer]()
        for peer in self.peers:
            found += [_threaded(peer, n) for n in (1, 2)] if peer.library == "OpenCV" else [peer]
        return tuple(found)

    def image(self, size: int) -> Array:
        """Return the image, `size` pixels a side."""
        return CONTENTS[self.content](size, self.dtype)

    def inner(self, result: Array) -> Array:
        """Return the pixels that are compared."""
        rows, columns = (slice(self.margin, n - self.margin) for n in result.shape[:2])
        return result[rows, columns]


def _threaded(peer: Peer, threads: int) -> Peer:
    def call(image: Array, out: Array) -> Array:
        cv2.setNumThreads(threads)
        return peer.call(image, out)

    return replace(peer, library=f"OpenCV {threads}", call=call)
