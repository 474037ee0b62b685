"""Calls that go through every line of the kernel of non-local means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import gpuconv
from cuda_on_cpu.call import SMALL, FilterCall, noise, view
from gpuconv.backends.cuda.runtime import Limits

__all__ = ["NL_MEANS"]

#: So few multiprocessors that blocks are wide.
_WIDE = Limits(multiprocessors=1, shared=100 * 1024, grid=1)


def _call(
    name: str,
    image: Callable[[], Any],
    patch: int,
    out: Callable[[], Any] | None = None,
    limits: Limits = SMALL,
    **options: Any,
) -> FilterCall:
    # With so large an h all patches have weights that count.
    options = {"patch_size": patch, "search_distance": 1, "h": 1.5} | options
    return FilterCall(name, image, lambda: gpuconv.nl_means, options, out, limits)


def _crop() -> Any:
    return np.zeros((40, 150), np.float32)[3:36, 4:138]


NL_MEANS = [
    # Tiles that end where the image does, and one row and column beside that.
    _call("nl_means", noise(64, 120), 5, search_distance=2),
    _call("nl_means one more", noise(65, 125), 4, border="wrap"),
    _call("nl_means wide", noise(66, 124), 3, limits=_WIDE, sigma=0.3),
    _call("nl_means to a crop", noise(33, 134), 2, _crop, border="constant", cval=2),
    _call("nl_means alone", noise(2, 31, 66), 1, border="mirror"),
    _call("nl_means not finite", noise(33, 70, nan=True), 3, sigma=0.2),
    _call("nl_means colour", noise(33, 30, 3), 3, limits=_WIDE, channel_axis=-1, sigma=0.1),
    _call("nl_means planar", noise(2, 9, 30), 9, limits=_WIDE, channel_axis=0),
    _call("nl_means many channels", noise(34, 33, 6), 3, channel_axis=-1),
    _call("nl_means transposed", view(noise(70, 34), np.transpose), 16),
    _call("nl_means any size", noise(33, 70), 33, border="nearest"),
    _call("nl_means any size, doubles", noise(2, 33, 34, dtype="float64"), 9, channel_axis=0),
    _call("nl_means from afar", noise(20, 60), 3, search_distance=33, border="wrap"),
]
