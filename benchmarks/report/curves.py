"""Curves: time against the size of kernels and of images."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import ceil, prod, sqrt
from pathlib import Path
from typing import Any

from benchmarks.peers import FLOOR, OURS
from benchmarks.report.record import Section
from benchmarks.report.style import figure, label_ends, look, with_commas

__all__ = ["IMAGE", "Panel", "draw", "images", "small", "sweeps"]

#: How the names of sweeps over the size of the image begin.
IMAGE = "image, "

#: Points of a curve: (x, y).
Points = list[tuple[float, float]]


@dataclass
class Panel:
    """Curves that share a filter, by library."""

    title: str
    across: str
    up: str
    curves: dict[str, Points] = field(default_factory=dict)

    def add(self, peer: str, x: float, y: float) -> None:
        """Add a point to the curve of a library."""
        self.curves.setdefault(peer, []).append((x, y))


def sweeps(section: Section, names: tuple[str, ...]) -> list[Panel]:
    """Return time against the size of a kernel or window, for the sweeps that begin so."""
    panels: dict[str, Panel] = {}
    for row in section.rows:
        if row["seconds"] and row["sweep"].startswith(names):
            title = f"{row['sweep']}, {_size(row)}"
            panel = panels.setdefault(title, Panel(title, row["across"], "milliseconds"))
            panel.add(row["peer"], row["at"], 1e3 * row["seconds"]["median"])
    return list(panels.values())


def images(section: Section) -> list[Panel]:
    """Return time for a pixel against the size of the image, a panel for each filter."""
    panels: dict[str, Panel] = {}
    for row in section.rows:
        if row["seconds"] and row["sweep"].startswith(IMAGE):
            panel = Panel(row["kind"], row["across"], "nanoseconds for a pixel")
            panel = panels.setdefault(row["kind"], panel)
            panel.add(row["peer"], row["at"], 1e9 * row["seconds"]["median"] / prod(row["shape"]))
    return list(panels.values())


def small(section: Section) -> list[Panel]:
    """Return the time of a call against the size of a small image, a panel for each filter.

    On a GPU that is the host's time, of calls back to back.
    """
    panels: dict[str, Panel] = {}
    for row in section.rows:
        spread = row["wall"] or row["seconds"]
        if spread:
            panel = Panel(row["kind"], "side of the image, pixels", "microseconds for a call")
            panel = panels.setdefault(row["kind"], panel)
            panel.add(row["peer"], sqrt(prod(row["shape"])), 1e6 * spread["median"])
    return list(panels.values())


def _size(row: dict[str, Any]) -> str:
    *_, height, width = row["shape"]
    return f"{height}²" if height == width else f"{height}×{width}"


def draw(panels: Iterable[Panel], path: Path, columns: int = 2) -> None:
    """Draw panels, both axes logarithmic, a name beside the end of each curve."""
    drawn = list(panels)
    columns = min(columns, len(drawn))
    rows = ceil(len(drawn) / columns)
    with figure(path, columns, rows, size=(5.6 * columns, 4 * rows)) as axes:
        for each, panel in zip(axes, drawn, strict=False):
            _panel(each, panel)
        for unused in axes[len(drawn) :]:
            unused.set_visible(False)


def _panel(axes: Any, panel: Panel) -> None:
    for peer, points in panel.curves.items():
        drawn = look(peer)
        points.sort()
        axes.plot(
            *zip(*points, strict=True),
            color=drawn.color,
            linestyle=drawn.line,
            marker=drawn.mark,
            markersize=4,
            linewidth=drawn.width,
            # The floor lies below, gpuconv above all.
            zorder=1 if peer.startswith(FLOOR) else 4 if peer == OURS else 3,
        )
    axes.set(xscale="log", yscale="log", xlabel=panel.across, ylabel=panel.up)
    axes.set_title(panel.title, fontsize=11, loc="left")
    _ticks(axes, [x for points in panel.curves.values() for x, _ in points])
    label_ends(axes, [(*points[-1], peer) for peer, points in panel.curves.items()])


def _ticks(axes: Any, across: list[float]) -> None:
    """Mark the values that were measured, as many as there is room for."""
    values = sorted(set(across))
    kept = values[:: ceil(len(values) / 8)]
    axes.set_xticks(kept, [f"{value:g}" for value in map(_rounded, kept)])
    axes.set_xticks([], minor=True)
    axes.yaxis.set_major_formatter(lambda value, _: with_commas(value))


def _rounded(value: float) -> float:
    return round(value, 1) if value < 20 else round(value)
