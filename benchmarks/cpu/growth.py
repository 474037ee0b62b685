"""How time grows with the kernel: Gaussians by σ, boxes and dense kernels by size, log-log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.cpu.cells import Cell
from benchmarks.cpu.contenders import calls
from benchmarks.cpu.timing import Clock, Times

__all__ = ["SWEEPS", "draw", "swept"]

#: Kind → sides of its kernels. A Gaussian of σ has 8 σ + 1 taps.
SWEEPS: dict[str, tuple[int, ...]] = {
    "gaussian": tuple(8 * sigma + 1 for sigma in (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100)),
    "box": (3, 5, 7, 11, 15, 21, 31, 51, 75, 101, 151, 201, 301),
    "dense": (3, 5, 7, 9, 11, 15, 21, 25, 31, 45, 63, 91, 127, 181, 255),
}

#: What is drawn, by the name that it has in the legend.
DRAWN = {
    "auto": "gpuconv",
    "ndimage": "scipy.ndimage",
    "signal": "scipy.signal.oaconvolve",
    "opencv 1": "OpenCV, 1 thread",
    "opencv 2": "OpenCV, 2 threads",
}


def swept(kind: str, sides: tuple[int, ...], dtype: str, size: int, clock: Clock) -> list[Times]:
    """Return the times of gpuconv and its peers for each side."""
    results = list[Times]()
    for side in sides:
        cell = Cell(kind, side, dtype, size)
        wanted = {name: call for name, call in calls(cell) if name in DRAWN}
        results.append(clock.shortest(wanted, cell.image))
    return results


def draw(record: dict[str, Any], path: Path) -> None:
    """Draw all sweeps of a record into one picture."""
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(1, len(record), figsize=(15, 4.6), constrained_layout=True)
    for axes, (kind, sweep) in zip(panels, record.items(), strict=True):
        sides = sweep["taps"]
        across = [(side - 1) / 8 for side in sides] if kind == "gaussian" else sides
        for name, label in DRAWN.items():
            points = [
                (x, 1e3 * times[name])
                for x, times in zip(across, sweep["seconds"], strict=True)
                if times.get(name) is not None
            ]
            if points:
                axes.loglog(*zip(*points, strict=True), "o-", markersize=3, label=label)
        axes.set_title(f"{kind}, {sweep['size']}² {sweep['dtype']}")
        axes.set_xlabel("σ, pixels" if kind == "gaussian" else "side of the kernel, pixels")
        axes.set_ylabel("milliseconds")
        axes.grid(True, which="both", alpha=0.25)
    panels[0].legend(fontsize=8)
    figure.savefig(path, dpi=110)
    plt.close(figure)
