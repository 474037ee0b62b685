"""Common calls of ``scipy.ndimage``: SciPy's, and those of our stand-in (``make swap``)."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as theirs

from benchmarks.cpu.cells import photograph
from gpuconv import api, apply, responses
from gpuconv.backends.host.threads import share_cores, thread_count
from gpuconv.scipy import ndimage as ours

__all__ = [
    "CALLS",
    "COSTS",
    "Cost",
    "Row",
    "cost",
    "line",
    "markdown",
    "raced",
    "record",
    "summary",
]

Array = NDArray[Any]

#: Calls as programs have them, and the dtype of the image; `volume` has three axes.
CALLS = (
    ("gaussian_filter(image, 1)", "uint8"),
    ("gaussian_filter(image, 2)", "float32"),
    ("gaussian_filter(image, 8)", "float64"),
    ("gaussian_filter1d(image, 3, axis=0)", "float32"),
    ("gaussian_laplace(image, 2)", "float64"),
    ("gaussian_gradient_magnitude(image, 2)", "float32"),
    ("uniform_filter(image, 3)", "uint8"),
    ("uniform_filter(image, 15)", "float32"),
    ("median_filter(image, 3)", "uint8"),
    ("median_filter(image, 5)", "float32"),
    ("percentile_filter(image, 25, 5)", "uint8"),
    ("minimum_filter(image, 5)", "uint8"),
    ("maximum_filter(image, 9)", "float32"),
    ("sobel(image, axis=0)", "float32"),
    ("prewitt(image, axis=1)", "float64"),
    ("laplace(image)", "float64"),
    ("convolve(image, weights)", "float64"),
    ("correlate(image, [[0, 1, 0], [1, 4, 1], [0, 1, 0]], output=int)", "uint8"),
    ("gaussian_filter(volume, 1.5)", "float32"),
    ("median_filter(volume, 3)", "uint16"),
)

#: Rows with the greatest relative difference that is allowed of floats; integers must be equal.
_NEAR = {"float32": 2e-6, "float64": 1e-11}


@dataclass
class Row:
    """A call, timed."""

    call: str
    dtype: str
    shape: tuple[int, ...]
    #: Greatest difference, as a part of the greatest value.
    off: float
    #: Seconds of each round, by contender.
    seconds: dict[str, list[float]] = field(default_factory=dict)

    @property
    def right(self) -> bool:
        """Whether the results are those of SciPy."""
        return self.off <= _NEAR.get(self.dtype, 0.0)

    @property
    def ratio(self) -> float:
        """How many times as long SciPy takes."""
        return median(self.seconds["SciPy"]) / median(self.seconds["gpuconv"])


def _images(size: int, dtype: str) -> dict[str, Array]:
    """Return what calls are of: a photograph, and as many pixels of it one behind the other."""
    image = photograph(size, dtype)
    depth = max(size // 32, 1)
    side = max(size // 32, 1) * 4
    volume = np.resize(image, (depth, side, side * 2))
    weights = np.random.default_rng(5).random((5, 5))
    return {"image": image, "volume": volume, "weights": weights / weights.sum()}


def _called(code: str, module: Any, arrays: dict[str, Array]) -> Callable[[], Array]:
    names: dict[str, Any] = {name: getattr(module, name) for name in ours.__all__}
    made: Callable[[], Array] = eval(f"lambda: {code}", {**names, **arrays})
    return made


def _on_one_core(call: Callable[[], Array]) -> Callable[[], Array]:
    def alone() -> Array:
        share_cores(thread_count())
        try:
            return call()
        finally:
            share_cores(1)

    return alone


def raced(code: str, dtype: str, size: int, seconds: float, rounds: int = 41) -> Row:
    """Time a call of SciPy's and of ours in turns, for some seconds and three rounds at least."""
    arrays = _images(size, dtype)
    scipys, mine = (_called(code, module, arrays) for module in (theirs, ours))
    calls = {"gpuconv": mine, "one core": _on_one_core(mine), "SciPy": scipys}
    want, found = scipys(), mine()
    row = Row(code, dtype, arrays["volume" if "volume" in code else "image"].shape, 0.0)
    apart = np.abs(found.astype(np.float64) - want).max() / max(np.abs(want).max(), 1)
    row.off = float(apart) if found.dtype == want.dtype else float("inf")
    end = time.perf_counter() + seconds
    for round_ in range(rounds):
        for name, call in calls.items():
            row.seconds.setdefault(name, []).append(_elapsed(call))
        if round_ >= 2 and time.perf_counter() > end:
            break
    return row


