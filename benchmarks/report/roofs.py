"""The plot of a roofline: instructions per second against instructions per byte, log-log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.report.style import figure, with_commas
from benchmarks.static.rates import PER_CLOCK, Gpu

if TYPE_CHECKING:
    from benchmarks.report.roofline import Point

__all__ = ["draw"]

#: By what decides: colours of Okabe and Ito's, and marks.
_LOOKS = {
    "memory": ("#0072B2", "o"),
    "issue of instructions": ("#D55E00", "s"),
    "passes through shared memory": ("#009E73", "D"),
    "integers, minima, tests": ("#CC79A7", "^"),
    "exponentials, roots": ("#8C7A00", "P"),
}
_ELSE = ("#5D3A9B", "X")
#: Below, cases of so many instructions a byte: a panel for those near the edge of the roof, and one
#: for those far to its right.
_SPLIT = 25.0
#: Inches; and points of a letter, and of a line.
_SIZE, _LETTER, _LINE = (12.0, 13.5), 4.3, 8.5


def draw(found: Sequence[Point], gpu: Gpu, path: Path) -> None:
    """Draw cases beside the roof that memory and issue set."""
    parts = [
        [point for point in found if point.intensity < _SPLIT],
        [point for point in found if point.intensity >= _SPLIT],
    ]
    filled = [part for part in parts if part]
    with figure(path, rows=max(len(filled), 1), size=_SIZE) as panels:
        for axes, part in zip(panels, filled, strict=False):
            _panel(axes, part, gpu)
        panels[0].set_title(_title(found, gpu), loc="left", fontsize=11)
        _legend(panels[0], any(point.took for point in found), found)
        panels[0].figure.draw_without_rendering()  # settles where everything is
        for axes, part in zip(panels, filled, strict=False):
            _names(axes, part, gpu)


def _title(found: Sequence[Point], gpu: Gpu) -> str:
    asked = any(point.took for point in found)
    said = "predicted and measured" if asked else "PREDICTED from machine code, not measured"
    return f"{gpu.name}: {said}"


def _panel(axes: Any, part: Sequence[Point], gpu: Gpu) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    across = [point.intensity for point in part]
    axes.set_xlim(min(across) / 1.5, max(across) * 2.2)
    rates = [_rate(point, seconds) for point in part for seconds in _seconds(point)]
    axes.set_ylim(min(rates) / 1.3, _trillions(gpu.issued()) * 1.5)
    _roof(axes, gpu)
    for point in part:
        _point(axes, point)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda number, _: with_commas(number))
        axis.set_minor_formatter(lambda number, _: with_commas(number) if _round(number) else "")
    axes.tick_params(which="minor", labelsize=8)
    axes.set_xlabel("lane-instructions per byte of the image and the result")
    axes.set_ylabel("lane-instructions per second, 10¹²")


def _round(number: float) -> bool:
    """Return whether a number between two powers of ten has a name on an axis: 2 and 5 do."""
    return f"{number:e}"[0] in "25"


def _trillions(rate: float) -> float:
    return rate / 1e12


def _rate(point: Point, seconds: float) -> float:
    return _trillions(point.rate(seconds))


def _seconds(point: Point) -> Iterator[float]:
    yield point.seconds
    if point.took:
        yield point.took


def _roof(axes: Any, gpu: Gpu) -> None:
    (left, right), copy = axes.get_xlim(), _trillions(gpu.copy)
    issue, half = _flats(gpu)
    edge = issue / copy
    axes.plot([left, max(left, edge)], [left * copy, max(left * copy, issue)], color="black",
              linewidth=1.2 if left < edge else 0)  # fmt: skip
    axes.plot([max(left, edge), right], [issue, issue], color="black", linewidth=1.2)
    axes.plot([max(left, half / copy), right], [half, half], "--", color="0.5", linewidth=1)
    flats = (issue, "issue: 128 lanes a clock"), (half, "if all were integers or tests: 64 lanes")
    for height, said in flats:
        axes.annotate(said, (right, height), (-2, 3), textcoords="offset points", ha="right",
                      fontsize=8, color="0.3")  # fmt: skip
    if left * 1.3 < edge:
        axes.annotate("a copy of\nthe same bytes", (left * 1.03, left * 1.03 * copy), (0, 20),
                      textcoords="offset points", fontsize=8, color="0.3")  # fmt: skip


def _flats(gpu: Gpu) -> tuple[float, float]:
    """Return the heights of the level parts of the roof."""
    return _trillions(gpu.issued()), _trillions(gpu.issued(PER_CLOCK["alu"]))


def _point(axes: Any, point: Point) -> None:
    color, mark = _LOOKS.get(point.bound, _ELSE)
    x, low = point.intensity, _rate(point, point.seconds)
    axes.plot(x, low, mark, color=color, markersize=6, markerfacecolor="white", zorder=3)
    if point.took:
        high = _rate(point, point.took)
        axes.plot([x, x], [low, high], color=color, linewidth=0.8, zorder=2)
        axes.plot(x, high, mark, color=color, markersize=6, zorder=4)


def _names(axes: Any, part: Sequence[Point], gpu: Gpu) -> None:
    """Write each name beside its predicted point, where nothing stands yet."""
    inside = axes.transAxes.transform([(0, 0), (1, 1)]).ravel() / _dots(axes)
    taken = [_around(*_place(axes, point), 8, 8) for point in part]
    for height in _flats(gpu):  # nor on the roof
        level = axes.transData.transform((part[0].intensity, height))[1] / _dots(axes)
        taken.append((inside[0], level - 1, inside[2], level + 1))
    for point in sorted(part, key=lambda each: each.intensity):
        x, y = _place(axes, point)
        wide = _LETTER * len(point.case)
        boxes = [_box(x, y, wide, *offset) for offset in _OFFSETS]
        free = [box for box in boxes if _within(box, inside) and not _any(box, taken)]
        box = (free or boxes)[0]
        taken.append(box)
        far = abs(box[1] + _LINE / 2 - y) > _LINE
        axes.annotate(
            point.case,
            (point.intensity, _rate(point, point.seconds)),
            (box[0] - x, box[1] + _LINE / 2 - y),
            textcoords="offset points",
            fontsize=7,
            va="center",
            color=_LOOKS.get(point.bound, _ELSE)[0],
            arrowprops={"arrowstyle": "-", "color": "0.7", "linewidth": 0.6} if far else None,
        )


#: Where a name may stand, in lines above its point, right of it or left of it; the first best.
_OFFSETS = [
    (side, lines)
    for lines in sorted(range(-14, 15), key=lambda n: (abs(n), -n))
    for side in (1, -1)
]

_Box = tuple[float, float, float, float]


def _place(axes: Any, point: Point) -> tuple[float, float]:
    """Return where a predicted point stands, in points (1/72 inch)."""
    at = point.intensity, _rate(point, point.seconds)
    x, y = axes.transData.transform(at) / _dots(axes)
    return float(x), float(y)


def _dots(axes: Any) -> float:
    """Return the pixels of a point."""
    return float(axes.figure.dpi / 72)


def _around(x: float, y: float, wide: float, high: float) -> _Box:
    return x - wide / 2, y - high / 2, x + wide / 2, y + high / 2


def _box(x: float, y: float, wide: float, side: int, lines: int) -> _Box:
    left = x + 6 if side > 0 else x - 6 - wide
    bottom = y + lines * _LINE - _LINE / 2
    return left, bottom, left + wide, bottom + _LINE


def _within(box: _Box, frame: Sequence[float]) -> bool:
    return box[0] > frame[0] and box[1] > frame[1] and box[2] < frame[2] and box[3] < frame[3]


def _any(box: _Box, taken: Sequence[_Box]) -> bool:
    return any(
        box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]
        for other in taken
    )


def _legend(axes: Any, measured: bool, found: Sequence[Point]) -> None:
    bounds = dict.fromkeys(point.bound for point in found)
    for bound in bounds:
        color, mark = _LOOKS.get(bound, _ELSE)
        axes.plot([], [], mark, color=color, markerfacecolor="white", label=f"decided by {bound}")
    if measured:
        axes.plot([], [], "o", color="0.3", label="filled: measured")
    axes.legend(loc="lower right", fontsize=8, frameon=False)
