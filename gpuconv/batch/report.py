"""What became of a batch: a result per file, and their summary.

The JSON of a summary, ``"schema": "gpuconv.batch/2"``:

=================  ==========================================================================
``schema``         this text; fields may be added under it, none changes its meaning
``dry_run``        true if nothing was touched
``interrupted``    true if the run was stopped from outside before its end
``stopped``        why it came to an end before its time: "interrupted", "too many failures",
                   "disk full"; else empty
``seconds``        wall time of the run
``pixels``         pixels of all frames written
``stages``         seconds by stage, of all files together
``counts``         files by status, and ``outdated``: those of the skipped whose output differs
``ignored``        things left out when the inputs were collected, by reason
``notices``        sentences for the user
``results``        per file, in the order of the inputs: ``input``, ``output`` (null if there is
                   none), ``status``, ``error`` and ``warning`` (null or a sentence),
                   ``seconds`` (by stage: read, decode, filter, encode, write; of a file that was
                   filtered in parts: read, upload, filter, download, write), ``pixels``,
                   ``outdated``
=================  ==========================================================================
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = [
    "DISK_FULL",
    "FAILURES",
    "INTERRUPTED",
    "STAGES",
    "STATUSES",
    "Progress",
    "Result",
    "Summary",
]

#: Every status, and what it says.
STATUSES: dict[str, str] = {
    "done": "the output was written",
    "skipped": "the output existed and was left alone",
    "failed": "no output was written; the error says why",
    "not_run": "the run stopped before this file was started",
    "would_write": "dry run: a new file would be written",
    "would_overwrite": "dry run: a file would be replaced",
    "would_skip": "dry run: the output exists and would be left alone",
    "would_fail": "dry run: the file is known to fail",
}

#: Every stage, in order; "upload" and "download" of files that a GPU filtered in parts.
STAGES = ("read", "decode", "upload", "filter", "download", "encode", "write")

_FAILED = ("failed", "would_fail")

#: Why a run may come to an end before its time.
INTERRUPTED, FAILURES, DISK_FULL = "interrupted", "too many failures", "disk full"
_CODES = {INTERRUPTED: 130, DISK_FULL: 5}


@dataclass(frozen=True)
class Result:
    """What became of one file.

    Attributes
    ----------
    input, output
        Paths; the output as it was written, or as it was planned.
    status
        One of :data:`STATUSES`.
    error, warning
        A sentence, or None.
    seconds
        Time spent by stage: read, decode, filter, encode, write.
    pixels
        Pixels of all frames.
    outdated
        The output that was left alone was made with other parameters or from another content.
    """

    input: Path
    output: Path | None
    status: str
    error: str | None = None
    warning: str | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    pixels: int = 0
    outdated: bool = False

    @property
    def failed(self) -> bool:
        """Whether the file failed, or would fail."""
        return self.status in _FAILED

    @property
    def reason(self) -> str:
        """The error, naming the input once."""
        error = self.error or ""
        return error if str(self.input) in error else f"{self.input}: {error}"

    def as_dict(self) -> dict[str, Any]:
        """Return the result as plain values, as in the JSON."""
        return {
            "input": str(self.input),
            "output": None if self.output is None else str(self.output),
            "status": self.status,
            "error": self.error,
            "warning": self.warning,
            "seconds": {stage: round(spent, 6) for stage, spent in self.seconds.items()},
            "pixels": self.pixels,
            "outdated": self.outdated,
        }


@dataclass(frozen=True)
class Progress:
    """How far a run has come: files `done` (whatever their fate) of `total`, and what they were.

    `pixels` counts those of outputs written, `elapsed` is in seconds.
    """

    done: int
    total: int
    failed: int
    pixels: int
    elapsed: float


@dataclass(frozen=True)
class Summary:
    """What became of a batch.

    Attributes
    ----------
    results
        One per job, in the order of the plan.
    seconds
        Wall time.
    stopped
        Why the run came to an end before its time; empty if it did not.
    dry_run
        Nothing was touched.
    ignored
        How many things were left out of the plan, by reason.
    notices
        Sentences for the user.

    Examples
    --------
    >>> summary = Summary((Result(Path("a.png"), None, "failed", error="not enough memory"),), 0.5)
    >>> summary.lines()
    ['1 failed in 0.5 s', 'failed: a.png: not enough memory']
    >>> summary.exit_code
    1
    """

    results: tuple[Result, ...]
    seconds: float = 0.0
    stopped: str = ""
    dry_run: bool = False
    ignored: Mapping[str, int] = field(default_factory=dict)
    notices: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Files by status, and how many outputs that were left alone are outdated."""
        found = Counter(result.status for result in self.results)
        counts = {status: found[status] for status in STATUSES}
        return counts | {"outdated": sum(result.outdated for result in self.results)}

    @property
    def pixels(self) -> int:
        """Pixels of all frames written."""
        return sum(result.pixels for result in self.results)

    @property
    def interrupted(self) -> bool:
        """Whether the run was stopped from outside before its end."""
        return self.stopped == INTERRUPTED

    @property
    def stages(self) -> dict[str, float]:
        """Seconds by stage, of all files together."""
        total = Counter[str]()
        for result in self.results:
            total.update(result.seconds)
        return {stage: total[stage] for stage in STAGES if stage in total}

    @property
    def failures(self) -> tuple[Result, ...]:
        """The results that failed, in order."""
        return tuple(result for result in self.results if result.failed)

    @property
    def exit_code(self) -> int:
        """The code a command ends with.

        0 all done, 1 some failed, 3 there was nothing to do, 5 the disk is full, 130 interrupted.
        """
        if self.stopped in _CODES:
            return _CODES[self.stopped]
        if not self.results:
            return 3
        return 1 if self.failures else 0

    def as_dict(self) -> dict[str, Any]:
        """Return the summary as plain values; the module says what each means."""
        return {
            "schema": "gpuconv.batch/2",
            "dry_run": self.dry_run,
            "interrupted": self.interrupted,
            "stopped": self.stopped,
            "seconds": round(self.seconds, 6),
            "pixels": self.pixels,
            "stages": {stage: round(spent, 6) for stage, spent in self.stages.items()},
            "counts": self.counts,
            "ignored": dict(self.ignored),
            "notices": list(self.notices),
            "results": [result.as_dict() for result in self.results],
        }

    def to_json(self, *, indent: int | None = 2) -> str:
        """Return the summary as JSON in ASCII, so that any file name survives."""
        return json.dumps(self.as_dict(), indent=indent)

    def lines(self) -> list[str]:
        """Return the summary as text: the counts, what to know, and every failure by name."""
        words = [
            f"{count} {status.replace('_', ' ')}"
            for status, count in self.counts.items()
            if count and status in STATUSES
        ]
        rate = f", {self.pixels / self.seconds / 1e6:.1f} Mpx/s" if self.pixels else ""
        lines = [f"{', '.join(words) or 'nothing to do'} in {self.seconds:.1f} s{rate}"]
        if whole := sum(self.stages.values()):
            shares = (f"{stage} {spent / whole:.0%}" for stage, spent in self.stages.items())
            lines.append(f"time by stage: {', '.join(shares)}")
        if self.ignored:
            left_out = ", ".join(f"{count} {reason}" for reason, count in self.ignored.items())
            lines.append(f"left out: {left_out}")
        lines += [f"note: {notice}" for notice in self.notices]
        return lines + [f"failed: {result.reason}" for result in self.failures]
