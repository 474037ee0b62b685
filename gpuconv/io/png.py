"""PNG files of 16-bit colour, which Pillow cannot write (PNG specification, third edition)."""

from __future__ import annotations

import struct
import zlib
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.io.image import Image

__all__ = ["write"]

_COLOUR_TYPES = {"L": 0, "RGB": 2, "LA": 4, "RGBA": 6}
_PAETH = 4
#: Rows that are filtered together: some megabytes of scratch, whatever the size of the image.
_BLOCK_BYTES = 2**22
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
    packer = zlib.compressobj()
    for rows in _filtered(image.pixels):
        _chunk(file, b"IDAT", packer.compress(rows))
    _chunk(file, b"IDAT", packer.flush())
    _chunk(file, b"IEND", b"")


def _chunk(file: IO[bytes], kind: bytes, data: bytes) -> None:
    file.write(struct.pack(">I", len(data)) + kind + data)
    file.write(struct.pack(">I", zlib.crc32(kind + data)))


def _filtered(pixels: NDArray[Any]) -> Any:
    """Yield blocks of rows as bytes, each row with the Paeth filter (section 9.4).

    The filter predicts a byte from those of the pixels left, above and above left; on photographs
    it is the best of the five, and one for all rows needs no search.
    """
    height = len(pixels)
    raw = np.ascontiguousarray(pixels, ">u2").view(np.uint8).reshape(height, -1)
    step = pixels.itemsize * (pixels.shape[2] if pixels.ndim == 3 else 1)
    rows = max(1, _BLOCK_BYTES // raw.shape[1])
    for top in range(0, height, rows):
        block = raw[top : top + rows]
        framed = np.zeros((len(block) + 1, raw.shape[1] + step), np.uint8)
        framed[1:, step:] = block
        if top:
            framed[0, step:] = raw[top - 1]
        predicted = _paeth(framed[1:, :-step], framed[:-1, step:], framed[:-1, :-step])
        kinds = np.full((len(block), 1), _PAETH, np.uint8)
        yield np.concatenate([kinds, block - predicted], axis=1).tobytes()


def _paeth(left: NDArray[Any], above: NDArray[Any], corner: NDArray[Any]) -> NDArray[Any]:
    to_left = np.abs(above.astype(np.int16) - corner)
    to_above = np.abs(left.astype(np.int16) - corner)
    to_corner = np.abs(left.astype(np.int16) + above - 2 * corner.astype(np.int16))
    first = (to_left <= to_above) & (to_left <= to_corner)
    return np.where(first, left, np.where(to_above <= to_corner, above, corner))
