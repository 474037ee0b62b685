"""What the rank filters do otherwise than those of ``scipy.ndimage``."""

from __future__ import annotations

from gpuconv.exchange import Difference

__all__ = ["DIFFERENCES"]

_RANKS = ("median_filter", "percentile_filter", "rank_filter")
_ALL = ("maximum_filter", "maximum_filter1d", "minimum_filter", "minimum_filter1d", *_RANKS)

DIFFERENCES: tuple[Difference, ...] = (
    *(
        Difference(
            name,
            "A neighbourhood that holds a NaN gives NaN.",
            "SciPy's result is undefined: it depends on where in the neighbourhood the NaN lies.",
        )
        for name in _ALL
    ),
    *(
        Difference(
            name,
            "Integers beyond ±2**53 come out as they are.",
            "SciPy compares in float64, which rounds them; of lines it compares in int64, which "
            "takes large unsigned ones for negative.",
        )
        for name in _ALL
    ),
    *(
        Difference(
            name,
            "Arrays of float16 are filtered.",
            "SciPy raises RuntimeError; there is no reason to.",
        )
        for name in _ALL
    ),
    *(
        Difference(
            name,
            "A neighbourhood has at most 32,767 elements along an axis.",
            "Engines count them in 16 bits; nothing but a line is filtered with more.",
        )
        for name in _ALL
    ),
    *(
        Difference(
            name,
            "Borders of an array that is shorter than its neighbourhoods repeat only its elements.",
            "SciPy 1.17 reads memory beside it where a border repeats several times.",
        )
        for name in _RANKS
    ),
    *(
        Difference(
            name,
            "Of a 1-D array, elements where a footprint is false do not count.",
            "SciPy 1.17 counts all of them, and keeps the rank among those that are true.",
        )
        for name in _RANKS
    ),
    *(
        Difference(
            name,
            "Of a 1-D array, an output of another dtype has the values of the result.",
            "SciPy 1.17 writes the bytes of the input's dtype there, and may write beyond it.",
        )
        for name in _RANKS
    ),
)
