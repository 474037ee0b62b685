"""Read the pages of TIFF files: by Pillow, by tifffile where Pillow does not know the kind."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.errors import ImageFileError
from gpuconv.io import exif as exif_tags
from gpuconv.io.colour import divide_alpha, plain
from gpuconv.io.decode import Header, decode, divided, kind_of, load
from gpuconv.io.ifd import Directory, Tag, pages
from gpuconv.io.image import Image
from gpuconv.io.metadata import Metadata
from gpuconv.io.opener import Options, check_size, open_pillow, oriented, tolerated

__all__ = ["metadata_of", "tiff_pages", "unassociated"]

#: Pixels per inch of a pixel per unit: inch, centimetre.
_UNITS = {2: 1.0, 3: 2.54}

#: Pillow's raw modes of big-endian samples, and of such in the machine's own order.
_BIG_ENDIAN = {"F;32BF": "F;32NF", "I;32BS": "I;32NS", "I;16BS": "I;16NS"}


def tiff_pages(file: IO[bytes], options: Options, first: int) -> Iterator[Image]:
    """Yield the pages of an open file from number `first` on."""
    chain, whole = pages(file)
    problem = None if whole else "it is truncated: a page's directory lies outside the file"
    if not chain:
        raise ValueError(problem)
    notes = tolerated(problem, options)
    shown = [k for k, page in enumerate(chain) if not _reduced(page)] or [0]
    if len(shown) < len(chain):
        notes += (f"left out {len(chain) - len(shown)} smaller copies or masks of its pages",)
    # One for all pages: each new one would walk the chain from its start.
    opened = functools.cache(lambda: open_pillow(file, "TIFF"))
    for index in shown[first:]:
        yield _page(file, opened, index, chain[index], notes, options)


def _page(
    file: IO[bytes],
    opened: Callable[[], Any],
    index: int,
    page: Directory,
    notes: tuple[str, ...],
    options: Options,
) -> Image:
    width, height = _number(page, Tag.WIDTH, 0), _number(page, Tag.HEIGHT, 0)
    check_size(width, height, options.max_pixels, options.path)
    metadata = metadata_of(file, page, options.path.suffix, notes)
    try:
        im = _turn_to(opened, index, page)
        header = Header.of(im)
        kind_of(im, header)
    except Exception as error:
        pixels, channels = _by_tifffile(file, index, page, options, str(error))
        return oriented(pixels, channels, _without(page, channels, metadata), options)
    problem = load(im, options.salvage)
    metadata = replace(metadata, warnings=(*notes, *tolerated(problem, options)))
    again = functools.partial(_turn_to, opened, index, page)
    pixels, channels = decode(im, header, again, options.salvage)
    metadata = _without(page, channels, metadata)
    return oriented(_restored(pixels, page), channels, metadata, options, turned=True)


def metadata_of(
    file: IO[bytes], page: Directory, suffix: str, notes: tuple[str, ...] = ()
) -> Metadata:
    """Return what the directory of a page says besides its pixels."""
    return Metadata(
        format="TIFF",
        suffix=suffix,
        exif=exif_tags.build(exif_tags.keep(file, page)),
        icc=page[Tag.ICC].data if Tag.ICC in page else None,
        dpi=_dpi(page),
        compressed=_number(page, Tag.COMPRESSION, 1) != 1,
        warnings=notes,
    )


def _without(page: Directory, channels: str, metadata: Metadata) -> Metadata:
    """Return `metadata` with a warning if the file has more channels than were read."""
    lost = _number(page, Tag.SAMPLES, 1) - len(channels)
    if lost < 1:
        return metadata
    note = f"left out {lost} extra channel{'s' * (lost > 1)} beside {channels}"
    return replace(metadata, warnings=(*metadata.warnings, note))


def _turn_to(opened: Callable[[], Any], index: int, page: Directory) -> Any:
    """Return Pillow's image at a page that is not loaded.

    Raises
    ------
    Exception
        Pillow does not know the kind, or would get it wrong.
    """
    if _is_planar_and_deep(page):
        raise ValueError("Pillow does not read colour of 16 bits or more in separate planes")
    im = opened()
    # Not `seek`, which does nothing where it stands there already, with the pixels loaded.
    im._seek(index)
    im.tile = [_in_machine_order(tile) for tile in im.tile]
    return im


def _in_machine_order(tile: Any) -> Any:
    """Return how Pillow is to unpack what libtiff decoded.

    libtiff gives samples in the machine's byte order. Pillow knows that of unsigned ones of 16
    bits, and turns floats and others of big-endian files once more.
    """
    if tile.codec_name != "libtiff" or tile.args[0] not in _BIG_ENDIAN:
        return tile
    return tile._replace(args=(_BIG_ENDIAN[tile.args[0]], *tile.args[1:]))


def _number(directory: Directory, tag: int, default: int) -> int:
    """Return the first number of a tag."""
    entry = directory.get(tag)
    return int(entry.numbers[0]) if entry is not None and entry.numbers else default


def _reduced(directory: Directory) -> bool:
    """Whether a page is a smaller copy of another, or a mask (TIFF 6.0, NewSubfileType)."""
    return bool(_number(directory, Tag.SUBFILE, 0) & 0b101)


def _is_planar_and_deep(directory: Directory) -> bool:
    """Whether Pillow would take the bytes of a sample for several samples."""
    several = _number(directory, Tag.SAMPLES, 1) > 1
    deep = _number(directory, Tag.BITS, 1) > 8
    return several and deep and _number(directory, Tag.PLANAR, 1) == 2


def _dpi(directory: Directory) -> tuple[float, float] | None:
    per_inch = _UNITS.get(_number(directory, Tag.UNIT, 2))
    tags = (Tag.X_RESOLUTION, Tag.Y_RESOLUTION)
    ratios = [directory[tag].numbers[:2] for tag in tags if tag in directory]
    if per_inch is None or len(ratios) != 2 or not all(len(r) == 2 and all(r) for r in ratios):
        return None
    return ratios[0][0] / ratios[0][1] * per_inch, ratios[1][0] / ratios[1][1] * per_inch


def _restored(pixels: NDArray[Any], directory: Directory) -> NDArray[Any]:
    """Return grey pixels as the file has them, where Pillow's mode says less than its tags."""
    bits, signed = _number(directory, Tag.BITS, 1), _number(directory, Tag.FORMAT, 1) == 2
    if pixels.dtype == np.int32:
        return pixels.astype(np.int16) if bits == 16 else pixels if signed else pixels.view("u4")
    if pixels.ndim == 2 and pixels.dtype == np.uint8 and signed and bits == 8:
        return pixels.view(np.int8)
    white_is_zero = _number(directory, Tag.PHOTOMETRIC, 0) == 0
    inverted = white_is_zero and pixels.ndim == 2 and pixels.dtype == np.uint16
    return ~pixels if inverted else pixels


