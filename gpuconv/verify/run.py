"""Every case in turn: computed, compared, reported."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from math import inf

import numpy as np

from gpuconv import backends
from gpuconv.backends import cuda
from gpuconv.backends.cuda import runtime
from gpuconv.backends.cuda.source import Program
from gpuconv.backends.host.threads import usable_cores
from gpuconv.verify.call import Place, answer, programs
from gpuconv.verify.case import Case
from gpuconv.verify.cases import CASES, FAR
from gpuconv.verify.far import answer_far, lacking
from gpuconv.verify.judge import Error, judge
from gpuconv.verify.report import NUMPY, Outcome, Report

__all__ = ["Watch", "verify"]

#: Is told what is being done, how much of it is done, and how much there is.
Watch = Callable[[str, int, int], None]


def verify(
    device: str = "cuda",
    cases: Collection[Case] = (*CASES, *FAR),
    *,
    families: Collection[str] = (),
    seed: int = 0,
    watch: Watch = lambda doing, done, total: None,
    report: Report | None = None,
) -> Report:
    """Compute `cases` on a device and compare each result with the definition.

    Parameters
    ----------
    device : str
        "cuda", "cuda:N" or "cpu".
    cases : collection of Case
        What to verify; the default is all there is, about two minutes on a GPU.
    families : collection of str
        Only cases in which one of these kernel families takes part; the default is all.
    seed : int
        Of the random images.
    watch : callable
        Is called with (what is being done, how much is done, how much there is).
    report : Report, optional
        Where to put the outcomes; so that they are not lost when this is interrupted.

    Returns
    -------
    Report
        An outcome for each case; ``right`` if all is.

    Raises
    ------
    DeviceError
        The device cannot be used.

    Examples
    --------
    >>> from gpuconv.verify import QUICK
    >>> verify("cpu", QUICK[:3]).right
    True
    """
    report = report or Report(device, 0)
    backend = backends.select(np.empty((1, 1)), device)
    with backend.place(np.empty(0), device):
        report.left_out = [f"{c.label}: {why}" for c in cases if (why := lacking(c, device))]
        feasible = [case for case in cases if not lacking(case, device)]
        chosen = _with_families(feasible, device, families, watch)
        report.device, report.total = device, len(chosen)
        if device != "cpu":
            _compile([program for _, used in chosen for program in used], device, watch)
        place = Place.of(device)
        for number, (case, used) in enumerate(chosen):
            watch("verifying", number, len(chosen))
            names = tuple(dict.fromkeys(program.family for program in used))
            report.outcomes.append(_outcome(case, names or (NUMPY,), place, seed))
            if report.outcomes[-1].problem and (reason := _dead(place)):
                report.stopped = reason
                break
        watch("verifying", len(chosen), len(chosen))
    return report


#: Stands for the shape of a case that is far when its programs are asked for.
_NEAR = (2000, 2000)

Chosen = list[tuple[Case, Sequence[Program]]]


def _with_families(
    some: Sequence[Case], device: str, families: Collection[str], watch: Watch
) -> Chosen:
    """Return the cases, each with its programs: of those families only, if any are named."""
    if device == "cpu":
        return [(case, ()) for case in some]
    limits = runtime.current().limits()
    found: Chosen = []
    for number, case in enumerate(some):
        watch("planning", number, len(some))
        used = programs(replace(case, shape=_NEAR) if case.far else case, limits)
        if not families or {program.family for program in used} & set(families):
            found.append((case, used))
    return found


def _compile(wanted: Iterable[Program], device: str, watch: Watch) -> None:
    """Compile programs on all cores: each takes about 100 ms, and cases take less."""
    distinct = list(dict.fromkeys(wanted))

    def one(program: Program) -> None:
        # What cannot be compiled fails once more with its first case, and is reported there.
        with suppress(Exception), cuda.place(np.empty(0), device):
            runtime.current().compile(program)

    pool = ThreadPoolExecutor(usable_cores())
    try:
        for number, _ in enumerate(pool.map(one, distinct)):
            watch("compiling", number, len(distinct))
    finally:
        pool.shutdown(cancel_futures=True)


def _outcome(case: Case, families: tuple[str, ...], place: Place, seed: int) -> Outcome:
    problem, error = "", Error(inf, inf)
    try:
        found = (answer_far if case.far else answer)(case, place, seed)
        error = judge(case, found)
        if found.spilt:
            problem = "memory beside the output was written"
    # A device can raise anything, and every other case is still worth its answer.
    except Exception as raised:
        problem = f"{type(raised).__name__}: {raised}"
    border = case.border if isinstance(case.border, str) else "pairs"
    units, absolute = error.units, error.absolute
    return Outcome(case.label, families, case.dtype, border, units, absolute, problem)


def _dead(place: Place) -> str:
    """Return why the device can do nothing more, as after an access out of bounds; "" if it can."""
    try:
        place.get(place.put(np.zeros(1)))
    except Exception as error:
        return f"the device stopped working: {type(error).__name__}: {error}"
    return ""
