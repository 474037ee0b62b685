"""Calls that go through every line of the kernels of restoration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import gpuconv
from cuda_on_cpu.call import FilterCall

__all__ = ["RESTORATION"]

_PSF = gpuconv.Kernel([[0, 1, 0], [1, 3, 1]], divisor=6)


def _light(*shape: int, dtype: str = "float32") -> Callable[[], Any]:
    """Return what makes an image of which no pixel is dark, but a region."""

    def make() -> Any:
        image = np.random.default_rng(6).random(shape).astype(dtype) + 1
        image[..., 2:9, 3:12] = 0
        return image

    return make


def _lucy(name: str, image: Callable[[], Any], **options: Any) -> FilterCall:
    options |= {"psf": _PSF, "iterations": 2}
    return FilterCall(name, image, lambda: gpuconv.richardson_lucy, options)


RESTORATION = [
    # Planes of one block less a pixel, of as many as it has threads, and of one more.
    _lucy("lucy", _light(3, 15, 17), border="constant"),
    _lucy("lucy whole", _light(16, 16), border="constant", filter_epsilon=0.5),
    _lucy("lucy one more", _light(5, 1, 257), border="wrap"),
    _lucy("lucy estimating", _light(2, 20, 21, dtype="float64")),
    FilterCall("wiener", _light(2, 18, 23), lambda: gpuconv.wiener, {"psf": _PSF, "balance": 0.1}),
]
