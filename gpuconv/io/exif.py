"""EXIF: which tags are carried over, and the orientation.

A tag is kept only if it stays true whatever happens to the pixels: the tags that describe how a
TIFF file is built would garble another file, thumbnails show the unfiltered picture, and maker
notes hold offsets that are wrong in any other place.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.io.ifd import (
    LONG,
    SHORT,
    Directory,
    Entry,
    lay_out,
    pages,
    read_directory,
    read_header,
)

__all__ = [
    "ORIENTATION",
    "Exif",
    "build",
    "keep",
    "orientation",
    "parse",
    "stamped",
    "turn",
    "upright",
]

#: Directories by the tag that points to them, 0 for the main one.
Exif = dict[int, Directory]

ORIENTATION = 274
_EXIF, _GPS = 34665, 34853
#: Exif 2.32 tables 3 and 4, and Windows' XP tags and ratings: description, maker, model,
#: orientation, resolution, software, time, artist, host, copyright.
_MAIN = {
    270, 271, 272, ORIENTATION, 282, 283, 296, 305, 306, 315, 316, 18246, 18249, 33432,
    *range(40091, 40096),
}  # fmt: skip
_RESOLUTION = {282, 283, 296}
#: In the EXIF directory: maker note, the pointer to interoperability data, and tags about a file's
#: compression (components, bits per pixel).
_DROPPED = {37500, 40965, 37121, 37122}
_WIDTH, _HEIGHT = 40962, 40963
_PREFIX = b"Exif\0\0"
#: Descriptions that programs use to store the layout of the file: ImageJ, tifffile, OME.
_LAYOUTS = (b"ImageJ=", b'{"shape"', b"<?xml", b"<OME")


def parse(block: bytes) -> Exif:
    r"""Return the tags of an EXIF block that are kept; {} where it makes no sense.

    Examples
    --------
    >>> parse(build({0: {271: Entry(2, b"Maker\0")}}))[0][271].data
    b'Maker\x00'
    >>> parse(b"not EXIF")
    {}
    """
    file = io.BytesIO(block.removeprefix(_PREFIX))
    try:
        found, _ = pages(file, limit=1)
    except ValueError:
        return {}
    return keep(file, found[0]) if found else {}


def keep(file: Any, main: Directory) -> Exif:
    """Return what is kept of the directory `main` of a TIFF stream, and of those below it."""
    exif = {0: {tag: entry for tag, entry in main.items() if tag in _MAIN and _true(tag, entry)}}
    for pointer in (_EXIF, _GPS):
        below = _below(file, main.get(pointer))
        below = {tag: entry for tag, entry in below.items() if tag not in _DROPPED}
        if below:
            exif[pointer] = below
    return exif if any(exif.values()) else {}


def _true(tag: int, entry: Entry) -> bool:
    return tag != 270 or not entry.data.lstrip().startswith(_LAYOUTS)


def _below(file: Any, pointer: Entry | None) -> Directory:
    if pointer is None or not pointer.numbers:
        return {}
    try:
        file.seek(0)
        form, _ = read_header(file)
        return read_directory(file, form, int(pointer.numbers[0]))[0]
    except (ValueError, OverflowError, OSError):
        return {}


def build(exif: Exif) -> bytes:
    r"""Return the tags as a block; b"" for none. It starts as a TIFF file does.

    Examples
    --------
    >>> build({0: {274: Entry.of(3, 6)}})[:8]
    b'II*\x00\x08\x00\x00\x00'
    """
    if not exif:
        return b""
    below = {tag: directory for tag, directory in exif.items() if tag}
    return b"II*\0\x08\0\0\0" + lay_out(exif.get(0, {}), below, 8)


def stamped(block: bytes, shape: tuple[int, ...], *, tiff: bool = False) -> Exif:
    """Return the tags of a block, with the size of the picture they now go with.

    Parameters
    ----------
    block : bytes
        As from `build`.
    shape : tuple
        Height, width, ….
    tiff : bool
        Whether they go into the main directory of a TIFF file, which says the resolution itself.
    """
    exif = parse(block)
    main, camera = exif.get(0, {}), exif.get(_EXIF, {})
    for tag, size in ((_WIDTH, shape[1]), (_HEIGHT, shape[0])):
        if tag in camera:
            camera[tag] = Entry.of(LONG, size)
    if tiff:
        exif[0] = {tag: entry for tag, entry in main.items() if tag not in _RESOLUTION}
    return exif


def orientation(exif: Exif) -> int:
    """Return the orientation, 1 to 8; 1 where there is none or it makes no sense.

    Examples
    --------
    >>> orientation({0: {274: Entry.of(3, 6)}}), orientation({0: {274: Entry.of(3, 99)}})
    (6, 1)
    """
    entry = exif.get(0, {}).get(ORIENTATION)
    value = entry.numbers[0] if entry and entry.numbers else 1
    return value if value in range(1, 9) else 1


def upright(exif: Exif) -> Exif:
    """Return the tags of the picture after it was turned upright."""
    main = exif.get(0, {})
    if ORIENTATION not in main:
        return exif
    return {**exif, 0: {**main, ORIENTATION: Entry.of(SHORT, 1)}}


def turn(pixels: NDArray[Any], value: int, *, back: bool = False) -> NDArray[Any]:
    """Return the pixels as they are to be seen (TIFF 6.0, tag 274), or that undone.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, C)
    value : int
        The orientation, 1 to 8.
    back : bool
        Undo it.

    Examples
    --------
    >>> turn(np.array([[1, 2], [3, 4]]), 6).tolist()
    [[3, 1], [4, 2]]
    >>> turn(np.array([[3, 1], [4, 2]]), 6, back=True).tolist()
    [[1, 2], [3, 4]]
    """
    # Only the quarter turns are not their own inverse.
    value = {6: 8, 8: 6}.get(value, value) if back else value
    if value >= 5:
        pixels = pixels.swapaxes(0, 1)
    if value in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if value in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)
