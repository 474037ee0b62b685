"""PGM and PPM files, plain and binary, 8 and 16 bit: Pillow halves 16-bit colour, and is slow."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["MAGIC", "Header", "read_header", "read_pixels", "write"]

#: The kinds that are read here; Pillow reads bitmaps and floats.
MAGIC = (b"P2", b"P3", b"P5", b"P6")

# netpbm's pgm(5), ppm(5): magic, width, height, maxval, each after white space or comments; one
# white space character before binary samples.
_SPACE = rb"(?:\s|#[^\r\n]*[\r\n])+"
_NUMBER = _SPACE + rb"(\d{1,10})"
_HEADER = re.compile(rb"P([2356])" + _NUMBER * 3 + rb"\s")
_LONGEST = 65536


@dataclass(frozen=True)
class Header:
    """What stands before the samples."""

    width: int
    height: int
    channels: str
    largest: int
    plain: bool
    length: int

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of the pixels."""
        return np.dtype(np.uint8 if self.largest < 256 else np.uint16)


def read_header(file: IO[bytes]) -> Header:
    """Return the header of a P2, P3, P5 or P6 file.

    Raises
    ------
    ValueError
        It makes no sense.
    """
    file.seek(0)
    match = _HEADER.match(file.read(_LONGEST))
    if match is None:
        raise ValueError("its header makes no sense")
    kind, width, height, largest = map(int, match.groups())
    if not (width and height and 0 < largest < 65536):
        raise ValueError(f"its header makes no sense: {width} × {height}, largest {largest}")
    channels = "L" if kind in (2, 5) else "RGB"
    return Header(width, height, channels, largest, kind in (2, 3), match.end())


def read_pixels(file: IO[bytes], header: Header) -> tuple[NDArray[Any], bool]:
    """Return the pixels, scaled to the full range of their dtype, and whether all were there."""
    count = header.width * header.height * len(header.channels)
    file.seek(header.length)
    samples = _plain(file, count) if header.plain else _binary(file, count, header.dtype)
    if samples.size and samples.max() > header.largest:
        raise ValueError(f"a sample of {samples.max()} is over the largest, {header.largest}")
    whole = samples.size == count
    full = np.zeros(count, header.dtype)
    full[: samples.size] = _scaled(samples, header)
    shape = (header.height, header.width, 3)[: 2 if header.channels == "L" else 3]
    return full.reshape(shape), whole


def _binary(file: IO[bytes], count: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    data = file.read(count * dtype.itemsize)
    usable = len(data) // dtype.itemsize * dtype.itemsize
    return np.frombuffer(data[:usable], dtype.newbyteorder(">"))


def _plain(file: IO[bytes], count: int) -> NDArray[Any]:
    words = re.sub(rb"#[^\r\n]*", b"", file.read()).split()[:count]
    return np.array(words, dtype="S10").astype(np.int64) if words else np.zeros(0, np.int64)


def _scaled(samples: NDArray[Any], header: Header) -> NDArray[Any]:
    top = int(np.iinfo(header.dtype).max)
    if header.largest == top:
        return samples
    table = np.rint(np.arange(header.largest + 1) * top / header.largest)
    scaled: NDArray[Any] = table.astype(header.dtype)[samples]
    return scaled


def write(file: IO[bytes], pixels: NDArray[Any]) -> None:
    """Write pixels (H, W) or (H, W, 3) of uint8 or uint16 in binary."""
    kind = 5 if pixels.ndim == 2 else 6
    height, width = pixels.shape[:2]
    file.write(b"P%d\n%d %d\n%d\n" % (kind, width, height, np.iinfo(pixels.dtype).max))
    file.write(pixels.astype(pixels.dtype.newbyteorder(">"), copy=False).tobytes())
