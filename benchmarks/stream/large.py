"""An image that does not fit into the memory allowed: who blurs it, in what time and memory."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.stream.make import tiff_name, zarr_name
from benchmarks.stream.peers import PEERS, SIGMA, Peer, absent, command
from benchmarks.stream.process import Measured, measured

__all__ = ["Run", "markdown", "module", "race", "remove", "row"]

_KINDS = {"tif": "TIFF", "zarr": "Zarr"}


@dataclass(frozen=True)
class Run:
    """What came of one peer."""

    peer: Peer
    #: None: it could not run, and `why`.
    measured: Measured | None
    why: str
    check: dict[str, Any]

    @property
    def right(self) -> bool:
        """Whether it ran, and gave what it is to give."""
        known = self.measured is not None and "largest" in self.check
        same = self.check.get("differing", 0) == 0
        return known and same and self.check["largest"] <= self.peer.off


def race(folder: Path, size: int, memory: str, limit: float, wanted: Any) -> Iterator[Run]:
    """Yield runs of the peers that are wanted, one after the other."""
    module("benchmarks.stream.make", str(folder), str(size))
    kept = folder / "kept.tif"
    for peer in filter(wanted, PEERS):
        source = folder / {"tif": tiff_name, "zarr": zarr_name}[peer.kind](size)
        target = folder / f"out.{peer.kind}"
        # What a run before this one has left there, too: gpuconv would go on with it.
        for place in (target, *folder.glob(".gpuconv-*")):
            remove(place)
        yield _one(peer, command(peer, source, target, memory), target, size, limit, kept)
        if peer == PEERS[0] and target.exists():
            target.replace(kept)
        remove(target)
    remove(kept)


def _one(peer: Peer, line: list[str], target: Path, size: int, limit: float, kept: Path) -> Run:
    if why := absent(peer):
        return Run(peer, None, why, {})
    found = measured(line, limit)
    if found.code:
        over = f"stopped after {limit:g} s" if found.code == -9 else f"exit {found.code}"
        last = found.output.strip().splitlines()[-1:]
        return Run(peer, None, ": ".join([over, *last]), {})
    check = module("benchmarks.stream.check", str(target), str(size), peer.border)
    if peer.options and kept.exists():
        # All that gpuconv gives is the same, to the bit.
        check |= module("benchmarks.stream.check", str(kept), str(target))
    return Run(peer, found, "", check)


def module(*arguments: str) -> dict[str, Any]:
    """Run a module in a process of its own, so that this one stays small."""
    done = subprocess.run([sys.executable, "-m", *arguments], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(arguments)} failed: {done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout or "{}")
    return answer


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)


def markdown(runs: list[Run], size: int, memory: str, machine: str) -> str:
    """Return the page."""
    lines = [
        f"# A blur of {size}² pixels, σ = {SIGMA}",
        "",
        f"`make stream`, on {machine}. Bytes, {size**2 / 2**30:.3g} GiB, in tiles of 512² pixels "
        "(BigTIFF) or chunks of 1024² (Zarr, version 3), not compressed, to a file of the same "
        f"kind. gpuconv was allowed {memory}.",
        "",
        "Each ran once, in a process of its own, after the other; seconds are those of the clock, "
        "from its start to its end, and until what it wrote was on disk. *Peak* is the memory of "
        "its largest process, by the system's own count. *Levels off* is the largest difference "
        "from the reference among patches at corners, edges, seams and elsewhere, and the pixels "
        "of these that differ at all; libvips repeats the last pixel at borders, and is compared "
        "with that.",
        "",
        "| | s | until on disk | s of processor | Mpx/s | peak, MiB | levels off |",
        "|---|---|---|---|---|---|---|",
        *(row(run, size) for run in runs),
        "",
        *(f"- **{_named(run.peer)}**: {run.peer.how.format(memory=memory)}." for run in runs),
    ]
    return "\n".join(lines) + "\n"


def row(run: Run, size: int) -> str:
    """Return a row of the table."""
    if run.measured is None:
        return f"| {_named(run.peer)} | – | | | | | {run.why} |"
    took = run.measured
    rate = size**2 / 1e6 / took.seconds
    off = run.check.get("wrong") or f"{run.check['largest']}; {_part(run.check)}"
    same = {0: "; the bits of the first row"}.get(run.check.get("differing", -1), "")
    figures = f"{took.seconds:.1f} | {took.flushed:.1f} | {took.processor:.1f} | {rate:.0f}"
    return f"| {_named(run.peer)} | {figures} | {took.peak / 2**20:.0f} | {off}{same} |"


def _part(check: dict[str, Any]) -> str:
    share = check["apart"] / check["pixels"]
    return f"{100 * share:.2g} % of {check['patches']} patches"


def _named(peer: Peer) -> str:
    return f"{peer.name}, {_KINDS[peer.kind]}"
