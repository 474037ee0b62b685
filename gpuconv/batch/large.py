"""Images that are too large for the memory at hand: filtered in parts, from file to file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

from gpuconv.batch.crew import HaltedError, Stop
from gpuconv.batch.jobs import Job
from gpuconv.batch.need import Need
from gpuconv.batch.options import BatchOptions
from gpuconv.errors import ImageFileError
from gpuconv.filters import Chain
from gpuconv.io.formats import format_of

__all__ = ["Streamed", "divided", "obstacle", "refuse"]

#: What a batch calls a stage of a stream, where that is another name.
_STAGES = {"compute": "filter"}


@dataclass(frozen=True)
class Streamed:
    """What there is to tell of a file that was filtered in parts."""

    pixels: int
    seconds: dict[str, float]
    warnings: tuple[str, ...]


def obstacle(job: Job, need: Need, options: BatchOptions, transform: object) -> str:
    """Return why a file cannot be filtered in parts; an empty text if it can."""
    if not need.divisible or format_of(job.output.suffix) != "TIFF":
        return "only a TIFF file of one upright page is filtered in parts, to another one"
    if job.in_place or not options.keep_metadata:
        return "no file is filtered in parts in place, or without its metadata"
    if not _is_local(transform):
        return "this filter needs the whole image"
    return ""


def _is_local(transform: object) -> TypeGuard[Chain]:
    return isinstance(transform, Chain) and all(f.action.local for f in transform.filters)


def refuse(job: Job, need: Need, memory: int, reason: str) -> ImageFileError:
    """Return the error of a file that does not fit."""
    return ImageFileError(
        f"{job.input} needs about {_megabytes(need.bytes)} of memory, of which memory (--memory)"
        f" leaves {_megabytes(memory)}; {reason}"
    )


def _megabytes(bytes: int) -> str:
    return f"{bytes / 2**20:,.1f} MiB"


def divided(job: Job, transform: Chain, memory: int, options: BatchOptions, stop: Stop) -> Streamed:
    """Filter a file in parts, the process taking no more than `memory` bytes.

    Raises
    ------
    ImageFileError
        It cannot be read or written.
    HaltedError
        The batch is to stop; the same call goes on with the file.
    """
    from gpuconv.streaming.run import stream

    summary = stream(
        job.input,
        job.output,
        transform,
        device=list(options.devices) or transform.device,
        memory=memory,
        alpha=options.alpha,
        linear=options.linear,
        grey=options.grey,
        compression="deflate" if _compressed(job.input) else "none",
        overwrite=True,
        salvage=options.salvage,
        retries=options.retries,
        stop=stop,
    )
    if summary.status == "stopped":
        raise HaltedError
    seconds = {_STAGES.get(stage, stage): spent for stage, spent in summary.stages.items()}
    return Streamed(summary.pixels, seconds, summary.warnings)


def _compressed(path: Path) -> bool:
    from gpuconv.io.ifd import Tag, pages

    with open(path, "rb") as file:
        return bool(pages(file)[0][0][Tag.COMPRESSION].numbers[0] != 1)
