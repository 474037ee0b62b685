"""A picture as text, with the colours of a terminal or in plain ASCII."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gpuconv.errors import ArgumentError
from gpuconv.picture.cells import Array, checked, colours_of, ink, labels_of, reduced

__all__ = ["to_text"]

_RESET = "\x1b[0m"
# More lines of numbers than this are looked at better as a picture.
_MOST_ROWS = 25


def to_text(weights: ArrayLike, color: bool = True, width: int = 80) -> str:
    """Return a picture of `weights` for a terminal, lines without a final newline.

    Parameters
    ----------
    weights : array_like of shape (rows, columns)
        Weights; of complex ones the magnitude is shown.
    color : bool, default True
        Whether to use 24-bit ANSI colours. Without, only printable ASCII comes out.
    width : int, default 80
        Columns of the terminal, at least 8.

    Returns
    -------
    str
        The numbers, in coloured cells, where they fit. Larger kernels are drawn with two weights to
        a character, one above the other; without colour with a digit 1 … 9 for a positive weight, a
        letter a … i for a negative one and a dot for what rounds to 0 of 9. More weights than
        columns are put together by blocks, the strongest of each.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        The weights are not 2-D numbers, or the width is below 8.

    Examples
    --------
    >>> print(to_text([[0, -1, 0], [-1, 5, -1], [0, -1, 0]], color=False))
     0 -1  0
    -1  5 -1
     0 -1  0
    """
    shown = checked(weights)
    if width < 8:
        raise ArgumentError(f"width={width!r} must be at least 8")
    rows, columns = shown.shape
    if rows <= _MOST_ROWS and 2 * columns <= width:
        labels = labels_of(shown, 3)
        cell = max(map(len, labels.flat))
        if columns * (cell + (2 if color else 1)) <= width:
            return _coloured(labels, shown, cell + 2) if color else _plain(labels, cell)
    return _half_blocks(shown, width) if color else _signs(shown, width)


def _plain(labels: Array, cell: int) -> str:
    return "\n".join(" ".join(label.rjust(cell) for label in row) for row in labels)


def _background(colour: Array) -> str:
    return "\x1b[48;2;{};{};{}m".format(*colour)


def _foreground(colour: Any) -> str:
    return "\x1b[38;2;{};{};{}m".format(*colour)


def _coloured(labels: Array, weights: Array, cell: int) -> str:
    lines = []
    for row, colours in zip(labels, colours_of(weights), strict=True):
        cells = [
            f"{_background(colour)}{_foreground(ink(colour))}{label:>{cell - 1}} "
            for label, colour in zip(row, colours, strict=True)
        ]
        lines.append("".join(cells) + _RESET)
    return "\n".join(lines)


def _half_blocks(weights: Array, width: int) -> str:
    """Draw two rows a line: a half block in the colour of one on the colour of the other."""
    colours = colours_of(_shrunk(weights, width))
    lines = []
    for upper, lower in zip(colours[::2], [*colours[1::2], None], strict=False):
        if lower is None:
            cells = [f"{_foreground(top)}▀" for top in upper]
        else:
            pairs = zip(upper, lower, strict=True)
            cells = [f"{_foreground(top)}{_background(bottom)}▀" for top, bottom in pairs]
        lines.append("".join(cells) + _RESET)
    return "\n".join(lines)


def _shrunk(weights: Array, width: int) -> Array:
    """Return at most `width` columns and twice as many rows."""
    rows, columns = weights.shape
    return reduced(weights, max(-(-columns // width), -(-rows // (2 * width))))


def _signs(weights: Array, width: int) -> str:
    shown = _shrunk(weights, width // 2)
    largest = float(np.abs(shown).max())
    level = np.rint(shown / (largest or 1) * 9).astype(int)
    rows = (" ".join("ihgfedcba.123456789"[value + 9] for value in row) for row in level)
    legend = f"1 to 9: up to {largest:.3g}; a to i: down to {-largest:.3g}"
    return "\n".join([*rows, legend])
