"""A picture as a PNG file, drawn with Pillow."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from gpuconv.errors import ArgumentError
from gpuconv.picture.cells import Array, checked, colours_of, ink, labels_of, reduced

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["to_png"]

_LINE = (205, 205, 205)

# In pixels. Below 6, grid lines would be most of what one sees; below 26, no number fits a cell.
_LONGEST_SIDE = 216
_LARGEST_CELL = 72
_GRID_FROM = 6
_NUMBERS_FROM = 26
_SMALLEST_FONT = 9
# Of Pillow's own font, Aileron, in font sizes.
_DIGIT_WIDTH = 0.6


def to_png(weights: ArrayLike, scale: int | None = None) -> bytes:
    """Return a picture of `weights` as the bytes of a PNG file.

    Parameters
    ----------
    weights : array_like of shape (rows, columns)
        Weights; of complex ones the magnitude is shown.
    scale : int, optional
        Side of a cell in pixels, at least 1; the default makes the longer side about 216 pixels.
        Cells large enough have a grid, and their numbers where these fit.

    Returns
    -------
    bytes
        PNG. Weights are put together by blocks, the strongest of each, where there are more than
        fit.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        The weights are not 2-D numbers, or the scale is below 1.

    Examples
    --------
    >>> to_png([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])[1:4]
    b'PNG'
    """
    shown = checked(weights)
    if scale is None:
        shown = reduced(shown, -(-max(shown.shape) // _LONGEST_SIDE))
        scale = min(_LARGEST_CELL, max(1, round(_LONGEST_SIDE / max(shown.shape))))
    if scale < 1:
        raise ArgumentError(f"scale={scale!r} must be at least 1")
    stream = io.BytesIO()
    _image(shown, int(scale)).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _image(weights: Array, cell: int) -> Image:
    from PIL import Image

    colours = colours_of(weights)
    pixels = np.pad(colours.repeat(cell, 0).repeat(cell, 1), ((0, 1), (0, 1), (0, 0)))
    grid = cell >= _GRID_FROM
    pixels[:: cell if grid else len(pixels) - 1] = _LINE
    pixels[:, :: cell if grid else pixels.shape[1] - 1] = _LINE
    image = Image.fromarray(pixels)
    if cell >= _NUMBERS_FROM:
        _write_numbers(image, weights, colours, cell)
    return image


def _write_numbers(image: Image, weights: Array, colours: Array, cell: int) -> None:
    """Write the weights into their cells, where they fit; those that round to 0 stay empty."""
    from PIL import ImageDraw, ImageFont, features

    short = [
        _short(label, value)
        for label, value in zip(labels_of(weights, 2).flat, weights.flat, strict=True)
    ]
    size = min(0.36 * cell, (cell - 6) / (_DIGIT_WIDTH * max(map(len, short))))
    if size < _SMALLEST_FONT or not features.check("freetype2"):
        return
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size)
    for (y, x), label in zip(np.ndindex(weights.shape), short, strict=True):
        middle = ((x + 0.5) * cell + 0.5, (y + 0.5) * cell + 0.5)
        draw.text(middle, label, fill=ink(colours[y, x]), font=font, anchor="mm")


def _short(label: str, value: float) -> str:
    """Return 0.50 as .5 and −0.25 as -.25; "" for what is not 0 but rounds to it."""
    if "e" in label or "." not in label:
        return label
    if float(label) == 0:
        return "" if value else "0"
    short = label.rstrip("0").rstrip(".")
    return short.replace("0.", ".") if abs(float(label)) < 1 else short
