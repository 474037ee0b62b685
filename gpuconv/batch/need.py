"""What memory a file will take, told from its header before anything is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from gpuconv.batch.options import BatchOptions
from gpuconv.dtypes import rule
from gpuconv.filters import Chain
from gpuconv.io import pnm
from gpuconv.io.decode import Header, kind_of
from gpuconv.io.ifd import Directory, Tag, pages
from gpuconv.io.opener import identify, named, open_pillow

__all__ = ["Need", "Picture", "need_of"]

#: Bytes that a sample takes at the peak, as ``python benchmarks/batch/memory.py`` measures it from
#: the file to the encoded result. Of its own size: as Pillow decoded it, as an array, filtered, as
#: it is encoded, and encoded.
_COPIES = 5.5
#: And of 4-byte floats (or 8, where pixels are worked on in such) for what is done beside.
_CHAINED, _GREY, _ALPHA, _LINEAR, _BOTH = 5, 5, 15, 22, 25
#: Pillow's decoders of these keep copies of their own, of so many bytes a sample.
_DECODERS = {"WEBP": 2, "JPEG2000": 11, "AVIF": 3}

#: TIFF's tag of how a photograph is turned (TIFF 6.0, section 8).
_ORIENTATION = 274


@dataclass(frozen=True)
class Picture:
    """Size and kind of a picture in a file."""

    height: int
    width: int
    channels: int
    dtype: np.dtype[Any]
    alpha: bool = False

    @property
    def samples(self) -> int:
        """Numbers that it consists of."""
        return self.height * self.width * self.channels


@dataclass(frozen=True)
class Need:
    """What a file takes.

    Attributes
    ----------
    bytes
        Of memory, from reading to writing it.
    divisible
        It is a TIFF of one upright page, which can be filtered in parts.
    """

    bytes: int
    divisible: bool = False


def need_of(path: Path, options: BatchOptions, transform: object) -> Need:
    """Return what a file takes.

    A header that tells nothing is no error here: whoever decodes the file has more to say of it.

    Raises
    ------
    ImageFileError
        The file cannot be opened.
    """
    with named(path, "read"), open(path, "rb") as file:
        size = file.seek(0, 2)
        try:
            name = identify(file, path)
            found, divisible = _pictures(file, name, options)
        except Exception:  # decoders raise nearly anything on a damaged file
            return Need(size)
    held = sum(
        picture.samples * _per_sample(picture, name, options, transform) for picture in found
    )
    return Need(size + round(held), divisible)


def _per_sample(picture: Picture, name: str, options: BatchOptions, transform: object) -> float:
    """Return the bytes that a sample takes at the peak."""
    weighted = picture.alpha and options.alpha == "premultiply"
    several = isinstance(transform, Chain) and len(transform.filters) > 1
    beside = max(
        _CHAINED * several,
        _GREY * options.grey,
        _ALPHA * weighted,
        _LINEAR * options.linear,
        _BOTH * (weighted and options.linear),
    )
    wide = np.dtype(rule(picture.dtype).accumulator).itemsize / 4
    return _COPIES * picture.dtype.itemsize + beside * wide + _DECODERS.get(name, 0)


def _pictures(file: IO[bytes], name: str, options: BatchOptions) -> tuple[list[Picture], bool]:
    """Return the pictures that will be in memory, and whether the file can be done in parts."""
    if name == "TIFF":
        return _of_tiff(file, options)
    file.seek(0)
    if name == "PPM" and file.read(2) in pnm.MAGIC:
        header = pnm.read_header(file)
        count = len(header.channels)
        return [Picture(header.height, header.width, count, np.dtype(header.dtype))], False
    im = open_pillow(file, name)
    dtype, channels = kind_of(im, Header.of(im))
    picture = Picture(im.height, im.width, len(channels), np.dtype(dtype), channels[-1] == "A")
    # A GIF is read to its end to count its frames: it says so when it is decoded.
    count = 1 if name == "GIF" or options.frames == "first" else getattr(im, "n_frames", 1)
    return [picture] * count, False


def _of_tiff(file: IO[bytes], options: BatchOptions) -> tuple[list[Picture], bool]:
    chain, _ = pages(file)
    whole = [page for page in chain if not _number(page, Tag.SUBFILE, 0) & 0b101] or chain[:1]
    shown = whole[:1] if options.frames == "first" else whole
    upright = options.orient == "keep" or _number(whole[0], _ORIENTATION, 1) == 1
    return [_of_page(page) for page in shown], upright and len(chain) == 1


def _of_page(page: Directory) -> Picture:
    bits, form = max(8, _number(page, Tag.BITS, 1)), _number(page, Tag.FORMAT, 1)
    samples = _number(page, Tag.SAMPLES, 1)
    dtype = np.dtype(f"{'f' if form == 3 else 'u'}{bits // 8}")
    height, width = _number(page, Tag.HEIGHT, 0), _number(page, Tag.WIDTH, 0)
    return Picture(height, width, samples, dtype, samples in (2, 4))


def _number(page: Directory, tag: int, default: int) -> int:
    entry = page.get(tag)
    return int(entry.numbers[0]) if entry is not None and entry.numbers else default
