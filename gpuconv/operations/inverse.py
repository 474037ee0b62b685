"""The transfer function of Wiener's filter, for periodic images of any size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from gpuconv.arrays import Array
from gpuconv.backends.transfer import Transfer
from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.kernel import Kernel

__all__ = ["FARTHEST", "Inverse", "roughness", "spectrum"]

#: A step towards what is blurred goes so much farther than the model says; below 2 it converges.
_FACTOR = 1.8

#: The reach of a filter: no more than this part of Σ|w| of its weights lies outside; and at most so
#: many pixels.
_TAIL, FARTHEST = 1e-3, 256


def _weight(argument: str, value: object) -> float:
    """Return a regularisation: a finite number that is at least 0."""
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        auto = "'auto', " if argument == "balance" else ""
        raise ArgumentTypeError(f"{argument}={value!r} must be {auto}a number, or None")
    if not 0 <= value < np.inf:
        raise ArgumentError(f"{argument}={value!r} must be finite and at least 0")
    return float(value)


@dataclass(frozen=True)
class Inverse:
    """What is asked for: hashable, and independent of the image's size."""

    psf: Kernel
    balance: float
    noise: float
    #: Border modes; None where the surroundings are estimated.
    border: tuple[str, str] | None
    cval: float

    @classmethod
    def of(
        cls,
        psf: Kernel,
        balance: float | str | None,
        noise: float | None,
        border: tuple[str, str] | None,
        cval: float,
    ) -> Inverse:
        """Return the filter of a call, as the caller gave its arguments."""
        weights = _weight("balance", balance), _weight("noise", noise)
        if max(weights) == 0:
            raise ArgumentError(
                f"balance={balance} and noise={noise}: one must be above 0, for what the blur has "
                "taken away is not brought back by dividing by 0; 0.01 suits little noise"
            )
        return cls(psf, *weights, border, cval)

    def transfer(self, size: tuple[int, int], dtype: np.dtype[Any], filling: bool) -> Transfer:
        """Return the filter for images of a size; or, `filling`, a step towards what is blurred."""
        key = self.psf, self.balance, self.noise, filling

        def values() -> Array:
            # As exact as the images: the errors of H are then like those of their own spectra.
            blur = spectrum(self.psf, size, dtype)
            power = blur.real**2 + blur.imag**2
            damped = roughness(size, dtype)
            damped *= self.balance
            damped += power
            damped += self.noise
            # Where both are 0 there is nothing to divide, and 0 is the limit for less balance.
            damped[damped == 0] = np.inf
            if not filling:
                np.conjugate(blur, out=blur)
                # Its parts one by one, as numbers that are not complex are divided faster.
                blur.real /= damped
                blur.imag /= damped
                return blur
            found: Array = 1 - _FACTOR + _FACTOR * (power / damped)
            return found

        return Transfer(size, dtype, key, values)

    @lru_cache(maxsize=64)  # noqa: B019 - a filter is small
    def reach(self) -> int:
        """Return how far from a pixel the filter looks: where tiles may end."""
        side = 4 * FARTHEST
        transfer = self.transfer((side, side), np.dtype(np.float64), filling=False)
        weights = np.abs(np.fft.irfft2(transfer.values(), transfer.size))
        away = np.minimum(np.arange(side), side - np.arange(side))
        distance = np.maximum(away[:, None], away)
        within = np.cumsum(np.bincount(distance.ravel(), weights.ravel()))
        found = int(np.searchsorted(within, (1 - _TAIL) * within[-1]))
        return min(max(found, 1), FARTHEST)


def spectrum(psf: Kernel, size: tuple[int, int], dtype: DTypeLike = np.float64) -> Array:
    """Return the spectrum of a PSF whose anchor is pixel (0, 0) of a periodic image.

    Its columns are contiguous: transforms along them are then several times as fast.
    """
    (rows, columns), (top, left) = size, psf.anchor
    across = (np.arange(psf.shape[1]) - left) % columns
    lines = np.zeros((psf.shape[0], columns), dtype)
    np.add.at(lines.T, across, psf.weights.T)
    found = np.zeros((columns // 2 + 1, rows), np.result_type(dtype, np.complex64))
    # All other rows are 0, and so are their transforms.
    down = (np.arange(psf.shape[0]) - top) % rows
    np.add.at(found.T, down, np.fft.rfft(lines, axis=1))
    return np.fft.fft(found, axis=1, out=found).T


def roughness(size: tuple[int, int], dtype: DTypeLike = np.float64) -> Array:
    """Return the power of the Laplacian, 4 and its neighbours −1, columns contiguous, too."""
    rows, columns = size
    y, x = np.arange(rows) / rows, np.arange(columns // 2 + 1) / columns
    down, across = (4 - 2 * np.cos(2 * np.pi * y), -2 * np.cos(2 * np.pi * x))
    found: Array = across[:, None].astype(dtype) + down.astype(dtype)
    found *= found
    return found.T
