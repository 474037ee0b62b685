"""What all readers share: the caller's wishes, opening, limits, errors, turning upright.

A file is opened with the one Pillow plugin that knows it, behind our own limits and errors.
`PIL.Image.open` is not used: its size limit is a global of the process, which a thread cannot
change for itself, and it tries every plugin it has, with the programs that some of them start.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from numpy.typing import NDArray

from gpuconv.errors import GpuconvError, ImageFileError
from gpuconv.io import exif as exif_tags
from gpuconv.io.formats import FORMATS
from gpuconv.io.image import Image
from gpuconv.io.metadata import Metadata

__all__ = [
    "Options",
    "check_size",
    "identify",
    "is_zarr",
    "named",
    "open_pillow",
    "oriented",
    "tolerated",
]


@dataclass(frozen=True)
class Options:
    """What the caller of `read_image` asked for."""

    path: Path
    max_pixels: int | None
    orient: str
    salvage: bool


@contextmanager
def named(path: str | os.PathLike[str], verb: str) -> Iterator[None]:
    """Turn whatever goes wrong inside into an `ImageFileError` that names the file.

    Decoders raise nearly anything on a damaged file: struct.error, KeyError, SyntaxError, ….
    """
    try:
        yield
    except GpuconvError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise ImageFileError(f"cannot {verb} {os.fspath(path)}: {reason}") from error
    except MemoryError as error:
        raise ImageFileError(f"cannot {verb} {os.fspath(path)}: not enough memory") from error
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise ImageFileError(f"cannot {verb} {os.fspath(path)}: {reason}") from error


def identify(file: IO[bytes], path: Path) -> str:
    """Return the format that the first bytes tell.

    Raises
    ------
    ImageFileError
        The file is empty, or no image.
    """
    file.seek(0)
    prefix = file.read(16)
    if not prefix:
        raise ImageFileError(f"cannot read {path}: the file is empty")
    for name in FORMATS:
        if _accepts(name, prefix, path):
            return name
    known = ", ".join(sorted(FORMATS))
    raise ImageFileError(f"cannot read {path}: it is no image of a known format ({known})")


def _accepts(name: str, prefix: bytes, path: Path) -> bool:
    if name == "TGA":
        return path.suffix.lower() in FORMATS[name].suffixes
    return re.match(FORMATS[name].magic, prefix, re.DOTALL) is not None


def is_zarr(path: Path) -> bool:
    """Return whether a folder is a Zarr store, of version 3 or 2.

    Examples
    --------
    >>> is_zarr(Path("samples"))
    False
    """
    return any((path / name).is_file() for name in ("zarr.json", ".zarray", ".zgroup"))


def open_pillow(file: IO[bytes], name: str) -> Any:
    """Return Pillow's image of an open file, its header read and its pixels not.

    Given a file and no name, Pillow does not map it into memory; a mapped file that another
    program cuts short kills the process.
    """
    file.seek(0)
    # The class and not the plugin's registered opener: JPEG's may return the two pictures of a
    # stereo camera or a phone (MPO) as two frames, where the first is the photograph.
    plugin = FORMATS[name].plugin
    module = importlib.import_module(f"PIL.{plugin}ImagePlugin")
    return getattr(module, f"{plugin}ImageFile")(file)


def check_size(width: int, height: int, limit: int | None, path: Path) -> None:
    """Refuse a picture of more than `limit` pixels before anything is decoded.

    Raises
    ------
    ImageFileError
        It is larger.
    """
    if limit is not None and width * height > limit:
        raise ImageFileError(
            f"cannot read {path}: {width} × {height} is {width * height} pixels, over the limit"
            f" of max_pixels={limit} (None for no limit)"
        )


def tolerated(problem: str | None, options: Options) -> tuple[str, ...]:
    """Raise a problem, or return it as a warning in salvage.

    Raises
    ------
    ValueError
        There is a problem and it is not salvage.
    """
    if problem is None:
        return ()
    if not options.salvage:
        raise ValueError(problem)
    return (f"salvaged what there is: {problem}",)


def oriented(
    pixels: NDArray[Any],
    channels: str,
    metadata: Metadata,
    options: Options,
    *,
    turned: bool = False,
) -> Image:
    """Return the image, turned upright once or left as stored.

    Parameters
    ----------
    turned : bool
        Whether `pixels` are upright already: Pillow turns TIFF by itself, and only TIFF.
    """
    exif = exif_tags.parse(metadata.exif)
    value = exif_tags.orientation(exif)
    if options.orient == "keep":
        pixels = exif_tags.turn(pixels, value, back=True) if turned else pixels
        return Image(pixels, channels, metadata)
    pixels = pixels if turned else exif_tags.turn(pixels, value)
    dpi = metadata.dpi
    if dpi is not None and value >= 5:
        dpi = dpi[1], dpi[0]
    block = exif_tags.build(exif_tags.upright(exif))
    return Image(pixels, channels, replace(metadata, dpi=dpi, exif=block))
