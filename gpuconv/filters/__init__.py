"""Filters by name, kernels of one's own, and chains of them: what the command line speaks.

A function added to :mod:`gpuconv.kernels`, or to the ``FILTERS`` of :mod:`gpuconv.operations`, is a
filter here at once, with its parameters and help.
"""

from __future__ import annotations

from gpuconv.filters.catalog import Entry, catalog, lookup
from gpuconv.filters.chain import NEGATIVE, Chain
from gpuconv.filters.filter import Filter
from gpuconv.filters.matrix import (
    KERNEL_SUFFIXES,
    anchor_of,
    kernel_of,
    kernel_of_file,
    kernel_of_text,
)
from gpuconv.filters.parameter import KernelValue, Parameter, Rows, written

__all__ = [
    "KERNEL_SUFFIXES",
    "NEGATIVE",
    "Chain",
    "Entry",
    "Filter",
    "KernelValue",
    "Parameter",
    "Rows",
    "anchor_of",
    "catalog",
    "kernel_of",
    "kernel_of_file",
    "kernel_of_text",
    "lookup",
    "written",
]
