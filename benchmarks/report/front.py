"""The table on the project's first page: some cases, and how many times as long others take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.peers import OURS
from benchmarks.report import ahead
from benchmarks.report.record import Line, Record, Section
from benchmarks.report.words import geometric_mean, milliseconds, table, times
from benchmarks.suite.row import Row

__all__ = ["BEGIN", "CASES", "END", "front"]

#: Between these lines the page is written by the report.
BEGIN, END = "<!-- written by make report: begin -->", "<!-- written by make report: end -->"

#: What people ask of first, by the names of cases.
CASES = (
    "dense 3×3 f32 4096²",
    "dense 7×7 f32 4096²",
    "dense 15×15 f32 4096²",
    "dense 31×31 f32 4096²",
    "Gaussian σ=1 f32 4096²",
    "Gaussian σ=5 f32 4096²",
    "Gaussian σ=20 f32 4096²",
    "box 31×31 f32 4096²",
    "Gaussian σ=1.1 5×5 u8 2160×3840",
    "Gaussian σ=3 u8 2160×3840",
    "Gaussian σ=1.4 7×7 u8 2160×3840 RGB",
    "Gaussian σ=1.7 9×9 u16 4096²",
    "Sobel magnitude f32 2048²",
    "median 3×3 u8 2048²",
    "median 5×5 f32 2048²",
    "median 11×11 u8 2048²",
    "bilateral 9 f32 2048²",
    "nl_means 7/11 f32 2048²",
    "Canny σ=1.4 f32 2048²",
    "Wiener 15×15 f32 2048²",
    "Richardson–Lucy, 30 iterations f32 2048²",
)

#: Columns, each the fastest of the peers whose names begin so.
_COLUMNS = ("SciPy", "scikit-image", "OpenCV", "libvips", "torch", "Pillow")


def front(page: str, records: Sequence[Record]) -> str:
    """Return a page with the lines between BEGIN and END written anew; as it is without them."""
    if BEGIN not in page:
        return page
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    told = (line for record in records if "table" in record.sections for line in _lines(record))
    return "\n".join([before + BEGIN, "", *told, END + after])


def _lines(record: Record) -> Iterator[str]:
    section = record.sections["table"]
    yield (
        f"On {record.title}, `{section.command}` found in one run (milliseconds; of others, how "
        "many times as long as gpuconv the fastest way to ask them takes, bold where they are "
        "ahead; ≈: a part of the image was timed):"
    )
    yield ""
    known = {line.case: line for line in section.lines}
    rows = (_row(known[name]) for name in CASES if name in known)
    yield from table(["", "gpuconv, ms", *_COLUMNS], rows)
    means = (f"{name} {times(mean)}" for name in _COLUMNS if (mean := _mean(section, name)))
    yield f"The geometric mean over all cases that they can do: {', '.join(means)}."
    yield ahead.summary(section)
    yield ""


def _row(line: Line) -> list[str]:
    ours = line.timed.get(OURS)
    taken = milliseconds(ours.seconds.median) if ours and ours.seconds else "–"
    return [line.case, taken, *(_cell(line, name) for name in _COLUMNS)]


def _best(line: Line, name: str) -> Row | None:
    """Return the fastest of a library's rows: by all threads or one, by one function or another."""
    return next((row for row in line.peers if row.peer.startswith(name)), None)


def _cell(line: Line, name: str) -> str:
    best = _best(line, name)
    ratio = line.ratio(best.peer) if best else None
    if best is None or ratio is None:
        return "–"
    told = ("≈ " if best.part < 1 else "") + times(ratio)
    return f"**{told}**" if ratio < 1 else told


def _mean(section: Section, name: str) -> float | None:
    """Return the mean of a library's ratios."""
    best = (_best(line, name) for line in section.lines)
    found = zip(section.lines, best, strict=True)
    ratios = [ratio for line, row in found if row and (ratio := line.ratio(row.peer))]
    return geometric_mean(ratios) if ratios else None
