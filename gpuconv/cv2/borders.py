"""Images with a margin, and which pixel stands where in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gpuconv import backends
from gpuconv import border as borders
from gpuconv.arrays import Array
from gpuconv.cv2.arguments import border_of, image_of, room_of, whole
from gpuconv.cv2.constants import BORDER_ISOLATED
from gpuconv.cv2.errors import ASSERTION, BAD_ARGUMENT, refused
from gpuconv.exchange import public
from gpuconv.scipy.arguments import room_like

__all__ = ["borderInterpolate", "copyMakeBorder"]

#: Numbers of a colour, at most.
_SCALAR = 4


@public
def copyMakeBorder(
    src: Any,
    top: int,
    bottom: int,
    left: int,
    right: int,
    borderType: int,
    dst: Any = None,
    value: Any = 0,
) -> Any:
    """Return an image with a margin.

    Parameters
    ----------
    src : ndarray of shape (H, W) or (H, W, C)
    top, bottom, left, right : int
        Pixels of the margin.
    borderType : int
        What stands in it.
    dst : ndarray, optional
        Where to write, if it has the shape and the dtype of the result.
    value : number or sequence of up to 4, default 0
        What BORDER_CONSTANT stands for, channel by channel; those left out are 0.

    Returns
    -------
    ndarray
        Of the image's dtype.

    Raises
    ------
    error
        A value is not allowed.

    Examples
    --------
    >>> copyMakeBorder(np.array([[1, 2]], np.uint8), 0, 0, 2, 1, 0, value=7).tolist()
    [[7, 7, 1, 2, 7]]
    """
    margins = tuple(whole("top", n, "copyMakeBorder") for n in (top, bottom, left, right))
    if min(margins) < 0:
        err = "top >= 0 && bottom >= 0 && left >= 0 && right >= 0"
        raise refused("copyMakeBorder", ASSERTION, err, f"they are {margins}")
    border = border_of(borderType, "copyMakeBorder")
    truth = getattr(src, "dtype", None) == np.bool_
    image = image_of(src.view(np.uint8) if truth else src, "copyMakeBorder")
    height, width = image.shape[0] + sum(margins[:2]), image.shape[1] + sum(margins[2:])
    shape = (height, width, *image.shape[2:])
    room = dst.view(np.uint8) if getattr(dst, "dtype", None) == np.bool_ and truth else dst
    out = room_of(room, image, shape, image.dtype.newbyteorder("="))
    made = room_like(image, shape, image.dtype.newbyteorder("=")) if out is None else out
    fills = _fills(value, image) if border == "constant" else []
    engine = backends.owner(image)
    with engine.place(image, None):
        apart = image.copy() if out is not None and engine.overlap(made, image) else image
        _frame(made, apart, border, margins, fills)
    if out is not None:
        return dst
    return made.view(np.bool_) if truth else made


def _frame(
    out: Array, image: Array, border: str, margins: tuple[int, ...], fills: list[float]
) -> None:
    """Write the image with its margin to `out`, piece by piece: corners, sides and the middle."""
    (height, width), (top, bottom, left, right) = image.shape[:2], margins
    columns = list(_runs(border, left, right, width, image))
    for rows, above in _runs(border, top, bottom, height, image):
        for place, beside in columns:
            if above is None or beside is None:
                _fill(out[rows, place], fills)
            else:
                out[rows, place] = image[above][:, beside]


def _runs(
    border: str, before: int, after: int, n: int, image: Array
) -> Iterator[tuple[slice, Any]]:
    """Yield parts of an axis with its margin, and its pixels that stand there; None: a number."""
    there = backends.owner(image).asarray
    for place, pixels in borders.span(border, -before, n + after, n).runs:
        yield place, there(pixels) if isinstance(pixels, np.ndarray) else pixels


def _fill(piece: Array, fills: list[float]) -> None:
    if len(fills) == 1:
        piece[...] = fills[0]
        return
    for channel, fill in enumerate(fills):
        piece[..., channel] = fill


def _fills(value: Any, image: Array) -> list[float]:
    """Return the number that stands outside of each channel, or one for all of them."""
    given = np.atleast_1d(np.asarray(0 if value is None else value, np.float64))
    if given.ndim != 1 or len(given) > _SCALAR:
        err = f"Scalar value for argument 'value' is longer than {_SCALAR}"
        raise refused("copyMakeBorder", BAD_ARGUMENT, err, f"value={value!r}")
    colour = np.zeros(_SCALAR)
    colour[: len(given)] = given
    if image.dtype.kind in "iu":
        limits = np.iinfo(image.dtype)
        colour = np.clip(np.rint(colour), limits.min, limits.max)
    channels = image.shape[2] if image.ndim == 3 else 1
    if channels > _SCALAR and len(set(colour)) > 1:
        err = "value[0] == value[1] && value[0] == value[2] && value[0] == value[3]"
        raise refused("copyMakeBorder", ASSERTION, err, f"value={value!r} for {channels} channels")
    used: list[float] = colour[: min(channels, _SCALAR)].tolist()
    return used[:1] if len(set(used)) == 1 else used


def borderInterpolate(p: int, len: int, borderType: int) -> int:
    """Return which pixel of an axis stands at a position outside of it.

    Parameters
    ----------
    p : int
        The position.
    len : int
        Pixels of the axis.
    borderType : int
        What lies outside.

    Returns
    -------
    int
        0 … len − 1; -1 for a pixel of BORDER_CONSTANT.

    Raises
    ------
    error
        There is no such border, or no pixel.

    Examples
    --------
    >>> [borderInterpolate(-3, 5, border) for border in range(5)]
    [-1, 0, 2, 2, 3]
    """
    if whole("borderType", borderType, "borderInterpolate") & BORDER_ISOLATED:
        told = f"borderType={borderType!r}; allowed are 0 … 4, without a flag"
        raise refused("borderInterpolate", BAD_ARGUMENT, "Unknown/unsupported border type", told)
    mode = border_of(borderType, "borderInterpolate")
    at, n = whole("p", p, "borderInterpolate"), whole("len", len, "borderInterpolate")
    if n < 1:
        raise refused("borderInterpolate", ASSERTION, "len > 0", f"len={n}")
    return int(borders.source_index(mode, [at], n)[0])
