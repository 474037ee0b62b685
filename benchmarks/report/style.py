"""How plots look: a colour and a mark for each library in all of them, names beside the curves.

Colours are Okabe and Ito's, which people who see colours otherwise can tell apart; variants of a
library share its colour and differ in their lines and marks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Look", "figure", "label_ends", "look", "spread", "with_commas"]


@dataclass(frozen=True)
class Look:
    """How a library is drawn."""

    color: str
    line: str = "-"
    mark: str = "o"
    width: float = 1.4


#: A line of text, as a part of the height of a panel.
_APART = 0.062

_BLUE, _ORANGE, _GREEN, _RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
_PINK, _SKY, _OLIVE, _GREY, _PURPLE = "#CC79A7", "#56B4E9", "#8C7A00", "#777777", "#5D3A9B"

#: By how the name of a peer begins, in small letters; the first that fits counts.
_LOOKS = {
    "gpuconv, 1": Look(_BLUE, "--", "o", 1.8),
    "gpuconv": Look(_BLUE, "-", "o", 2.8),
    "copy": Look(_GREY, ":", "."),
    "scipy ndimage": Look(_ORANGE, "-", "s"),
    "scipy": Look(_ORANGE, "--", "D"),
    "cupyx ndimage": Look(_ORANGE, "-", "s"),
    "cupyx signal, fft": Look(_ORANGE, "-.", "d"),
    "cupyx": Look(_ORANGE, "--", "D"),
    "opencv, 1": Look(_GREEN, "--", "v"),
    "opencv": Look(_GREEN, "-", "^"),
    "scikit-image": Look(_RED, "-", "P"),
    "cucim": Look(_RED, "-", "P"),
    "torchvision": Look(_SKY, ":", "<"),
    "torch, two": Look(_SKY, "--", "x"),
    "torch": Look(_SKY, "-", "X"),
    "libvips, integer": Look(_PINK, "--", "p"),
    "libvips": Look(_PINK, "-", "*"),
    "npp": Look(_PINK, "-", "*"),
    "pillow": Look(_OLIVE, "-", "h"),
    "cv-cuda": Look(_OLIVE, "-", "h"),
    "kornia": Look(_PURPLE, "-", ">"),
}


def look(peer: str) -> Look:
    """Return how a library is drawn: one that is not known, in black."""
    name = peer.casefold()
    return next((each for begin, each in _LOOKS.items() if name.startswith(begin)), Look("black"))


@contextmanager
def figure(
    path: Path, columns: int = 1, rows: int = 1, *, size: tuple[float, float]
) -> Iterator[Any]:
    """Yield the panels of a figure, a flat list; it is written at the end."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    drawn, panels = plt.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)
    try:
        for axes in panels.flat:
            axes.spines[["top", "right"]].set_visible(False)
            axes.grid(True, which="major", color="0.88", linewidth=0.8)
            axes.set_axisbelow(True)
        yield list(panels.flat)
        # No date, no version: the same numbers make the same file.
        drawn.savefig(path, dpi=110, metadata={"Software": None})
    finally:
        plt.close(drawn)


def label_ends(axes: Any, ends: Sequence[tuple[float, float, str]]) -> None:
    """Write names to the right of curves, beside their last points (x, y), without overlaps."""
    if not ends:
        return
    axes.get_ylim()  # settles the limits, which are lazy
    on_screen = axes.transData.transform([(x, y) for x, y, _ in ends])
    heights = axes.transAxes.inverted().transform(on_screen)[:, 1]
    for (x, y, name), place in zip(ends, spread(list(heights), _APART), strict=True):
        drawn = look(name)
        axes.annotate(
            name,
            (x, y),
            (1.03, place),
            textcoords="axes fraction",
            color=drawn.color,
            fontsize=8.5,
            fontweight="bold" if drawn.width > 2 else "normal",
            va="center",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": drawn.color,
                "alpha": 0.4,
                "linewidth": 0.7,
                "relpos": (0, 0.5),
            },
        )


def spread(places: Sequence[float], apart: float) -> list[float]:
    """Return places in 0 … 1 moved as little as need be for neighbours to be `apart` at least.

    Examples
    --------
    >>> [round(place, 2) for place in spread([0.5, 0.1, 0.5], 0.2)]
    [0.4, 0.1, 0.6]
    >>> [round(place, 2) for place in spread([1.0, 1.0], 0.1)]
    [0.9, 1.0]
    """
    order = sorted(range(len(places)), key=lambda i: places[i])
    moved = [places[i] for i in order]
    for _ in range(200):
        for i in range(len(moved) - 1):
            missing = max(apart - (moved[i + 1] - moved[i]), 0)
            moved[i] -= missing / 2
            moved[i + 1] += missing / 2
        moved = [min(max(place, 0), 1) for place in moved]
    result = [0.0] * len(places)
    for i, place in zip(order, moved, strict=True):
        result[i] = place
    return result


def with_commas(number: float) -> str:
    """Return a number for the ticks of an axis: no exponent.

    Examples
    --------
    >>> with_commas(0.1), with_commas(1.0), with_commas(1000.0), with_commas(1e-5)
    ('0.1', '1', '1,000', '0.00001')
    """
    return f"{number:,.0f}" if number >= 1 else f"{number:.9f}".rstrip("0")
