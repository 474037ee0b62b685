"""Rank filters that there are not: the message names the argument, and what is allowed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gpuconv as gc
from gpuconv.neighbourhood import Rank


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"size": 0}, r"size=0 must be a positive integer.* below 2\*\*15"),
        ({"size": (1, 2, 3)}, r"size=\(1, 2, 3\) must be a positive integer"),
        ({"size": 3, "anchor": (3, 0)}, r"anchor=\(3, 0\) does not lie in a footprint of 3×3"),
        ({"size": 3, "anchor": 1}, "anchor=1 must be a pair of integers"),
        ({"footprint": [1, 0]}, r"footprint has shape \(2,\) .* must be a matrix of truth values"),
        ({"footprint": [[1], [1, 1]]}, "footprint is not a rectangular array"),
        ({"footprint": np.zeros((2, 2))}, "footprint has no pixel that is true"),
        ({"rank": 9}, r"rank=9 is none of a footprint of 9 pixels; allowed are -9 … 8"),
        ({"rank": 1.0}, "rank=1.0 must be an integer"),
        ({"percentile": 101}, r"percentile=101 must be in -100 … 100"),
        ({"percentile": np.nan}, "percentile=nan must be a finite number"),
        ({"percentile": np.complex64(3)}, r"percentile=.* must be a finite number"),
    ],
)
def test_what_is_no_rank_of_a_footprint_is_told(options: dict[str, Any], error: str) -> None:
    make: Any = Rank.percentile if "percentile" in options else Rank.of
    with pytest.raises((gc.ArgumentError, gc.ArgumentTypeError), match=error):
        make(**({"rank": 0} if make == Rank.of else {}) | options)
