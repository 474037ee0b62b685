"""Plots of the table: how far everyone is from a copy, and from gpuconv."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.peers import OURS
from benchmarks.report.record import Line, Section
from benchmarks.report.style import figure, look, with_commas
from benchmarks.report.table import peers_of, ratios
from benchmarks.report.words import geometric_mean, times

__all__ = ["floor", "marks", "peers"]

#: Inches that a row takes.
_ROW = 0.21


def floor(section: Section, path: Path) -> None:
    """Draw, for each case, the speed of gpuconv and of the fastest peer beside a copy's."""
    lines = [line for line in section.lines if line.copy and line.ours]
    with figure(path, size=(10, 1.2 + _ROW * len(lines))) as [axes]:
        for row, line in enumerate(lines):
            _dumbbell(axes, row, line)
        axes.axvline(1, color="black", linewidth=1)
        _rows(axes, [line.case for line in lines])
        # Who is slower than gpuconv has the name on the left.
        _across(axes, "speed, as a part of that of a copy of the same bytes (1 is the floor)", 5)
        _legend(axes)


def _dumbbell(axes: Any, row: int, line: Line) -> None:
    share, best = line.share, line.peers[0] if line.peers else None
    assert share is not None
    if best:
        ratio = line.ratio(best.peer)
        assert ratio is not None
        ahead = ratio < 1
        axes.plot(
            [share, share / ratio], [row, row], color="0.8" if not ahead else "0.55", zorder=1
        )
        drawn = look(best.peer)
        axes.plot(share / ratio, row, drawn.mark, color=drawn.color, markersize=6)
        # On the outer side of the mark, where the line is not.
        axes.annotate(
            best.peer,
            (share / ratio, row),
            (7 if ahead else -7, 0),
            textcoords="offset points",
            ha="left" if ahead else "right",
            va="center",
            fontsize=7,
            color=drawn.color,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.4},
        )
    axes.plot(share, row, "o", color=look(OURS).color, markersize=8)


def _rows(axes: Any, names: list[str]) -> None:
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)


def _across(axes: Any, label: str, left: float = 1.6) -> None:
    axes.set_xscale("log")
    axes.set_xlabel(label)
    low, high = axes.get_xlim()
    axes.set_xlim(low / left, high * 1.6)  # room for names
    axes.xaxis.set_major_formatter(lambda value, _: with_commas(value))


def _legend(axes: Any) -> None:
    ours = look(OURS).color
    axes.plot([], [], "o", color=ours, markersize=8, label="gpuconv")
    axes.plot([], [], "s", color="0.4", markersize=6, label="the fastest peer, named beside it")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False, fontsize=9)


def _ratios(section: Section) -> dict[str, dict[str, float]]:
    found = {name: ratios(section, name) for name in peers_of(section)}
    return {name: each for name, each in found.items() if each}


def peers(section: Section, path: Path) -> None:
    """Draw, for each peer, how many times as long as gpuconv it takes in every case."""
    means = {name: geometric_mean(found.values()) for name, found in _ratios(section).items()}
    names = sorted(means, key=lambda name: means[name])
    with figure(path, size=(10, 1.3 + 0.42 * len(names))) as [axes]:
        for row, name in enumerate(names):
            found, drawn = list(ratios(section, name).values()), look(name)
            mean = means[name]
            axes.plot(found, [row] * len(found), "o", color=drawn.color, alpha=0.45, markersize=6)
            axes.plot([mean, mean], [row - 0.33, row + 0.33], color="black", linewidth=2.2)
            axes.annotate(
                f"× {times(mean)}",
                (mean, row - 0.3),
                (4, 2),
                textcoords="offset points",
                fontsize=9,
                fontweight="bold",
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.5},
            )
        axes.axvline(1, color=look(OURS).color, linewidth=2)
        _rows(axes, names)
        axes.tick_params(axis="y", labelsize=9.5)
        _across(axes, "times as long as gpuconv; a dot is a case, a bar the geometric mean")
        for side, told in (("right", "← peer ahead  "), ("left", "  gpuconv ahead →")):
            axes.text(1, -0.62, told, ha=side, va="bottom", fontsize=9, color="0.3")


def marks(rows: Mapping[str, Mapping[str, float]], path: Path, across: str) -> None:
    """Draw for each case a mark for each library."""
    with figure(path, size=(10, 2 + 0.36 * len(rows))) as [axes]:
        for row, found in enumerate(rows.values()):
            for peer, number in found.items():
                drawn, ours = look(peer), peer == OURS
                axes.plot(
                    number, row, drawn.mark, color=drawn.color, markersize=11 if ours else 7,
                    zorder=3 if ours else 2,
                )  # fmt: skip
        _rows(axes, list(rows))
        _across(axes, across)
        for peer in dict.fromkeys(peer for found in rows.values() for peer in found):
            drawn = look(peer)
            axes.plot([], [], drawn.mark, color=drawn.color, markersize=8, label=peer)
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize=9)
