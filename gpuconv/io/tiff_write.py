"""Write TIFF files.

Pillow writes no 16-bit colour and few other kinds; one writer for every real dtype means one set
of rules. It follows TIFF 6.0 (and BigTIFF over 4 GiB): strips, uncompressed or Deflate with
horizontal differences (TIFF 6.0 section 14).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.io import exif as exif_tags
from gpuconv.io.ifd import (
    LONG,
    LONG8,
    RATIONAL,
    SHORT,
    UNDEFINED,
    Directory,
    Entry,
    Tag,
    directory_end,
    lay_out,
)
from gpuconv.io.image import Image
from gpuconv.io.metadata import Metadata

__all__ = ["PHOTOMETRICS", "described", "write"]

#: What each kind of channels is called (TIFF 6.0 section 8).
PHOTOMETRICS = {"L": 1, "LA": 1, "RGB": 2, "RGBA": 2, "CMYK": 5}
_DEFLATE, _INCH = 8, 2
#: Large enough to compress well, small enough that a reader of a region decodes little else.
_STRIP_BYTES = 2**18
#: Classic TIFF has 32-bit offsets; leave room for tags.
_CLASSIC = 2**32 - 2**26


def write(file: IO[bytes], images: Sequence[Image], compress: bool) -> None:
    """Write images as the pages of a file.

    Parameters
    ----------
    file : binary file
        Empty, seekable.
    images : sequence of Image
        They may differ in size and kind. Each has its own resolution and profile; EXIF is the
        first one's.
    compress : bool
        Deflate or nothing.
    """
    big = sum(image.pixels.nbytes for image in images) > _CLASSIC
    file.write(struct.pack("<2sHHHQ", b"II", 43, 8, 0, 0) if big else b"II*\0\0\0\0\0")
    link = 8 if big else 4
    exif = exif_tags.stamped(images[0].metadata.exif, images[0].pixels.shape, tiff=True)
    for image in images:
        directory = _page(file, image, compress, big) | exif.pop(0, {})
        start = file.tell()
        file.write(lay_out(directory, exif, start, big))
        end = file.tell() + file.write(b"\0" * (file.tell() % 2))
        file.seek(link)
        file.write(struct.pack("<Q" if big else "<I", start))
        file.seek(end)
        link = start + directory_end(len(directory) + len(exif), big)
        exif = {}


def _page(file: IO[bytes], image: Image, compress: bool, big: bool) -> Directory:
    pixels, channels = image.pixels, image.channels
    height, width = pixels.shape[:2]
    rows = max(1, _STRIP_BYTES // (pixels.nbytes // height))
    predictor = 2 if compress and pixels.dtype.kind in "iu" and pixels.itemsize <= 2 else 1
    offsets, counts = [], []
    for strip in _strips(pixels, rows, compress, predictor):
        offsets.append(file.tell())
        counts.append(file.write(strip))
    file.write(b"\0" * (file.tell() % 2))
    samples = len(channels)
    wide = LONG8 if big else LONG
    bits, code = pixels.itemsize * 8, {"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]
    directory: Directory = {
        Tag.WIDTH: Entry.of(LONG, width),
        Tag.HEIGHT: Entry.of(LONG, height),
        Tag.BITS: Entry.of(SHORT, *[bits] * samples),
        Tag.COMPRESSION: Entry.of(SHORT, _DEFLATE if compress else 1),
        Tag.PHOTOMETRIC: Entry.of(SHORT, PHOTOMETRICS[channels]),
        Tag.OFFSETS: Entry.of(wide, *offsets),
        Tag.SAMPLES: Entry.of(SHORT, samples),
        Tag.ROWS: Entry.of(LONG, min(rows, height)),
        Tag.COUNTS: Entry.of(wide, *counts),
        Tag.PLANAR: Entry.of(SHORT, 1),
        Tag.FORMAT: Entry.of(SHORT, *[code] * samples),
    }
    if predictor == 2:
        directory[Tag.PREDICTOR] = Entry.of(SHORT, 2)
    if image.has_alpha:
        directory[Tag.EXTRA] = Entry.of(SHORT, 2)
    return {**directory, **described(image.metadata)}


def described(metadata: Metadata) -> Directory:
    """Return the tags of resolution and colour profile."""
    directory: Directory = {}
    if metadata.dpi is not None:
        ratios = [Fraction(value).limit_denominator(10000) for value in metadata.dpi]
        for tag, ratio in zip((Tag.X_RESOLUTION, Tag.Y_RESOLUTION), ratios, strict=True):
            directory[tag] = Entry.of(RATIONAL, ratio.numerator, ratio.denominator)
        directory[Tag.UNIT] = Entry.of(SHORT, _INCH)
    if metadata.icc is not None:
        directory[Tag.ICC] = Entry(UNDEFINED, metadata.icc)
    return directory


def _strips(pixels: NDArray[Any], rows: int, compress: bool, predictor: int) -> Iterator[bytes]:
    for top in range(0, len(pixels), rows):
        strip = np.array(pixels[top : top + rows], pixels.dtype.newbyteorder("<"), order="C")
        if predictor == 2:
            strip[:, 1:] = strip[:, 1:] - strip[:, :-1]
        yield zlib.compress(strip.tobytes()) if compress else strip.tobytes()