def _by_tifffile(
    file: IO[bytes], index: int, page: Directory, options: Options, reason: str
) -> tuple[NDArray[Any], str]:
    _check_reach(file, page)
    try:
        import tifffile
    except ImportError:
        raise ImageFileError(
            f"cannot read {options.path}: {reason}; tifffile may: pip install 'gpuconv[tiff]'"
        ) from None
    file.seek(0)
    with tifffile.TiffFile(file) as tif:
        found: Any = tif.pages[index]
        pixels = found.asarray()
        if found.planarconfig == 2 and pixels.ndim == 3:
            pixels = np.moveaxis(pixels, 0, -1)
        return _understood(pixels, int(found.photometric), tuple(found.extrasamples))


def _check_reach(file: IO[bytes], page: Directory) -> None:
    """Refuse data beyond the end of the file, where tifffile gives zeros for a strip or tile."""
    size = file.seek(0, os.SEEK_END)
    for starts, lengths in ((Tag.OFFSETS, Tag.COUNTS), (Tag.TILE_OFFSETS, Tag.TILE_COUNTS)):
        if starts in page and lengths in page:
            parts = zip(page[starts].numbers, page[lengths].numbers, strict=False)
            if max(start + length for start, length in parts) > size:
                raise ValueError("it is truncated: its pixels lie outside the file")


def _understood(
    pixels: NDArray[Any], photometric: int, extra: tuple[int, ...]
) -> tuple[NDArray[Any], str]:
    channels = {0: "L", 1: "L", 2: "RGB", 5: "CMYK"}.get(photometric)
    samples = 1 if pixels.ndim == 2 else pixels.shape[-1]
    if channels is None or pixels.ndim not in (2, 3) or samples < len(channels):
        raise ValueError(
            f"pixels of shape {pixels.shape} with photometric interpretation {photometric}"
            " are no grey, RGB or CMYK picture"
        )
    pixels = plain(pixels)
    alpha = bool(extra) and extra[0] in (1, 2) and channels != "CMYK"
    keep = len(channels) + alpha
    if keep == 1:
        return pixels if pixels.ndim == 2 else np.ascontiguousarray(pixels[..., 0]), channels
    pixels = np.ascontiguousarray(pixels[..., :keep])
    if alpha and extra[0] == 1:
        pixels = unassociated(pixels)
    return pixels, channels + "A" * alpha


def unassociated(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return pixels whose colour was multiplied with their alpha, their last channel, without."""
    if pixels.dtype.kind in "iu":
        return divided(pixels)
    colour = divide_alpha(pixels[..., :-1], pixels[..., -1])
    return np.concatenate([colour, pixels[..., -1:]], axis=-1)
