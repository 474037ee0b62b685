"""Time gpuconv and its peers side by side: ``make bench``, or ``python benchmarks/bench.py -h``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from cases import CASES, Case
from numpy.typing import NDArray
from peers import PEERS, Call, expected

#: Largest error that counts as right, for weights and pixels of size 1: float32 keeps 6e-8 of a
#: number, and a sum of a few hundred products loses a few of these.
TOLERANCE = 1e-6


def machine() -> dict[str, Any]:
    """Return what a reader needs to judge the numbers."""
    versions = {peer.name: peer.version for peer in PEERS}
    cpu = platform.processor() or platform.machine()
    if (info := Path("/proc/cpuinfo")).exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = names[0].partition(": ")[2] if names else cpu
    versions |= {"Python": platform.python_version(), "NumPy": np.__version__}
    return {"cpu": cpu, "cores": os.cpu_count(), "system": platform.platform(), **versions}


def check(name: str, got: NDArray[Any], want: NDArray[Any], limit: float) -> float:
    """Return the largest error; a result that is wrong is not timed."""
    error = float(np.abs(got - want).max())
    if not error <= limit:
        sys.exit(f"{name}: largest error {error:.3g} is over {limit:.3g}; nothing is timed")
    return error


def interleaved(calls: Sequence[Call], repeat: int) -> NDArray[np.float64]:
    """Return seconds of shape (repeat, calls), taken in turns so that noise meets all alike."""
    seconds = np.empty((repeat, len(calls)))
    for row in seconds:
        for column, call in enumerate(calls):
            start = time.perf_counter()
            call()
            row[column] = time.perf_counter() - start
    return seconds


def measure(case: Case, size: int, repeat: int) -> list[dict[str, Any]]:
    """Check every peer on the case, which also warms it up, then time them in turns."""
    image = case.image(size)
    calls = [peer.prepare(case, image) for peer in PEERS]
    want = expected(case, image)
    limit = TOLERANCE * case.gain * float(np.abs(image).max())
    errors = [
        check(f"{peer.name}, {case.name}", call(), want, limit)
        for peer, call in zip(PEERS, calls, strict=True)
    ]
    p10, median, p90 = np.percentile(1e3 * interleaved(calls, repeat), [10, 50, 90], axis=0)
    return [
        {
            "case": case.name,
            "peer": peer.name,
            "ms": round(median[i], 3),
            "p10": round(p10[i], 3),
            "p90": round(p90[i], 3),
            "megapixels_per_second": round(image.size / median[i] / 1e3, 1),
            "times_faster": round(median[i] / median[0], 3),
            "error": errors[i],
        }
        for i, peer in enumerate(PEERS)
    ]


HEADER = f"{'case':<14}{'library':<10}{'median ms':>10}{'p10':>9}{'p90':>9}{'Mpixel/s':>10}{'×':>8}"


def line(row: dict[str, Any]) -> str:
    """Return one row of the table; the last column is the time as a multiple of gpuconv's."""
    times = [f"{row[key]:>{width}.1f}" for key, width in (("ms", 10), ("p10", 9), ("p90", 9))]
    rest = f"{row['megapixels_per_second']:>10.0f}{row['times_faster']:>8.2f}"
    return f"{row['case']:<14}{row['peer']:<10}" + "".join(times) + rest


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description="Time gpuconv and its peers on this CPU.")
    parser.add_argument("--size", type=int, default=4096, help="pixels a side (default: 4096)")
    parser.add_argument("--repeat", type=int, default=7, help="timed runs of each (default: 7)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers here as well")
    return parser.parse_args()


def main() -> None:
    """Measure every case, printing as it goes."""
    options = arguments()
    record: dict[str, Any] = {"machine": machine(), "size": options.size, "repeat": options.repeat}
    print(", ".join(f"{key} {value}" for key, value in record["machine"].items()))
    print(f"{options.size}² float32 photograph, {options.repeat} runs each, in turns\n\n{HEADER}")
    record["results"] = []
    for case in CASES:
        for row in measure(case, options.size, options.repeat):
            print(line(row), flush=True)
            record["results"].append(row)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
