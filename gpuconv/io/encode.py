"""Encode images into an open file, in one of the formats that are written.

The bytes depend on pixels, metadata and parameters alone: no times, no random numbers.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import IO, Any

import numpy as np

from gpuconv.io import exif as exif_tags
from gpuconv.io import png, pnm, tiff_write
from gpuconv.io.image import Image
from gpuconv.io.metadata import Metadata, gif_loop

__all__ = ["DEFAULT_QUALITY", "encode"]

#: Of JPEG and WebP, where the source's own settings are not known.
DEFAULT_QUALITY = 95
_PREFIX = b"Exif\0\0"


def encode(file: IO[bytes], name: str, images: Sequence[Image], quality: int | None) -> None:
    """Write images that are known to fit the format, metadata as the first one has them."""
    first = images[0]
    block = exif_tags.build(exif_tags.stamped(first.metadata.exif, first.pixels.shape))
    if name == "TIFF":
        tiff_write.write(file, images, first.metadata.compressed)
    elif name == "PNG" and first.pixels.dtype == np.uint16 and first.channels != "L":
        png.write(file, first, block)
    elif name == "PPM" and first.pixels.dtype != np.float32:
        pnm.write(file, first.pixels)
    else:
        settings = _SETTINGS.get(name, _plain)(first, quality)
        if block and name != "GIF":
            settings["exif"] = _PREFIX + block
        _save(file, name, images, settings)


def _save(file: IO[bytes], name: str, images: Sequence[Image], settings: dict[str, Any]) -> None:
    frames = [_to_gif(image) if name == "GIF" else _to_pillow(image) for image in images]
    if len(frames) > 1:
        durations = [round(image.metadata.duration or 0) for image in images]
        loop = images[0].metadata.loop or 0
        repeated = {"loop": gif_loop(loop) if name == "GIF" else loop}
        settings |= {"save_all": True, "append_images": frames[1:], "duration": durations}
        settings |= {key: value for key, value in repeated.items() if value is not None}
    if name == "JPEG2000":
        # OpenJPEG never returns when the disk is full under it; memory is not.
        with io.BytesIO() as whole:
            frames[0].save(whole, name, **settings)
            file.write(whole.getbuffer())
    else:
        frames[0].save(file, name, **settings)


def _to_pillow(image: Image) -> Any:
    from PIL import Image as Pillow

    mode = {"uint16": "I;16", "float32": "F"}.get(image.pixels.dtype.name, image.channels)
    height, width = image.pixels.shape[:2]
    little = np.ascontiguousarray(image.pixels, image.pixels.dtype.newbyteorder("<"))
    # Not fromarray: from four channels it cannot tell CMYK.
    return Pillow.frombytes(mode, (width, height), little.tobytes())


def _to_gif(image: Image) -> Any:
    """Return an image of at most 256 colours; half-transparent pixels become one or the other."""
    if image.channels == "L":
        return _to_pillow(image)
    alpha = image.pixels[..., -1] if image.has_alpha else None
    rgb = image.promoted("RGBA").pixels[..., :3]
    colours = _to_pillow(Image(rgb, "RGB")).quantize(256 if alpha is None else 255, dither=0)
    if alpha is None:
        return colours
    indices = np.where(alpha < 128, np.uint8(255), np.asarray(colours))
    palette = colours.getpalette()
    from PIL import Image as Pillow

    frame = Pillow.frombytes("P", colours.size, indices.tobytes())
    frame.putpalette(palette)
    frame.info["transparency"] = 255
    return frame


def _jpeg(image: Image, quality: int | None) -> dict[str, Any]:
    meta, kept = image.metadata, image.metadata.jpeg
    settings = _described(meta)
    settings["subsampling"] = 0
    if kept is not None:
        settings["progressive"] = kept.progressive
        if kept.channels == image.channels == "RGB":
            settings["subsampling"] = kept.subsampling
    if quality is None and kept is not None and _fits(kept.channels, image.channels):
        tables = kept.quantisation if kept.channels == image.channels else kept.quantisation[:1]
        return {**settings, "qtables": [list(table) for table in tables]}
    return {**settings, "quality": quality or DEFAULT_QUALITY}


def _fits(kept: str, channels: str) -> bool:
    """Whether tables for some channels serve for others: those of luma do for grey."""
    return kept == channels or (kept == "RGB" and channels == "L")


def _png(image: Image, quality: int | None) -> dict[str, Any]:
    from PIL.PngImagePlugin import PngInfo

    settings = _described(image.metadata)
    if image.metadata.text:
        info = PngInfo()
        for key, value in image.metadata.text:
            info.add_text(key, value)
        settings["pnginfo"] = info
    return settings


def _webp(image: Image, quality: int | None) -> dict[str, Any]:
    lossless = quality is None and image.metadata.compressed and image.metadata.format == "WEBP"
    # "exact" keeps the colour under transparent pixels; for lossless, quality is only effort.
    effort = {"lossless": True, "exact": True} if lossless else {}
    return {**_described(image.metadata), "quality": quality or DEFAULT_QUALITY, **effort}


def _gif(image: Image, quality: int | None) -> dict[str, Any]:
    settings: dict[str, Any] = {"optimize": False}
    # Frames of a picture with holes must not show through them.
    return {**settings, "disposal": 2, "transparency": 255} if image.has_alpha else settings


def _plain(image: Image, quality: int | None) -> dict[str, Any]:
    return _described(image.metadata)


def _described(metadata: Metadata) -> dict[str, Any]:
    found = {"icc_profile": metadata.icc, "dpi": metadata.dpi}
    return {key: value for key, value in found.items() if value is not None}


_SETTINGS: dict[str, Callable[[Image, int | None], dict[str, Any]]] = {
    "JPEG": _jpeg,
    "PNG": _png,
    "WEBP": _webp,
    "GIF": _gif,
}