def _elapsed(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


#: Calls whose cost is measured, for an image so small that little else counts.
COSTS = (
    "gaussian_filter(image, 2)",
    "uniform_filter(image, 5)",
    "sobel(image)",
    "correlate(image, weights)",
    "median_filter(image, 3)",
    "maximum_filter(image, 5)",
)

#: What stand-ins call: the core.
_CORE = (api.convolve, api.correlate, apply.applied, responses.filter_bank)
_ROOM = "gpuconv.scipy"


@dataclass
class Cost:
    """What a stand-in costs over the calls of the core that it makes: the shortest seconds."""

    call: str
    stand_in: float
    core: float
    #: How many calls of the core it makes.
    calls: int


def cost(code: str, rounds: int = 2000) -> Cost:
    """Time a call of the stand-in, and in turns with it the core's calls alone."""
    image = photograph(32, "float32")
    weights = np.random.default_rng(5).random((5, 5))
    stand_in = _called(code, ours, {"image": image, "weights": weights})
    made = _made_by(stand_in)

    def core() -> None:
        for function, given, named in made:
            function(*given, **named)

    times: tuple[list[float], list[float]] = [], []
    for _ in range(rounds):
        times[0].append(_elapsed(stand_in))
        times[1].append(_elapsed(core))
    return Cost(code, *map(min, times), len(made))


def _made_by(call: Callable[[], Any]) -> list[tuple[Any, tuple[Any, ...], dict[str, Any]]]:
    """Return the core's functions that are called in a call, and with what."""
    found = list[tuple[Any, tuple[Any, ...], dict[str, Any]]]()

    def recording(function: Callable[..., Any]) -> Callable[..., Any]:
        def recorded(*given: Any, **named: Any) -> Any:
            found.append((function, given, named))
            return function(*given, **named)

        return recorded

    with ExitStack() as undone:
        for name, module in sys.modules.copy().items():
            for key, value in vars(module).copy().items() if name.startswith(_ROOM) else ():
                if any(value is each for each in _CORE):
                    undone.enter_context(mock.patch.object(module, key, recording(value)))
        call()
    return found


def line(row: Row) -> str:
    """Return a row in words, for who waits."""
    times = ", ".join(f"{name} {1e3 * median(t):.3g} ms" for name, t in row.seconds.items())
    wrong = "" if row.right else f"; DIFFERS by {row.off:.2g}"
    return f"{row.call}, {row.dtype}: {times}, × {row.ratio:.3g}{wrong}"


#: Why SciPy may be ahead, by call and dtype.
_REASONS = {
    ("gaussian_filter(image, 1)", "uint8"): "bytes are cut off after each of two passes, so that "
    "sums near an integer must be taken in SciPy's order; with few taps that is all of the work",
}


def summary(rows: list[Row], costs: list[Cost]) -> list[str]:
    """Return in how many rows who is ahead, and what a stand-in costs."""
    ahead = sum(row.ratio > 1 for row in rows)
    found = [f"The stand-in is ahead of SciPy in {ahead} of {len(rows)} rows."]
    for row in rows:
        if row.ratio <= 1 or not row.right:
            reason = _REASONS.get((row.call, row.dtype))
            found.append(f"- {line(row)}" + (f": {reason}." if reason else ""))
    if costs:
        worst = max(each.stand_in - each.core for each in costs)
        found.append(f"It costs at most {1e6 * worst:.1f} µs over the calls of the core.")
    return found


def markdown(rows: list[Row], costs: list[Cost], machine: str) -> str:
    """Return the page."""
    page = ["# scipy.ndimage, swapped", "", f"`make swap`, on {machine}.", ""]
    page += [*summary(rows, costs), "", "## Medians, milliseconds", ""]
    page += ["| call | pixels | gpuconv | gpuconv, one core | SciPy | times as fast | off |"]
    page += ["|---|---|---|---|---|---|---|"]
    page += [_cells(row) for row in rows]
    page += [
        "",
        "## What the stand-in costs over the calls of the core, 32² float32, shortest times, µs",
        "",
    ]
    page += ["| call | stand-in | core | over | calls of the core |", "|---|---|---|---|---|"]
    for each in costs:
        took, core = 1e6 * each.stand_in, 1e6 * each.core
        page.append(
            f"| `{each.call}` | {took:.1f} | {core:.1f} | {took - core:.1f} | {each.calls} |"
        )
    return "\n".join(page) + "\n"


def _cells(row: Row) -> str:
    names = ("gpuconv", "one core", "SciPy")
    times = " | ".join(f"{1e3 * median(row.seconds[name]):.3g}" for name in names)
    shape = "×".join(map(str, row.shape))
    off = f"{row.off:.1g}" if row.off else "0"
    return f"| `{row.call}` | {row.dtype}, {shape} | {times} | {row.ratio:.3g} | {off} |"


def record(rows: list[Row], costs: list[Cost]) -> dict[str, Any]:
    """Return all that was measured."""
    return {"rows": [asdict(row) for row in rows], "costs": [asdict(each) for each in costs]}
