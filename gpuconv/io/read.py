"""Read image files, one picture or all of them."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, Literal

from gpuconv.errors import ArgumentError, ArgumentTypeError, ImageFileError, choose
from gpuconv.io import pnm
from gpuconv.io.blocks import fault, lowered, webp_lossless
from gpuconv.io.decode import Header, decode, kind_of, load
from gpuconv.io.image import Image
from gpuconv.io.metadata import Metadata, of_pillow
from gpuconv.io.opener import (
    Options,
    check_size,
    identify,
    named,
    open_pillow,
    oriented,
    tolerated,
)
from gpuconv.io.read_tiff import tiff_pages

__all__ = ["DEFAULT_MAX_PIXELS", "read_frames", "read_image"]

PathLike = str | os.PathLike[str]

#: Pillow refuses larger images as likely decompression bombs: twice its MAX_IMAGE_PIXELS, which is
#: a quarter of 1 GiB over 3 bytes a pixel.
DEFAULT_MAX_PIXELS = 2 * (1024**3 // 4 // 3)


def read_image(
    path: PathLike,
    *,
    frame: int = 0,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    orient: Literal["apply", "keep"] = "apply",
    salvage: bool = False,
    data: bytes | None = None,
) -> Image:
    """Read one picture of an image file.

    Parameters
    ----------
    path : path-like
        PNG, JPEG, TIFF, GIF, WebP, AVIF, JPEG 2000, BMP, PGM/PPM/PFM or TGA; told by its contents.
    frame : int, default 0
        Which picture of several. Those of GIF, APNG and WebP are composited: whole pictures.
    max_pixels : int or None, default 178956970
        Refuse larger pictures before they are decoded (decompression bombs); None for no limit.
    orient : {"apply", "keep"}, default "apply"
        Turn the pixels upright as EXIF says, once, and set the tag to upright; or keep both.
    salvage : bool, default False
        Take what can be decoded of a damaged file; `Metadata.warnings` then says so.
    data : bytes, optional
        What the file holds, where it is in memory already; `path` then only names it.

    Returns
    -------
    Image
        Palette images become RGB or RGBA, 1-bit ones 0 and 255; CMYK, grey, alpha, 16 bits and
        float stay what they are. 16-bit colour is read in full; where that is not possible (AVIF,
        JPEG 2000, APNG), `Metadata.warnings` says so.

    Raises
    ------
    ImageFileError
        The file is missing, no image, damaged, too large, or of an unsupported kind; the message
        names it and says why.
    ArgumentError
        `frame` is outside the file, or another argument is not allowed.

    Examples
    --------
    >>> image = read_image("samples/hubble.tif")
    >>> image.channels, image.pixels.dtype, image.pixels.ndim
    ('L', dtype('uint16'), 2)
    """
    options = _options(path, max_pixels, orient, salvage)
    if isinstance(frame, bool) or not isinstance(frame, int) or frame < 0:
        raise ArgumentError(f"frame={frame!r} is no frame number: an int from 0 on")
    with contextlib.closing(_read(options, frame, data)) as frames:
        for image in frames:
            return image
    raise ArgumentError(f"frame={frame} is outside {options.path}: it has fewer frames")


def read_frames(
    path: PathLike,
    *,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    orient: Literal["apply", "keep"] = "apply",
    salvage: bool = False,
    data: bytes | None = None,
) -> Iterator[Image]:
    """Read all pictures of an image file, one after the other.

    Parameters
    ----------
    path, max_pixels, orient, salvage, data
        As for `read_image`; the limit is for each picture.

    Yields
    ------
    Image
        Frames of an animation have their duration and its number of plays in their metadata.
        Pages of a TIFF file may differ in size and kind; smaller copies and masks are left out.

    Raises
    ------
    ImageFileError
        As `read_image`; a later picture that is damaged raises when it is reached.

    Examples
    --------
    >>> sum(1 for frame in read_frames("samples/coins.gif"))
    9
    """
    frames = _read(_options(path, max_pixels, orient, salvage), 0, data)
    return _salvaged(frames) if salvage else frames


def _options(path: PathLike, max_pixels: int | None, orient: str, salvage: bool) -> Options:
    choose("orient", orient, ("apply", "keep"), "a way to treat orientation")
    if max_pixels is not None and (not isinstance(max_pixels, int) or max_pixels < 1):
        raise ArgumentError(f"max_pixels={max_pixels!r} is not allowed: a positive int, or None")
    try:
        return Options(Path(path), max_pixels, orient, bool(salvage))
    except TypeError:
        raise ArgumentTypeError(f"path={path!r} is no path") from None


def _salvaged(frames: Generator[Image]) -> Iterator[Image]:
    """Yield frames up to a bad one, the last of them with a warning."""
    with contextlib.closing(frames):
        last = next(frames)
        try:
            for image in frames:
                yield last
                last = image
        except ImageFileError as error:
            warnings = (*last.metadata.warnings, f"salvaged what there is: {error}")
            last = replace(last, metadata=replace(last.metadata, warnings=warnings))
        yield last


def _read(options: Options, first: int, data: bytes | None = None) -> Generator[Image]:
    with named(options.path, "read"), _opened(options.path, data) as file:
        name = identify(file, options.path)
        notes = tolerated(fault(file, name), options)
        file.seek(0)
        for image in _frames(file, name, options, first):
            warnings = (*notes, *image.metadata.warnings)
            yield replace(image, metadata=replace(image.metadata, warnings=warnings))


def _opened(path: Path, data: bytes | None) -> IO[bytes]:
    return open(path, "rb") if data is None else io.BytesIO(data)


def _frames(file: IO[bytes], name: str, options: Options, first: int) -> Iterator[Image]:
    if name == "TIFF":
        return tiff_pages(file, options, first)
    if name == "PPM" and file.read(2) in pnm.MAGIC:
        return iter([_pnm(file, options)][first:])
    return _pillow_frames(file, name, options, first)


def _pnm(file: IO[bytes], options: Options) -> Image:
    header = pnm.read_header(file)
    check_size(header.width, header.height, options.max_pixels, options.path)
    pixels, whole = pnm.read_pixels(file, header)
    notes = tolerated(None if whole else "it is truncated", options)
    metadata = Metadata(format="PPM", suffix=options.path.suffix, warnings=notes)
    return oriented(pixels, header.channels, metadata, options)


def _pillow_frames(file: IO[bytes], name: str, options: Options, first: int) -> Iterator[Image]:
    """Yield the pictures of an open file from number `first` on."""
    im = open_pillow(file, name)
    hidden = int(getattr(im, "default_image", False))
    for index in itertools.count(first + hidden):
        if not _seek(im, name, index):
            return
        check_size(im.width, im.height, options.max_pixels, options.path)
        yield _pillow_frame(im, file, name, options)


def _seek(im: Any, name: str, index: int) -> bool:
    """Go to a frame; False beyond the last one, which a GIF does not know before it gets there."""
    if name != "GIF" and index >= getattr(im, "n_frames", 1):
        return False
    try:
        im.seek(index)
    except EOFError:
        if name == "GIF":
            return False
        raise
    return True


def _pillow_frame(im: Any, file: IO[bytes], name: str, options: Options) -> Image:
    header = Header.of(im)
    kind_of(im, header)
    animated = bool(getattr(im, "is_animated", False))
    again = None if animated else lambda: open_pillow(file, name)
    problem = load(im, options.salvage)
    if problem and name == "JPEG":
        im = _padded(file)
    pixels, channels = decode(im, header, again, options.salvage)
    notes = list(tolerated(problem, options))
    if header.deep and animated:
        notes.append("its frames of 16 bits a channel were read as 8 bits")
    if (note := lowered(file, name)) is not None:
        notes.append(note)
    metadata = replace(of_pillow(im, name, options.path), warnings=tuple(notes))
    if name == "WEBP":
        metadata = replace(metadata, compressed=webp_lossless(file))
    return oriented(pixels, channels, metadata, options)


def _padded(file: IO[bytes]) -> Any:
    """Open a truncated JPEG with an end mark, so that the scans which are there are all used."""
    file.seek(0)
    im = open_pillow(io.BytesIO(file.read() + b"\xff\xd9"), "JPEG")
    load(im, salvage=True)
    return im
