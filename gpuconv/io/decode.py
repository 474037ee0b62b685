"""From Pillow's image to pixels, without losing what its modes cannot hold.

Pillow has no mode for 16-bit colour: it decodes such files and keeps the high bytes. Decoded a
second time in the other byte order, it keeps the low ones; together they are the pixels.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.io.colour import divide_alpha, plain, white

__all__ = [
    "Header",
    "decode",
    "divided",
    "kind_of",
    "load",
]

#: Pillow's mode → the channels we read it as, and the mode that it is converted to first.
_MODES: dict[str, tuple[str, str | None]] = {
    "1": ("L", "L"),
    "L": ("L", None),
    "LA": ("LA", None),
    "La": ("LA", "LA"),
    "RGB": ("RGB", None),
    "RGBX": ("RGB", "RGB"),
    "YCbCr": ("RGB", "RGB"),
    "RGBA": ("RGBA", None),
    "RGBa": ("RGBA", "RGBA"),
    "PA": ("RGBA", "RGBA"),
    "CMYK": ("CMYK", None),
    "I": ("L", None),
    "I;16": ("L", None),
    "I;16L": ("L", None),
    "I;16B": ("L", None),
    "F": ("L", None),
}
_SIXTEEN = (";16B", ";16L", ";16N")
#: libtiff gives samples in the machine's byte order ("N").
_NATIVE = {"little": "L", "big": "B"}[sys.byteorder]
#: PNG's grey of 2 and 4 bits is spread to 8, but not the grey that is called transparent (tRNS).
_SPREAD = {"L;2": 85, "L;4": 17}


@dataclass(frozen=True)
class Header:
    """What must be noted before Pillow loads the pixels, since loading wipes it."""

    mode: str
    rawmode: str
    deep: bool
    transparency: Any

    @classmethod
    def of(cls, im: Any) -> Header:
        """Return that of an image whose pixels are not loaded yet."""
        tile = im.tile[0] if im.tile else None
        args = tile[3] if tile else None
        rawmode = args if isinstance(args, str) else str(args[0]) if args else ""
        colour = im.mode in ("RGB", "RGBA", "CMYK")
        deep = colour and rawmode.endswith(_SIXTEEN)
        return cls(im.mode, rawmode, deep, im.info.get("transparency"))


def kind_of(im: Any, header: Header) -> tuple[str, str]:
    """Return dtype and channels that `decode` will give, from the header alone.

    Raises
    ------
    ValueError
        A kind of image that is not read; the message names its mode.
    """
    if header.mode == "P":
        return "uint8", "RGBA" if im.has_transparency_data else "RGB"
    if header.mode not in _MODES:
        raise ValueError(f"its colours are {header.mode}, which is not supported: convert to RGB")
    channels = "LA" if header.rawmode == "LA;16B" else _MODES[header.mode][0]
    if header.transparency is not None and channels in ("L", "RGB"):
        channels += "A"
    dtype = {"I": "int32", "F": "float32"}.get(header.mode, "uint8")
    deep = header.deep or header.mode.startswith("I;16")
    return "uint16" if deep else dtype, channels


def load(im: Any, salvage: bool) -> str | None:
    """Decode the pixels; in salvage, return what went wrong instead of raising it.

    After an error Pillow keeps what was decoded, and a *second* `load` succeeds with it. So an
    error must be the end, except when it is salvage that is wanted; then nothing else is needed.
    Pillow's own switch for it, LOAD_TRUNCATED_IMAGES, is a global, and would make other threads
    accept broken files.
    """
    try:
        _make_room(im)
        im.load()
    except Exception as error:
        if not salvage:
            raise
        im.tile = []
        im.load()
        return str(error) or type(error).__name__
    return None


def _make_room(im: Any) -> None:
    """Allocate a TIFF page here.

    Pillow would hold it against its global size limit, and decode a page over the one before it,
    which would show where a page is cut short.
    """
    from PIL import Image

    if (size := getattr(im, "_tile_size", None)) is not None:
        im.im = Image.new(im.mode, size, None).im


def decode(
    im: Any, header: Header, again: Callable[[], Any] | None, salvage: bool
) -> tuple[NDArray[Any], str]:
    """Return the pixels of a loaded image and their channels.

    Parameters
    ----------
    im : PIL.Image.Image
        Loaded.
    header : Header
        As before it was loaded.
    again : callable or None
        Opens the same image once more; needed where `header.deep`. None lowers it to 8 bits.
    salvage : bool
        As for `load`.
    """
    _, channels = kind_of(im, header)
    if header.deep and again is not None:
        pixels = _deep(im, header, again, salvage)
    else:
        pixels = _shallow(im)
    return _keyed(pixels, header, channels), channels


def _shallow(im: Any) -> NDArray[Any]:
    palette = "RGBA" if im.has_transparency_data else "RGB"
    target = palette if im.mode == "P" else _MODES[im.mode][1]
    return plain(np.asarray(im if target is None else im.convert(target)))


def _deep(im: Any, header: Header, again: Callable[[], Any], salvage: bool) -> NDArray[Any]:
    if header.rawmode == "LA;16B":
        # Four bytes a pixel: as RGBA, nothing is thrown away.
        pair = _reloaded(again, "RGBA", salvage)
        wide = pair.astype(np.uint16)
        return np.stack([wide[..., 0] << 8 | wide[..., 1], wide[..., 2] << 8 | wide[..., 3]], -1)
    kind, order = header.rawmode[:-1], header.rawmode[-1].replace("N", _NATIVE)
    premultiplied = kind.startswith("RGBa")
    high_kind = kind.replace("RGBa", "RGBA")
    high = _reloaded(again, high_kind + order, salvage) if premultiplied else np.asarray(im)
    low = _reloaded(again, high_kind + {"B": "L", "L": "B"}[order], salvage)
    pixels = high.astype(np.uint16) << 8 | low
    return divided(pixels) if premultiplied else pixels


def _reloaded(again: Callable[[], Any], rawmode: str, salvage: bool) -> NDArray[Any]:
    im = again()
    im.tile = [_as(tile, rawmode) for tile in im.tile]
    load(im, salvage)
    return np.asarray(im)


def _as(tile: Any, rawmode: str) -> Any:
    args = rawmode if isinstance(tile.args, str) else (rawmode, *tile.args[1:])
    return tile._replace(args=args)


def divided(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return integer pixels with their premultiplied colour divided by alpha."""
    top = int(white(pixels.dtype))
    alpha = pixels[..., -1]
    colour = divide_alpha(pixels[..., :-1].astype(np.float64), alpha / top)
    colour = np.minimum(np.rint(colour), top).astype(pixels.dtype)
    return np.concatenate([colour, alpha[..., np.newaxis]], axis=-1)


def _keyed(pixels: NDArray[Any], header: Header, channels: str) -> NDArray[Any]:
    """Add alpha where the file calls one colour transparent."""
    if (pixels.ndim == 3 and pixels.shape[2] == len(channels)) or channels == "L":
        return pixels
    colour = pixels.reshape(*pixels.shape[:2], len(channels) - 1)
    key = np.asarray(header.transparency) * _SPREAD.get(header.rawmode, 1)
    top = white(pixels.dtype)
    alpha = np.where((colour == key).all(axis=2, keepdims=True), 0, top).astype(pixels.dtype)
    return np.concatenate([colour, alpha], axis=2)
