"""What to do with an input, seeing what stands at its output already."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from gpuconv.batch.clashes import Claims, file_id
from gpuconv.batch.jobs import Job
from gpuconv.batch.journal import Journal, Record, state_of
from gpuconv.batch.options import BatchOptions

__all__ = ["Verdict", "judge", "settle"]


@dataclass(frozen=True)
class Verdict:
    """What to do with an input, and why.

    Attributes
    ----------
    action
        "write" a new file, "overwrite" one, "skip" the input, or count it as "fail"ed.
    reason
        Why the input is skipped or fails, or goes by another name.
    output
        Where it goes or stands, if not as planned.
    outdated
        The output that is left alone was made with other parameters or from another content.
    """

    action: Literal["write", "overwrite", "skip", "fail"]
    reason: str = ""
    output: Path | None = None
    outdated: bool = False


def judge(job: Job, options: BatchOptions, journal: Journal) -> Verdict:
    """Decide about one job; nothing is touched."""
    if job.problem:
        return Verdict("fail", f"{job.input}: {job.problem}")
    record = journal.find(job)
    if job.in_place:
        return _judge_in_place(job, options, record)
    candidates = [job.root / record.written] if record else []
    for output in (*candidates, job.output):
        if os.path.lexists(output):
            return _judge_existing(job, output, options, record)
    return Verdict("write")


def settle(job: Job, suffix: str, options: BatchOptions, claims: Claims) -> Verdict:
    """Decide where an image goes, once it is known which extension it can be written with.

    A name other than the planned one is the planned one with `suffix` behind it. It must be no
    input and no other job's output; an output that exists there is treated as any other.
    """
    if not job.keeps_format or suffix.lower() == job.output.suffix.lower():
        return Verdict("write")
    output = job.output.with_name(job.output.name + suffix)
    refused = f"{job.input}: its kind cannot be kept under {job.output.suffix}"
    if job.in_place:
        return Verdict("fail", f"{refused}, in place")
    objection = claims.objection(job, output)
    if objection:
        return Verdict("fail", f"{refused}; {objection}")
    verdict = Verdict("write")
    if os.path.lexists(output):
        verdict = _judge_existing(job, output, options, None)
    if verdict.action in ("skip", "fail"):
        return verdict
    told = f"written as {output.name}: its kind cannot be kept under {job.output.suffix}"
    return replace(verdict, reason=told, output=output)


def _judge_existing(
    job: Job, output: Path, options: BatchOptions, record: Record | None
) -> Verdict:
    if output.is_dir() and not output.is_symlink():
        return Verdict("fail", f"{output}: a folder stands where the output goes", output)
    if options.exists == "overwrite":
        return Verdict("overwrite", output=output)
    if options.exists == "error":
        return Verdict("fail", f"{output}: the output exists already (exists='error')", output)
    difference = _difference(job, output, options, record) if record else _age(job, output)
    if difference and options.exists == "update":
        return Verdict("overwrite", output=output)
    return Verdict("skip", difference or "the output exists", output, bool(difference))


def _difference(job: Job, output: Path, options: BatchOptions, record: Record) -> str:
    """Say in what an output differs from what would be made now."""
    if record.spec != options.recorded:
        return f"the output was made with other parameters ({record.spec or 'none recorded'})"
    # Two files may have one size and one time, as those of archives do. But if the one that was
    # read is no longer there, this is it, moved.
    former, changed = file_id(record.input), record.read != state_of(job.input)
    another = former is not None and former != file_id(job.input)
    if another or (changed and record.input != os.path.abspath(job.input)):
        return f"the output was made from another file ({record.input})"
    if changed:
        return "the input has changed since the output was made"
    if record.made is not None and record.made != state_of(output):
        return "the output has changed since it was made"
    return ""


def _age(job: Job, output: Path) -> str:
    """Say if an output, about which nothing is known, is older than its input."""
    read, made = state_of(job.input), state_of(output)
    older = read is not None and made is not None and made[1] < read[1]
    return "the output is older than its input" if older else ""


def _judge_in_place(job: Job, options: BatchOptions, record: Record | None) -> Verdict:
    """Tell a file that this very edit has replaced already from one that it has not."""
    if options.exists == "overwrite" or record is None or record.spec != options.recorded:
        return Verdict("overwrite")
    now = state_of(job.input)
    done = now == record.made if record.made else now != record.read
    if not done:
        return Verdict("overwrite")
    if options.exists == "error":
        return Verdict("fail", f"{job.input}: replaced already (exists='error')")
    return Verdict("skip", "replaced already by an earlier run")
