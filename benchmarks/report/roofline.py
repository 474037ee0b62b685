"""Rooflines: for each GPU, what was predicted of its machine code, and what was measured.

``python -m benchmarks.report.roofline`` writes a page and a plot for the GPU that predictions are
made for, and for each of those that they know which has a record.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.report.record import Line, Record, records
from benchmarks.report.roofs import draw
from benchmarks.report.words import brief, percent, table, times
from benchmarks.static.rates import GPUS, Gpu

__all__ = ["AIMS", "COMMAND", "Point", "page", "points", "write"]

RESULTS = Path(__file__).parents[1] / "results"
#: The predictions, in the folder of results, and how they are made again.
PREDICTED = "static/h200.json"
COMMAND = f'make static STATIC_ARGS="--suite --json benchmarks/results/{PREDICTED}"'

#: The shares of a copy's speed that kernels are meant to reach on an H200, at least.
AIMS = {
    "dense 3×3 f32 4096²": 0.9,
    "dense 5×5 f32 4096²": 0.9,
    "dense 7×7 f32 4096²": 0.8,
    "Gaussian σ=1 f32 4096²": 0.9,
    "Gaussian σ=2 f32 4096²": 0.8,
    "dense 3×3 u8 4096²": 0.8,
    "integer 3×3 u8 4096²": 0.8,
}

#: What decides, in words for a reader.
_WORDS = {
    "memory": "memory",
    "issue": "issue of instructions",
    "shared memory": "passes through shared memory",
    "alu": "integers, minima, tests",
    "multiply": "products of integers",
    "special": "exponentials, roots",
    "convert": "conversions",
    "double": "float64",
    "fma": "products and sums",
}


@dataclass(frozen=True)
class Point:
    """A case on a GPU: as predicted, and as measured where it was."""

    predicted: dict[str, Any]
    gpu: Gpu
    measured: Line | None

    @property
    def case(self) -> str:
        """What it is called."""
        return str(self.predicted["case"])

    @property
    def bound(self) -> str:
        """What decides, in words."""
        return _WORDS[self._here["bound"]]

    @property
    def kernels(self) -> str:
        """What is launched, in order, each once."""
        return ", ".join(dict.fromkeys(each["kernel"] for each in self.predicted["launches"]))

    @property
    def intensity(self) -> float:
        """Lane-instructions per byte that must be moved, whoever computes."""
        return float(self._instructions / self.predicted["bytes"])

    @property
    def seconds(self) -> float:
        """Predicted."""
        return float(self._here["seconds"])

    @property
    def share(self) -> float:
        """Predicted, of a copy's speed."""
        return float(self._here["share"])

    @property
    def took(self) -> float | None:
        """Seconds as they were measured."""
        ours = self.measured and self.measured.ours
        return ours.seconds.median if ours and ours.seconds else None

    @property
    def measured_share(self) -> float | None:
        """As measured, of the speed of a copy in the same run."""
        return self.measured.share if self.measured else None

    def rate(self, seconds: float) -> float:
        """Return the lane-instructions per second of a call that takes so long."""
        return float(self._instructions / seconds)

    @property
    def _instructions(self) -> Any:
        return self.predicted["instructions"] * self.predicted["pixels"]

    @property
    def _here(self) -> Any:
        return self.predicted["gpus"][self.gpu.folder]


def points(static: dict[str, Any], gpu: Gpu, record: Record | None) -> list[Point]:
    """Return all cases of which there is a prediction."""
    section = record.sections.get("table") if record else None
    lines = {line.case: line for line in section.lines} if section else {}
    return [
        Point(row, gpu, lines.get(row["case"])) for row in static["rows"] if not row["left_out"]
    ]


def page(static: dict[str, Any], gpu: Gpu, found: Sequence[Point]) -> Iterator[str]:
    """Yield the lines of a page about a GPU."""
    measured = any(point.took for point in found)
    yield f"# Roofline: {gpu.name}"
    yield ""
    yield from _about(static, gpu, measured)
    yield "![roofline](roofline.png)"
    yield ""
    yield "A point's distance below the slanted line is its share of a copy's speed."
    yield ""
    yield from _aims(found)
    yield "## Every case"
    yield ""
    yield from _every(found, measured)
    yield from _left_out(static)


