"""Which plots there are: each with the section of the bench that it shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.report import bars, curves, plots
from benchmarks.report.record import Record, Section
from benchmarks.report.words import milliseconds

__all__ = ["PLOTS", "Plot", "draw"]


@dataclass(frozen=True)
class Plot:
    """A picture that a section makes."""

    name: str
    section: str
    #: What it shows, for those who do not see it.
    alt: str
    #: The numbers to draw; nothing is drawn where there are none.
    of: Callable[[Section], Any]
    draw: Callable[[Any, Path], None]

    def shows(self, record: Record) -> bool:
        """Whether a machine has measured anything for it."""
        section = record.sections.get(self.section)
        return bool(section and self.of(section))


def draw(record: Record) -> list[Path]:
    """Draw what a machine has measured into its folder; return the files."""
    drawn = []
    for plot in PLOTS:
        if plot.shows(record):
            drawn.append(record.folder / plot.name)
            plot.draw(plot.of(record.sections[plot.section]), drawn[-1])
    return drawn


def _compared(section: Section) -> Section | None:
    """Return a section in which gpuconv and others were timed in the same case."""
    return section if any(line.ours and line.peers for line in section.lines) else None


def _floors(section: Section) -> Section | None:
    return section if any(line.share for line in section.lines) else None


def _first(section: Section) -> list[bars.Panel]:
    return _panels(section, lambda row: _steps(row) if row["seconds"] else None)


def _steps(row: dict[str, Any]) -> tuple[float, ...]:
    """Return seconds: until there is an image, the import and the first call."""
    whole, *steps = (row[name]["median"] for name in ("seconds", "import", "first"))
    return max(whole - sum(steps), 0), *steps


def _frames(section: Section) -> list[bars.Panel]:
    panels = _panels(section, lambda row: (row["per_second"],) if row.get("per_second") else None)
    return [replace(panel, bars=panel.bars[::-1]) for panel in panels]  # the fastest first


#: Less than this is what the system's own counting is off by: of a logarithm, where it begins.
_LEAST_MEMORY = 2**18


def _memory(section: Section) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for row in section.rows:
        if row["peak"] is not None:
            mebibytes = max(row["peak"], _LEAST_MEMORY) / 2**20
            found.setdefault(row["case"], {})[row["peer"]] = mebibytes
    return found


def _panels(
    section: Section, parts: Callable[[dict[str, Any]], tuple[float, ...] | None]
) -> list[bars.Panel]:
    """Return a panel for each case."""
    found: dict[str, list[bars.Bar]] = {}
    for row in section.rows:
        if (numbers := parts(row)) is not None:
            cache = f", {row['cache']} cache" if row.get("cache") else ""
            found.setdefault(row["case"], []).append(bars.Bar(row["peer"] + cache, numbers))
    return [
        bars.Panel(case, sorted(each, key=lambda bar: bar.length)) for case, each in found.items()
    ]


_SUMS = ("dense", "Gaussian", "box")
_WINDOWS = ("median", "bilateral", "nl_means")

PLOTS = (
    Plot("floor.png", "table", "speed of gpuconv and of the fastest peer beside a copy's, by case",
         _floors, plots.floor),
    Plot("peers.png", "table", "times of each peer as multiples of gpuconv's, a dot for each case",
         _compared, plots.peers),
    Plot("growth_sums.png", "growth", "time against the size of kernels",
         lambda section: curves.sweeps(section, _SUMS), curves.draw),
    Plot("growth_windows.png", "growth", "time against the size of windows",
         lambda section: curves.sweeps(section, _WINDOWS), curves.draw),
    Plot("growth_images.png", "growth", "time for a pixel against the size of the image",
         curves.images, curves.draw),
    Plot("small.png", "small", "time of a call against the size of a small image",
         curves.small, curves.draw),
    Plot("first.png", "first", "time from the start of a process to its first result",
         _first, partial(bars.draw, said=milliseconds,
         across="ms: Python and NumPy, import, first call (from pale to full)", scale=1e3)),
    Plot("memory.png", "memory", "memory that calls take beside the image and the result",
         _memory, partial(plots.marks, across="MiB beside the image and the result")),
    Plot("throughput.png", "throughput", "frames of 4K a second",
         _frames, partial(bars.draw, across="frames a second")),
)  # fmt: skip
