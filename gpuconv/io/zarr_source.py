"""Zarr stores read by regions: arrays and OME-Zarr pyramids, of Zarr 3 and 2."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gpuconv.errors import ArgumentError, ImageFileError, MissingExtraError
from gpuconv.io.axes import Axes, guessed
from gpuconv.io.flat import numbers
from gpuconv.io.metadata import Metadata
from gpuconv.io.ome import Multiscales, letter, multiscales
from gpuconv.io.opener import named
from gpuconv.io.source import Layout, Plane, Run, Source

__all__ = ["CHANNELS_ATTRIBUTE", "ZarrSource", "import_zarr"]

Array = NDArray[Any]
Block = tuple[Run, ...]

#: Where a store of ours says that its axis "c" holds the channels of pixels, and which: "RGBA", or
#: "?" if nothing tells. OME-Zarr has no word for it, and stores them like dyes, before the rows.
CHANNELS_ATTRIBUTE = "gpuconv_channels"


class ZarrSource(Source):
    """An array of a Zarr store, or a level of an OME-Zarr pyramid.

    A chunk that holds several pictures is decoded for each of them.

    Parameters
    ----------
    path : Path
        The store, or a group or an array in it.
    level : int, default 0
        Which level of a pyramid, 0 for the full one.
    missing : {"error", "fill"}
        What to do about chunks that are not in the store: an error, or the fill value. A chunk
        within a shard that is there is always filled: what is not in it was never written.
    axes : str, optional
        A letter for each axis; see :func:`gpuconv.open_image`.

    Raises
    ------
    ImageFileError
        The store is damaged, holds several arrays, or no numbers that can be filtered.
    ArgumentError
        There is no such level, or `axes` does not fit.
    MissingExtraError
        zarr is not installed.

    Examples
    --------
    >>> import tempfile, zarr
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = zarr.save_array(f"{folder}/a.zarr", np.arange(12).reshape(3, 4))
    ...     with ZarrSource(Path(folder, "a.zarr")) as source:
    ...         source[1:, ::-2].tolist()
    [[7, 5], [11, 9]]
    """

    def __init__(
        self,
        path: Path,
        *,
        level: int = 0,
        missing: Literal["error", "fill"] = "error",
        axes: str | None = None,
    ) -> None:
        self.path, self._fills = path, missing == "fill"
        zarr = import_zarr(f"reading {path}")
        with named(path, "read"):
            node = zarr.open(path, mode="r")
            self._node, self._pyramid = node, _pyramid(node, path)
            if level >= len(self._pyramid.paths):
                raise ArgumentError(
                    f"level={level} is not in {path}, which has {len(self._pyramid.paths)}: 0 is "
                    "the full image"
                )
            self._array = self._level(self._pyramid.paths[level])
            # Shards are files that hold many chunks.
            self._files = self._array.shards or self._array.chunks
            kind = node.attrs.get(CHANNELS_ATTRIBUTE, "")
            if self._array.ndim < 2:
                raise ValueError(f"an array of shape {self._array.shape} is no image")
            self._axes = _axes(self._array, self._pyramid, axes, joined=bool(kind))
            self.layout = _layout(self._array, self._axes, kind, path, self._pyramid.at(level))

    def _level(self, name: str) -> Any:
        return self._node[name] if name else self._node

    @property
    def levels(self) -> tuple[tuple[int, int], ...]:
        """Rows and columns of each picture of the pyramid, from the full one on."""
        lead = len(self.layout.planes)
        with named(self.path, "read"):
            shapes = [self._axes.image(self._level(name).shape) for name in self._pyramid.paths]
        return tuple((shape[lead], shape[lead + 1]) for shape in shapes)

    @property
    def cache_bytes(self) -> int:
        """Chunks that zarr fetches at the same time, each encoded and decoded."""
        chunk: int = prod(self._array.chunks) * self._array.dtype.itemsize
        at_once: int = import_zarr(f"reading {self.path}").config.get("async.concurrency")
        return 2 * chunk * at_once

    def _read(self, rows: Run, columns: Run, plane: Plane) -> Array:
        block = self._axes.block(rows, columns, plane, self._array.shape)
        if not self._fills:
            self._check_present(block)
        try:
            found = np.asarray(self._array[tuple(slice(*run) for run in block)])
        except Exception as error:
            with named(f"{self.path}{self._culprit(block)}", "read"):
                raise error
        pixels = self._axes.picture(found)
        return np.ascontiguousarray(pixels, self.dtype)

    def _keys(self, block: Block) -> Iterator[tuple[str, Block]]:
        """Yield the files that hold a block, each with what it holds of the block."""
        steps = self._files
        places = [
            range(start // step, -(-stop // step))
            for (start, stop), step in zip(block, steps, strict=True)
        ]
        for place in product(*places):
            held = tuple(
                (max(i * step, start), min((i + 1) * step, stop))
                for i, step, (start, stop) in zip(place, steps, block, strict=True)
            )
            yield self._array.metadata.encode_chunk_key(place), held

    def _check_present(self, block: Block) -> None:
        folder = Path(self._array.store.root, self._array.path)
        for key, _ in self._keys(block):
            if not (folder / key).exists():
                raise ImageFileError(
                    f"cannot read {self.path}: chunk {key} is not in the store. It was lost, or "
                    f"left out because all of it is {self._array.fill_value}, which Zarr allows: "
                    "missing='fill' takes all such chunks for that"
                )

    def _culprit(self, block: Block) -> str:
        """Return which file of those that hold a block cannot be read."""
        for key, held in self._keys(block):
            try:
                self._array[tuple(slice(*run) for run in held)]
            except Exception:
                return f", chunk {key}"
        return ""


def import_zarr(purpose: str) -> Any:
    """Return the library.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    try:
        import zarr
    except ImportError:
        raise MissingExtraError("zarr", "zarr", purpose) from None
    return zarr


