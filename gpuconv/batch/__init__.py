r"""Batch work: many image files in, as many filtered files out.

Two steps. :func:`plan_jobs` finds the inputs and names every output, and refuses a plan in which
a file would be lost. :func:`run_jobs` does the work, several files at a time, and returns a
:class:`Summary`; :func:`preview_jobs` says what it would do.

::

    plan = plan_jobs(["scans"], "out", recursive=True)
    summary = run_jobs(plan, transform, BatchOptions(jobs=4, spec="gaussian:sigma=2.0"))
    print("\n".join(summary.lines()))
"""

from __future__ import annotations

from gpuconv.batch.crew import Stop
from gpuconv.batch.jobs import Job, NothingMatchedError, Plan
from gpuconv.batch.journal import JOURNAL_NAME
from gpuconv.batch.naming import DEFAULT_TEMPLATE, FIELDS, NameTemplate
from gpuconv.batch.options import BatchOptions
from gpuconv.batch.plan import plan_jobs
from gpuconv.batch.report import STATUSES, Progress, Result, Summary
from gpuconv.batch.run import preview_jobs, run_jobs
from gpuconv.batch.work import Transform

__all__ = [
    "DEFAULT_TEMPLATE",
    "FIELDS",
    "JOURNAL_NAME",
    "STATUSES",
    "BatchOptions",
    "Job",
    "NameTemplate",
    "NothingMatchedError",
    "Plan",
    "Progress",
    "Result",
    "Stop",
    "Summary",
    "Transform",
    "plan_jobs",
    "preview_jobs",
    "run_jobs",
]
