"""Run a plan: several files at a time, in any order, reported in the order of the plan."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path

from gpuconv.backends.host.threads import share_cores
from gpuconv.batch.clashes import Claims
from gpuconv.batch.codecs import Codecs
from gpuconv.batch.crew import Crew, Stop
from gpuconv.batch.existing import Verdict, judge, settle
from gpuconv.batch.jobs import Job, Plan
from gpuconv.batch.journal import Journal
from gpuconv.batch.options import BatchOptions
from gpuconv.batch.report import DISK_FULL, FAILURES, INTERRUPTED, Progress, Result, Summary
from gpuconv.batch.stacking import Stacker, may_use_gpu
from gpuconv.batch.target import occupied, prepare
from gpuconv.batch.work import Transform, Worker
from gpuconv.errors import ArgumentError, ImageFileError
from gpuconv.filters import Chain
from gpuconv.io import output_suffix
from gpuconv.streaming.memory import budget

__all__ = ["preview_jobs", "run_jobs"]

#: Files at work for each worker: one that it is busy with, and one that is read or written
#: meanwhile. Where a GPU filters, two more wait for it, so that stacks come about.
_AHEAD, _AHEAD_OF_GPU = 2, 4

_CAUSES = {
    INTERRUPTED: "interrupted",
    FAILURES: "stopped after too many failures",
    DISK_FULL: "stopped as the disk is full",
}


def run_jobs(
    plan: Plan,
    transform: Transform,
    options: BatchOptions | None = None,
    *,
    progress: Callable[[Result, Progress], None] | None = None,
    stop: Stop | None = None,
) -> Summary:
    """Work through a plan; one bad file never stops the others.

    Parameters
    ----------
    plan
        From :func:`~gpuconv.batch.plan_jobs`.
    transform
        Takes the pixels of a frame, (H, W) or (H, W, C), and returns the same shape and dtype.
        Called from several threads at once.
    options
        How to work.
    progress
        Called in the caller's thread after each file, in the order in which they are finished.
    stop
        Once it is set, the files at work are finished and no more are started.

    Returns
    -------
    Summary
        A result for each job, in the order of the plan.

    Raises
    ------
    ArgumentError
        If the output folder cannot be made or written to; nothing has been done then.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from gpuconv.batch import plan_jobs
    >>> from gpuconv.io import write_image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = write_image(f"{folder}/a.png", np.zeros((4, 6), np.uint8))
    ...     plan = plan_jobs(folder, f"{folder}/out")
    ...     summary = run_jobs(plan, lambda pixels: 255 - pixels)
    >>> summary.counts["done"], summary.pixels, summary.exit_code
    (1, 24, 0)
    """
    options = options or BatchOptions()
    crew = Crew(options.workers, budget(options.memory), stop or threading.Event())
    apply = _dealt(transform, options, crew)
    prepare(plan)
    started = time.perf_counter()
    journals, codecs = _journals(plan), Codecs(options.workers)
    worker = Worker(transform, apply, options, journals, Claims(plan), crew, codecs)
    table = [Result(job.input, job.output, "not_run") for job in plan]
    pixels = failed = 0
    working = _results(plan, worker, _at_work(plan, transform, options), options, crew)
    with occupied(plan), closing(codecs), closing(working) as results:
        for done, (index, result) in enumerate(results, start=1):
            table[index] = result
            pixels, failed = pixels + result.pixels, failed + result.failed
            if progress:
                elapsed = time.perf_counter() - started
                progress(result, Progress(done, len(plan), failed, pixels, elapsed))
    seconds = time.perf_counter() - started
    stopped = _cause(table, crew)
    notices = [*plan.notices, *_notices(table, journals.values(), stopped)]
    return Summary(tuple(table), seconds, stopped, False, plan.ignored, tuple(notices))


def _dealt(transform: Transform, options: BatchOptions, crew: Crew) -> Transform:
    """Return what does the work of `transform`: a chain's is dealt to GPUs, where it runs there."""
    if isinstance(transform, Chain):
        return Stacker(transform, options.devices, crew.away)
    if options.devices:
        raise ArgumentError(f"devices={options.devices!r} is for a Chain, not for a function")
    return transform


