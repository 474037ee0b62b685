"""How time grows with the window: of medians, of the bilateral filter, of non-local means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, floor, log10
from pathlib import Path
from typing import Any

from benchmarks.cpu.beyond import alike, ranks
from benchmarks.cpu.beyond.case import OURS, Case
from benchmarks.cpu.beyond.race import Limits, race

__all__ = ["SWEEPS", "Sweep", "draw", "swept"]

_SIDES = (3, 5, 7, 9, 11, 15, 21, 31, 45, 63, 81, 101)

#: Seconds by library; of the whole image, also where fewer rows were timed.
Point = dict[str, float]


@dataclass(frozen=True)
class Sweep:
    """A panel of the picture: a case for each length of something."""

    title: str
    #: What is along the horizontal axis.
    across: str
    lengths: tuple[int, ...]
    case: Callable[[int], Case]
    #: Pixels a side.
    size: int = 1024


SWEEPS: dict[str, Sweep] = {
    "median uint8": Sweep(
        "median, uint8", "side of the window", _SIDES, lambda n: ranks.median(n, "uint8")
    ),
    "median uint16": Sweep(
        "median, uint16", "side of the window", _SIDES, lambda n: ranks.median(n, "uint16")
    ),
    "median float32": Sweep(
        "median, float32", "side of the window", _SIDES, lambda n: ranks.median(n, "float32")
    ),
    "bilateral": Sweep(
        "bilateral, float32",
        "diameter",
        (3, 5, 7, 9, 13, 17, 25, 31),
        lambda n: alike.bilateral(n, "float32"),
    ),
    "search": Sweep(
        "non-local means of 7×7, uint8",
        "search distance",
        (1, 2, 3, 5, 7, 11, 15),
        lambda n: alike.nl_means(7, n, "uint8"),
        512,
    ),
    "patch": Sweep(
        "non-local means within 5, uint8",
        "side of the patch",
        (3, 5, 7, 9, 11, 15, 21),
        lambda n: alike.nl_means(n, 5, "uint8"),
        512,
    ),
}

#: Libraries in the order of their colours, and their names in the legend.
_DRAWN = {
    OURS: "gpuconv",
    "SciPy": "SciPy",
    "scikit-image": "scikit-image",
    "OpenCV 1": "OpenCV, 1 thread",
    "OpenCV 2": "OpenCV, 2 threads",
}


def swept(sweep: Sweep, lengths: tuple[int, ...], size: int, limits: Limits) -> list[Point]:
    """Return the shortest times at each length; who is too slow at one is not asked further."""
    points, slow = list[Point](), set[str]()
    for length in lengths:
        row = race(sweep.case(length), size, limits, without=frozenset(slow))
        for name, entry in row.entries.items():
            if entry.left_out:
                print(f"{row.name}, {row.dtype}: {name} {entry.left_out}")
            if entry.part < 1 and name != OURS:
                slow.add(name)
        timed = {name: entry.shortest for name, entry in row.entries.items()}
        points.append({name: seconds for name, seconds in timed.items() if seconds is not None})
    return points


def draw(record: dict[str, Any], path: Path) -> None:
    """Draw all sweeps of a record into one picture."""
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(2, 3, figsize=(15, 9), constrained_layout=True)
    for axes, (name, measured) in zip(panels.flat, record.items(), strict=True):
        _panel(axes, SWEEPS[name], measured)
    panels.flat[0].legend(fontsize=9)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _panel(axes: Any, sweep: Sweep, measured: dict[str, Any]) -> None:
    lengths, every = measured["lengths"], [1e3 * t for p in measured["seconds"] for t in p.values()]
    # Whole decades: what does not grow looks flat.
    axes.set_ylim(10 ** floor(log10(min(every))), 10 ** ceil(log10(max(every))))
    for number, (name, label) in enumerate(_DRAWN.items()):
        points = [
            (length, 1e3 * point[name])
            for length, point in zip(lengths, measured["seconds"], strict=True)
            if name in point
        ]
        if points:
            wide = 2.4 if name == OURS else 1.2
            axes.loglog(
                *zip(*points, strict=True), "o-", color=f"C{number}", label=label, lw=wide, ms=4
            )
    axes.set_title(f"{sweep.title}, {measured['size']}²")
    axes.set_xlabel(f"{sweep.across}, pixels")
    axes.set_ylabel("milliseconds")
    axes.set_xticks(lengths, [str(length) for length in lengths], fontsize=8)
    axes.minorticks_off()
    axes.grid(True, alpha=0.3)
