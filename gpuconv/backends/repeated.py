"""Calls that are made again: what they are known by, so that nothing has to be looked at twice.

A call of arrays of an engine's own kind that was carried out once can be carried out again. Of its
arguments it is enough to know that they are the same: they were checked the first time.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, TypeAlias, TypeVar

import numpy as np

from gpuconv.backends import cuda, host
from gpuconv.bounded import Bounded
from gpuconv.cost import planned_for

__all__ = ["Key", "key_of", "known", "own", "remember"]

Known = TypeVar("Known")
#: What a call is remembered by, of which the first is its engine.
Key: TypeAlias = tuple[Any, ...]

#: What ``device=`` says of arrays that each engine need not move.
_DEVICES = {"host": "cpu", "cuda": "cuda"}


def own(image: Any) -> ModuleType | None:
    """Return the engine of whose own kind an array is: no subclass, and nothing like an array."""
    if type(image) is np.ndarray:
        return host
    cupy = sys.modules.get("cupy")
    return cuda if type(image) is getattr(cupy, "ndarray", np.ndarray) else None


def key_of(
    image: Any, channel_axis: int | None, dtype: Any, out: Any, device: str | None
) -> Key | None:
    """Return what a plain call is known by, but for the filter; None if it is none.

    Examples
    --------
    >>> pixels = np.zeros((4, 5), np.uint8)
    >>> key_of(pixels, None, None, None, None) == key_of(pixels + 1, None, None, None, None)
    True
    >>> key_of([[1, 2]], None, None, None, None) is None
    True
    """
    engine = own(image)
    plain = (
        engine is not None
        and (device is None or device == _DEVICES[engine.NAME])
        and (channel_axis is None or type(channel_axis) is int)
        and (dtype is None or isinstance(dtype, np.dtype))
        and (out is None or type(out) is type(image))
    )
    if engine is None or not plain:
        return None
    here = engine, planned_for(engine.NAME), engine.ordinal_of(image)
    written = None if out is None else out.dtype
    return *here, image.shape, image.dtype, channel_axis, dtype, written


def known(calls: Bounded[Known], key: Key) -> Known | None:
    """Return what is known of a call that was carried out before."""
    return calls.known(key) or calls.known((key[0].machine(), *key))


def remember(calls: Bounded[Known], key: Key, ready: Known, seconds: float, bytes: int) -> None:
    """Remember a call that is expected to take so long: with the machine, if that decides how.

    To look at the machine takes longer than half of all else that a call of a small image does.
    """
    engine = key[0]
    key = key if engine.settled(seconds) else (engine.machine(), *key)
    calls.get(key, lambda: ready, bytes=bytes)
