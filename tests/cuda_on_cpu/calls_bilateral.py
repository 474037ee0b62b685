"""Calls that go through every line of the bilateral kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import gpuconv
from cuda_on_cpu.call import FilterCall, noise, view

__all__ = ["BILATERAL"]


def _call(
    name: str,
    image: Callable[[], Any],
    across: int,
    out: Callable[[], Any] | None = None,
    **options: Any,
) -> FilterCall:
    # Weights of distant pixels are small, so that a wide sigma_space shows what is wrong with them.
    options |= {"diameter": across, "sigma_color": 1.5, "sigma_space": 4.0}
    return FilterCall(name, image, lambda: gpuconv.bilateral, options, out)


def _levels(*shape: int) -> Callable[[], Any]:
    """Return what makes an image of few levels, so that all pixels have some weight."""
    return lambda: np.random.default_rng(1).integers(0, 5, shape).astype(np.uint8)


def _crop() -> Any:
    return np.zeros((40, 150), np.float32)[3:36, 4:139]


_COLOUR: dict[str, Any] = {"channel_axis": -1, "dtype": "float32"}

BILATERAL = [
    # Tiles that end where the image does, and one row and column beside that.
    _call("bilateral", noise(64, 256), 5),
    _call("bilateral one more", noise(65, 257), 3, border="wrap"),
    _call("bilateral one less", noise(2, 31, 127), 3, border="mirror"),
    _call("bilateral to a crop", noise(33, 135), 9, _crop, border="constant", cval=2),
    _call("bilateral bytes", _levels(70, 260), 9, dtype="float32"),
    _call("bilateral not finite", noise(20, 140, nan=True), 5),
    _call("bilateral colour", _levels(50, 264, 3), 5, **_COLOUR),
    _call("bilateral colour to the end", _levels(34, 260, 3), 5, **_COLOUR),
    _call("bilateral planar", noise(2, 3, 20, 140), 3, channel_axis=1),
    _call("bilateral transposed", view(noise(140, 30), np.transpose), 7),
    _call("bilateral any size", noise(21, 140), 19, border="nearest"),
    _call("bilateral any size planes", noise(3, 8, 33, 3), 17, channel_axis=-1),
    _call("bilateral pieces", noise(4, 10, 135, dtype="float64"), 13, channel_axis=0),
    _call("bilateral many channels", noise(2, 18, 34, 6), 5, channel_axis=-1, border="constant"),
    _call("bilateral many planar", noise(5, 9, 32), 3, channel_axis=0),
]