def _pyramid(node: Any, path: Path) -> Multiscales:
    """Return the arrays of a node: its own, those of a pyramid, or the only one in it."""
    if not hasattr(node, "array_keys"):
        return Multiscales(("",))
    if (found := multiscales(dict(node.attrs))) is not None:
        return found
    arrays, groups = sorted(node.array_keys()), sorted(node.group_keys())
    if len(arrays) == 1 and not groups:
        return Multiscales((arrays[0],))
    inside = ", ".join([*arrays, *(f"{group}/" for group in groups)]) or "nothing"
    raise ImageFileError(
        f"cannot read {path}: it is a group without a pyramid; name an image in it, such as "
        f"{path}/NAME (it holds {inside})"
    )


def _axes(array: Any, pyramid: Multiscales, given: str | None, *, joined: bool) -> Axes:
    """Return the axes that were given, that the store names, or that are likely."""
    if given is not None:
        return guessed(array.shape, given)
    names = getattr(array.metadata, "dimension_names", None)
    # xarray's name for the same in Zarr 2.
    names = names or array.attrs.get("_ARRAY_DIMENSIONS") or ()
    letters = pyramid.letters or "".join(map(letter, names))
    if len(letters) == array.ndim and letters.count("y") == letters.count("x") == 1:
        return Axes(letters, joined)
    return guessed(array.shape)


def _layout(array: Any, axes: Axes, kind: str, path: Path, ome: str) -> Layout:
    shape = axes.image(array.shape)
    lead = len(shape) - 2 - axes.has_channels
    chunks = axes.image(array.chunks)[lead : lead + 2]
    channels = axes.channels(shape)
    if axes.has_channels and len(kind) == shape[-1]:
        channels = kind
    return Layout(
        shape,
        numbers(np.dtype(array.dtype), path),
        (min(chunks[0], shape[lead]), min(chunks[1], shape[lead + 1])),
        channels,
        Metadata(format="ZARR", suffix=path.suffix, ome=ome),
        axes.ordered,
    )
