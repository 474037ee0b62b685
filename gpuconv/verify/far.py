"""Images too large to verify as a whole: made on the device, and verified where they end.

An index of 32 bits comes out somewhere else there. The rows repeat with a period that is no part of
any power of 2, so that what lies there is something else too.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from gpuconv.backends import cuda
from gpuconv.backends.cuda import runtime
from gpuconv.verify.arrays import poison
from gpuconv.verify.call import Answer, Place, by_definition, convolve, image_of
from gpuconv.verify.case import Case

__all__ = ["PERIOD", "answer_far", "lacking"]

#: Rows that differ; a prime.
PERIOD = 251
#: Rows that are verified. More lie above them than any kernel reaches.
_LAST = 40


def lacking(case: Case, device: str) -> str:
    """Return why there is no room for a case that is far; "" if there is."""
    if not case.far:
        return ""
    if device == "cpu" or runtime.substituted():
        return "it is for the memory of a GPU"
    needed, free = 2 * prod(case.shape), runtime.current().free_memory()
    return f"it needs {needed / 1e9:.1f} GB, {free / 1e9:.1f} are free" if needed > free else ""


def answer_far(case: Case, place: Place, seed: int = 0) -> Answer:
    """Compute a case that is far, and its last rows by definition."""
    height, width = case.shape
    rows = image_of(replace(case, shape=(PERIOD, width)), seed)
    # The rows at the end, and so many before that the edge above does not reach what is verified.
    end = rows[np.arange(height - 2 * _LAST, height) % PERIOD]
    expected, exact = (whole[_LAST:] for whole in by_definition(case, end))
    image, out = _repeated(place, rows, height), cuda.empty(case.shape, case.stored)
    out[-_LAST:] = place.put(poison(expected))
    convolve(case, image, out, place)
    return Answer(place.get(out[-_LAST:]), expected, exact, end)


def _repeated(place: Place, rows: Any, height: int) -> Any:
    """Return an image on the device of these rows again and again."""
    there, image = place.put(rows), cuda.empty((height, rows.shape[1]), rows.dtype)
    for first in range(0, height, PERIOD):
        image[first : first + PERIOD] = there[: height - first]
    return image
