"""Arrays whose chunks are each made by one task, from the chunks that it reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import isnan
from typing import Any, Protocol, TypeAlias

import numpy as np

from gpuconv.arrays import channel_index
from gpuconv.dask.chunks import Pieces, bounds, joined, pieces, runs
from gpuconv.dask.library import array_library, graph_of
from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.window import Needs, Run

__all__ = ["Leaf", "Region", "Work", "check_array", "check_chunks", "lazy_array"]

#: A run of each axis of a result.
Region: TypeAlias = tuple[Run, ...]
#: What is read of each axis of an image.
Leaf: TypeAlias = tuple[Needs, ...]


class Work(Protocol):
    """What makes any region of a result; it is sent to whoever makes one."""

    @property
    def chunks(self) -> tuple[tuple[int, ...], ...]:
        """Sizes of the result's chunks, axis by axis."""

    def leaves(self, region: Region) -> list[Leaf]:
        """Return the windows of the image that a region is made from."""

    def make(self, region: Region, windows: Sequence[Any]) -> Any:
        """Return a region of the result."""


@dataclass(frozen=True)
class _Chunk:
    """A task: one chunk of a result."""

    region: Region
    #: Each window that it reads: the pieces of each axis.
    leaves: tuple[tuple[Pieces, ...], ...]

    def __call__(self, work: Work, blocks: Sequence[Sequence[Any]]) -> Any:
        windows = [joined(given, leaf) for given, leaf in zip(blocks, self.leaves, strict=True)]
        return work.make(self.region, windows)


def check_array(image: Any, channel_axis: int | None) -> int | None:
    """Return the index of the channel axis of a dask array; raise if it cannot be filtered."""
    if not isinstance(image, array_library().Array):
        raise ArgumentTypeError(
            f"image is of type {type(image).__name__}; gpuconv.dask filters dask arrays: make one "
            "with dask.array.from_array, or use the function of gpuconv itself"
        )
    check_chunks(image)
    return channel_index(image.ndim, channel_axis)


def check_chunks(array: Any, name: str = "image") -> None:
    """Raise if a dask array has chunks of unknown sizes, or masks that would be lost."""
    if any(isnan(n) for n in array.shape):
        raise ArgumentError(
            f"{name} has shape {array.shape}, with chunks of unknown sizes: call its "
            "compute_chunk_sizes() first"
        )
    if isinstance(array._meta, np.ma.MaskedArray):
        raise ArgumentTypeError(
            f"{name} has chunks that are masked arrays, whose masks would be lost; let NaN say "
            "what is no pixel, and nan='ignore' of gpuconv.dask.convolve leave it out: image = "
            "dask.array.ma.filled(image.astype('float32'), numpy.nan)"
        )


def lazy_array(image: Any, work: Work, name: str, dtype: np.dtype[Any]) -> Any:
    """Return what a work makes of a dask array, as a dask array: a task for each chunk."""
    chunks = work.chunks
    da = array_library()
    like = da.utils.meta_from_array(image._meta, ndim=len(chunks), dtype=dtype)
    regions = product(*(runs(sizes) for sizes in chunks))
    places = product(*(range(len(sizes)) for sizes in chunks))
    edges = [bounds(sizes) for sizes in image.chunks]
    # A task of its own: a large kernel would else be sent anew with each chunk.
    shared = f"work-of-{name}"
    layer: dict[Any, Any] = {shared: work}
    for place, region in zip(places, regions, strict=True):
        shape = tuple(stop - start for start, stop in region)
        if 0 in shape:
            layer[name, *place] = np.empty_like(like, shape=shape)
        else:
            layer[name, *place] = _task(image, edges, work, shared, region)
    return da.Array(graph_of(name, layer, [image]), name, chunks, meta=like)


def _task(
    image: Any, edges: Sequence[Sequence[int]], work: Work, shared: str, region: Region
) -> tuple[Any, ...]:
    leaves = tuple(
        tuple(pieces(need, axis) for need, axis in zip(leaf, edges, strict=True))
        for leaf in work.leaves(region)
    )
    keys = [
        [(image.name, *place) for place in product(*(axis.chunks for axis in leaf))]
        for leaf in leaves
    ]
    return _Chunk(region, leaves), shared, keys
