"""Calls of rank filters: they go through every line of their kernels."""

from __future__ import annotations

from typing import Any

import numpy as np

import gpuconv
from cuda_on_cpu.call import FilterCall, noise, view
from gpuconv.backends.cuda.runtime import Limits

__all__ = ["RANK"]

#: So little shared memory that windows are read from the image, or in two passes.
_NONE = Limits(multiprocessors=2, shared=8 * 1024, grid=2)

_HOLES = np.array([[1, 0, 1, 1], [0, 0, 0, 0], [0, 1, 1, 0]])


def _median() -> Any:
    return gpuconv.median


def _rank() -> Any:
    return gpuconv.rank


def _maximum() -> Any:
    return gpuconv.maximum


_NETWORK = {"method": "network"}
_SORT = {"method": "sort"}
_COUNT = {"method": "histogram"}
_EXTREME = {"method": "extreme"}

RANK = [
    FilterCall("network", noise(35, 261, nan=True), _median, _NETWORK | {"size": 3}),
    # As many rows and columns as a block makes, one more, and one less.
    FilterCall("network whole", noise(16, 128), _median, _NETWORK | {"size": 2}),
    FilterCall("network bytes", noise(33, 129, dtype="uint8"), _median, _NETWORK | {"size": 3}),
    FilterCall(
        "network short",
        noise(31, 131, dtype="int16"),
        _rank,
        _NETWORK | {"size": (2, 4), "rank": 3, "border": "constant", "cval": 50},
        lambda: np.zeros((33, 132), np.int16)[1:32, :131],
    ),
    FilterCall("network planes", noise(5, 9, 33), _maximum, _NETWORK | {"size": (1, 3)}),
    FilterCall("network large", noise(20, 70), _median, _NETWORK | {"size": (3, 5)}),
    FilterCall(
        "network colour",
        noise(19, 43, 3, dtype="uint8"),
        _median,
        _NETWORK | {"size": (2, 3), "channel_axis": -1},
    ),
    FilterCall(
        "network colour floats",
        noise(9, 80, 3),
        _median,
        _NETWORK | {"channel_axis": -1, "size": 2},
    ),
    FilterCall("network doubles", noise(9, 80, dtype="float64", nan=True), _median, _NETWORK),
    FilterCall("sort", noise(40, 70, nan=True), _rank, _SORT | {"footprint": _HOLES, "rank": 2}),
    FilterCall("sort integers", noise(9, 64, dtype="int32"), _median, _SORT | {"size": 3}),
    FilterCall("sort bytes", noise(3, 33, 32, dtype="uint8"), _median, _SORT | {"size": (1, 4)}),
    FilterCall(
        "sort from memory",
        noise(9, 40, dtype="float64", nan=True),
        _median,
        _SORT | {"size": (20, 40), "border": "wrap"},
        limits=_NONE,
    ),
    FilterCall("count", noise(20, 67, dtype="uint8"), _median, _COUNT | {"size": (34, 5)}),
    FilterCall("count whole", noise(16, 31, dtype="uint8"), _rank, _COUNT | {"size": 3, "rank": 1}),
    FilterCall(
        "count words",
        view(noise(3, 9, 40, dtype="int16"), lambda image: image * 31),
        _median,
        _COUNT | {"size": (3, 9)},
    ),
    FilterCall(
        "count colour",
        noise(9, 40, 3, dtype="uint8"),
        _median,
        _COUNT | {"footprint": _HOLES, "channel_axis": -1},
    ),
    FilterCall("extreme", noise(70, 140, nan=True), _maximum, _EXTREME | {"size": (5, 12)}),
    FilterCall(
        "extreme transposed",
        view(noise(3, 128, 32), lambda image: image.swapaxes(1, 2)),
        _maximum,
        _EXTREME | {"size": 2},
    ),
    FilterCall("extreme apart", noise(9, 40), _maximum, _EXTREME | {"size": 40}, limits=_NONE),
]
