"""A picture of any size, any region of which is made anew, and is the same each time."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["SAMPLES", "Scene"]

SAMPLES = Path(__file__).parents[2] / "samples"

Pixels = NDArray[np.uint8]
Run = tuple[int, int]

#: Rows and columns of a cell.
_SIDE = 512
#: Photographs that cells are cut from.
_NAMES = ("camera.png", "astronaut.jpg", "coffee.jpg", "hubble.tif", "rocket.jpg", "chelsea.png")
#: Levels of noise, so that no two cells are equal and nothing compresses better than a photograph.
_NOISE = 6


class Scene:
    """Cells cut from photographs, each from another place, with noise and light of its own."""

    def __init__(self, size: int) -> None:
        self.shape, self.dtype = (size, size), np.dtype(np.uint8)

    def __getitem__(self, region: tuple[slice, slice]) -> Pixels:
        (top, bottom), (left, right) = (
            part.indices(side)[:2] for part, side in zip(region, self.shape, strict=True)
        )
        down, across = (
            range(first // _SIDE, -(-last // _SIDE))
            for first, last in ((top, bottom), (left, right))
        )
        rows = [np.hstack([_cell(y, x) for x in across]) for y in down]
        y, x = down[0] * _SIDE, across[0] * _SIDE
        return np.vstack(rows)[top - y : bottom - y, left - x : right - x]


def _cell(y: int, x: int) -> Pixels:
    rng = np.random.default_rng((y, x))
    photograph, noise = _photographs()[rng.integers(len(_NAMES))], _noise()
    top, left = (rng.integers(n - _SIDE + 1) for n in photograph.shape)
    cell = photograph[top : top + _SIDE, left : left + _SIDE][:: rng.choice([1, -1])]
    top, left = (rng.integers(n - _SIDE + 1) for n in noise.shape)
    cell = cell + noise[top : top + _SIDE, left : left + _SIDE]
    cell += rng.integers(-20, 21, dtype=np.int16)
    return np.clip(cell, 0, 255).astype(np.uint8)


@cache
def _photographs() -> tuple[NDArray[np.int16], ...]:
    """Return the photographs in grey, none smaller than a cell."""
    from PIL import Image

    found = []
    for name in _NAMES:
        with Image.open(SAMPLES / name) as image:
            grey: Any = image.convert("L")
            scale = max(1, (_SIDE + 64) / min(grey.size))
            grey = grey.resize([round(scale * side) for side in grey.size])
            found.append(np.asarray(grey, np.int16))
    return tuple(found)


@cache
def _noise() -> NDArray[np.int16]:
    noise = np.random.default_rng(0).normal(scale=_NOISE, size=(2 * _SIDE, 2 * _SIDE))
    return noise.round().astype(np.int16)
