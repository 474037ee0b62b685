"""Verification: a table of cases, run on a device at hand and compared with the definition.

``gpuconv verify`` shows it; :func:`verify` is the same for programs. A ledger records which GPU
has computed right which version of each kernel family.
"""

from __future__ import annotations

from gpuconv.verify.case import Case
from gpuconv.verify.cases import CASES, FAR, QUICK
from gpuconv.verify.report import Outcome, Report
from gpuconv.verify.run import verify

__all__ = ["CASES", "FAR", "QUICK", "Case", "Outcome", "Report", "verify"]
