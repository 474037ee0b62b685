"""The work on one file: read, decode, filter, encode, write, and a result whatever happens."""

from __future__ import annotations

import io
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import IO, Any

from numpy.typing import NDArray

from gpuconv.batch.clashes import Claims
from gpuconv.batch.codecs import Codecs
from gpuconv.batch.crew import Crew, HaltedError, Share
from gpuconv.batch.existing import Verdict, judge, settle
from gpuconv.batch.jobs import Job
from gpuconv.batch.journal import Journal, State, state_of
from gpuconv.batch.large import divided, obstacle, refuse
from gpuconv.batch.need import need_of
from gpuconv.batch.options import BatchOptions
from gpuconv.batch.report import DISK_FULL, Result
from gpuconv.batch.trouble import patiently
from gpuconv.errors import GpuconvError
from gpuconv.filters import Chain
from gpuconv.io import Image, output_suffix
from gpuconv.io.opener import named
from gpuconv.io.replacing import replacing
from gpuconv.streaming.retry import disk_full

__all__ = ["Stopwatch", "Transform", "Worker", "reason_of"]

#: What is done with the pixels of a frame: (H, W) or (H, W, C) in, the same shape and dtype out.
Transform = Callable[[NDArray[Any]], NDArray[Any]]

#: Bytes that are copied at a time: a stop is obeyed soon, and calls cost nothing.
_PIECE = 2**22


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

    Reading and writing wait for disks, so that other files may be at it at the same time; decoding,
    filtering and encoding need a processor, of which the crew has only so many.

    Parameters
    ----------
    transform
        What is done with the pixels, as the caller gave it.
    apply
        How it is done: `transform`, or what deals its work to devices.
    options
        How.
    journals
        The journal of each folder.
    claims
        The names that are taken.
    crew
        What all files at work share.
    codecs
        Decode and encode.
    """

    transform: Transform
    apply: Transform
    options: BatchOptions
    journals: dict[Path, Journal]
    claims: Claims
    crew: Crew
    codecs: Codecs

    def __call__(self, job: Job) -> Result:
        """Return what became of a job; an error is a result, too."""
        watch = Stopwatch(self.options.timeout)
        try:
            verdict = judge(job, self.options, self.journals[job.root])
            return _passed(job, verdict, watch) or self._admit(job, watch)
        except HaltedError:
            return Result(job.input, job.output, "not_run")
        except Exception as error:
            reason = reason_of(error)
            if disk_full(error):
                self.crew.halt(DISK_FULL)
            return Result(job.input, job.output, "failed", error=reason, seconds=watch.seconds)

    def _admit(self, job: Job, watch: Stopwatch) -> Result:
        """Work on a job once there is memory for it, in parts if there never is."""
        before, notes = state_of(job.input) or (0, 0), list[str]()
        look = partial(need_of, job.input, self.options, self.transform)
        with watch.stage("read"):
            need = patiently(look, self.options.retries, notes, "opened")
        budget = self.crew.budget
        with budget.hold(need.bytes) as share:
            if self.crew.is_set():
                raise HaltedError
            if need.bytes > budget.most:
                reason = obstacle(job, need, self.options, self.transform)
                if not reason:
                    return self._divide(job, before, notes)
                if self.options.memory is not None:
                    raise refuse(job, need, budget.most, reason)
            return self._convert(job, before, share, watch, notes)

    def _convert(
        self, job: Job, before: State, share: Share, watch: Stopwatch, notes: list[str]
    ) -> Result:
        with watch.stage("read"):
            data = patiently(partial(_contents, job.input), self.options.retries, notes, "read")
        with _scratch() as file:
            with self.crew.busy():
                with watch.stage("decode"):
                    frames = self.codecs.decode(job.input, data, self.options)
                del data
                share.grow(sum(frame.pixels.nbytes for frame in frames))
                suffix = output_suffix(frames[0], grey=self.options.grey)
                verdict = settle(job, suffix, self.options, self.claims)
                if passed := _passed(job, verdict, watch):
                    return passed
                output = verdict.output or job.output
                notes += [verdict.reason] * bool(verdict.reason)
                pixels = self._remake(frames, output, file, watch, notes)
                # A file that waits for its disk keeps no pixels in memory.
                del frames
            with watch.stage("write"):
                self._write(job, output, file, before, notes)
        return _done(job, output, notes, watch.seconds, pixels)

    def _remake(
        self, frames: list[Image], output: Path, file: IO[bytes], watch: Stopwatch, notes: list[str]
    ) -> int:
        """Filter frames, each in its place, and encode them into a file; return their pixels."""
        for index in range(len(frames)):
            with watch.stage("filter"):
                frames[index] = self._filter(frames[index])
        with watch.stage("encode"):
            notes += self.codecs.encode(file, output, frames, self.options)
        notes += [text for frame in frames for text in frame.metadata.warnings]
        return sum(frame.pixels.shape[0] * frame.pixels.shape[1] for frame in frames)

    def _divide(self, job: Job, before: State, notes: list[str]) -> Result:
        """Filter a file that does not fit into memory in parts."""
        assert isinstance(self.transform, Chain)
        job.output.parent.mkdir(parents=True, exist_ok=True)
        made = divided(job, self.transform, self.crew.memory, self.options, self.crew)
        self._note(job, job.output, before, state_of(job.output))
        return _done(job, job.output, [*notes, *made.warnings], made.seconds, made.pixels)

    def _filter(self, frame: Image) -> Image:
        options = self.options
        shade = frame.grey() if options.grey else frame
        return shade.map(self.apply, alpha=options.alpha, linear=options.linear)

    def _write(
        self, job: Job, output: Path, file: IO[bytes], before: State, notes: list[str]
    ) -> None:
        if job.in_place:
            self._note(job, output, before, None)
        patiently(partial(_put, file, output), self.options.retries, notes, "written")
        self._note(job, output, before, state_of(output))

    def _note(self, job: Job, output: Path, before: State, made: State | None) -> None:
        self.journals[job.root].add(job, output, before, made, self.options.recorded)


def _contents(path: Path) -> bytes:
    with named(path, "read"), open(path, "rb") as file:
        return file.read()


def _scratch() -> IO[bytes]:
    """Return a file in memory, with a descriptor where the system has such.

    Most encoders of Pillow let other threads run only if they write to a descriptor:
    ``python benchmarks/batch/held.py`` finds them to hold the interpreter's lock 5 to 23 % of
    the time then, and JPEG and BMP 90 % where they write to a `BytesIO`. In memory,
    because libtiff and OpenJPEG take a full disk badly, and so that a write can be tried again.
    """
    try:
        return open(os.memfd_create("gpuconv"), "w+b")
    except (AttributeError, OSError):
        return io.BytesIO()


def _put(file: IO[bytes], output: Path) -> None:
    """Write what is in a file to its place, whole or not at all."""
    with named(output, "write"):
        output.parent.mkdir(parents=True, exist_ok=True)
        file.seek(0)
        with replacing(output) as target:
            shutil.copyfileobj(file, target, _PIECE)


def _done(
    job: Job, output: Path, notes: list[str], seconds: dict[str, float], pixels: int
) -> Result:
    warning = "; ".join(dict.fromkeys(notes)) or None
    return Result(job.input, output, "done", warning=warning, seconds=seconds, pixels=pixels)


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
