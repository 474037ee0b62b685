"""Write image files: whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import numpy as np

from gpuconv.errors import ArgumentError, ArgumentTypeError, ImageFileError
from gpuconv.io.encode import encode
from gpuconv.io.formats import FORMATS, choose_format, refuse
from gpuconv.io.image import Image
from gpuconv.io.metadata import Metadata
from gpuconv.io.opener import named
from gpuconv.io.replacing import replacing

__all__ = ["WriteReport", "encode_image", "write_image"]

#: What the ICC profile of an image says about its colours (ICC.1:2022, table 19).
_SPACES = {"L": b"GRAY", "LA": b"GRAY", "RGB": b"RGB ", "RGBA": b"RGB ", "CMYK": b"CMYK"}
#: A JPEG segment has 16 bits for its length, 2 of whose bytes are it; 6 more say that it is EXIF.
_JPEG_SEGMENT = 65533 - 6


@dataclass(frozen=True)
class WriteReport:
    """What was written.

    Attributes
    ----------
    path : Path
    format : str
        Pillow's name of it.
    warnings : tuple of str
        What the format could not carry, in sentences.
    """

    path: Path
    format: str
    warnings: tuple[str, ...] = ()


def write_image(
    path: str | os.PathLike[str],
    image: Image | np.typing.ArrayLike | Iterable[Image],
    *,
    format: str | None = None,
    metadata: bool = True,
    quality: int | None = None,
) -> WriteReport:
    """Write an image, or several as frames or pages of one file.

    The file appears under its name when it is complete; until then, and after any error, what was
    there before is untouched. The same arguments give the same bytes.

    Parameters
    ----------
    path : path-like
        The suffix says the format, unless `format` does.
    image : Image, array_like (H, W) or (H, W, 1 to 4), or iterable of these
        Several become an animation (PNG, GIF, WebP) or pages (TIFF). Booleans become 0 and 255.
    format : str, optional
        Pillow's name, e.g. "PNG".
    metadata : bool, default True
        Carry EXIF, resolution and text over. The colour profile and the timing of an animation stay
        in any case, for the picture would be another without them.
    quality : int, optional
        Of JPEG and WebP, 1 to 100. By default that of the source: a JPEG's quantisation tables, a
        lossless WebP; else 95.

    Returns
    -------
    WriteReport
        With a sentence for everything that the format cannot carry.

    Raises
    ------
    ImageFileError
        The format cannot hold the pixels (alpha in JPEG, 16 bits in WebP, float in PNG: nothing is
        lowered silently; only GIF reduces colours to 256, being asked to), or the file cannot be
        written. The message names the path.
    ArgumentError, ArgumentTypeError
        No format, no frames, an array that is no image, a quality out of range.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_image(f"{folder}/edges.png", np.zeros((4, 4), np.uint8)).format
    'PNG'
    """
    path = Path(path)
    images, report = _prepared(path, image, format, metadata, quality)
    with named(path, "write"), replacing(path) as file:
        encode(file, report.format, images, quality)
    return report


def encode_image(
    file: IO[bytes],
    path: str | os.PathLike[str],
    image: Image | np.typing.ArrayLike | Iterable[Image],
    *,
    format: str | None = None,
    metadata: bool = True,
    quality: int | None = None,
) -> WriteReport:
    r"""Write into an open file what `write_image` would write to `path`.

    Parameters
    ----------
    file : binary file
        Empty and seekable. Encoders let other threads run if it has a file descriptor.
    path, image, format, metadata, quality
        As for `write_image`; nothing is done at `path`.

    Returns
    -------
    WriteReport

    Raises
    ------
    ImageFileError, ArgumentError, ArgumentTypeError
        As `write_image`.

    Examples
    --------
    >>> import io
    >>> file = io.BytesIO()
    >>> encode_image(file, "edges.png", np.zeros((4, 4), np.uint8)).format
    'PNG'
    >>> file.getvalue()[:4]
    b'\x89PNG'
    """
    path = Path(path)
    images, report = _prepared(path, image, format, metadata, quality)
    with named(path, "write"):
        encode(file, report.format, images, quality)
    return report


def _prepared(
    path: Path, image: Any, format: str | None, metadata: bool, quality: int | None
) -> tuple[list[Image], WriteReport]:
    """Return the images as the format takes them, and what it cannot carry."""
    name = choose_format(path, format)
    _check_quality(quality)
    images = _images(image)
    _check_frames(path, name, images)
    notes: list[str] = []
    images = _alike(path, name, images)
    images = [_described(item, name, metadata, notes) for item in images]
    return images, WriteReport(path, name, tuple(dict.fromkeys(notes)))


def _check_quality(quality: int | None) -> None:
    if quality is not None and (isinstance(quality, bool) or quality not in range(1, 101)):
        raise ArgumentError(f"quality={quality!r} is not allowed: an int from 1 to 100, or None")


def _images(image: Any) -> list[Image]:
    if isinstance(image, list | tuple | Iterator):
        images = [item if isinstance(item, Image) else _wrapped(item) for item in image]
    else:
        images = [image if isinstance(image, Image) else _wrapped(image)]
    if not images:
        raise ArgumentError("image is an empty sequence: at least one frame is needed")
    if any(0 in item.pixels.shape for item in images):
        raise ArgumentError("image has no pixels: a file needs at least 1 × 1")
    return images


def _wrapped(item: Any) -> Image:
    array = np.asarray(item)
    if array.dtype.kind not in "buifc":
        raise ArgumentTypeError(f"image of type {type(item).__name__} is no array of numbers")
    return Image.from_array(array)


def _check_frames(path: Path, name: str, images: Sequence[Image]) -> None:
    for item in images:
        refuse(path, name, item.pixels.dtype.name, item.channels, item.pixels.shape)
    if len(images) == 1 or name == "TIFF":
        return
    if not FORMATS[name].frames:
        raise ImageFileError(
            f"cannot write {path}: {name} holds one picture, not {len(images)}: use .png or .tif"
        )
    if any(item.pixels.dtype != np.uint8 for item in images):
        raise ImageFileError(f"cannot write {path}: animations have 8 bits a channel: use .tif")
    sizes = {item.pixels.shape[:2] for item in images}
    if len(sizes) > 1:
        listed = ", ".join(f"{width} × {height}" for height, width in sorted(sizes))
        raise ImageFileError(
            f"cannot write {path}: frames of an animation have one size, not {listed}: use .tif"
        )


def _alike(path: Path, name: str, images: list[Image]) -> list[Image]:
    """Give the frames of an animation the same channels; WebP has colour only."""
    if name == "TIFF" or (len(images) == 1 and name != "WEBP"):
        return images
    colour = name == "WEBP" or any(item.channels.startswith("RGB") for item in images)
    alpha = any(item.has_alpha for item in images)
    channels = ("RGB" if colour else "L") + "A" * alpha
    return [item.promoted(channels) for item in images]


def _described(image: Image, name: str, wanted: bool, notes: list[str]) -> Image:
    """Leave out of the metadata what was not wanted, or cannot be carried."""
    meta, keeps = image.metadata, FORMATS[name].keeps
    if not wanted:
        meta = replace(meta, exif=b"", dpi=None, text=())
    if meta.icc is not None and meta.icc[16:20] != _SPACES[image.channels]:
        notes.append(f"left out the colour profile, which is not for {image.channels}")
        meta = replace(meta, icc=None)
    if name == "JPEG" and len(meta.exif) > _JPEG_SEGMENT:
        notes.append(f"left out EXIF: {len(meta.exif)} bytes are more than JPEG holds")
        meta = replace(meta, exif=b"")
    for field, what in (("exif", "EXIF"), ("icc", "the colour profile"), ("text", "text")):
        if getattr(meta, field) and field not in keeps:
            notes.append(f"left out {what}, which {name} does not carry")
            meta = replace(meta, **{field: getattr(Metadata(), field)})
    return replace(image, metadata=meta)
