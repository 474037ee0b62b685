"""The work on one file: read, filter, write, and a result whatever happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from gpuconv.batch.clashes import Claims
from gpuconv.batch.existing import Verdict, judge, settle
from gpuconv.batch.jobs import Job
from gpuconv.batch.journal import Journal, State, state_of
from gpuconv.batch.options import BatchOptions
from gpuconv.batch.report import Result
from gpuconv.errors import GpuconvError
from gpuconv.io import Image, output_suffix, read_frames, read_image, write_image

__all__ = ["Stopwatch", "Transform", "Worker", "reason_of"]

#: What is done with the pixels of a frame: (H, W) or (H, W, C) in, the same shape and dtype out.
Transform = Callable[[NDArray[Any]], NDArray[Any]]


@dataclass
class Stopwatch:
    """Seconds by stage, and a limit on their sum."""

    limit: float | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage; raise instead of starting it if the limit is passed."""
        if self.limit is not None and sum(self.seconds.values()) > self.limit:
            raise GpuconvError(f"took longer than timeout={self.limit:g} s")
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started


@dataclass(frozen=True)
class Worker:
    """Works on one job at a time; one worker serves all threads.

    Parameters
    ----------
    transform
        What is done with the pixels.
    options
        How.
    journals
        The journal of each folder.
    claims
        The names that are taken.
    """

    transform: Transform
    options: BatchOptions
    journals: dict[Path, Journal]
    claims: Claims

    def __call__(self, job: Job) -> Result:
        """Return what became of a job; an error is a result, too."""
        watch = Stopwatch(self.options.timeout)
        try:
            verdict = judge(job, self.options, self.journals[job.root])
            return _passed(job, verdict, watch) or self._convert(job, watch)
        except Exception as error:
            reason = reason_of(error)
            return Result(job.input, job.output, "failed", error=reason, seconds=watch.seconds)

    def _convert(self, job: Job, watch: Stopwatch) -> Result:
        before = state_of(job.input) or (0, 0)
        with watch.stage("read"):
            frames = self._read(job.input)
        verdict = settle(
            job, output_suffix(frames[0], grey=self.options.grey), self.options, self.claims
        )
        if passed := _passed(job, verdict, watch):
            return passed
        output, warnings = verdict.output or job.output, [verdict.reason] * bool(verdict.reason)
        for index, frame in enumerate(frames):
            with watch.stage("filter"):
                frames[index] = self._filter(frame)
        with watch.stage("write"):
            warnings += self._write(job, output, frames, before)
        warnings += [text for frame in frames for text in frame.metadata.warnings]
        return Result(
            job.input,
            output,
            "done",
            warning="; ".join(dict.fromkeys(warnings)) or None,
            seconds=watch.seconds,
            pixels=sum(frame.pixels.shape[0] * frame.pixels.shape[1] for frame in frames),
        )

    def _read(self, path: Path) -> list[Image]:
        options = self.options
        wishes: dict[str, Any] = {
            "max_pixels": options.max_pixels,
            "orient": options.orient,
            "salvage": options.salvage,
        }
        if options.frames == "first":
            return [read_image(path, **wishes)]
        return list(read_frames(path, **wishes))

    def _filter(self, frame: Image) -> Image:
        options = self.options
        shade = frame.grey() if options.grey else frame
        return shade.map(self.transform, alpha=options.alpha, linear=options.linear)

    def _write(self, job: Job, output: Path, frames: list[Image], before: State) -> tuple[str, ...]:
        note = partial(self.journals[job.root].add, job, output, before, spec=self.options.recorded)
        if job.in_place:
            note(None)
        output.parent.mkdir(parents=True, exist_ok=True)
        content = frames if len(frames) > 1 else frames[0]
        report = write_image(output, content, metadata=self.options.keep_metadata)
        note(state_of(output))
        return report.warnings


def _passed(job: Job, verdict: Verdict, watch: Stopwatch) -> Result | None:
    """Return the result of a job that is not to be done; None if it is."""
    result = Result(job.input, verdict.output or job.output, "", seconds=watch.seconds)
    if verdict.action == "fail":
        return replace(result, status="failed", error=verdict.reason)
    if verdict.action == "skip":
        told = verdict.reason
        return replace(result, status="skipped", warning=told, outdated=verdict.outdated)
    return None


def reason_of(error: Exception) -> str:
    """Return an error as one line for people."""
    if isinstance(error, MemoryError):
        return "not enough memory"
    text = " ".join(str(error).split())
    if isinstance(error, GpuconvError | OSError) and text:
        return text
    return f"{type(error).__name__}: {text}".rstrip(": ")
