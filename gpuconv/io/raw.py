"""Files of numbers that say nothing of themselves, read and written by regions."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from gpuconv.errors import ArgumentError, ImageFileError
from gpuconv.io.axes import guessed
from gpuconv.io.flat import FlatSink, FlatSource
from gpuconv.io.opener import named

__all__ = ["RawSink", "RawSource"]


class RawSource(FlatSource):
    """Numbers in C order.

    Parameters
    ----------
    path : Path
    shape : tuple of int
    dtype : dtype
        With its byte order.
    offset : int
        Bytes before the first number.
    axes : str or None
        A letter for each axis; see :func:`gpuconv.open_image`.

    Raises
    ------
    ImageFileError
        The file is not as large as that.
    ArgumentError
        `shape` or `dtype` was not given, or `axes` does not fit.
    """

    def __init__(
        self,
        path: Path,
        *,
        shape: tuple[int, ...] | None = None,
        dtype: np.dtype[Any] | None = None,
        offset: int = 0,
        axes: str | None = None,
    ) -> None:
        if shape is None or dtype is None:
            raise ArgumentError(
                f"{path} holds raw numbers: say shape, such as (4096, 8192), and dtype, such as "
                "'uint16' or '>u2'"
            )
        shape = _shape(shape)
        expected = offset + prod(shape) * dtype.itemsize
        with named(path, "read"):
            found = path.stat().st_size
        if found != expected:
            raise ImageFileError(
                f"cannot read {path}: it has {found} bytes, where offset={offset} and "
                f"shape={shape} of dtype={dtype.name} make {expected}"
            )
        super().__init__(path, shape, dtype, offset, guessed(shape, axes))


def _shape(given: Any) -> tuple[int, ...]:
    try:
        shape = tuple(map(int, given))
    except TypeError:
        shape = ()
    if len(shape) < 2 or min(shape) < 1:
        raise ArgumentError(f"shape={given!r} is not allowed: two or more ints from 1 on")
    return shape


class RawSink(FlatSink):
    """Numbers in C order, in the machine's byte order.

    Parameters
    ----------
    layout, partial
        As for :class:`~gpuconv.io.sink.Sink`.
    """
