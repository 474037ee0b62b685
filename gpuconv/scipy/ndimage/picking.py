"""Picking the element of a rank from a neighbourhood of any dimension, by the engines of planes.

A neighbourhood that extends along two axes is the engine's own, once these are the last two. Minima
and maxima of boxes are minima of minima, two axes at a time. Other neighbourhoods, and long lines,
are laid out anew: see ``sheets`` and ``rows``.
"""

from __future__ import annotations

import numpy as np

from gpuconv import backends
from gpuconv.arrays import Array
from gpuconv.scipy.arguments import room_like
from gpuconv.scipy.ndimage import rows, sheets
from gpuconv.scipy.ndimage.compared import compared_in, copied, is_cut_off, store
from gpuconv.scipy.ndimage.selection import Selection, filter_planes

__all__ = ["select"]

_BOOL, _BYTE = np.dtype(bool), np.dtype(np.uint8)


def select(image: Array, wanted: Selection, cval: float, out: Array) -> None:
    """Filter an image into an array of its shape, which may be the image itself.

    Examples
    --------
    >>> made = np.empty(4, int)
    >>> select(np.array([4, 1, 3, 2]), Selection((3,), (1,), ("reflect",), 1), 0, made)
    >>> made.tolist()
    [4, 3, 2, 2]
    """
    if not wanted.live:
        store(image, out)
        return
    if is_cut_off(image.dtype, out.dtype) and wanted.separable and len(wanted.live) > 1:
        _pass_by_pass(image, wanted, cval, out)
        return
    pixels = image.view(_BYTE) if image.dtype == _BOOL else image
    target = out.view(_BYTE) if image.dtype == out.dtype == _BOOL else out
    native = pixels.dtype.newbyteorder("=")
    dtype, value = compared_in(native, target.dtype, cval, wanted) if wanted.fills else (native, 0)
    if out.dtype == _BOOL and dtype == _BYTE:
        value = min(value, 1)
    if dtype != native:
        pixels = pixels.astype(dtype)
    if target.dtype == dtype and not backends.owner(image).overlap(pixels, target):
        _by_dimension(pixels, wanted, value, target)
        return
    made = room_like(image, image.shape, dtype)
    _by_dimension(pixels, wanted, value, made)
    if wanted.of_line:
        copied(made, out)
    else:
        store(made, out)


def _pass_by_pass(image: Array, wanted: Selection, cval: float, out: Array) -> None:
    """Filter along one axis after the other, cutting values off after each, as SciPy does."""
    for axis in wanted.live:
        made = room_like(image, image.shape, out.dtype)
        select(image, wanted.along((axis,)), cval, made)
        image = made
    np.copyto(out, image)


def _by_dimension(image: Array, wanted: Selection, cval: float, out: Array) -> None:
    """Filter an image into an array that does not overlap it, both of one dtype."""
    if 0 in image.shape:
        return
    if rows.is_long(image.shape, wanted.shape):
        rows.select(image, wanted, cval, out)
    elif len(wanted.live) <= 2:
        filter_planes(image, wanted, cval, out)
    elif wanted.separable:
        _by_pairs(image, wanted, cval, out)
    else:
        sheets.select(image, wanted, cval, out)


def _by_pairs(image: Array, wanted: Selection, cval: float, out: Array) -> None:
    """Filter along two axes at a time."""
    # The last ones first: their elements lie side by side.
    axes = wanted.live
    groups = [axes[max(end - 2, 0) : end] for end in range(len(axes), 0, -2)]
    for group in groups[:-1]:
        made = room_like(image, image.shape, image.dtype)
        filter_planes(image, wanted.along(group), cval, made)
        image = made
    filter_planes(image, wanted.along(groups[-1]), cval, out)
