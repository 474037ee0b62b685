"""What is filtered: photographs as large as one likes; with noise, or blurred, where that matters.

Never zeros, nor noise alone: both are easier, or harder, than what people filter.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import gpuconv as gc

from .filters import level, psf

__all__ = ["CONTENTS", "NOISE", "image"]

Array = NDArray[Any]

#: Standard deviation of the noise of noisy images, in levels.
NOISE = 12.0
#: Where images begin in the photographs: even small ones show more than sky.
_CORNER = (160, 200)


def image(content: str, shape: tuple[int, ...], axes: str, dtype: str) -> Array:
    """Return an image, C-contiguous.

    Parameters
    ----------
    content : str
        One of `CONTENTS`.
    shape : tuple of int
        Its shape.
    axes : str
        What each axis is: y and x; "c" colours, at the end or before them; "n" images of a batch.
    dtype : str
        Floats are 0 … 1, integers all of their range.
    """
    sizes = dict(zip(axes, shape, strict=True))
    plane = CONTENTS[content](sizes["y"], sizes["x"], sizes.get("c", 1))
    if sizes.get("c", 1) == 1:
        plane = plane[..., 0]
    elif axes[-1] != "c":
        plane = np.moveaxis(plane, -1, 0)
    count = sizes.get("n", 1)
    # Images of a batch are not all the same.
    batch = [np.roll(plane, 7 * i, (axes[-1] == "c" and -2) or -1) for i in range(count)]
    return _stored(np.stack(batch) if "n" in axes else plane, dtype)


def _stored(levels: Array, dtype: str) -> Array:
    """Return levels 0 … 255 as pixels of a dtype."""
    if dtype == "uint8":
        return np.ascontiguousarray(levels.round().clip(0, 255).astype(np.uint8))
    if dtype == "uint16":
        # All 16 bits: a histogram of 256 values among them would be no trial.
        low = np.random.default_rng(1).integers(0, 256, levels.shape, np.uint16)
        high = levels.clip(0, 255).astype(np.uint16)
        return np.asarray(high << 8 | low)
    return np.ascontiguousarray(levels * np.float32(level(dtype)), dtype)


def _folder() -> Path:
    """Return where the photographs are: beside this folder (a checkout), or in it (a wheel)."""
    here = Path(__file__).parent
    places = (here.parent / "samples", here / "samples")
    return next((place for place in places if (place / "camera.png").is_file()), places[0])


@lru_cache(maxsize=2)
def _quad(name: str, mode: str) -> Array:
    """Return a photograph and its mirror images, which join without a seam: (y, x, c) levels."""
    with Image.open(_folder() / name) as opened:
        levels = np.asarray(opened.convert(mode), np.float32)
    levels = levels.reshape(*levels.shape[:2], -1)
    half = np.concatenate([levels, levels[:, ::-1]], 1)
    return np.concatenate([half, half[::-1]])


def _photograph(height: int, width: int, channels: int) -> Array:
    quad = _quad("camera.png", "L") if channels == 1 else _quad("astronaut.jpg", "RGB")
    y, x = _CORNER
    rows, columns = (np.arange(a, a + n) % m for a, n, m in
                     ((y, height, quad.shape[0]), (x, width, quad.shape[1])))  # fmt: skip
    tiled = quad[:, columns][rows]  # whole rows are copied at once
    return np.resize(tiled, (*tiled.shape[:2], channels)) if channels > 3 else tiled


def _noisy(height: int, width: int, channels: int) -> Array:
    levels = _photograph(height, width, channels)
    noise = np.random.default_rng(2).standard_normal(levels.shape, np.float32)
    return np.asarray((levels + np.float32(NOISE) * noise).clip(0, 255))


def _blurred(height: int, width: int, channels: int) -> Array:
    sharp, shake = _photograph(height, width, channels), gc.Kernel(psf())
    return np.asarray(gc.convolve(sharp, shake, channel_axis=-1))


#: Name → (height, width, channels) → levels 0 … 255, of shape (height, width, channels).
CONTENTS: dict[str, Callable[[int, int, int], Array]] = {
    "photograph": _photograph,
    "noisy": _noisy,
    "blurred": _blurred,
}
