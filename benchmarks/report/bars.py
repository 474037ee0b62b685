"""Bars: what has one number for a library, with the number beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Any

from benchmarks.peers import OURS
from benchmarks.report.style import figure, look
from benchmarks.report.words import brief

__all__ = ["Bar", "Panel", "draw"]


@dataclass(frozen=True)
class Bar:
    """A library, and its number in parts that add up, pale ones first."""

    name: str
    parts: tuple[float, ...]

    @property
    def length(self) -> float:
        """All parts."""
        return sum(self.parts)


@dataclass(frozen=True)
class Panel:
    """Bars that are compared."""

    title: str
    bars: Sequence[Bar] = field(default_factory=list)


def draw(
    panels: Sequence[Panel],
    path: Path,
    across: str,
    said: Callable[[float], str] = brief,
    scale: float = 1.0,
) -> None:
    """Draw panels of horizontal bars, each with its number, `scale` units of the axis for one."""
    columns = min(2, len(panels))
    rows, most = ceil(len(panels) / columns), max(len(panel.bars) for panel in panels)
    size = (5.6 * columns + (3 if columns == 1 else 0), (0.9 + 0.27 * most) * rows)
    with figure(path, columns, rows, size=size) as axes:
        for each, panel in zip(axes, panels, strict=False):
            _panel(each, panel, said, scale)
            each.set_xlabel(across, fontsize=9)
        for unused in axes[len(panels) :]:
            unused.set_visible(False)


def _panel(axes: Any, panel: Panel, said: Callable[[float], str], scale: float) -> None:
    for row, bar in enumerate(panel.bars):
        begin, last = 0.0, len(bar.parts) - 1
        for number, part in enumerate(bar.parts):
            color, alpha = look(bar.name).color, 1 if number == last else (0.2, 0.55)[number]
            axes.barh(row, part * scale, left=begin, height=0.66, color=color, alpha=alpha)
            begin += part * scale
        axes.annotate(
            said(bar.length), (begin, row), (4, 0), textcoords="offset points",
            va="center", fontsize=8.5,
        )  # fmt: skip
    axes.set_yticks(range(len(panel.bars)), [bar.name for bar in panel.bars], fontsize=9)
    for label, bar in zip(axes.get_yticklabels(), panel.bars, strict=True):
        label.set_fontweight("bold" if bar.name.startswith(OURS) else "normal")
    axes.set_ylim(len(panel.bars) - 0.4, -0.6)
    longest = scale * max(bar.length for bar in panel.bars)
    axes.set_xlim(0, 1.12 * longest or 1)
    axes.tick_params(axis="y", length=0)
    axes.grid(False, axis="y")
    axes.set_title(panel.title, fontsize=10.5, loc="left")
