"""Both ends of a stream: what a caller may give for a source and for a sink."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.io.axes import guessed
from gpuconv.io.create import create_image
from gpuconv.io.open import open_image
from gpuconv.io.sink import Sink
from gpuconv.io.source import Layout, Plane, Run, Source

__all__ = [
    "ArraySink",
    "ArraySource",
    "SinkLike",
    "SourceLike",
    "created",
    "key_of",
    "opened",
    "out_layout",
    "state_of",
]

Array = NDArray[Any]
SourceLike: TypeAlias = str | os.PathLike[str] | Source | Array
SinkLike: TypeAlias = str | os.PathLike[str] | Sink | Array

#: Chunks of an output whose source has none worth keeping: tiles of this size are usual for TIFF,
#: and a strip of them is 32 MiB of an image 65,536 pixels wide.
_CHUNK = 512
#: Chunks that are kept for the output: shorter ones make a journal long, longer ones strips large.
_LEAST_CHUNK, _LARGEST_CHUNK = 128, 1024
#: Those of files that have none of their own: small, so that little memory does.
_FLAT_CHUNK = 64, 512
_FLAT = (".npy", ".raw", ".bin")


class ArraySource(Source):
    """An array as a source: its axes are those that a ``.npy`` file of it would have."""

    def __init__(self, pixels: Array) -> None:
        if pixels.ndim < 2 or 0 in pixels.shape:
            raise ArgumentError(f"source of shape {pixels.shape} is no image: (…, H, W[, C])")
        self.path = Path("<array>")
        self._pixels = pixels
        channels = guessed(pixels.shape).channels(pixels.shape)
        layout = Layout(pixels.shape, pixels.dtype.newbyteorder("="), (1, 1), channels)
        self.layout = replace(layout, chunks=(1, layout.size[1]))

    def _read(self, rows: Run, columns: Run, plane: Plane) -> Array:
        pixels: Array = self._pixels[plane][slice(*rows), slice(*columns)]
        return pixels.astype(self.layout.dtype, copy=False)


class ArraySink(Sink):
    """An array as a sink."""

    def __init__(self, pixels: Array, layout: Layout) -> None:
        if pixels.shape != layout.shape or pixels.dtype.newbyteorder("=") != layout.dtype:
            raise ArgumentError(
                f"sink of shape {pixels.shape} and dtype {pixels.dtype} must have those of the "
                f"result, {layout.shape} and {layout.dtype}"
            )
        self.path = Path("<array>")
        self.layout = replace(layout, chunks=(1, 1))
        self.warnings = []
        self._pixels = pixels

    def has(self, rows: Run, columns: Run, plane: Plane = ()) -> bool:
        """Return that nothing has been written: an array does not tell."""
        return False

    def _write(self, pixels: Array, rows: Run, columns: Run, plane: Plane) -> None:
        self._pixels[plane][slice(*rows), slice(*columns)] = pixels

    def _complete(self) -> Path:
        return self.path

    def finish(self) -> Path:
        """Return that it is there already."""
        return self.path

    def discard(self) -> None:
        """Leave the array alone."""

    def close(self) -> None:
        """Leave the array alone."""


def opened(source: SourceLike, missing: str) -> tuple[Source, bool]:
    """Return a source, and whether it was opened here.

    Raises
    ------
    ArgumentTypeError
        It is nothing that can be read.
    """
    if isinstance(source, Source):
        return source, False
    if isinstance(source, np.ndarray):
        return ArraySource(source), True
    if isinstance(source, str | os.PathLike):
        return open_image(source, missing=missing), True  # type: ignore[arg-type]
    raise ArgumentTypeError(
        f"source={source!r} must be a path, an image opened by gpuconv.open_image, or an array"
    )


def out_layout(source: Layout, shape: Sequence[int], channels: str, dtype: Any) -> Layout:
    """Return how a result is to be stored: in the source's chunks, where they suit.

    Parameters
    ----------
    source : Layout
    shape, channels, dtype
        Of one picture of the result.
    """
    chunks = source.chunks
    if not all(_LEAST_CHUNK <= chunk <= _LARGEST_CHUNK for chunk in chunks):
        chunks = _within((_CHUNK, _CHUNK), shape)
    full = (*source.planes, *shape)
    # Grey has no axis of channels, the last one.
    axes = source.axes[: len(full)]
    return Layout(full, dtype, chunks, channels, source.metadata, axes)


def _within(chunks: tuple[int, int], size: Sequence[int]) -> tuple[int, int]:
    return min(chunks[0], size[0]), min(chunks[1], size[1])


def state_of(source: Source) -> str | None:
    """Return what a source is and when it was changed, as text; None if nothing tells.

    Files are known by path, size and time of change, stores by those of the files that describe
    them; and by what `open_image` was told, a page or a level.
    """
    told_open = getattr(source.again, "keywords", None)
    if told_open is None or not source.path.exists():
        return None
    found = source.path.resolve()
    described = [found, *(found / name for name in ("zarr.json", ".zarray", ".zattrs", ".zgroup"))]
    states = [
        (status.st_size, status.st_mtime_ns)
        for path in described
        if path.exists() and (status := path.stat())
    ]
    told_open = {name: str(value) for name, value in told_open.items()}
    return json.dumps([str(found), told_open, states], sort_keys=True)


def key_of(source: Source, told: dict[str, Any]) -> str:
    """Return what decides an output, as text: unfinished work with another key is of no use."""
    state = state_of(source)
    # Nothing else is ever known again.
    return uuid4().hex if state is None else json.dumps({"source": state, **told}, sort_keys=True)


def created(sink: SinkLike, layout: Layout, key: str, resume: bool, **options: Any) -> Sink:
    """Return a sink for pixels of a layout.

    Raises
    ------
    ArgumentError
        A sink or an array that is given has another shape or dtype.
    ArgumentTypeError
        It is nothing that can be written.
    """
    if isinstance(sink, Sink):
        if (sink.layout.shape, sink.layout.dtype) != (layout.shape, layout.dtype):
            raise ArgumentError(
                f"sink is for {sink.layout.shape} {sink.layout.dtype}; the result is "
                f"{layout.shape} {layout.dtype}"
            )
        return sink
    if isinstance(sink, np.ndarray):
        return ArraySink(sink, layout)
    if not isinstance(sink, str | os.PathLike):
        raise ArgumentTypeError(f"sink={sink!r} must be a path, a gpuconv.io.Sink, or an array")
    if Path(sink).suffix.lower() in _FLAT:
        layout = replace(layout, chunks=_within(_FLAT_CHUNK, layout.size))
    made = create_image(sink, layout, key=key, **options)
    if made.partial.resumed and not resume:
        made.discard()
        made = create_image(sink, layout, key=key, **options)
    return made
