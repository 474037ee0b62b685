"""Zarr stores (version 3) written by regions: arrays, and OME-Zarr 0.5 pyramids."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.errors import ArgumentError, choose
from gpuconv.io import ome
from gpuconv.io.axes import Axes
from gpuconv.io.opener import named
from gpuconv.io.partial import Partial
from gpuconv.io.pyramid import build, level_sizes
from gpuconv.io.sink import JournaledSink
from gpuconv.io.source import Layout, Plane, Run
from gpuconv.io.zarr_source import CHANNELS_ATTRIBUTE, import_zarr

__all__ = ["ZarrSink", "ZarrWriter"]

Array = NDArray[Any]

#: Of zstd and Deflate. On samples/camera.png, blurred by σ = 2, one core makes 321 MB/s of
#: numcodecs.Zstd(1) and 210 of zarr's own Zstd(3), 103 of GZip(1) and 40 of GZip(5), and what comes
#: out is a tenth larger: with the higher ones it is compression that a filter would wait for.
_LEVEL = 1
_COMPRESSIONS = ("deflate", "lz4", "none", "zstd")
#: What zarr calls a file until it is whole; a process that was killed leaves some behind.
_UNFINISHED = re.compile(r".*\.[0-9a-f]{32}\.partial")


class ZarrWriter:
    """Writes regions into an array of a store; opens it anew in each process it is sent to.

    Parameters
    ----------
    target : Path
        What the messages of errors call it.
    store : Path
    name : str
        Of the array in the store, "" for the store itself.
    axes : Axes
        Of the array.
    """

    def __init__(self, target: Path, store: Path, name: str, axes: Axes) -> None:
        self._made_of = target, store, name, axes
        self._target, self._store, self._name, self._axes = self._made_of

    def __reduce__(self) -> tuple[Any, ...]:
        return ZarrWriter, self._made_of

    @cached_property
    def _array(self) -> Any:
        zarr = import_zarr(f"writing {self._target}")
        array = zarr.open_array(self._store, path=self._name, mode="r+")
        # A chunk that is 0 all over is written, too: that one is absent means that it was lost.
        return array.with_config({"write_empty_chunks": True})

    def put(self, pixels: Array, rows: Run, columns: Run, plane: Plane) -> None:
        """Write a region that is made of whole chunks, or of whole shards."""
        with named(self._target, "write"):
            block = self._axes.block(rows, columns, plane, self._array.shape)
            self._array[tuple(slice(*run) for run in block)] = self._axes.stored(pixels)

    def get(self, rows: Run, columns: Run, plane: Plane) -> Array:
        """Return a region that was written."""
        block = self._axes.block(rows, columns, plane, self._array.shape)
        return self._axes.picture(np.asarray(self._array[tuple(slice(*run) for run in block)]))


class ZarrSink(JournaledSink):
    """A Zarr store that is written in its place in the folder of the unfinished.

    It is an array, or an OME-Zarr group where a pyramid is asked for or the source was one.

    Parameters
    ----------
    layout, partial
        As for :class:`~gpuconv.io.sink.Sink`.
    compression : {"zstd", "lz4", "deflate", "none"}, optional
        "zstd" by default, as zarr has it.
    pyramid : bool, default False
        Add smaller copies.
    shards : (int, int), optional
        Rows and columns of files that hold many chunks each: multiples of the chunks. Regions must
        then be made of these, for zarr loses pixels where threads write parts of one shard.

    Raises
    ------
    ArgumentError
        An argument has a value that is not allowed.
    MissingExtraError
        zarr is not installed.
    """

    def __init__(
        self,
        layout: Layout,
        partial: Partial,
        *,
        compression: str | None = None,
        pyramid: bool = False,
        shards: tuple[int, int] | None = None,
    ) -> None:
        choose("compression", compression or "zstd", _COMPRESSIONS, "one of Zarr's")
        self._compression, self._chunks = compression or "zstd", layout.chunks
        self._sharded = shards is not None
        if shards is not None:
            layout = replace(layout, chunks=_shards(shards, layout.chunks))
        self._sizes = level_sizes(layout.size, layout.chunks) if pyramid else (layout.size,)
        self._grouped = pyramid or bool(layout.metadata.ome)
        joined = layout.channel_axis is not None
        self._axes = Axes(ome.stored_letters(layout) if self._grouped else _plain(layout), joined)
        self._store = partial.folder / "store"
        self._layout = layout
        with named(partial.target, "write"):
            if not (partial.records and self._store.is_dir()):
                partial.restart()
                self._create(partial)
        super().__init__(layout, partial, self._writer(partial.target, 0))

    def _create(self, partial: Partial) -> None:
        """Make a store of empty arrays."""
        zarr = import_zarr(f"writing {partial.target}")
        shutil.rmtree(self._store, ignore_errors=True)
        joined = self._layout.channel_axis is not None
        kind = {CHANNELS_ATTRIBUTE: self._layout.channels or "?"} if joined else {}
        if self._grouped:
            said = ome.written(self._layout, self._axes.letters, self._sizes)
            zarr.create_group(self._store, zarr_format=3, attributes={**said, **kind})
        for level, size in enumerate(self._sizes):
            self._create_array(zarr, level, size, {} if self._grouped else kind)

    def _create_array(
        self, zarr: Any, level: int, size: tuple[int, int], attributes: dict[str, str]
    ) -> None:
        layout, arranged = self._layout, self._axes.arranged
        one, channels = (1,) * len(layout.planes), layout.picture[2:]
        zarr.create_array(
            self._store,
            name=self._name(level) or None,
            shape=arranged((*layout.planes, *size, *channels)),
            chunks=arranged((*one, *self._chunks, *channels)),
            shards=arranged((*one, *layout.chunks, *channels)) if self._sharded else None,
            dtype=layout.dtype,
            compressors=_codec(zarr, self._compression),
            fill_value=0,
            zarr_format=3,
            dimension_names=[None if one == "?" else one for one in self._axes.letters],
            attributes=attributes,
        )

    def _name(self, level: int) -> str:
        return str(level) if self._grouped else ""

    def _writer(self, target: Path, level: int) -> ZarrWriter:
        return ZarrWriter(target, self._store, self._name(level), self._axes)

    def _made(self) -> Path:
        """Write the smaller levels; leave nothing behind that a killed process began."""
        for path in self._store.rglob("*.partial"):
            if _UNFINISHED.fullmatch(path.name):
                path.unlink()
        writers = [self._writer(self.path, level) for level in range(len(self._sizes))]
        for plane in np.ndindex(*self.layout.planes):
            levels = _Levels(writers, plane)
            build(levels, self._sizes, self.layout.chunks, self.layout.channels)
        return self._store


class _Levels:
    """The levels of one picture; the smaller ones are made anew after an interruption."""

    def __init__(self, writers: list[ZarrWriter], plane: Plane) -> None:
        self._writers, self._plane = writers, plane

    def has_level(self, level: int, rows: Run, columns: Run) -> bool:
        return False

    def read_level(self, level: int, rows: Run, columns: Run) -> Array:
        return self._writers[level].get(rows, columns, self._plane)

    def write_level(self, level: int, pixels: Array, rows: Run, columns: Run) -> None:
        self._writers[level].put(pixels, rows, columns, self._plane)


def _plain(layout: Layout) -> str:
    """Return the axes of an array that stands alone, stored in the order of the image."""
    lead = layout.axes[: len(layout.planes)] or "?" * len(layout.planes)
    return lead + ("yx" if layout.channel_axis is None else "yxc")


def _shards(shards: tuple[int, int], chunks: tuple[int, int]) -> tuple[int, int]:
    if any(n < 1 or n % step for n, step in zip(shards, chunks, strict=True)):
        raise ArgumentError(
            f"shards={shards} must be multiples of the chunks, which have {chunks} rows and columns"
        )
    return shards


def _codec(zarr: Any, compression: str) -> Any:
    codecs = zarr.codecs
    known = {
        "deflate": codecs.GzipCodec(level=_LEVEL),
        "lz4": codecs.BloscCodec(cname="lz4"),
        "none": None,
        "zstd": codecs.ZstdCodec(level=_LEVEL),
    }
    return known[compression]