def _about(static: dict[str, Any], gpu: Gpu, measured: bool) -> Iterator[str]:
    if not measured:
        yield f"**Predicted, not measured: no {gpu.name} has been asked yet.**"
        yield ""
    yield (
        f"The machine code of each launch ({static['arch']}, NVRTC {static['nvrtc']}) was executed "
        "in Python for a block in the middle of the image, and counted. A launch takes as long as "
        f"the longest of these: its bytes at {brief(gpu.copy / 1e12)} TB/s, the rate of a copy, "
        "what a block reads beyond its own pixels included; its instructions at "
        f"{brief(gpu.issued() / 1e12)} T lanes/s, the rate of issue; those of each pipe at that "
        "pipe's; and its passes through shared memory, one a clock. Latency is in none of them, "
        "nor is what is lost at the ends of an image: small images take longer than it says here. "
        "Fourier transforms count as two passes over memory each."
    )
    yield ""
    yield f"Again: `{COMMAND}`, then `make report`."
    yield ""


def _aims(found: Sequence[Point]) -> Iterator[str]:
    aimed = [point for point in found if point.case in AIMS]
    if not aimed or aimed[0].gpu != GPUS[0]:
        return
    yield "## Aims"
    yield ""
    yield from table(["case", "aim", "predicted", "measured", ""], map(_aim, aimed))


def _aim(point: Point) -> list[str]:
    aim, measured = AIMS[point.case], point.measured_share
    share = point.share if measured is None else measured
    verdict = "" if share >= aim else f"missed, by {point.bound}"
    said = "–" if measured is None else percent(measured)
    return [point.case, f"≥ {percent(aim)}", percent(point.share), said, verdict]


def _every(found: Sequence[Point], measured: bool) -> Iterator[str]:
    head = ["case", "kernels", "instructions/pixel", "bytes/pixel", "decided by"]
    head += ["predicted, µs", "of a copy"]
    if measured:
        head += ["measured, µs", "of a copy", "measured / predicted"]
    yield from table(head, (_row(point, measured) for point in found))


def _row(point: Point, measured: bool) -> list[str]:
    row = [point.case, point.kernels, brief(point.predicted["instructions"])]
    row += [brief(point.predicted["moved"]), point.bound]
    row += [brief(1e6 * point.seconds), percent(point.share)]
    if not measured:
        return row
    took, share = point.took, point.measured_share
    if took is None:
        return [*row, "–", "–", "–"]
    said = "–" if share is None else percent(share)
    return [*row, brief(1e6 * took), said, times(took / point.seconds)]


def _left_out(static: dict[str, Any]) -> Iterator[str]:
    left_out = [row for row in static["rows"] if row["left_out"]]
    if left_out:
        yield "Of these there is no prediction:"
        yield ""
        yield from (f"- {row['case']}: {row['left_out']}" for row in left_out)
        yield ""


def write(results: Path = RESULTS) -> list[Path]:
    """Write the pages and plots of a folder of results; return the pages."""
    path = results / PREDICTED
    if not path.exists():
        return []
    static, pages = json.loads(path.read_text("utf-8")), []
    for gpu, record in _asked(results):
        folder = record.folder if record else results / gpu.folder
        folder.mkdir(parents=True, exist_ok=True)
        found = points(static, gpu, record)
        draw(found, gpu, folder / "roofline.png")
        pages.append(folder / "roofline.md")
        pages[-1].write_text("\n".join(page(static, gpu, found)).rstrip() + "\n", "utf-8")
    return pages


def _asked(results: Path) -> Iterator[tuple[Gpu, Record | None]]:
    """Yield GPUs with their records; the first, for which kernels were made, even without one."""
    recorded = [each for each in records(results) if each.kind == "cuda"]
    for gpu in GPUS:
        # Folders have a GPU's whole name: nvidia-h100-80gb-hbm3.
        own = [each for each in recorded if each.folder.name.startswith(gpu.folder)]
        yield from ((gpu, each) for each in own)
        if not own and gpu is GPUS[0]:
            yield gpu, None


if __name__ == "__main__":
    for written in write():
        print(written)
