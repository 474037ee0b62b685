"""Chains of filters over dask arrays, in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpuconv import backends
from gpuconv.arguments import Border
from gpuconv.dask.calls import engine_name
from gpuconv.dask.graph import Leaf, Region, check_array, lazy_array
from gpuconv.dask.library import token_of
from gpuconv.streaming.parts import Job, Parts
from gpuconv.streaming.setup import FilterLike, chain_of
from gpuconv.window import Needs, Run

__all__ = ["apply"]


def apply(
    filter: FilterLike,
    array: Any,
    *,
    border: Border | None = None,
    cval: float = 0,
    negative: str = "clip",
    gain: float = 1,
    channel_axis: int | None = None,
    device: str | None = None,
) -> Any:
    """Filter a dask array lazily, with one filter or with several in one pass.

    Parameters
    ----------
    filter : str, Filter, Chain, Kernel, or list of these
        What is done; text is as on the command line: ``"gaussian:sigma=2"``.
    array : dask.array.Array of shape (…, H, W)
        Real pixels; leading axes are pictures, each filtered by itself. Chunks may be of any size.
    border, cval, negative, gain
        As for :class:`gpuconv.Chain`; not with a `filter` that is one.
    channel_axis : int, optional
        The axis of colours.
    device : {"cpu", "cuda"}, optional
        Where to compute; by default where the chunks are.

    Returns
    -------
    dask.array.Array
        Of the array's shape, dtype and chunks; but all channels are in one chunk. What is between
        filters is kept nowhere: a chunk is one task.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An argument is not allowed, chunks have unknown sizes, or a filter needs the whole image.
    MissingExtraError
        Dask is not installed.

    Examples
    --------
    >>> import dask.array as da
    >>> image = da.ones((60, 80), chunks=32, dtype="uint8")
    >>> apply(["median:size=3", "gaussian:sigma=2"], image, border="wrap").sum().compute()
    np.uint64(4800)
    """
    channel = check_array(array, channel_axis)
    chain = chain_of(filter, border=border, cval=cval, negative=negative, gain=gain)
    array = array if channel is None else array.rechunk({channel: -1})
    y, x = [axis for axis in range(array.ndim) if axis != channel][-2:]
    picture = array.shape[y], array.shape[x], *(() if channel is None else (array.shape[channel],))
    name = f"{chain.name}-{token_of(chain, array.name, channel, device)}"
    if 0 in array.shape:
        return array
    where = engine_name(array, device)
    parts = Parts(chain, picture, array.dtype, where)
    work = _Pictures(parts, where, array.chunks, (y, x), channel)
    return lazy_array(array, work, name, parts.written)


@dataclass(frozen=True, eq=False)
class _Pictures:
    """A chain of filters at work on pictures, parts of which can be made."""

    parts: Parts
    #: Where filters run, which may not be where chunks are.
    device: str
    chunks: tuple[tuple[int, ...], ...]
    #: Of rows and columns, and of channels.
    axes: tuple[int, int]
    channel: int | None

    def leaves(self, region: Region) -> list[Leaf]:
        """Return the windows of all pictures that a region is made from."""
        return [
            tuple(self._needs(leaf, axis, run) for axis, run in enumerate(region))
            for leaf in self._job(region).leaves
        ]

    def _job(self, region: Region) -> Job:
        y, x = self.axes
        return self.parts.job(region[y], region[x])

    def _needs(self, leaf: Job, axis: int, run: Run) -> Needs:
        y, x = self.axes
        return {y: leaf.high, x: leaf.wide}.get(axis, Needs(run[0], (run,)))

    def make(self, region: Region, windows: Sequence[Any]) -> Any:
        """Return a region of the result, picture by picture."""
        home = backends.owner(windows[0])
        made = home.empty(tuple(stop - start for start, stop in region), self.parts.written)
        seen, target = [self._pictures(window) for window in windows], self._pictures(made)
        for place in np.ndindex(*target.shape[: target.ndim - len(self.parts.shape)]):
            picture = self._picture(region, [each[place] for each in seen])
            engine = backends.owner(picture)
            target[place] = picture if engine is home else engine.asnumpy(picture)
        return made

    def _picture(self, region: Region, windows: Sequence[Any]) -> Any:
        """Return a region of one picture, where filters run."""
        y, x = self.axes
        engine = backends.select(windows[0], self.device)
        with engine.place(windows[0], self.device):
            there = [engine.asarray(window) for window in windows]
            return self.parts.make(self._job(region), region[y], region[x], there)

    def _pictures(self, array: Any) -> Any:
        """Return an array with the axes of a picture last."""
        return array if self.channel is None else np.moveaxis(array, self.channel, -1)
