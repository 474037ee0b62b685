"""Filters that are more than one convolution: ranks, likeness, edges, restoration, and quality.

Each function here takes an image first and answers with an array of the same kind, as
:func:`gpuconv.convolve` does; all are in the package's own namespace, too.
"""

from __future__ import annotations

from gpuconv.operations.alike import bilateral, nl_means
from gpuconv.operations.ranks import maximum, median, minimum, percentile, rank

__all__ = [
    "bilateral",
    "maximum",
    "median",
    "minimum",
    "nl_means",
    "percentile",
    "rank",
]
