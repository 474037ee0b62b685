"""Which axes of a stored array are rows, columns and channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.errors import ArgumentError
from gpuconv.io.source import Plane, Run

__all__ = ["Axes", "guessed"]

#: A last axis of at most so many items is taken for channels where nothing tells: the kinds of
#: colour that there are have no more, and no picture is so narrow.
_FEW = 4


@dataclass(frozen=True)
class Axes:
    """A letter for each axis of a stored array, in its order: "tczyx", "yxc", ….

    "y" and "x" are rows and columns, "?" is an axis without a name. All but those of pixels are
    leading axes of the image, in the order in which they are stored.

    Parameters
    ----------
    letters : str
    joined : bool
        Whether "c" is a pixel's channels wherever it stands; else it is if it comes last.

    Raises
    ------
    ArgumentError
        "y" or "x" is not there, or a letter is there twice.

    Examples
    --------
    >>> axes = Axes("xyz")
    >>> axes.image((30, 20, 10))
    (10, 20, 30)
    >>> axes.block((0, 5), (10, 12), (7,), (30, 20, 10))
    ((10, 12), (0, 5), (7, 8))
    """

    letters: str
    joined: bool = False

    def __post_init__(self) -> None:
        named = [letter for letter in self.letters if letter != "?"]
        if not {"y", "x"} <= set(named) or len(set(named)) < len(named):
            raise ArgumentError(
                f"axes={self.letters!r} is not allowed: a letter for each axis, each once, among "
                "them y (rows) and x (columns), with c last for the channels of a pixel"
            )

    @property
    def has_channels(self) -> bool:
        """Whether an axis is the channels of a pixel."""
        return "c" in self.letters if self.joined else self.letters.endswith("c")

    def channels(self, image: tuple[int, ...]) -> str:
        """Return what the channels of an image of that shape are likely to be, as in a `Layout`."""
        if not self.has_channels:
            return "L"
        return "RGB" if image[-1] == 3 else ""

    @property
    def order(self) -> tuple[int, ...]:
        """The stored axes in the order of the image: leading ones, rows, columns, channels."""
        last = [self.letters.index(letter) for letter in "yxc"[: 2 + self.has_channels]]
        return (*(i for i in range(len(self.letters)) if i not in last), *last)

    @property
    def ordered(self) -> str:
        """The letters in the order of the image, "" where some are unknown."""
        return "" if "?" in self.letters else "".join(self.letters[i] for i in self.order)

    def image(self, stored: tuple[int, ...]) -> tuple[int, ...]:
        """Return what belongs to each axis of the image, from that of the stored axes."""
        return tuple(stored[i] for i in self.order)

    def arranged(self, image: tuple[int, ...]) -> tuple[int, ...]:
        """Return what belongs to each stored axis: the inverse of `image`."""
        return tuple(image[i] for i in np.argsort(self.order))

    def block(
        self, rows: Run, columns: Run, plane: Plane, stored: tuple[int, ...]
    ) -> tuple[Run, ...]:
        """Return which block of the stored array has a region of the image."""
        runs = [*((i, i + 1) for i in plane), rows, columns]
        if self.has_channels:
            runs.append((0, stored[self.order[-1]]))
        return tuple(runs[i] for i in np.argsort(self.order))

    def picture(self, block: NDArray[Any]) -> NDArray[Any]:
        """Return a block as pixels, (h, w) or (h, w, C)."""
        found = block.transpose(self.order)
        return found.reshape(found.shape[-3 if self.has_channels else -2 :])

    def stored(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Return pixels as a block: the inverse of `picture`."""
        lead = (1,) * (len(self.letters) - pixels.ndim)
        return pixels.reshape(lead + pixels.shape).transpose(np.argsort(self.order))


def guessed(shape: tuple[int, ...], given: str | None = None) -> Axes:
    """Return the axes that were given, or those that an array of that shape is likely to have.

    Raises
    ------
    ArgumentError
        There are not as many letters as axes, or fewer than two axes.

    Examples
    --------
    >>> guessed((20, 30, 3)).letters, guessed((50, 20, 30)).letters
    ('yxc', '?yx')
    """
    if given is None:
        channels = len(shape) > 2 and shape[-1] <= _FEW < shape[-2]
        given = ("yxc" if channels else "yx").rjust(len(shape), "?")
    if len(given) != len(shape):
        raise ArgumentError(
            f"axes={given!r} does not fit the shape {shape}: a letter for each axis, two at least"
        )
    return Axes(given)
