"""Pictures of a kernel's weights: a PNG for notebooks, cells for terminals, a matplotlib plot.

Zero is white, positive weights are red, negative ones blue. Pictures know nothing of kernels: they
are given an array.
"""

from __future__ import annotations

from gpuconv.picture.chart import plot
from gpuconv.picture.raster import to_png
from gpuconv.picture.terminal import to_text

__all__ = ["plot", "to_png", "to_text"]
