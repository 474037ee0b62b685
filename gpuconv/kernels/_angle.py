"""Angles: degrees, counter-clockwise as seen in the picture, 0 to the right."""

from __future__ import annotations

import math

__all__ = ["direction"]


def direction(angle: float) -> tuple[float, float]:
    """Return how far one goes (right, up) on a step of length 1 at `angle` degrees.

    Up is against the numbering of the rows. Multiples of 90° are exact: cos(90°) is 0, not 6e-17.

    Examples
    --------
    >>> direction(0), direction(90), direction(-180)
    ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0))
    """
    turns, rest = divmod(angle % 360, 90)
    right, up = math.cos(math.radians(rest)), math.sin(math.radians(rest))
    for _ in range(int(turns)):
        right, up = 0.0 - up, right
    return right, up
