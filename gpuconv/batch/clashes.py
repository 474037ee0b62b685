"""Refuse a plan in which one file would be written twice, or an input be written over."""

from __future__ import annotations

import os
import threading
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from gpuconv.batch.jobs import Job
from gpuconv.errors import ArgumentError

__all__ = ["Claims", "FileId", "Spots", "file_id", "ignores_case", "refuse_clashes"]

#: So many clashes are spelled out; more would push the first off the screen.
_SHOWN = 3

#: Device and inode: the same for all names of a file.
FileId = tuple[int, int]


def file_id(path: str | os.PathLike[str]) -> FileId | None:
    """Return what tells files apart, whatever their names; None if there is no such file."""
    try:
        status = os.stat(path)
    except (OSError, UnicodeError):  # a journal may hold names that only another locale can spell
        return None
    return status.st_dev, status.st_ino


def refuse_clashes(jobs: list[Job]) -> None:
    """Raise if two jobs write one file, or a job writes to an input.

    Raises
    ------
    ArgumentError
        The message names both files of the first few clashes.
    """
    twice = list(_shared_outputs(jobs))
    if twice:
        raise _error(
            "two inputs have one output",
            [f"{a.input} and {b.input} → {b.output}" for a, b in twice],
            "name_template (--name) with {dir}, {name} or {index} tells them apart",
        )
    over = list(_outputs_that_are_inputs(jobs))
    if over:
        raise _error(
            "an output is an input",
            [f"{a.input} → {a.output}, which is the input {b.input}" for a, b in over],
            "give another folder, or in_place=True (--in-place) to replace the inputs",
        )


def _error(what: str, clashes: list[str], advice: str) -> ArgumentError:
    more = f" (and {len(clashes) - _SHOWN} more)" if len(clashes) > _SHOWN else ""
    return ArgumentError(f"{what}: {'; '.join(clashes[:_SHOWN])}{more}; {advice}")


def _shared_outputs(jobs: Iterable[Job]) -> Iterator[tuple[Job, Job]]:
    first: dict[str, Job] = {}
    spots = Spots()
    for job in jobs:
        other = first.setdefault(spots.of(job.output), job)
        if other is not job:
            yield other, job


def _outputs_that_are_inputs(jobs: list[Job]) -> Iterator[tuple[Job, Job]]:
    inputs = {file_id(job.input): job for job in jobs}
    for job in jobs:
        identity = file_id(job.output)
        if identity is not None and identity in inputs:
            yield job, inputs[identity]


class Spots:
    """Where files lie or would lie: equal for two spellings of one place.

    Remembers what it has asked the file system about each folder.
    """

    def __init__(self) -> None:
        self._folders: dict[Path, tuple[str, bool]] = {}

    def of(self, path: Path) -> str:
        """Return the place of a file, which need not exist."""
        if path.parent not in self._folders:
            folder = os.path.realpath(path.parent)
            self._folders[path.parent] = folder, ignores_case(Path(folder))
        folder, folds = self._folders[path.parent]
        place = os.path.join(folder, path.name)
        return unicodedata.normalize("NFC", place).casefold() if folds else place


def ignores_case(folder: Path) -> bool:
    """Tell whether the file system of a folder, which need not exist, takes A and a for one name.

    Asks for an existing folder above by its name with small and capital letters swapped, so that
    nothing is written. A path without letters counts as one that tells them apart.
    """
    for existing in (folder, *folder.parents):
        swapped = existing.name.swapcase()
        if swapped != existing.name and existing.exists():
            return file_id(existing.with_name(swapped)) == file_id(existing)
    return False


class Claims:
    """Outputs named at the last moment, kept off every planned output and every input.

    Safe to use from several threads.
    """

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._spots = Spots()
        self._lock = threading.Lock()
        self._owners: dict[str, Job] = {}
        self._inputs: dict[FileId | None, Job] = {}
        for job in jobs:
            self._owners[self._spots.of(job.output)] = job
            self._inputs[file_id(job.input)] = job

    def objection(self, job: Job, output: Path) -> str:
        """Take a name for a job; return why it cannot have it, or an empty text."""
        identity = file_id(output)
        if identity is not None and identity in self._inputs:
            return f"{output} is the input {self._inputs[identity].input}"
        with self._lock:
            owner = self._owners.setdefault(self._spots.of(output), job)
        return "" if owner is job else f"{output} is the output of {owner.input}"
