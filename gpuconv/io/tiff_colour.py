"""What the samples of a TIFF page mean, and how they become channels.

It is done as `read_image` does it: palettes are looked up, 0 becomes black where it is white in the
file, 1 to 4 bits are spread to 8, and colour is divided by the alpha it was multiplied with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.dtypes import TABLE
from gpuconv.io.colour import plain
from gpuconv.io.read_tiff import unassociated

__all__ = ["Colour", "colour_of"]

Array = NDArray[Any]

#: TIFF 6.0 section 8, PhotometricInterpretation.
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _INKS, _YCBCR = 0, 1, 2, 3, 5, 6
_CHANNELS = {_WHITE_IS_ZERO: "L", _BLACK_IS_ZERO: "L", _RGB: "RGB", _INKS: "CMYK"}
#: ExtraSamples: alpha that the colour was multiplied with, and alpha that it was not.
_ASSOCIATED, _UNASSOCIATED = 1, 2
_JPEG = 7
#: Grey of few bits is spread over 8, as Pillow does.
_SPREAD = {2: 85, 4: 17}


@dataclass(frozen=True)
class Colour:
    """How samples become channels.

    Attributes
    ----------
    channels : str
        As in a `Layout`.
    samples : int
        How many channels there are.
    dtype : dtype
        Of the channels.
    left_out : int
        How many samples of the file are not shown.
    show : callable
        From samples (h, w, S) as decoded to pixels (h, w) or (h, w, C).
    """

    channels: str
    samples: int
    dtype: np.dtype[Any]
    left_out: int
    show: Callable[[Array], Array]


def colour_of(page: Any) -> Colour:
    """Return what tifffile's page says of colour.

    Raises
    ------
    ValueError
        A kind that is not supported; the message says which.
    """
    _check(page)
    photometric, bits = int(page.photometric), int(page.bitspersample)
    if photometric == _PALETTE:
        palette = np.ascontiguousarray((np.asarray(page.colormap) >> 8).T.astype(np.uint8))
        return Colour("RGB", 3, palette.dtype, 0, lambda stored: palette[stored[..., 0]])
    if page.samplesperpixel == 1:
        # tifffile gives 1 bit as bool, which `plain` makes 0 and 255.
        dtype = plain(np.zeros(1, page.dtype)).dtype
        return Colour("L", 1, dtype, 0, _grey(photometric == _WHITE_IS_ZERO, bits))
    return _several(page, photometric)


def _check(page: Any) -> None:
    photometric = int(page.photometric)
    if page.dtype is None or isinstance(page.bitspersample, tuple):
        raise ValueError(f"samples of {page.bitspersample} bits are not supported")
    if page.dtype.name not in (*TABLE, "bool"):
        raise ValueError(f"pixels of dtype {page.dtype} are not supported")
    if page.imagedepth > 1:
        raise ValueError("a page that is a volume is not supported")
    jpeg = photometric == _YCBCR and int(page.compression) == _JPEG
    if photometric not in (*_CHANNELS, _PALETTE) and not jpeg:
        called = getattr(page.photometric, "name", photometric)
        raise ValueError(f"its colours are {called}, which is not read by regions: convert to RGB")
    indices = page.samplesperpixel == 1 and page.bitspersample <= 8 and page.colormap is not None
    if photometric == _PALETTE and not indices:
        raise ValueError("a palette is supported for one sample of up to 8 bits")


def _grey(inverted: bool, bits: int) -> Callable[[Array], Array]:
    factor = _SPREAD.get(bits, 1)
    # `read_image` takes deeper numbers as they are.
    inverted = inverted and bits in (1, 2, 4, 8, 16)

    def show(stored: Array) -> Array:
        pixels = plain(stored[..., 0])
        pixels = pixels * pixels.dtype.type(factor) if factor > 1 else pixels
        return ~pixels if inverted else pixels

    return show


def _several(page: Any, photometric: int) -> Colour:
    channels = "RGB" if photometric == _YCBCR else _CHANNELS[photometric]
    samples, extra = page.samplesperpixel, tuple(map(int, page.extrasamples))
    if samples < len(channels):
        raise ValueError(f"{samples} samples a pixel are too few for {channels}")
    if photometric == _WHITE_IS_ZERO or page.dtype == bool:
        raise ValueError(f"{samples} samples a pixel are supported only where 0 is black")
    alpha = bool(extra) and extra[0] in (_ASSOCIATED, _UNASSOCIATED) and channels != "CMYK"
    named = len(channels) + alpha
    if channels == "L" and named < samples:
        # Grey with others beside it: pictures of several dyes, or wavelengths.
        return Colour("", samples, page.dtype, 0, lambda stored: stored)
    channels += "A" * alpha
    multiplied = alpha and extra[0] == _ASSOCIATED

    def show(stored: Array) -> Array:
        pixels = stored[..., :named]
        return _divided(pixels) if multiplied else pixels

    return Colour(channels, named, page.dtype, samples - named, show)


def _divided(pixels: Array) -> Array:
    """Return pixels whose colour was multiplied with their alpha, their last channel, without."""
    if pixels.dtype != np.uint8:
        return unassociated(pixels)
    # Of 8 bits as Pillow does it: rounded down.
    alpha = pixels[..., -1:].astype(np.uint16)
    colour = np.minimum(pixels[..., :-1] * np.uint16(255) // np.maximum(alpha, 1), 255)
    colour[alpha[..., 0] == 0] = 0
    return np.concatenate([colour.astype(np.uint8), pixels[..., -1:]], axis=-1)
