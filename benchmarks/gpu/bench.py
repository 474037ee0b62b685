"""Time gpuconv on a GPU beside a copy of the same bytes, and beside its peers."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.gpu import timing
from benchmarks.gpu.beyond import FILTERS, LIBRARIES, Filter, largest
from benchmarks.gpu.contest import (
    CASES,
    COPIES,
    PEERS,
    Buffers,
    Case,
    Prepare,
    Unable,
    expected,
)
from gpuconv import __version__
from gpuconv.backends import cuda
from gpuconv.backends.cuda import runtime
from gpuconv.verify.machine import machine

Array = NDArray[Any]
Row = dict[str, Any]

HEADER = (
    f"{'case':<16}{'border':<10}{'library':<15}{'cold µs':>9}{'p10':>8}{'p90':>8}{'warm µs':>9}"
    f"{'wall µs':>9}{'Gpixel/s':>10}{'of copy':>9}"
)
NOTES = """
cold, warm: between events, buffers out of the cache and just used; wall: one of ten calls back to
back, by the host's clock. All medians. of copy: the faster copy's cold time over the cold time.
dense 63×63 is on an image of twice the sides, nl_means (7×7 within 11) and Lucy (30 iterations of
Richardson and Lucy) on one of half; edges: Sobel's magnitude, of bytes."""


#: Parts of the output, each with what must be there.
Wanted = list[tuple[Any, Array]]


def peers_of(case: Case | Filter) -> dict[str, Prepare]:
    """Return who is timed on a case, the copies first."""
    return COPIES | (PEERS if isinstance(case, Case) else LIBRARIES)


def _wanted(case: Case | Filter, image: Array) -> Wanted:
    return [(..., expected(case, image))] if isinstance(case, Case) else case.wanted(image)


def measure(
    case: Case | Filter, image: Array, clock: timing.Cuda | timing.Host, rounds: int, seconds: float
) -> list[Row]:
    """Check every peer on a case, then time those that are right, in turns with the copies."""
    sets = timing.sets_for(clock.cache, 2 * image.nbytes)
    buffers, want = Buffers.of(image, sets), _wanted(case, image)
    limit, apart = case.limit(image), case.apart if isinstance(case, Filter) else largest
    calls: dict[str, timing.Call] = {}
    rows: dict[str, Row] = {}
    for name, prepare in peers_of(case).items():
        row = rows[name] = {"case": case.name, "border": case.border, "library": name}
        row |= {"size": image.shape[0], "dtype": image.dtype.name, "sets": sets}
        try:
            call = prepare(case, buffers)
            known = [(..., image)] if name in COPIES else want
            row["error"] = _error(call, buffers, known, apart)
        except Unable as reason:
            row["left_out"] = str(reason)
            continue
        # One that breaks is no reason not to time the others.
        except Exception as error:
            row["left_out"] = f"failed: {type(error).__name__}: {str(error)[:200]}"
            continue
        if row["error"] <= limit:
            calls[name] = call
        else:
            row["left_out"] = f"wrong: largest error {row['error']:.3g} is over {limit:.3g}"
    samples = timing.take_turns(calls, clock, sets, rounds, clock.now() + seconds)
    floor = min(samples[name].cold.median for name in COPIES if name in samples)
    for name, sample in samples.items():
        rows[name] |= _numbers(sample, image.size, floor)
    return list(rows.values())


def _error(
    call: timing.Call, buffers: Buffers, want: Wanted, apart: Callable[[Array, Array], float]
) -> float:
    """Return the largest error of what a call gives in its first and its last set."""
    buffers.spoil()
    worst = 0.0
    for i in (0, len(buffers.outs) - 1):
        call(i)
        made = cuda.asnumpy(buffers.outs[i]).astype(np.float64)
        for part, there in want:
            found = apart(made[part], there)
            worst = max(worst, found if np.isfinite(found) else float("inf"))
    return worst


def _numbers(sample: timing.Sample, pixels: int, floor: float) -> Row:
    spreads = {name: asdict(getattr(sample, name)) for name in ("cold", "warm", "wall")}
    microseconds = {
        name: {key: round(1e6 * value, 3) for key, value in spread.items()}
        for name, spread in spreads.items()
    }
    median = sample.cold.median
    return {
        **microseconds,
        "rounds": sample.rounds,
        "gigapixels_per_second": round(pixels / median * 1e-9, 2),
        "of_copy": round(floor / median, 4),
    }


def lines(rows: list[Row]) -> Iterator[str]:
    """Yield the rows of the table."""
    for row in rows:
        start = f"{row['case']:<16}{row['border']:<10}{row['library']:<15}"
        if "left_out" in row:
            yield f"{start} {row['left_out']}"
            continue
        cold = "".join(f"{row['cold'][key]:>{w}.1f}" for key, w in _COLUMNS.items())
        rest = f"{row['warm']['median']:>9.1f}{row['wall']['median']:>9.1f}"
        yield f"{start}{cold}{rest}{row['gigapixels_per_second']:>10.1f}{row['of_copy']:>9.1%}"


_COLUMNS = {"median": 9, "p10": 8, "p90": 8}


def clock_of() -> timing.Cuda | timing.Host:
    """Return the clock of the runtime in use."""
    if isinstance(runtime.current(), runtime.CupyRuntime):
        import cupy

        return timing.Cuda(cupy)
    return timing.Host()


def arguments(words: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu.bench", description=__doc__)
    add = parser.add_argument
    add("--device", default="cuda:0", help="default: %(default)s")
    add("--size", type=int, default=4096, help="pixels a side (default: %(default)s)")
    add("--rounds", type=int, default=50, help="times of each (default: %(default)s)")
    add("--seconds", type=float, default=60, help="for all timing (default: %(default)s)")
    add("--case", action="append", metavar="TEXT", help="only cases named so")
    add("--json", type=Path, metavar="FILE", help="write the numbers here as well")
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> int:
    """Measure every case, printing as it goes; return 1 if gpuconv is wrong."""
    options = arguments(words)
    every = (*CASES, *FILTERS)
    cases = [c for c in every if not options.case or any(t in c.name for t in options.case)]
    noise = np.random.default_rng(1).normal(size=(options.size,) * 2).astype(np.float32)
    rows: list[Row] = []
    with cuda.place(np.empty(0), options.device):
        clock = clock_of()
        print(f"{options.size}² float32, where nothing else is said\n\n{HEADER}", flush=True)
        for case in cases:
            seconds = options.seconds / len(cases)
            rows += measure(case, case.image_of(noise), clock, options.rounds, seconds)
            print("\n".join(lines(rows[-len(peers_of(case)) :])), flush=True)
            if options.json:  # after each case: the time may be up before the last
                setting = {"size": options.size, "cache": clock.cache}
                record = {"machine": _machine(options.device), **setting, "rows": rows}
                _write(options.json, record)
    print(NOTES)
    return int(any(row["library"] == "gpuconv" and "left_out" in row for row in rows))


def _write(path: Path, record: Row) -> None:
    text = json.dumps(record, indent=1, ensure_ascii=False, default=str)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n", "utf-8")


def _machine(device: str) -> Row:
    """Return what a reader needs to judge the numbers."""
    when = {"date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "gpuconv": __version__}
    if runtime.substituted():
        return {"device": type(runtime.current()).__name__, **when}
    return asdict(machine(device)) | when


if __name__ == "__main__":
    sys.exit(main())
