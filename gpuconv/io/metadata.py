"""What a file says besides its pixels: the type, and how it is filled from what Pillow found."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpuconv.io import exif as exif_tags

__all__ = [
    "JpegSettings",
    "Metadata",
    "gif_loop",
    "of_pillow",
    "plays",
]

#: PNG text that says what we carry elsewhere, or what filtering makes untrue: XMP repeats the
#: orientation; ImageMagick's raw profiles are EXIF and IPTC in hexadecimal.
_NO_TEXT = ("XML:com.adobe.xmp", "Raw profile type")


@dataclass(frozen=True)
class JpegSettings:
    """How a JPEG file was compressed.

    Attributes
    ----------
    quantisation : tuple of tuples of 64 int
        A table for each component, in the order Pillow takes them.
    subsampling : int
        0 for 4:4:4, 1 for 4:2:2, 2 for 4:2:0, −1 for another.
    channels : str
        What the tables are for: "L", "RGB" (stored as YCbCr) or "CMYK".
    progressive : bool
        Whether the file builds up in several scans.
    """

    quantisation: tuple[tuple[int, ...], ...]
    subsampling: int
    channels: str
    progressive: bool = False


@dataclass(frozen=True)
class Metadata:
    """What a file says besides its pixels.

    Attributes
    ----------
    format : str
        Pillow's name of the format that was read ("PNG", "JPEG", …), or "".
    suffix : str
        The file name's own suffix as it was spelt, e.g. ".JPG".
    exif : bytes
        A TIFF block with the tags that stay true when pixels change; b"" for none. Structural tags,
        thumbnails and maker notes (which break when moved) are left out.
    icc : bytes or None
        The ICC colour profile.
    dpi : (float, float) or None
        Pixels per inch, horizontal and vertical.
    text : tuple of (str, str)
        PNG's text chunks, key and value.
    duration : float or None
        How long this frame is shown, in milliseconds.
    loop : int or None
        How many times an animation plays, 0 for endlessly; None for a still picture.
    jpeg : JpegSettings or None
        How a JPEG file was compressed.
    compressed : bool
        Whether a TIFF file was compressed, or a WebP file is of the lossless kind.
    ome : str
        What OME-Zarr says of axes, pixel sizes and dyes, as JSON; "" for nothing.
    warnings : tuple of str
        What was lost in reading, in sentences.
    """

    format: str = ""
    suffix: str = ""
    exif: bytes = b""
    icc: bytes | None = None
    dpi: tuple[float, float] | None = None
    text: tuple[tuple[str, str], ...] = ()
    duration: float | None = None
    loop: int | None = None
    jpeg: JpegSettings | None = None
    compressed: bool = False
    ome: str = ""
    warnings: tuple[str, ...] = ()


def of_pillow(im: Any, name: str, path: Path) -> Metadata:
    """Return the metadata of a loaded image (PNG has some after its pixels)."""
    animated = bool(getattr(im, "is_animated", False))
    return Metadata(
        format=name,
        suffix=path.suffix,
        exif=exif_tags.build(exif_tags.parse(im.info.get("exif") or b"")),
        icc=im.info.get("icc_profile") or None,
        dpi=_dpi(im.info.get("dpi")),
        text=_text(im),
        duration=im.info.get("duration") if animated else None,
        loop=plays(name, im.info.get("loop")) if animated else None,
        jpeg=_jpeg(im) if name == "JPEG" else None,
    )


def _dpi(value: Any) -> tuple[float, float] | None:
    try:
        across, down = (float(dots) for dots in value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    ok = all(math.isfinite(dots) and dots > 0 for dots in (across, down))
    return (across, down) if ok else None


def _text(im: Any) -> tuple[tuple[str, str], ...]:
    items = (getattr(im, "_text", None) or {}).items()
    return tuple((key, str(text)) for key, text in items if not key.startswith(_NO_TEXT))


def _jpeg(im: Any) -> JpegSettings | None:
    from PIL import JpegImagePlugin

    # Pillow stores colour as YCbCr and inks as they are; tables for another split would not fit.
    stored = {("RGB", 0): "", ("CMYK", 2): ""}
    channels = stored.get((im.mode, im.info.get("adobe_transform")), im.mode)
    try:
        tables = [tuple(im.quantization[component[3]]) for component in im.layer]
    except (KeyError, IndexError):
        return None
    while len(tables) > 1 and tables[-1] == tables[-2]:
        tables.pop()
    return JpegSettings(
        tuple(tables),
        JpegImagePlugin.get_sampling(im),
        channels,
        bool(im.info.get("progressive")),
    )


def plays(name: str, loop: int | None) -> int | None:
    """Return how often an animation plays, 0 for endlessly, from the number in the file.

    GIF's counts repetitions after the first time, and none is once; the others count plays.

    Examples
    --------
    >>> plays("GIF", None), plays("GIF", 0), plays("GIF", 2), plays("PNG", 2)
    (1, 0, 3, 2)
    """
    if name != "GIF":
        return loop
    return 1 if loop is None else loop + 1 if loop else 0


def gif_loop(loop: int | None) -> int | None:
    """Return the number that a GIF file stores: the inverse of `plays`.

    Examples
    --------
    >>> gif_loop(1), gif_loop(0), gif_loop(3)
    (None, 0, 2)
    """
    return None if loop is None or loop == 1 else max(loop - 1, 0)
