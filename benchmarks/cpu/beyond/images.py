"""The images: photographs as large as one likes, with noise or blurred where that is the point."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import gpuconv as gc
from benchmarks.cpu.cells import PHOTOGRAPH, photograph

__all__ = ["CONTENTS", "NOISE", "psf"]

Array = NDArray[Any]

#: Standard deviation of the noise, in levels.
NOISE = 12.0


def psf() -> Array:
    """Return what blurs: a shake of 15 pixels, aslant."""
    weights: Array = gc.kernels.motion_blur(15, 30).weights.astype(np.float32)
    return weights


def _stored(levels: Array, dtype: str) -> Array:
    """Return levels 0 … 255 as pixels: floats are 0 … 1, as scikit-image has them."""
    if dtype == "uint8":
        return levels.round().clip(0, 255).astype(np.uint8)
    if dtype == "uint16":
        # All 16 bits: a histogram of 256 values among them would be no trial.
        low = np.random.default_rng(1).integers(0, 256, levels.shape, np.uint16)
        return levels.clip(0, 255).astype(np.uint16) << 8 | low
    return np.ascontiguousarray(levels / 255, dtype)


#: Where images begin in the photographs: even small ones show more than sky.
_CORNER = (160, 200)


@lru_cache(maxsize=1)
def _greys(size: int) -> Array:
    y, x = _CORNER
    whole = photograph(size + max(_CORNER), "float32")
    return np.ascontiguousarray(whole[y : y + size, x : x + size])


@lru_cache(maxsize=1)
def _colours(size: int) -> Array:
    """Return a photograph in colours, mirrored copies as the grey one's."""
    with Image.open(PHOTOGRAPH.with_name("astronaut.jpg")) as opened:
        levels = np.asarray(opened.convert("RGB"), np.float32)
    half = np.concatenate([levels, levels[:, ::-1]], 1)
    quad = np.concatenate([half, half[::-1]])
    y, x = _CORNER
    copies = -(-(size + max(_CORNER)) // min(quad.shape[:2]))
    tiled: Array = np.tile(quad, (copies, copies, 1))
    return np.ascontiguousarray(tiled[y : y + size, x : x + size])


def _noisy(levels: Array) -> Array:
    noise = np.random.default_rng(2).standard_normal(levels.shape, np.float32)
    return (levels + np.float32(NOISE) * noise).clip(0, 255)


def _blurred(size: int, dtype: str) -> Array:
    return _stored(gc.convolve(_greys(size), gc.Kernel(psf())), dtype)


#: Name → (size, dtype) → image.
CONTENTS: dict[str, Callable[[int, str], Array]] = {
    "photograph": lambda size, dtype: _stored(_greys(size), dtype),
    "colours": lambda size, dtype: _stored(_colours(size), dtype),
    "noisy": lambda size, dtype: _stored(_noisy(_greys(size)), dtype),
    "noisy colours": lambda size, dtype: _stored(_noisy(_colours(size)), dtype),
    "blurred": _blurred,
}
