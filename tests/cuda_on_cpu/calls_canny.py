"""Calls that go through every line of the kernels for Canny's edges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import gpuconv
from cuda_on_cpu.call import FilterCall

__all__ = ["CANNY"]


def _noise(*shape: int) -> Callable[[], Any]:
    return lambda: np.random.default_rng(4).integers(0, 256, shape).astype(np.uint8)


def _snake() -> Any:
    """Return a dark image with a bright path to and fro, through many tiles, one end brighter."""
    image = np.zeros((70, 100), np.uint8)
    for row in range(4, 66, 12):
        image[row : row + 4, 6:94] = 60
    for i, row in enumerate(range(4, 54, 12)):
        column = 90 if i % 2 == 0 else 6
        image[row : row + 14, column : column + 4] = 60
    image[4:8, 6:90] = np.linspace(200, 60, 84)
    return image


def _steps() -> Any:
    """Return steps of the height 10, whose Sobel magnitude is 40 in the two pixels beside each."""
    return np.repeat(np.arange(10, dtype=np.uint8) * 10, 5)[None].repeat(12, axis=0)


def _call(name: str, image: Callable[[], Any], **options: Any) -> FilterCall:
    return FilterCall(f"canny {name}", image, lambda: gpuconv.canny, options)


def _mask() -> Any:
    return np.random.default_rng(5).random((41, 75)) < 0.98


CANNY: list[FilterCall] = [
    _call("noise", _noise(75, 101), sigma=0, low_threshold=250, high_threshold=500),
    _call("counted", _noise(41, 75), sigma=0, low_threshold=90, high_threshold=500, mask=_mask()),
    _call("steps", _steps, sigma=0, low_threshold=40, high_threshold=40, border="nearest"),
    _call("strong steps", _steps, sigma=0, low_threshold=30, high_threshold=40, border="nearest"),
    _call("snake", _snake, sigma=1, low_threshold=20, high_threshold=300),
]
