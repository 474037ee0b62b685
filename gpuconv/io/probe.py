"""Which file name an image can come out under, told from the header of what went in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

from gpuconv.io import pnm
from gpuconv.io.decode import Header, kind_of
from gpuconv.io.formats import FORMATS, format_of
from gpuconv.io.image import Image
from gpuconv.io.opener import identify, named, open_pillow

__all__ = ["output_suffix"]

_GREY = {"RGB": "L", "RGBA": "LA", "CMYK": "L"}


def output_suffix(source: Image | str | os.PathLike[str], *, grey: bool = False) -> str:
    """Return the suffix under which an image, filtered, can be written without loss of kind.

    It is the input's own where its format can hold the result: not where a palette has become RGB
    in a GIF, nor where the format is only read (AVIF). Else it is ".png" for 8 bits, and ".tif" for
    all else.

    Parameters
    ----------
    source : Image or path-like
        Of a file, only the header is read.
    grey : bool, default False
        Whether it will be turned to grey.

    Raises
    ------
    ImageFileError
        The file cannot be read.

    Examples
    --------
    >>> import numpy as np
    >>> output_suffix(Image.from_array(np.zeros((2, 2, 3), np.uint8)))
    '.png'
    """
    if isinstance(source, Image):
        meta = source.metadata
        kind = source.pixels.dtype.name, source.channels
        return _suffix(meta.format, meta.suffix, *kind, grey)
    path = Path(source)
    with named(path, "read"), open(path, "rb") as file:
        name = identify(file, path)
        if name == "TIFF":
            # It holds every kind; which one this is needs no look.
            return _suffix(name, path.suffix, "uint8", "L", grey)
        return _suffix(name, path.suffix, *_kind(file, name), grey)


def _kind(file: IO[bytes], name: str) -> tuple[str, str]:
    file.seek(0)
    if name == "PPM" and file.read(2) in pnm.MAGIC:
        header = pnm.read_header(file)
        return header.dtype.name, header.channels
    im = open_pillow(file, name)
    dtype, channels = kind_of(im, Header.of(im))
    # The later frames of an animated GIF have palettes of their own.
    return dtype, "RGB" if name == "GIF" and im.is_animated else channels


def _suffix(name: str, own: str, dtype: str, channels: str, grey: bool) -> str:
    channels = _GREY.get(channels, channels) if grey else channels
    if name in FORMATS:
        row = FORMATS[name]
        suffix = own if format_of(own) == name else row.suffixes[0]
        # A GIF has 256 colours: enough for all greys, not for a filtered palette.
        held = ("L",) if name == "GIF" else row.holds_at(suffix).get(dtype, ())
        if channels in held:
            return suffix
    return ".png" if dtype == "uint8" and channels != "CMYK" else ".tif"
