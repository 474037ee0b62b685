"""Any public function over dask arrays: chunk by chunk with what is around, or as a whole.

Each function of the library itself has one in :mod:`gpuconv.dask` that gives the bits of one call.
The stand-ins for other libraries say how far they read: a chunk of their result is the same call
for the chunk with that much around it, cut off again. At the edges of the array nothing is put
around, so that the call's own border applies there, and there alone; only where the array goes on
with its other end do chunks at edges get pixels from there. Integers come out as from one call;
floats, too, but for the last bits of sums in another order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpuconv import backends
from gpuconv import dask as chunked
from gpuconv.cost import Machine, planning_for
from gpuconv.dask.given import Given
from gpuconv.dask.graph import Leaf, Region, lazy_array
from gpuconv.dask.library import array_library
from gpuconv.dask.whole import as_whole
from gpuconv.exchange import Reach, Reaching
from gpuconv.window import Needs, Run

__all__ = ["over_dask"]

#: Where functions of the library itself are defined.
_OWN = ("gpuconv.api", "gpuconv.responses", "gpuconv.operations")


def over_dask(
    function: Callable[..., Any], reach: Reaching | None, arguments: Mapping[str, Any]
) -> Any:
    """Return what a function makes of dask arrays, as dask arrays; nothing is computed.

    Parameters
    ----------
    function : callable
        As users import it, so that it can be sent to workers by name.
    reach : callable, optional
        Tells how far a call reads; without it, or where it answers None, all chunks become one.
    arguments : mapping
        By name; one at least is a dask array.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        Chunks have unknown sizes or are masked arrays, a room for the result is given, or what the
        function itself raises.

    Examples
    --------
    >>> import dask.array as da
    >>> from gpuconv import median
    >>> over_dask(median, None, {"image": da.ones((60, 60), chunks=20), "size": 5})
    dask.array<median, shape=(60, 60), dtype=float64, chunksize=(20, 20), chunktype=numpy.ndarray>
    """
    given = Given(function, arguments)
    given.check()
    first, image = next(iter(arguments.items()))
    if list(given.lazy) != [first] or 0 in image.shape:
        return as_whole(given)
    if (lazily := _own(function)) and arguments.get("mask") is None:
        left_out = (first, "out", "mask")
        return lazily(image, **{k: v for k, v in arguments.items() if k not in left_out})
    return _by_reach(given, first, image, reach)


def _own(function: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return the function for dask arrays of one of the library itself, if there is one."""
    if not function.__module__.startswith(_OWN) or function.__name__ not in chunked.__all__:
        return None
    lazily: Callable[..., Any] = getattr(chunked, function.__name__)
    return lazily


def _by_reach(given: Given, first: str, image: Any, reach: Reaching | None) -> Any:
    far = None if reach is None else _reached(given, first, image, reach)
    if far is None:
        return as_whole(given)
    # Two elements long, so that it is quick; but for axes that count as a whole.
    shape = tuple(n if axis in far.whole else min(n, 2) for axis, n in enumerate(image.shape))
    found = given.tried({first: shape})
    every = found if isinstance(found, tuple) else (found,)
    if any(np.shape(each) != shape for each in every):
        return as_whole(given)
    parts = _in_parts(given, first, image, far, [each.dtype for each in every])
    return parts if isinstance(found, tuple) else parts[0]


def _reached(given: Given, first: str, image: Any, reach: Reaching) -> Reach | None:
    try:
        return reach(given.arguments)
    except Exception:
        # The function knows better what is wrong with its arguments.
        given.tried({first: (1,) * image.ndim})
        raise


def _in_parts(
    given: Given, first: str, image: Any, far: Reach, dtypes: Sequence[np.dtype[Any]]
) -> tuple[Any, ...]:
    """Return the results of a call, chunk by chunk."""
    joined = {
        axis: -1
        for axis, (n, depth) in enumerate(zip(image.shape, far.depth, strict=True))
        if axis in far.whole or sum(depth) >= n
    }
    image = image.rechunk(joined)
    machine = backends.owner(image._meta).machine()
    call = Given(given.function, given.rest)
    parts = _Parts(call, first, far, image.shape, image.chunks, machine)
    made = lazy_array(image, parts, given.token, dtypes[0])
    if len(dtypes) == 1:
        return (made,)
    like = array_library().utils.meta_from_array
    return tuple(
        made.map_blocks(_item, number, dtype=dtype, meta=like(image._meta, dtype=dtype))
        for number, dtype in enumerate(dtypes)
    )


def _item(found: Any, number: int) -> Any:
    """Return one of several results; an empty chunk has but one for all."""
    return found[number] if isinstance(found, tuple) else found


@dataclass(frozen=True, eq=False)
class _Parts:
    """A call for a whole array, any region of whose result can be made."""

    call: Given
    #: The name of the parameter that takes the array.
    first: str
    far: Reach
    shape: tuple[int, ...]
    chunks: tuple[tuple[int, ...], ...]
    #: What it is planned for, wherever it runs.
    machine: Machine

    def leaves(self, region: Region) -> list[Leaf]:
        """Return the one window that a region is made from."""
        return [self._leaf(region)]

    def make(self, region: Region, windows: Sequence[Any]) -> Any:
        """Return a region of the result, or of several."""
        with planning_for(self.machine):
            found = self.call({self.first: windows[0]})
        cut = tuple(
            slice(start - axis.origin, stop - axis.origin)
            for (start, stop), axis in zip(region, self._leaf(region), strict=True)
        )
        # OpenCV, for one, drops an axis of a single channel.
        shape = windows[0].shape
        if isinstance(found, tuple):
            return tuple(each.reshape(shape)[cut] for each in found)
        return found.reshape(shape)[cut]

    def _leaf(self, region: Region) -> Leaf:
        return tuple(map(_around, self.shape, region, self.far.depth, self.far.wraps))


def _around(n: int, run: Run, depth: tuple[int, int], wraps: bool) -> Needs:
    """Return which of an axis' `n` elements some results are made from.

    Examples
    --------
    >>> _around(100, (40, 60), (3, 2), False), _around(100, (0, 20), (3, 2), False)
    (Needs(origin=37, runs=((37, 62),), order=None), Needs(origin=0, runs=((0, 22),), order=None))
    >>> _around(100, (0, 20), (3, 2), True)
    Needs(origin=-3, runs=((0, 22), (97, 100)), order=((22, 1, 3), (0, 1, 22)))
    """
    (start, stop), (before, after) = run, depth
    if (start, stop) == (0, n) or stop - start + before + after >= n:
        return Needs(0, ((0, n),))
    first, last = start - before, stop + after
    if wraps:
        return _turned(n, first, last)
    # A border turns around: a result at an edge reads as far into the array as it does beyond, and
    # what is read there by a pass before reads on from there.
    low = first if last <= n else min(first, 2 * n - 1 - last - before)
    high = last if first >= 0 else max(last, after + 1 - first)
    return Needs(max(low, 0), ((max(low, 0), min(high, n)),))


def _turned(n: int, first: int, last: int) -> Needs:
    """Return elements `first` … `last` − 1 of an axis that goes on with its other end."""
    if first >= 0 and last <= n:
        return Needs(first, ((first, last),))
    if first < 0:
        return Needs(first, ((0, last), (n + first, n)), ((last, 1, -first), (0, 1, last)))
    ahead, length = last - n, n - first
    return Needs(first, ((0, ahead), (first, n)), ((ahead, 1, length), (0, 1, ahead)))
