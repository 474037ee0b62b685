"""A tile's pixels, sorted and cut into equal parts; and which pixel of a part a window wants.

The pixels of a part that lie in a window's rows are a set, of a bit each, and so are those that lie
in its columns: what both have in common lies in the window. The wanted one is the bit before which
as many are set as there are pixels of lower rank left to find.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.neighbourhood.algorithms.rank_host import MOST_SETS, PARTS, WORD, bytes_of_word

__all__ = ["Parts"]

Array = NDArray[Any]


class Parts:
    """The pixels of tiles of a shape, in parts.

    Parameters
    ----------
    pixels : array
        Where the tile is, its halo included.
    window : (int, int)
        Its rows and columns.
    """

    def __init__(self, pixels: Array, window: tuple[int, int]) -> None:
        self._pixels, self._window = pixels, window
        self._words = -(-pixels.size // (PARTS * WORD))
        order = np.arange(pixels.size)
        self._word_of, bit = np.divmod(order, WORD)
        self._part_of = (self._word_of // self._words).astype(np.uint8)
        self._bit_of = np.left_shift(np.uint64(1), bit.astype(np.uint64))
        self._order = order
        # Of windows of thousands of pixels a side, all sets would fill gigabytes.
        step = max(1, MOST_SETS // bytes_of_word(sum(pixels.shape)))
        starts = range(0, self._words, step)
        self._at_a_time = [range(at, min(at + step, self._words)) for at in starts]

    def sort(self, codes: Array) -> None:
        """Sort the tile's pixels, and write the number of its part for each of them."""
        self._order = _order(self._pixels.ravel())
        codes[self._order] = self._part_of

    def pick(self, part: Array, left: Array) -> Array:
        """Return the pixel of each window, given its part and its rank among those in the window.

        Both are (height, width), for the windows of each row and column.
        """
        height, width = part.shape
        rows, columns = np.divmod(self._order, self._pixels.shape[1])
        at_row = (np.arange(height) * PARTS)[:, None] + part
        at_column = np.arange(width) * PARTS + part
        rest = left.astype(np.int32)
        chosen, number = np.zeros(part.shape, np.uint64), part.astype(np.intp) * self._words
        within = np.zeros(part.shape, np.int32)
        for words in self._at_a_time:
            above = self._sets(words, rows, 0)
            beside = self._sets(words, columns, 1)
            for in_rows, in_columns in zip(above, beside, strict=True):
                members = in_rows.take(at_row) & in_columns.take(at_column)
                after = rest - np.bitwise_count(members)
                here = (rest >= 0) & (after < 0)
                np.copyto(chosen, members, where=here)
                np.copyto(within, rest, where=here)
                number += after >= 0
                rest = after
        ranks = number * WORD + _nth_bit(chosen, within)
        return self._pixels.ravel()[self._order[ranks]]

    def _sets(self, words: range, at: Array, axis: int) -> Array:
        """Return, by word, place and part, the pixels that lie there or as far on as a window.

        `at` are the places of the pixels along an axis, in ascending order of the pixels.
        """
        size, reach = self._pixels.shape[axis], self._window[axis]
        members = self._members(words)
        part, word = np.divmod(self._word_of[members], self._words)
        sets = np.zeros((len(words), size * PARTS), np.uint64)
        number = ((word - words[0]) * size + at[members]) * PARTS + part
        np.add.at(sets.reshape(-1), number, self._bit_of[members])
        done = 1
        while done < reach:
            step = min(done, reach - done)
            sets = sets[:, : -step * PARTS] | sets[:, step * PARTS :]
            done += step
        return sets

    def _members(self, words: range) -> slice | Array:
        """Return which of the sorted pixels are in those words of all parts."""
        if len(words) == self._words:
            return slice(None)
        of_parts = np.arange(PARTS)[:, None] * self._words + np.array(words)
        members: Array = (of_parts[..., None] * WORD + np.arange(WORD)).ravel()
        there: Array = members[members < self._order.size]
        return there


def _nth_bit(words: Array, n: Array) -> Array:
    """Return the number of the bit before which `n` are set.

    Examples
    --------
    >>> _nth_bit(np.array([0b1011, 0b1011], np.uint64), np.array([0, 2])).tolist()
    [0, 3]
    """
    found = np.zeros(words.shape, np.uint64)
    for half in (32, 16, 8, 4, 2, 1):
        low = words & np.uint64((1 << half) - 1)
        below = np.bitwise_count(low)
        over = n >= below
        n = n - below * over
        shift = over * np.uint64(half)
        words, found = words >> shift, found + shift
    return found.astype(np.intp)


def _order(values: Array) -> Array:
    """Return the numbers of the values in ascending order, NaN last.

    By 16 bits at a time, the lowest first: NumPy sorts those by counting.
    """
    bits = _unsigned(values)
    order = np.argsort(bits.astype(np.uint16), kind="stable")
    for shift in range(16, 8 * bits.itemsize, 16):
        digits = (bits >> bits.dtype.type(shift)).astype(np.uint16)
        order = order[np.argsort(digits[order], kind="stable")]
    return order


def _unsigned(values: Array) -> Array:
    """Return unsigned integers of the same order as the values."""
    bits = values.view(f"u{values.itemsize}")
    if values.dtype.kind == "u":
        return bits
    sign = bits.dtype.type(1 << 8 * values.itemsize - 1)
    positive: Array = bits ^ sign
    if values.dtype.kind == "i":
        return positive
    ordered: Array = np.where(bits & sign, ~bits, positive)
    ordered[np.isnan(values)] = ~bits.dtype.type(0)
    return ordered
