"""Who is timed: each peer is a row of `PEERS`; it prepares a case and returns the call to time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from cases import Case
from numpy.typing import NDArray
from scipy import ndimage

import gpuconv as gc

Array = NDArray[Any]
Call = Callable[[], Array]


@dataclass(frozen=True)
class Peer:
    """A library, and a function that gets everything ready (output, kernel) before the clock."""

    name: str
    package: str
    prepare: Callable[[Case, Array], Call]

    @property
    def version(self) -> str:
        """The version that is installed."""
        return str(import_module(self.package).__version__)


def gpuconv(case: Case, image: Array) -> Call:
    """Convolve with gpuconv; the Gaussian is its kernel of that name."""
    out = np.empty_like(image)
    kernel = gc.kernels.gaussian(case.sigma) if case.sigma else gc.Kernel(case.weights)
    return lambda: gc.convolve(image, kernel, border=case.border, out=out)


def scipy(case: Case, image: Array) -> Call:
    """Convolve with scipy.ndimage, by its two separable passes where the case is a Gaussian."""
    out = np.empty_like(image)
    if case.sigma:
        return lambda: ndimage.gaussian_filter(image, case.sigma, mode=case.border, output=out)
    return lambda: ndimage.convolve(image, case.weights, mode=case.border, output=out)


PEERS = (Peer("gpuconv", "gpuconv", gpuconv), Peer("SciPy", "scipy", scipy))


def expected(case: Case, image: Array) -> Array:
    """Return what every peer must give: SciPy in double precision."""
    return scipy(case, image.astype(np.float64))()
