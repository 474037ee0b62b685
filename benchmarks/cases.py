"""What is timed: each case is a row of `CASES`, an image and a kernel that every peer is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

PHOTOGRAPH = Path(__file__).parent.parent / "samples" / "camera.png"


def photograph(size: int) -> NDArray[np.float32]:
    """Return a float32 photograph of `size`² pixels: mirrored copies, so that no seam shows."""
    with Image.open(PHOTOGRAPH) as opened:
        grey = np.asarray(opened, np.float32)
    quad = np.block([[grey, grey[:, ::-1]], [grey[::-1], grey[::-1, ::-1]]])
    copies = -(-size // len(quad))
    return np.tile(quad, (copies, copies))[:size, :size].copy()


def dense(side: int) -> NDArray[np.float32]:
    """Return weights of full rank: no engine can take them apart, so dense is timed as dense."""
    weights = np.random.default_rng(side).normal(size=(side, side)).astype(np.float32)
    return weights / np.abs(weights).sum()


@dataclass(frozen=True)
class Case:
    """One row of the table; either dense `weights`, or the `sigma` of a Gaussian."""

    name: str
    weights: NDArray[np.float32] | None = None
    sigma: float | None = None
    border: str = "reflect"
    image: Callable[[int], NDArray[Any]] = photograph

    @property
    def gain(self) -> float:
        """Σ|weights|: the largest output for an image of ones, which scales the tolerance."""
        return 1.0 if self.weights is None else float(np.abs(self.weights).sum())


CASES = (
    Case("dense 3×3", weights=dense(3)),
    Case("dense 5×5", weights=dense(5)),
    Case("dense 15×15", weights=dense(15)),
    Case("Gaussian σ=3", sigma=3),
)
