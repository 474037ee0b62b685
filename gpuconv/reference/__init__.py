"""The definitions, in float64 and with nothing clever about them: what every engine is held to."""

from __future__ import annotations

from gpuconv.reference.bilateral import bilateral
from gpuconv.reference.canny import canny
from gpuconv.reference.linear import convolve, correlate
from gpuconv.reference.nl_means import nl_means
from gpuconv.reference.rank import rank

__all__ = ["bilateral", "canny", "convolve", "correlate", "nl_means", "rank"]
