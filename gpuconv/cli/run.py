"""``gpuconv run``: one image in, however large, and one filtered image out."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from textwrap import shorten
from typing import Any

from gpuconv.cli import EXIT_DISK_FULL
from gpuconv.cli.filter_options import add_filter_flags, chain_of, flag_hint, glue, named
from gpuconv.cli.interrupt import Interrupt
from gpuconv.cli.run_cluster import run_on_cluster
from gpuconv.cli.run_options import run_parser
from gpuconv.cli.run_report import (
    EXIT_CODES,
    described,
    failure_lines,
    peak_memory,
    planned,
    report_lines,
)
from gpuconv.cli.stream_progress import stream_display
from gpuconv.cli.streams import emit, plain
from gpuconv.errors import ArgumentError, ImageFileError, choose
from gpuconv.filters import Chain
from gpuconv.io import discard_unfinished
from gpuconv.io.create import SINK_SUFFIXES
from gpuconv.io.open import open_image
from gpuconv.io.source import Source
from gpuconv.streaming.profile import check_profile, write_profile
from gpuconv.streaming.retry import disk_full
from gpuconv.streaming.run import plan_stream, stream
from gpuconv.streaming.summary import StreamError, StreamSummary
from gpuconv.streaming.whole import is_local

__all__ = ["main"]

#: The longest heading of a picture of the timeline, in characters: what is as wide as that.
_HEADING = 120


def main(arguments: Sequence[str]) -> int:
    """Filter an image; return the exit code."""
    options = _read(arguments)
    chain = chain_of(options)
    _check_places(options)
    if options.exists == "skip" and os.path.lexists(options.output):
        return _skip(options)
    with _opened(options) as source:
        if not is_local(chain) and not options.quiet:
            _tell(f"note: {chain.name} needs the whole image at once, so it is read whole")
        if options.dry_run:
            return _explain(source, chain, options)
        return _carry_out(source, chain, options)


def _read(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options; what they do not say, and must, is an error."""
    arguments = glue(arguments)
    parser = run_parser()
    names = named(arguments)
    add_filter_flags(parser, names)
    options = parser.read(arguments, lambda: flag_hint(names))
    if options.input is None or options.output is None:
        parser.error("give an image and where the result is to go: gpuconv run INPUT OUTPUT …")
    return options


def _check_places(options: argparse.Namespace) -> None:
    """Refuse places where something would be lost, before any work."""
    source, target = (Path(name).resolve() for name in (options.input, options.output))
    if source == target or source in target.parents or target in source.parents:
        raise ArgumentError(
            f"OUTPUT {options.output} is, holds or lies in the input {options.input}: give it "
            "another place"
        )
    if options.exists == "error" and os.path.lexists(options.output):
        raise ImageFileError(
            f"{options.output} exists already: --exists overwrite replaces it, --exists skip "
            "leaves it alone"
        )
    choose("the suffix of OUTPUT", target.suffix.lower(), SINK_SUFFIXES, "that of a known format")
    if options.profile is None:
        return
    for place in (check_profile(options.profile), Path(options.profile).with_suffix(".png")):
        if place.resolve() in (source, target):
            raise ArgumentError(f"--profile would replace {place}; give it another name")


def _opened(options: argparse.Namespace) -> Source:
    return open_image(
        options.input,
        page=options.page,
        level=options.level,
        missing=options.missing,
        shape=options.shape,
        dtype=options.dtype,
        max_pixels=None,
    )


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    """Return what decides how a stream is done, as its functions take it."""
    devices = options.devices or ["auto"]
    return {
        "device": devices if len(devices) > 1 else devices[0],
        "memory": options.memory,
        "gpu_memory": options.gpu_memory,
        "tile": options.tile,
        "alpha": options.alpha,
        "linear": options.linear,
        "grey": options.grey,
        "missing": options.missing,
    }


def _skip(options: argparse.Namespace) -> int:
    if options.json:
        told = {"schema": "gpuconv.run/1", "status": "skipped"}
        _print_json(told | {"input": options.input, "output": options.output})
    if not options.quiet:
        _tell(f"skipped: {options.output} exists")
    return 0


def _explain(source: Source, chain: Chain, options: argparse.Namespace) -> int:
    if options.dask is not None:
        raise ArgumentError("--dry-run is not for --dask: only the cluster knows its workers")
    plan = plan_stream(source, chain, **_settings(options))
    if options.json:
        told = {"schema": "gpuconv.run/1", "status": "would_write", "input": options.input}
        _print_json(told | {"output": options.output} | planned(plan))
    else:
        emit("".join(f"{plain(line)}\n" for line in plan.explain().split("\n")), sys.stdout)
    return 0


def _carry_out(source: Source, chain: Chain, options: argparse.Namespace) -> int:
    """Do the work, showing how far it is; return the exit code."""
    work = _stream if options.dask is None else run_on_cluster
    if options.verbose and options.dask is None:
        _tell(*plan_stream(source, chain, **_settings(options)).explain().split("\n"))
    display = stream_display(sys.stderr, quiet=options.quiet)
    failure = None
    with Interrupt(display.say, discard_unfinished, "tiles") as interrupt:
        try:
            summary = work(source, chain, options, progress=display, stop=interrupt)
        except StreamError as error:
            summary, failure = error.summary, error
        finally:
            display.close()
    _report(summary, str(failure or ""), chain, options)
    return EXIT_DISK_FULL if failure and disk_full(failure) else EXIT_CODES[summary.status]


def _stream(
    source: Source, chain: Chain, options: argparse.Namespace, **watched: Any
) -> StreamSummary:
    return stream(
        source,
        options.output,
        chain,
        compression=options.compression,
        pyramid=options.pyramid,
        overwrite=options.exists == "overwrite",
        resume=not options.restart,
        salvage=options.salvage,
        **_settings(options),
        **watched,
    )


def _report(summary: StreamSummary, error: str, chain: Chain, options: argparse.Namespace) -> None:
    """Say, print and draw what became of a stream."""
    # On a cluster it is not this process that filters.
    source, peak = Path(options.input), None if options.dask else peak_memory()
    if options.json:
        _print_json(described(source, summary, peak, error))
    _tell(*(failure_lines(summary) if options.quiet else report_lines(source, summary, peak)))
    if error:
        _tell(f"failed: {error}")
    if options.profile is not None:
        _profile(summary, chain, options)


def _profile(summary: StreamSummary, chain: Chain, options: argparse.Namespace) -> None:
    # Not left to the stream: memory is measured before matplotlib takes some.
    title = f"{chain.spec}: {Path(options.input).name} → {Path(options.output).name}"
    written = write_profile(summary.record, options.profile, shorten(title, _HEADING))
    if not options.quiet:
        _tell(f"timeline for https://ui.perfetto.dev: {', '.join(map(str, written))}")
        if len(written) == 1:
            _tell("note: a picture of it needs matplotlib: pip install 'gpuconv[plot]'")


def _tell(*lines: str) -> None:
    for line in lines:
        emit(f"{plain(line)}\n", sys.stderr)


def _print_json(told: dict[str, Any]) -> None:
    emit(json.dumps(told, indent=2) + "\n", sys.stdout)
