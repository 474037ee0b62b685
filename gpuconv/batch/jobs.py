"""The nouns of a batch: a job, and a plan of jobs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gpuconv.errors import GpuconvError

__all__ = ["Job", "NothingMatchedError", "Plan"]


class NothingMatchedError(GpuconvError):
    """No input file is left to work on; the message says what was left out, and why."""


@dataclass(frozen=True)
class Job:
    """One input and its output.

    Attributes
    ----------
    input, output
        Paths; the same one where the work is done in place.
    root
        Folder whose journal records the output.
    keeps_format
        The extension follows the input: an image that cannot be written under it gets another.
    problem
        Why the input cannot be worked on; empty if nothing is known against it.
    """

    input: Path
    output: Path
    root: Path
    keeps_format: bool = True
    problem: str = ""

    @property
    def in_place(self) -> bool:
        """Whether the output replaces the input."""
        return self.input == self.output


@dataclass(frozen=True)
class Plan:
    """All jobs of a batch, in order.

    Attributes
    ----------
    jobs
        What to do, in the order of the results.
    output_dir
        Folder of the outputs; None where the work is done in place.
    ignored
        How many things were left out, by reason.
    notices
        Sentences for the user.
    """

    jobs: tuple[Job, ...]
    output_dir: Path | None
    ignored: dict[str, int] = field(default_factory=dict)
    notices: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.jobs)

    def __iter__(self) -> Iterator[Job]:
        return iter(self.jobs)
