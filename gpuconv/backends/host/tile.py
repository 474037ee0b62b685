"""What filters the neighbourhoods of a tile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

__all__ = ["TileBlock"]

Array = NDArray[Any]


@dataclass(frozen=True)
class TileBlock:
    """Scratch for a tile of a shape, and what makes results of what is loaded there."""

    #: Where the tile's pixels and their halo are loaded: (rows, columns), or (C, rows, columns)
    #: where channels are filtered together.
    pixels: Array
    #: Makes the results, and stores them in the part of the output that it is given.
    compute: Callable[[Array], None]