def _at_work(plan: Plan, transform: Transform, options: BatchOptions) -> int:
    """Return how many files are at work at the same time."""
    if options.workers == 1 and not options.devices:
        return 1
    waiting = _AHEAD_OF_GPU if options.devices or may_use_gpu(transform) else _AHEAD
    return max(1, min(options.workers * waiting, len(plan)))


def _cause(table: list[Result], crew: Crew) -> str:
    """Return why a run came to an end before its time; an empty text if it did not."""
    if all(result.status != "not_run" for result in table) and crew.reason != DISK_FULL:
        return ""
    return crew.reason or INTERRUPTED


def preview_jobs(plan: Plan, options: BatchOptions | None = None) -> Summary:
    """Say what :func:`run_jobs` would do with each file, touching nothing.

    Returns
    -------
    Summary
        Of the statuses ``would_write``, ``would_overwrite``, ``would_skip``, ``would_fail``.
        Only the headers of images are read, so a file that is broken further on is not foreseen.

    Examples
    --------
    >>> from gpuconv.batch import plan_jobs
    >>> summary = preview_jobs(plan_jobs("no_such_file.png", "out"))
    >>> summary.results[0].status, summary.results[0].error
    ('would_fail', 'no_such_file.png: cannot be opened: No such file or directory')
    """
    options = options or BatchOptions()
    started = time.perf_counter()
    journals, claims = _journals(plan), Claims(plan)
    table = [_preview(job, options, journals[job.root], claims) for job in plan]
    notices = [*plan.notices, *_notices(table, (), "")]
    seconds = time.perf_counter() - started
    return Summary(tuple(table), seconds, "", True, plan.ignored, tuple(notices))


def _results(
    plan: Plan, work: Callable[[Job], Result], most: int, options: BatchOptions, crew: Crew
) -> Generator[tuple[int, Result]]:
    """Yield the results of jobs as they are finished, each with its place in the plan.

    No more than `most` are at work. After as many failures as are allowed, after a stop, and when
    the generator is closed, no more are started, and those at work are finished.
    """
    jobs, at_work, failed = enumerate(plan), dict[Future[Result], int](), 0
    workers = min(options.workers, len(plan))
    with ThreadPoolExecutor(most, initializer=share_cores, initargs=(workers,)) as pool:
        while True:
            if not crew.is_set():
                for index, job in itertools.islice(jobs, most - len(at_work)):
                    at_work[pool.submit(work, job)] = index
            if not at_work:
                return
            for future in wait(at_work, return_when=FIRST_COMPLETED).done:
                result = future.result()
                failed += result.failed
                if options.error_limit is not None and failed >= options.error_limit:
                    crew.halt(FAILURES)
                yield at_work.pop(future), result


def _preview(job: Job, options: BatchOptions, journal: Journal, claims: Claims) -> Result:
    verdict = judge(job, options, journal)
    if verdict.action in ("write", "overwrite"):
        verdict = _foreseen(job, options, claims) or verdict
    output, status = verdict.output or job.output, f"would_{verdict.action}"
    if verdict.action == "fail":
        return Result(job.input, output, status, error=verdict.reason)
    return Result(
        job.input, output, status, warning=verdict.reason or None, outdated=verdict.outdated
    )


def _foreseen(job: Job, options: BatchOptions, claims: Claims) -> Verdict | None:
    """Return what the header of an image makes of a decision to write it; None: no change."""
    try:
        suffix = output_suffix(job.input, grey=options.grey)
    except ImageFileError as error:
        return Verdict("fail", str(error))
    verdict = settle(job, suffix, options, claims)
    return verdict if verdict.output or verdict.action == "fail" else None


def _journals(plan: Plan) -> dict[Path, Journal]:
    return {folder: Journal(folder) for folder in {job.root for job in plan}}


def _notices(table: list[Result], journals: Iterable[Journal], stopped: str) -> Iterator[str]:
    yield from (journal.problem for journal in journals if journal.problem)
    outdated = sum(result.outdated for result in table)
    if outdated:
        yield (
            f"{outdated} of the outputs, made with other parameters or inputs, left alone;"
            " exists='update' (--exists update) makes them anew"
        )
    if stopped:
        left = sum(result.status == "not_run" for result in table)
        yield f"{_CAUSES[stopped]}: {left} files were not started; the same call goes on with them"
