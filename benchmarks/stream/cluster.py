"""A cluster of two workers on this machine beside the plain stream, and with a worker killed.

``python -m benchmarks.stream.cluster`` is the cluster: it prints its address, kills a worker for
each line that it is given, and ends with its input.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from benchmarks.stream.large import module, remove
from benchmarks.stream.make import zarr_name
from benchmarks.stream.peers import SIGMA
from benchmarks.stream.process import Measured, measured

__all__ = ["Run", "markdown", "race", "row"]

_WORKERS = 2
PLAIN, CLUSTER, KILLED = "plain stream", "Dask, two workers", "Dask, a worker killed"


@dataclass(frozen=True)
class Run:
    """What came of one way."""

    name: str
    measured: Measured
    #: Pixels that differ from those of the plain stream.
    differing: int


def race(folder: Path, size: int, limit: float) -> Iterator[Run]:
    """Yield the runs: the plain stream first, with which the others are compared."""
    module("benchmarks.stream.make", str(folder), str(size))
    source, kept, target = folder / zarr_name(size), folder / "kept.zarr", folder / "out.zarr"
    for place in (kept, target, *folder.glob(".gpuconv-*")):
        remove(place)
    plain = measured(_command(source, kept), limit)
    _check(plain)
    yield Run(PLAIN, plain, 0)
    for name in (CLUSTER, KILLED):
        with _cluster() as (address, ask):
            killer = threading.Timer(plain.seconds / 2, ask)
            if name == KILLED:
                killer.start()
            found = measured([*_command(source, target), "--dask", address], limit)
            killer.cancel()
        _check(found)
        answer = module("benchmarks.stream.check", str(kept), str(target))
        yield Run(name, found, answer["differing"])
        remove(target)
    remove(kept)


def _command(source: Path, target: Path) -> list[str]:
    blur = ["--filter", f"gaussian:sigma={SIGMA}", "--compression", "none", "--device", "cpu"]
    return [sys.executable, "-m", "gpuconv", "run", str(source), str(target), *blur]


def _check(run: Measured) -> None:
    if run.code:
        sys.exit(f"gpuconv run failed with {run.code}: {run.output[-2000:]}")


@contextmanager
def _cluster() -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield the address of a new cluster, and what kills one of its workers."""
    line = [sys.executable, "-m", "benchmarks.stream.cluster"]
    process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    commands, answers = process.stdin, process.stdout
    assert commands is not None
    assert answers is not None

    def kill() -> None:
        commands.write("kill\n")
        commands.flush()

    try:
        yield answers.readline().strip(), kill
    finally:
        commands.close()
        process.wait(60)
        answers.close()


def markdown(runs: list[Run], size: int, machine: str) -> str:
    """Return the page."""
    lines = [
        f"# A cluster on one machine, {size}² pixels",
        "",
        f"`python -m benchmarks.stream dask`, on {machine}. A Zarr "
        f"store of bytes in chunks of 1024², a Gaussian blur, σ = {SIGMA}; Dask's LocalCluster has "
        f"{_WORKERS} workers of one thread, and runs before the clock does.",
        "",
        "| | s | as a multiple | pixels that differ |",
        "|---|---|---|---|",
        *(row(run, runs[0]) for run in runs),
    ]
    return "\n".join(lines) + "\n"


def row(run: Run, plain: Run) -> str:
    """Return a row of the table."""
    seconds = run.measured.seconds
    times = f"{seconds / plain.measured.seconds:.2f}"
    return f"| {run.name} | {seconds:.1f} | {times} | {run.differing} |"


# ---------------------------------------------------------------- the cluster


def _serve(commands: IO[str]) -> None:
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=_WORKERS, threads_per_worker=1, dashboard_address=":0", silence_logs=50
    ) as cluster:
        print(cluster.scheduler_address, flush=True)
        for _ in commands:
            os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)


if __name__ == "__main__":
    _serve(sys.stdin)
