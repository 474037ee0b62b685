"""What scikit-image and cuCIM, which has scikit-image's functions, are asked alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cases import Case
from ..suite.contract import Unable, as_it_is

__all__ = ["MORPHOLOGY", "UNIT", "Asked", "only_border", "saturated", "top"]

Array = NDArray[Any]

#: What sobel returns is of slopes whose weights sum to 1, and a mean of both: Sobel's are 4 times
#: as large, and no mean.
UNIT = 4 * 2**0.5
#: Their names of minima and maxima.
MORPHOLOGY = {"minimum": "erosion", "maximum": "dilation"}


@dataclass(frozen=True)
class Asked:
    """A function of such a library, and what must be known of its results."""

    how: str
    #: Filters an image; it may write to the second, and returns the result.
    run: Callable[[Any, Any], Any]
    allowed: float | None = None
    measure: str = ""
    because: str = ""
    alike: Callable[[Array], Array] = as_it_is


def top(case: Case) -> float:
    """Return what 1 stands for in the image."""
    return float(np.iinfo(case.dtype).max) if case.dtype.startswith("uint") else 1.0


def saturated(result: Array, top: float) -> Array:
    """Return a result of integers limited to what they can be; floats as they are."""
    return result.clip(0, top) if top > 1 else result


def only_border(case: Case, border: str) -> None:
    """Refuse a case whose border is not the only one that a function has."""
    if case.border != border:
        raise Unable(f"its border is {border!r}")
