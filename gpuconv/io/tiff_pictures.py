"""Which pages of a TIFF file are the image: single pages, stacks, levels of pyramids."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from gpuconv.errors import ArgumentError, ImageFileError
from gpuconv.io.tiff_page import Page, page_of

__all__ = ["Pictures", "pictures"]

#: NewSubfileType: bit 0 is a smaller copy, bit 2 a mask (TIFF 6.0 section 8).
_REDUCED, _MASK = 1, 4
#: Scanners of slides write the levels of a pyramid as pages that do not say what they are; tifffile
#: knows how each maker does it.
_SLIDES = ("is_svs", "is_ndpi", "is_scn", "is_bif", "is_qpi", "is_philips", "is_avs")


@dataclass(frozen=True)
class Pictures:
    """What is read of a file.

    Attributes
    ----------
    pages : tuple of Page
        All of one shape, dtype and kind.
    levels : tuple of (int, int)
        Rows and columns of the levels that the first page has.
    offset : int
        Where the directory of the first page stands, at its full size.
    """

    pages: tuple[Page, ...]
    levels: tuple[tuple[int, int], ...]
    offset: int


def pictures(tif: Any, path: Path, page: int | None, level: int) -> Pictures:
    """Return the pages that an image is made of.

    Parameters
    ----------
    tif : tifffile.TiffFile
        The open file.
    path : Path
        Of the file, for messages.
    page : int or None
        Which page; by default all, as a stack.
    level : int
        Which level of their pyramids.

    Raises
    ------
    ImageFileError
        The pages differ.
    ArgumentError
        There is no such page or level.
    """
    if tif.is_stk:
        raise ValueError("stacks of MetaMorph are not supported: convert it to pages")
    shown = _slide(tif) or _shown(list(tif.pages))
    if page is not None and page >= len(shown):
        raise ArgumentError(f"page={page} is outside {path}, which has {len(shown)} of them")
    numbers = range(len(shown)) if page is None else range(page, page + 1)
    found = []
    for number in numbers:
        pyramid = shown[number]
        if level >= len(pyramid):
            raise ArgumentError(
                f"level={level} is outside {path}, whose page {number} has {len(pyramid)} of them"
            )
        found.append(page_of(pyramid[level], _named(path, number, len(shown), level)))
    if page is None and level == 0:
        found += _virtual(tif, shown, found[0], path)
    _check_alike(found, path)
    first = shown[numbers[0]]
    levels = tuple((int(each.imagelength), int(each.imagewidth)) for each in first)
    return Pictures(tuple(found), levels, int(first[0].offset))


def _named(path: Path, number: int, count: int, level: int) -> str:
    page = f", page {number}" if count > 1 else ""
    return f"{path}{page}, level {level}" if level else f"{path}{page}"


def _slide(tif: Any) -> list[list[Any]]:
    """Return the pyramids of a slide, one for each plane or dye; [] for files of other kinds."""
    if not any(getattr(tif, kind, False) for kind in _SLIDES):
        return []
    levels = tif.series[0].levels
    return [[level[i].aspage() for level in levels] for i in range(len(levels[0]))]


def _shown(chain: list[Any]) -> list[list[Any]]:
    """Return the pages that are pictures of their own, each with its smaller copies."""
    found: list[list[Any]] = []
    for page in chain:
        kind = int(page.subfiletype)
        if not kind & (_REDUCED | _MASK):
            found.append([page, *_below(page)])
        elif found and not kind & _MASK and _is_smaller(page, found[-1][-1]):
            found[-1].append(page)
    return found or [[page] for page in chain[:1]]


def _below(page: Any) -> list[Any]:
    """Return the smaller copies that a page points to."""
    if not page.subifds:
        return []
    found = [page]
    for below in page.pages:
        if _is_smaller(below, found[-1]):
            found.append(below)
    return found[1:]


def _is_smaller(page: Any, before: Any) -> bool:
    """Whether a page is the next level of a pyramid, and no thumbnail of another kind."""
    alike = page.dtype == before.dtype and page.samplesperpixel == before.samplesperpixel
    narrower = page.imagewidth < before.imagewidth and page.imagelength <= before.imagelength
    shorter = page.imagelength < before.imagelength and page.imagewidth <= before.imagewidth
    return bool(alike and (narrower or shorter))


def _virtual(tif: Any, shown: list[list[Any]], first: Page, path: Path) -> list[Page]:
    """Return the pictures of a stack that have no directories, one after the other in the file.

    ImageJ writes stacks over 4 GiB so, and tifffile those that it is told to truncate.
    """
    count, step = _declared(tif, shown[0][0]), int(first.counts.sum())
    end = int(first.offsets[0]) + count * step
    if len(shown) > 1 or first.decode is not None or end > tif.filehandle.size:
        # Descriptions outlive what they describe: they are carried along when pages are copied.
        return []
    only = shown[0][0]
    return [
        page_of(only, _named(path, number, count, 0), number * step) for number in range(1, count)
    ]


def _declared(tif: Any, page: Any) -> int:
    """Return how many pictures the description of the first page speaks of."""
    if tif.is_imagej:
        return int((tif.imagej_metadata or {}).get("images", 1))
    if not page.is_shaped:
        return 1
    try:
        shaped = json.loads(page.shaped_description)
        return prod(shaped["shape"]) // prod(page.shape) if shaped.get("truncated") else 1
    except (ValueError, KeyError, TypeError):
        return 1


def _check_alike(found: list[Page], path: Path) -> None:
    colours = [page.colour for page in found]
    kinds = {(c.dtype, c.channels, c.samples) for c in colours}
    if len(kinds) > 1 or len({page.size for page in found}) > 1:
        sizes = ", ".join(f"{page.size[1]} × {page.size[0]}" for page in found[:4])
        more = ", …" * (len(found) > 4)
        raise ImageFileError(
            f"cannot read {path} as one image: its {len(found)} pages differ ({sizes}{more}): "
            "say which one, page=0 or another"
        )
