"""Open an image of any kind, to be read by regions."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike

from gpuconv.errors import ArgumentError, ArgumentTypeError, ImageFileError, choose
from gpuconv.io.opener import identify, is_zarr, named
from gpuconv.io.read import DEFAULT_MAX_PIXELS
from gpuconv.io.source import Source

__all__ = ["open_image"]

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class _Kind:
    """What opens a kind of file, and what it can be told besides the path."""

    module: str
    source: str
    options: tuple[str, ...]


_KINDS = {
    "TIFF": _Kind("tiff_source", "TiffSource", ("page", "level", "missing")),
    "Zarr": _Kind("zarr_source", "ZarrSource", ("level", "missing", "axes")),
    "NumPy": _Kind("npy", "NpySource", ("axes",)),
    "raw": _Kind("raw", "RawSource", ("shape", "dtype", "offset", "axes")),
    "whole": _Kind("whole", "WholeSource", ("page", "max_pixels")),
}
_RAW_SUFFIXES = (".raw", ".bin")
#: A limit, and what to do about gaps, can be said of all files, also of those without such a thing.
_FOR_ALL = ("max_pixels", "missing")


def open_image(
    path: PathLike,
    *,
    page: int | None = None,
    level: int = 0,
    missing: Literal["error", "fill"] = "error",
    shape: tuple[int, ...] | None = None,
    dtype: DTypeLike | None = None,
    offset: int = 0,
    axes: str | None = None,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
) -> Source:
    """Open an image to be read by regions: only what is asked for is read.

    Parameters
    ----------
    path : path-like
        TIFF or BigTIFF, a Zarr store (version 3 or 2, an array or OME-Zarr), ``.npy``, or raw
        numbers; told by their contents, raw ones by ``.raw``, ``.bin`` or `shape`. What Pillow
        reads (PNG, JPEG, …) is decoded whole.
    page : int, optional
        Which picture of several, of a TIFF file or an animation. By default pictures of one size
        are a leading axis.
    level : int, default 0
        Which picture of a pyramid, 0 for the full one.
    missing : {"error", "fill"}
        What to do about chunks or tiles that the file should have and has not: an error, or the
        value that the file names for them (else 0). Zarr also leaves out chunks of that value.
    shape, dtype, offset
        Of raw numbers: (…, H, W) or (…, H, W, C) in C order, a NumPy dtype with its byte order, and
        how many bytes stand before them.
    axes : str, optional
        A letter for each axis of a Zarr array, ``.npy`` or raw numbers, where the file does not
        tell: "y" and "x" for rows and columns, "c" for channels. By default "…yx", or "…yxc" if
        there are three axes or more and the last has at most four items.
    max_pixels : int or None, default 178956970
        Of what is decoded whole: refuse larger pictures; None for no limit.

    Returns
    -------
    Source
        Like an array, with `shape`, `dtype`, `chunks`; close it, or use it as a context.

    Raises
    ------
    ImageFileError
        The file is missing, damaged, no image, or of a kind that is not supported.
    ArgumentError, ArgumentTypeError
        An argument has a value that is not allowed, or is of no meaning for that kind of file.
    MissingExtraError
        The kind of file needs a library that is not installed.

    Examples
    --------
    >>> with open_image("samples/hubble.tif") as image:
    ...     image.shape, image.dtype, image[100:102, 200:204].shape
    ((300, 450), dtype('uint16'), (2, 4))
    """
    choose("missing", missing, ("error", "fill"), "a way to treat what is missing")
    given = {
        "page": None if page is None else _count("page", page),
        "level": _count("level", level),
        "missing": missing,
        "shape": shape,
        "dtype": None if dtype is None else _dtype(dtype),
        "offset": _count("offset", offset),
        "axes": axes,
        "max_pixels": max_pixels,
    }
    try:
        where = Path(path)
    except TypeError:
        raise ArgumentTypeError(f"path={path!r} is no path") from None
    source = _open(where, given)
    source.again = partial(open_image, where.absolute(), **given)  # type: ignore[arg-type]
    return source


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
        raise ArgumentError(f"{name}={value!r} is not allowed: an int from 0 on")
    return int(value)


def _dtype(value: DTypeLike) -> np.dtype[Any]:
    try:
        return np.dtype(value)
    except TypeError:
        raise ArgumentTypeError(f"dtype={value!r} is none of NumPy's") from None


def _open(path: Path, given: Mapping[str, Any]) -> Source:
    kind = _kind(path, given)
    _refuse_others(path, kind, given)
    row = _KINDS[kind]
    opener = getattr(import_module(f"gpuconv.io.{row.module}"), row.source)
    source: Source = opener(path, **{name: given[name] for name in row.options})
    return source


def _kind(path: Path, given: Mapping[str, Any]) -> str:
    """Return which of the kinds of file it is."""
    if path.is_dir():
        if is_zarr(path):
            return "Zarr"
        raise ImageFileError(f"cannot read {path}: it is a folder, and no Zarr store")
    if path.exists() and not path.is_file():
        # A pipe would be waited for.
        raise ImageFileError(f"cannot read {path}: it is not a regular file")
    with named(path, "read"), open(path, "rb") as file:
        if given["shape"] is not None or path.suffix.lower() in _RAW_SUFFIXES:
            return "raw"
        if file.read(6) == b"\x93NUMPY":
            return "NumPy"
        return "TIFF" if identify(file, path) == "TIFF" else "whole"


def _refuse_others(path: Path, kind: str, given: Mapping[str, Any]) -> None:
    """Refuse options that would be ignored."""
    for name, value in given.items():
        known = name in _FOR_ALL or name in _KINDS[kind].options
        if known or value is None or value == 0:
            continue
        kinds = " and ".join(key for key, row in _KINDS.items() if name in row.options)
        raise ArgumentError(f"{name}={value!r} means nothing for {path}: it is for {kinds}")
