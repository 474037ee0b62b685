"""Launch geometry of kernels_cuda/bilateral.cu and bilateral_many.cu."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import e, gcd, log2, prod, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.backends.cuda.launch import Launch, Scratch
from gpuconv.backends.cuda.parameters import Constants, program, up
from gpuconv.backends.cuda.problem import Problem, Steps
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.neighbourhood import Bilateral, NeighbourhoodPlan

__all__ = ["launches"]

#: Threads of a block, and output columns of a thread and of a block.
_THREADS = (32, 8, 1)
_X = 4
_WIDTH = 32 * _X

#: Channels of which a tile is kept; with more, the pixels are read from memory for every tap.
_MOST_CHANNELS = 4
#: Taps times channels that are unrolled: 15 pixels across of grey, 9 of colour. They compile in
#: about a second.
_UNROLLED = 150

#: Bytes of shared memory that every device gives a block without being asked.
_SHARED = 48 * 1024

#: A logarithm of a weight, of base 2, that is 0 in float64, too; that of 0 itself times 0 is NaN.
_NONE = -1e4


def launches(
    problem: Problem, plan: NeighbourhoodPlan, channels: tuple[int, int], limits: Limits
) -> tuple[Sequence[Launch], Mapping[str, Scratch]]:
    """Return what is launched, and the scratch arrays it needs.

    `channels` are the elements from a channel to the next, in the image and in the output.
    """
    wanted, count = plan.neighbourhood, plan.channels or 1
    assert isinstance(wanted, Bilateral)
    weights = _weights(wanted, problem.sum)
    aligned = _with_channels(problem, channels)
    fields = {"image_channel": channels[0], "out_channel": channels[1], "channels": count}
    # Tiles begin a multiple of _X before the first output's own pixel, wherever that is in a part.
    vector, store = min(aligned.vector, _X), aligned.store(_X)
    vector = gcd(vector, problem.x.offset + wanted.radius) if vector else 0
    if count > _MOST_CHANNELS:
        entry, height, width, shared = "bilateral_many", _THREADS[1], _THREADS[0], 0
        macros, fixed = dict[str, int](), False
        vector, store = min(vector, 1), min(store, 1)
    else:
        entry, width = "bilateral", _WIDTH
        macros, more, shared = _shape(problem, wanted, count, limits)
        fields |= more
        height, fixed = _THREADS[1] * macros["Y"], macros["RADIUS"] > 0
    constants = Constants(problem, weights, fixed, variant="joint")
    defined = {**macros, "VECTOR": vector, "STORE": store}
    launch = Launch(
        program(entry, entry, problem, defined.items(), constants, 1),
        problem.blocks(width, height, limits.grid),
        _THREADS,
        shared,
        ("image", "out", None, *constants.operands),
        constants.parameters(1, **fields),
    )
    return [*constants.launches(), launch], constants.scratch


def _weights(wanted: Bilateral, dtype: np.dtype[Any]) -> NDArray[np.float64]:
    """Return what scales a distance, and the logarithms of weights by the squares of lengths."""
    scale = min(sqrt(log2(e) / 2) / wanted.sigma_color, float(np.finfo(dtype).max))
    squares = range(wanted.radius**2 + 1)
    space = [max(log2(e) * wanted.log_space(square), _NONE) for square in squares]
    return np.array([scale, *space])


def _with_channels(problem: Problem, channels: tuple[int, int]) -> Problem:
    """Return a problem whose loads and stores are aligned in every channel."""

    def every(steps: Steps, channel: int) -> Steps:
        return replace(steps, planes=(*steps.planes, channel))

    image, out = every(problem.image, channels[0]), every(problem.out, channels[1])
    return replace(problem, image=image, out=out)


def _shape(
    problem: Problem, wanted: Bilateral, channels: int, limits: Limits
) -> tuple[dict[str, int], dict[str, int], int]:
    """Return the macros that decide how a block does its tile, its fields, its shared memory."""
    radius, number = wanted.radius, channels * problem.sum.itemsize
    if wanted.taps * channels <= _UNROLLED and problem.sum.itemsize == 4:
        for tall in (4, 2, 1):
            rows, pitch = _THREADS[1] * tall + 2 * radius, _WIDTH + 2 * up(radius, _X)
            busy = prod(problem.blocks(_WIDTH, _THREADS[1] * tall)) >= 2 * limits.multiprocessors
            if rows * pitch * number <= _SHARED and (busy or tall == 1):
                macros = {"RADIUS": radius, "CHANNELS": channels, "Y": tall}
                return macros, {}, rows * pitch * number
    rows, columns = _piece(radius, _SHARED // number)
    shared = (_THREADS[1] + rows - 1) * (_WIDTH + columns) * number
    fields = {"piece_rows": rows, "piece_columns": columns}
    return {"RADIUS": 0, "CHANNELS": channels, "Y": 1}, fields, shared


def _piece(radius: int, room: int) -> tuple[int, int]:
    """Return rows and columns of a window of which a tile has at most `room` numbers.

    Examples
    --------
    >>> _piece(10, 12288), _piece(50, 12288), _piece(2000, 1536)
    ((21, 28), (45, 108), (4, 4))
    """
    rows, columns = 2 * radius + 1, 2 * up(radius, _X) + _X
    # Half of the room for a tile of one row lets several rows of such a piece in.
    across = min(columns, max(room // 2 // _THREADS[1] - _WIDTH, _X) // _X * _X)
    down = min(rows, max(room // (_WIDTH + across) - (_THREADS[1] - 1), 1))
    return down, across
