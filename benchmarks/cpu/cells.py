"""What is filtered: a kernel of some kind and size, a dtype, an image size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import gpuconv as gc

__all__ = ["KINDS", "Cell", "photograph"]

Array = NDArray[Any]

PHOTOGRAPH = Path(__file__).parents[2] / "samples" / "camera.png"

#: What a kernel is made of. Weights are positive and sum to 1, so that bytes stay bytes.
KINDS = ("dense", "rank 2", "gaussian", "box")


@lru_cache(maxsize=1)
def photograph(size: int, dtype: str) -> Array:
    """Return a photograph of `size`² pixels: mirrored copies, so that no seam shows."""
    with Image.open(PHOTOGRAPH) as opened:
        grey = np.asarray(opened, dtype)
    quad = np.block([[grey, grey[:, ::-1]], [grey[::-1], grey[::-1, ::-1]]])
    copies = -(-size // len(quad))
    tiled: Array = np.tile(quad, (copies, copies))[:size, :size]
    return np.ascontiguousarray(tiled)


@dataclass(frozen=True)
class Cell:
    """One row of the table."""

    kind: str
    #: Side of the kernel, in pixels; odd.
    taps: int
    dtype: str
    #: Side of the image, in pixels.
    size: int

    @property
    def sigma(self) -> float:
        """Of the Gaussian that is cut off at 4 σ and has this many taps."""
        return self.taps // 2 / 4

    @property
    def image(self) -> Array:
        """The image, C-contiguous; the same one for cells of one dtype and size."""
        return photograph(self.size, self.dtype)

    @cached_property
    def weights(self) -> Array:
        """The weights as an array, for peers that take nothing else."""
        rng = np.random.default_rng(self.taps)
        if self.kind == "dense":
            weights = rng.random((self.taps, self.taps))
        elif self.kind == "rank 2":
            weights = rng.random((self.taps, 2)) @ rng.random((2, self.taps))
        else:
            return self.kernel.weights
        return weights / weights.sum()

    @cached_property
    def kernel(self) -> gc.Kernel:
        """The same as a caller of gpuconv writes it."""
        if self.kind == "box":
            return gc.kernels.box(self.taps)
        if self.kind == "gaussian":
            return gc.kernels.gaussian(self.sigma, truncate=4)
        return gc.Kernel(self.weights)
