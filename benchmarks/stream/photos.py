"""Thousands of photographs: who blurs all of them, and how fast."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.stream.large import module
from benchmarks.stream.process import Measured, measured

__all__ = ["Run", "markdown", "race", "row"]

SIGMA = 2
_QUALITY = 85
_CORES = os.cpu_count() or 1

#: Options of libvips for what a suffix says, as its default quality is another.
_SAVED = f"case $1 in *.jpg|*.webp) o=[Q={_QUALITY}];; *.tif) o=[compression=lzw];; *) o=;; esac"
_VIPS = f'{_SAVED}; vips gaussblur "$1" "$2/${{1##*/}}$o" {SIGMA}'
_MAGICK = f'convert "$1" -blur 0x{SIGMA} "$2/${{1##*/}}"'


@dataclass(frozen=True)
class Peer:
    """One way to blur the files of a folder."""

    name: str
    how: str
    #: What a shell runs for each file, $1, into a folder, $2; "" for those that take a folder.
    each: str = ""
    #: Files at a time.
    jobs: int = 1
    program: str = ""
    #: Variables of the environment.
    environment: tuple[tuple[str, str], ...] = ()


_AT_ONCE = f"xargs -P {_CORES}, each with one thread"

PEERS = (
    Peer("gpuconv batch", f"gpuconv batch IN -o OUT --filter gaussian --sigma {SIGMA}"),
    Peer(
        "vips, loop",
        f"for f in IN/*; do vips gaussblur $f OUT/… {SIGMA}; done",
        each=_VIPS,
        program="vips",
    ),
    Peer(
        "vips, xargs",
        f"the same by {_AT_ONCE}",
        each=_VIPS,
        jobs=_CORES,
        program="vips",
        environment=(("VIPS_CONCURRENCY", "1"),),
    ),
    Peer(
        "ImageMagick, xargs",
        f"convert … -blur 0x{SIGMA} … by {_AT_ONCE}",
        each=_MAGICK,
        jobs=_CORES,
        program="convert",
        environment=(("MAGICK_THREAD_LIMIT", "1"), ("OMP_NUM_THREADS", "1")),
    ),
    Peer("Pillow", f"ImageFilter.GaussianBlur({SIGMA}), multiprocessing.Pool({_CORES})"),
)


@dataclass(frozen=True)
class Run:
    """What came of one peer."""

    peer: Peer
    measured: Measured | None
    why: str
    #: Results that have the size, the kind and the depth of their files.
    kept: int
    #: Seconds by stage, of all files together; of gpuconv alone.
    stages: dict[str, float]


def race(folder: Path, files: int, limit: float, wanted: Any) -> Iterator[Run]:
    """Yield runs of the peers that are wanted, one after the other."""
    source, target = folder / f"album-{files}", folder / "out"
    module("benchmarks.stream.album", str(source), str(files))
    for peer in filter(wanted, PEERS):
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        yield _run(peer, source, target, files, limit)
        shutil.rmtree(target)


def _run(peer: Peer, source: Path, target: Path, files: int, limit: float) -> Run:
    if why := _absent(peer):
        return Run(peer, None, why, 0, {})
    summary = target.with_suffix(".json")
    found = measured(_command(peer, source, target, summary), limit, dict(peer.environment))
    if found.code == -9:
        return Run(peer, None, f"stopped after {limit:g} s", 0, {})
    right = module("benchmarks.stream.album", str(source), str(files), str(target))
    stages = json.loads(summary.read_text())["stages"] if summary.exists() else {}
    summary.unlink(missing_ok=True)
    return Run(peer, found, "", right["kept"], stages)


def _absent(peer: Peer) -> str:
    if peer.program and shutil.which(peer.program) is None:
        return f"there is no program {peer.program}"
    return "" if find_spec("PIL") else "there is no module PIL"


def _command(peer: Peer, source: Path, target: Path, summary: Path) -> list[str]:
    given, python = [str(source), str(target)], [sys.executable, "-m"]
    if peer.each:
        one = f"bash -c {shlex.quote(peer.each)} _ {{}} {shlex.quote(str(target))}"
        if peer.jobs == 1:
            loop = f'for f in "$1"/*; do set -- "$1" "$2" "$f"; ({_positional(peer.each)}); done'
            return ["bash", "-c", loop, "_", *given]
        find = f"find {shlex.quote(str(source))} -type f -print0"
        return ["bash", "-c", f"{find} | xargs -0 -P {peer.jobs} -I {{}} {one}"]
    if peer.name == "Pillow":
        return [*python, "benchmarks.stream.photos", *given]
    blur = ["--filter", "gaussian", "--sigma", str(SIGMA), "--device", "cpu", "-q"]
    return [*python, "gpuconv", "batch", given[0], "-o", given[1], *blur, "--summary", str(summary)]


def _positional(each: str) -> str:
    """Return what is run for a file in a loop, where the file is $3."""
    return f'set -- "$3" "$2"; {each}'


def markdown(runs: list[Run], files: int, machine: str) -> str:
    """Return the page."""
    lines = [
        f"# {files} photographs",
        "",
        f"`make photos`, on {machine}. JPEG, PNG, TIFF and WebP, grey, colour, with transparency "
        "and of 16 bits, 480 … 2400 pixels long, cut from the samples; a Gaussian blur, "
        f"σ = {SIGMA}; JPEG and WebP saved with quality {_QUALITY}.",
        "",
        "Each ran once, after the other. *Kept* are the results that have the size, the format, "
        "the channels and the depth of their files. *Peak* is the memory of the largest process, "
        "by the system's own count; *all* that of all processes together, sampled.",
        "",
        "| | s | files/s | s of processor | peak, MiB | all, MiB | kept |",
        "|---|---|---|---|---|---|---|",
        *(row(run, files) for run in runs),
        "",
        *(f"- **{run.peer.name}**: `{run.peer.how}`." for run in runs),
        *_stages(runs),
    ]
    return "\n".join(lines) + "\n"


def row(run: Run, files: int) -> str:
    """Return a row of the table."""
    if run.measured is None:
        return f"| {run.peer.name} | – | | | | | {run.why} |"
    took = run.measured
    memory = f"{took.peak / 2**20:.0f} | {took.together / 2**20:.0f}"
    figures = f"{took.seconds:.1f} | {files / took.seconds:.1f} | {took.processor:.1f}"
    return f"| {run.peer.name} | {figures} | {memory} | {run.kept} of {files} |"


def _stages(runs: list[Run]) -> list[str]:
    """Return where time goes, for those that say it."""
    lines = []
    for run in runs:
        total = sum(run.stages.values())
        shares = [f"{name} {s:.1f} s ({100 * s / total:.0f} %)" for name, s in run.stages.items()]
        if shares:
            where = f"Where the time of {run.peer.name} goes, that of all its threads together"
            lines += ["", f"{where}: {', '.join(shares)}."]
    return lines


# ---------------------------------------------------------------- the script with Pillow


def _pillow(source: Path, target: Path) -> None:
    from multiprocessing import Pool

    names = sorted(path.name for path in source.iterdir())
    with Pool(_CORES) as pool:
        failed = sum(pool.starmap(_one, ((source / n, target / n) for n in names), chunksize=8))
    sys.exit(f"{failed} failed" if failed else 0)


def _one(source: Path, target: Path) -> int:
    from PIL import Image, ImageFilter

    options: dict[str, Any] = {}
    if source.suffix in (".jpg", ".webp"):
        options["quality"] = _QUALITY
    if source.suffix == ".tif":
        options["compression"] = "tiff_lzw"
    try:
        with Image.open(source) as image:
            image.filter(ImageFilter.GaussianBlur(SIGMA)).save(target, **options)
    except ValueError:  # Pillow blurs no 16 bits
        return 1
    return 0


if __name__ == "__main__":
    _pillow(Path(sys.argv[1]), Path(sys.argv[2]))
