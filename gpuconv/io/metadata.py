"""What Pillow found in a file besides its pixels, in our terms."""

from __future__ import annotations

import math
from pathlib import Path
from typing import IO, Any

from gpuconv.io import exif as exif_tags
from gpuconv.io.image import JpegSettings, Metadata

__all__ = [
    "gif_loop",
    "lowered",
    "of_pillow",
    "plays",
    "webp_lossless",
]

#: PNG text that says what we carry elsewhere, or what filtering makes untrue: XMP repeats the
#: orientation; ImageMagick's raw profiles are EXIF and IPTC in hexadecimal.
_NO_TEXT = ("XML:com.adobe.xmp", "Raw profile type")
#: Headers of JPEG 2000 and AVIF end well before this.
_HEAD = 2**16


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


def lowered(file: IO[bytes], name: str) -> str | None:
    """Return a sentence if Pillow gives only 8 bits of what the file has; else None."""
    deep = {"JPEG2000": _is_deep_jpeg2000, "AVIF": _is_deep_avif}.get(name)
    if deep is None:
        return None
    file.seek(0)
    if not deep(file.read(_HEAD)):
        return None
    return f"{name} of more than 8 bits a channel was read as 8 bits: convert it to PNG or TIFF"


def _is_deep_jpeg2000(head: bytes) -> bool:
    # ISO/IEC 15444-1 A.5.1: the number of components 36 bytes after the SIZ marker, then a byte
    # of bits − 1 for each. Grey is read in full.
    at = head.find(b"\xff\x4f\xff\x51") + 2
    if at < 2 or len(head) < at + 41:
        return False
    components = int.from_bytes(head[at + 38 : at + 40])
    return components > 1 and (head[at + 40] & 0x7F) >= 8


def _is_deep_avif(head: bytes) -> bool:
    # AV1-ISOBMFF 2.3: high_bitdepth is the second bit of the third byte of the av1C box.
    at = head.find(b"av1C")
    return at >= 0 and len(head) > at + 6 and bool(head[at + 6] & 0x40)


def webp_lossless(file: IO[bytes]) -> bool:
    """Whether the (first) picture of a WebP file is of the lossless kind."""
    file.seek(12)
    while len(head := file.read(8)) == 8:
        kind, length = head[:4], int.from_bytes(head[4:], "little")
        if kind == b"ANMF":
            # 16 bytes of frame header, then the chunks of the picture.
            file.seek(16, 1)
            continue
        if kind in (b"VP8 ", b"VP8L"):
            return kind == b"VP8L"
        file.seek(length + length % 2, 1)
    return False
