"""Read the pictures of the formats that Pillow decodes, TIFF apart."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import IO, Any

from gpuconv.io.decode import Header, decode, kind_of, load
from gpuconv.io.image import Image
from gpuconv.io.metadata import lowered, of_pillow, webp_lossless
from gpuconv.io.opener import check_size, open_pillow
from gpuconv.io.source import Options, oriented, tolerated

__all__ = ["pillow_frames"]


def pillow_frames(file: IO[bytes], name: str, options: Options, first: int) -> Iterator[Image]:
    """Yield the pictures of an open file from number `first` on."""
    im = open_pillow(file, name)
    hidden = int(getattr(im, "default_image", False))
    for index in itertools.count(first + hidden):
        try:
            if not _seek(im, name, index):
                return
            check_size(im.width, im.height, options.max_pixels, options.path)
            image = _pillow_frame(im, file, name, options, index)
        except Exception:
            if options.salvage and index > first + hidden:
                return
            raise
        yield image


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


def _pillow_frame(im: Any, file: IO[bytes], name: str, options: Options, index: int) -> Image:
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
