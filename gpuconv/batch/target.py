"""The output folder before any work: it can be written to, and holds no leftovers."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from gpuconv.batch.jobs import Plan
from gpuconv.batch.journal import JOURNAL_NAME
from gpuconv.errors import ArgumentError
from gpuconv.io.replacing import TEMPORARY

__all__ = ["occupied", "prepare", "sweep"]


#: Seconds after which an unfinished file is given up where no lock tells whose it is. Writing one
#: image takes minutes at most.
_GIVEN_UP = 3600.0


def prepare(plan: Plan) -> None:
    """Make the output folder, and make sure that files can be written to it.

    Raises
    ------
    ArgumentError
        If it cannot be made or written to.
    """
    if plan.output_dir is None:
        return
    try:
        plan.output_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=plan.output_dir):
            pass
    except OSError as error:
        reason = "it is a file" if isinstance(error, FileExistsError) else error.strerror
        raise ArgumentError(
            f"output_dir={str(plan.output_dir)!r} cannot be written to: {reason}"
        ) from None


@contextmanager
def occupied(plan: Plan) -> Iterator[None]:
    """Sweep the output folder, and tell other runs that this one works there until the end.

    The sign is a lock on the journal, which the system takes back from a process that dies.
    """
    if plan.output_dir is None:
        sweep(plan, alone=False)
        yield
        return
    try:
        lock = open(plan.output_dir / JOURNAL_NAME, "ab")  # noqa: SIM115 — closed below
    except OSError:
        yield
        return
    with lock:
        sweep(plan, alone=_is_alone(lock))
        _share(lock)
        yield


def sweep(plan: Plan, *, alone: bool) -> None:
    """Delete what killed runs left unfinished beside the outputs.

    Parameters
    ----------
    plan
        Says where the outputs go.
    alone
        No other run works there. If that is not known, only old leftovers are deleted.
    """
    newest = time.time() - (0 if alone else _GIVEN_UP)
    for folder in {job.output.parent for job in plan}:
        for path in folder.glob(".gpuconv-*"):
            _delete(path, newest)


def _delete(path: Path, newest: float) -> None:
    try:
        if TEMPORARY.fullmatch(path.name) and path.lstat().st_mtime <= newest:
            path.unlink()
    except OSError:
        # Another run was quicker, or the folder is read-only: a leftover does no harm.
        return


def _is_alone(lock: IO[bytes]) -> bool:
    try:
        import fcntl

        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True


def _share(lock: IO[bytes]) -> None:
    try:
        import fcntl

        fcntl.flock(lock, fcntl.LOCK_SH)
    except (ImportError, OSError):
        return
