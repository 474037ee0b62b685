"""``gpuconv batch``: many image files in, as many filtered files out."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from gpuconv.batch import (
    JOURNAL_NAME,
    BatchOptions,
    NothingMatchedError,
    Plan,
    Progress,
    Result,
    Summary,
    plan_jobs,
    preview_jobs,
    run_jobs,
)
from gpuconv.cli.batch_options import batch_parser
from gpuconv.cli.filter_options import add_filter_flags, chain_of, flag_hint, glue, named
from gpuconv.cli.interrupt import Interrupt
from gpuconv.cli.progress import Display, display_on
from gpuconv.cli.streams import emit, plain
from gpuconv.errors import ArgumentError
from gpuconv.filters import Chain
from gpuconv.io import discard_unfinished, write_whole

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """Filter files; return the exit code."""
    options = _read(arguments)
    chain = chain_of(options)
    # One pixel shows what would fail for every file: a device that is absent, say.
    for device in options.devices or (chain.device,):
        replace(chain, device=device)(np.zeros((1, 1), np.uint8))
    settings = _settings(options, chain)
    try:
        plan = _plan(options, chain)
    except NothingMatchedError as error:
        _tell([f"gpuconv batch: {error}"])
        return _report(Summary((), dry_run=options.dry_run), options)
    _check_summary_file(options.summary, plan)
    if options.dry_run:
        summary = preview_jobs(plan, settings)
        if not options.json:
            emit("".join(f"{plain(_line(result))}\n" for result in summary.results), sys.stdout)
    else:
        summary = _run(plan, chain, settings, options)
    _tell(summary.lines() if not options.quiet else _failures(summary))
    return _report(summary, options)


def _read(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options; what they do not say, and must, is an error."""
    arguments = glue(arguments)
    parser = batch_parser()
    names = named(arguments)
    add_filter_flags(parser, names)
    options = parser.read(arguments, lambda: flag_hint(names))
    if not options.inputs and options.files_from is None:
        parser.error("no input given: name files or folders, or use --files-from")
    if options.in_place == (options.output is not None):
        parser.error("give either -o DIR for the results, or --in-place")
    devices = tuple(name.strip() for name in options.device.split(","))
    options.device, options.devices = devices[0], devices if len(devices) > 1 else ()
    return options


def _settings(options: argparse.Namespace, chain: Chain) -> BatchOptions:
    return BatchOptions(
        exists=options.exists,
        jobs=options.jobs,
        memory=options.memory,
        devices=options.devices,
        retries=options.retries,
        max_pixels=options.max_pixels,
        frames=options.frames,
        orient=options.orient,
        alpha=options.alpha,
        linear=options.linear,
        grey=options.grey,
        keep_metadata=options.keep_metadata,
        salvage=options.salvage,
        fail_fast=options.fail_fast,
        max_errors=options.max_errors,
        timeout=options.timeout,
        spec=chain.spec,
    )


def _plan(options: argparse.Namespace, chain: Chain) -> Plan:
    return plan_jobs(
        options.inputs,
        options.output,
        recursive=options.recursive,
        include=options.include,
        exclude=options.exclude,
        files_from=options.files_from,
        null=options.null,
        name_template=options.name,
        filter_name=chain.name,
        in_place=options.in_place,
    )


def _run(plan: Plan, chain: Chain, settings: BatchOptions, options: argparse.Namespace) -> Summary:
    display = display_on(sys.stderr, quiet=options.quiet)

    def show(result: Result, now: Progress) -> None:
        _say(result, display, options)
        display(result, now)

    with Interrupt(display.say, discard_unfinished) as interrupt:
        try:
            return run_jobs(plan, chain, settings, progress=show, stop=interrupt)
        finally:
            display.close()


def _say(result: Result, display: Display, options: argparse.Namespace) -> None:
    """Print a line about a file where it is asked for or needed; failures stand at the end."""
    if options.verbose:
        display.say(_line(result))
    elif result.warning and result.status == "done" and not options.quiet:
        display.say(f"warning: {result.input}: {result.warning}")


def _line(result: Result) -> str:
    """Return one line about a file."""
    status = result.status.replace("_", " ")
    if result.error:
        return f"{status}: {result.reason}"
    told = f"{status}: {result.input}"
    target = "" if result.output in (None, result.input) else f" -> {result.output}"
    spent = sum(result.seconds.values())
    remarks = [result.warning or "", f"{spent:.2f} s" if spent else ""]
    remark = "; ".join(filter(None, remarks))
    return f"{told}{target}" + (f" ({remark})" if remark else "")


def _failures(summary: Summary) -> list[str]:
    return [line for line in summary.lines() if line.startswith("failed:")]


def _tell(lines: list[str]) -> None:
    for line in lines:
        emit(f"{plain(line)}\n", sys.stderr)


def _check_summary_file(name: str | None, plan: Plan) -> None:
    """Refuse a summary that could not be written, or would replace an image, before any work."""
    if name is None:
        return
    path = Path(os.path.abspath(name))
    taken = {os.path.abspath(p) for job in plan for p in (job.input, job.output)}
    if path.name == JOURNAL_NAME:
        raise ArgumentError(f"--summary {name} is the journal of a batch; give it another name")
    if str(path) in taken:
        raise ArgumentError(f"--summary {name} is one of the images; give it another name")
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise ArgumentError(f"--summary {name} is not a regular file; --json prints it")
    if path.is_dir() or not path.parent.is_dir():
        reason = "is a folder" if path.is_dir() else f"needs the folder {path.parent} to exist"
        raise ArgumentError(f"--summary {name} {reason}")


def _report(summary: Summary, options: argparse.Namespace) -> int:
    """Write and print the summary as asked for; return the exit code."""
    if options.summary:
        write_whole(options.summary, f"{summary.to_json()}\n".encode())
    if options.json:
        emit(summary.to_json() + "\n", sys.stdout)
    return summary.exit_code
