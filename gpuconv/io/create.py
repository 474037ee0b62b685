"""Create an image of any kind, to be written by regions."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

from gpuconv.dtypes import rule
from gpuconv.errors import ArgumentError, ArgumentTypeError, ImageFileError, choose
from gpuconv.io.formats import FORMATS, format_of
from gpuconv.io.partial import Partial
from gpuconv.io.sink import Sink
from gpuconv.io.source import Layout

__all__ = ["SINK_SUFFIXES", "create_image"]

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class _Kind:
    """What writes a kind of output, and which options mean something for it."""

    module: str
    sink: str
    options: tuple[str, ...] = ()


_TIFF = _Kind("tiff_sink", "TiffSink", ("compression", "pyramid", "planar", "bigtiff"))
_ZARR = _Kind("zarr_sink", "ZarrSink", ("compression", "pyramid", "shards"))
_RAW = _Kind("raw", "RawSink")
_WHOLE = _Kind("whole", "WholeSink")
_KINDS = {
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".zarr": _ZARR,
    ".npy": _Kind("npy", "NpySink"),
    ".raw": _RAW,
    ".bin": _RAW,
}

#: What an output that is written by regions can be called.
SINK_SUFFIXES: tuple[str, ...] = tuple(_KINDS) + tuple(
    suffix
    for name, row in FORMATS.items()
    if row.holds and name != "TIFF"
    for suffix in row.suffixes
)


def create_image(
    path: PathLike,
    layout: Layout,
    *,
    key: str = "",
    compression: str | None = None,
    pyramid: bool = False,
    planar: bool = False,
    bigtiff: bool | None = None,
    shards: tuple[int, int] | None = None,
    overwrite: bool = False,
) -> Sink:
    """Create an image to be written by regions; it appears at `path` when it is finished.

    Parameters
    ----------
    path : path-like
        Its suffix says the format: ``.tif``, ``.zarr``, ``.npy``, ``.raw``, or one that Pillow
        writes (``.png``, ``.jpg``, …), which is collected beside it and encoded at the end.
    layout : Layout
        Shape, dtype, channels, metadata; regions will be made of its `chunks`, which are the tiles
        of TIFF and the chunks of Zarr.
    key : str
        Of what decides the pixels. Unfinished work with the same key, layout and options is gone on
        with; other unfinished work for this path is deleted.
    compression : str, optional
        Of TIFF and Zarr: "none", "deflate", "zstd", "lzw" (TIFF), "lz4" (Zarr), …; by default what
        is usual for the format.
    pyramid : bool, default False
        Add smaller copies, each half as large (TIFF, Zarr).
    planar : bool, default False
        Store channels apart (TIFF).
    bigtiff : bool, optional
        64-bit offsets, by default where the uncompressed pixels need them (TIFF).
    shards : (int, int), optional
        Rows and columns of files that hold many chunks each (Zarr, whose regions are then these).
    overwrite : bool, default False
        Replace what stands at `path`, in the end.

    Returns
    -------
    Sink

    Raises
    ------
    ImageFileError
        Something stands at `path`, another process is writing it, it cannot be created, or the
        format cannot hold such pixels.
    ArgumentError, ArgumentTypeError
        An unknown suffix, an image without pixels or of a dtype that is not supported, or an option
        that is not allowed or means nothing for the format.
    MissingExtraError
        The format needs a library that is not installed.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> layout = Layout((2, 3), np.dtype(np.uint8), (2, 3))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with create_image(f"{folder}/a.npy", layout) as sink:
    ...         sink.write(np.ones((2, 3), np.uint8), (0, 2), (0, 3))
    ...         path = sink.finish()
    ...     np.load(path).tolist()
    [[1, 1, 1], [1, 1, 1]]
    """
    try:
        where = Path(path)
    except TypeError:
        raise ArgumentTypeError(f"path={path!r} is no path") from None
    kind = _kind(where)
    _check(where, kind, layout)
    given = {
        "compression": compression,
        "pyramid": pyramid,
        "planar": planar,
        "bigtiff": bigtiff,
        "shards": shards,
    }
    _refuse_others(where, kind, given)
    options = {name: given[name] for name in kind.options}
    sink = getattr(import_module(f"gpuconv.io.{kind.module}"), kind.sink)
    partial = Partial(where, _whole_key(key, layout, options), overwrite=overwrite)
    try:
        created: Sink = sink(layout, partial, **options)
    except BaseException:
        # What an earlier run made is kept, whatever is wrong today.
        if partial.resumed:
            partial.close()
        else:
            partial.discard()
        raise
    return created


def _kind(path: Path) -> _Kind:
    suffix = path.suffix.lower()
    if suffix in _KINDS:
        return _KINDS[suffix]
    if (name := format_of(suffix)) is None or not FORMATS[name].holds:
        choose("suffix", suffix, SINK_SUFFIXES, f"one that can be written (path={str(path)!r})")
    return _WHOLE


def _check(path: Path, kind: _Kind, layout: Layout) -> None:
    """Refuse at the start what would only be found out in the end."""
    rule(layout.dtype)
    if 0 in layout.shape:
        raise ArgumentError(f"an image of shape {layout.shape} has no pixels to write")
    if path.exists() and path.is_dir() != (kind is _ZARR):
        what = "a folder" if path.is_dir() else "a file, and a Zarr store is a folder"
        raise ImageFileError(f"cannot write {path}: it is {what}")


def _refuse_others(path: Path, kind: _Kind, given: dict[str, Any]) -> None:
    """Refuse options that would be ignored."""
    for name, value in given.items():
        if name in kind.options or value in (None, False):
            continue
        named = {"TIFF": _TIFF, "Zarr": _ZARR}
        kinds = " and ".join(key for key, row in named.items() if name in row.options)
        raise ArgumentError(f"{name}={value!r} means nothing for {path}: it is for {kinds}")


def _whole_key(key: str, layout: Layout, options: dict[str, Any]) -> str:
    """Return a key of all that decides the output's bytes."""
    described = sha256(repr((layout, options)).encode()).hexdigest()
    return json.dumps([key, described])
