"""Which tiles a result is made in: the choice, from numbers alone.

A tile is made of whole chunks of the output, because those are what is written. Beyond that, tiles
as wide as the image are best: the rows that two of them share are read once and kept in between.
Large tiles waste little on the pixels around them; many tiles keep all stages busy. What is left
is a search for the least work among tiles that fit into memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil, lcm

from gpuconv.window import Run

__all__ = ["Grid", "Work", "choose_tile"]

#: What a tile costs beside its pixels, in pixels: it changes hands five times, and engines prepare
#: scratch for it. Half a millisecond, about: Gaussians of sigma 5 make 270 pixels a microsecond on
#: two cores.
_HANDLING = 2**17

#: How much more than its own pixels a strip may take before narrower tiles are looked at.
_WASTE = 1.5


@dataclass(frozen=True)
class Grid:
    """A picture cut into tiles.

    Examples
    --------
    >>> grid = Grid((100, 50), (64, 50))
    >>> grid.count, list(grid)
    (2, [((0, 64), (0, 50)), ((64, 100), (0, 50))])
    """

    #: Rows and columns of the picture, and of a tile.
    size: tuple[int, int]
    tile: tuple[int, int]

    @property
    def count(self) -> int:
        """How many tiles there are."""
        return ceil(self.size[0] / self.tile[0]) * ceil(self.size[1] / self.tile[1])

    @property
    def strips(self) -> bool:
        """Whether tiles are as wide as the picture."""
        return self.tile[1] >= self.size[1]

    def __iter__(self) -> Iterator[tuple[Run, Run]]:
        for rows in _runs(self.size[0], self.tile[0]):
            for columns in _runs(self.size[1], self.tile[1]):
                yield rows, columns

    def kinds(self) -> Iterator[tuple[Run, Run]]:
        """Yield a tile of each kind: those at the ends of an axis may need more than the others."""
        tops, lefts = (_ends(size, step) for size, step in zip(self.size, self.tile, strict=True))
        yield from ((rows, columns) for rows in tops for columns in lefts)


def _runs(size: int, step: int) -> Iterator[Run]:
    return ((start, min(start + step, size)) for start in range(0, size, step))


def _ends(size: int, step: int) -> list[Run]:
    """Return the first run, one from the middle, the last but one and the last."""
    count = ceil(size / step)
    numbers = sorted({0, count // 2, max(count - 2, 0), count - 1})
    return [(i * step, min((i + 1) * step, size)) for i in numbers]


@dataclass(frozen=True)
class Work:
    """What a tile takes."""

    #: Pixels that are read for it, and pixels that are made by all filters.
    read: float
    made: float
    #: Whether it fits into memory.
    fits: bool


def choose_tile(
    size: tuple[int, int],
    chunk: tuple[int, int],
    grain: tuple[int, int],
    work: Callable[[Grid], Work],
    planes: int = 1,
) -> tuple[int, int] | None:
    """Return rows and columns of the tiles with which a result is made soonest.

    Parameters
    ----------
    size : (int, int)
        Rows and columns of the picture.
    chunk : (int, int)
        Rows and columns that are written together.
    grain : (int, int)
        Rows and columns that are computed together.
    work : callable
        What a tile takes.
    planes : int
        How many pictures there are.

    Returns
    -------
    (int, int) or None
        None where no tile fits.

    Examples
    --------
    Here 20 rows around a strip are kept, narrower tiles read whole chunks anew:

    >>> def work(grid):
    ...     height, width = grid.tile
    ...     held = (height + 40) * (width + 40)
    ...     read = height * width if grid.strips else (height + 512) * (width + 512)
    ...     return Work(read, height * width, held < 2**26)
    >>> choose_tile((65536, 65536), (256, 256), (128, 1024), work)
    (256, 65536)
    """
    strips = [(height, size[1]) for height in _lengths(size[0], chunk[0], grain[0])]
    tile, cost = _least(size, strips, work, planes)
    if cost > _WASTE * 2 * size[0] * size[1] * planes:
        widths = [n for n in _lengths(size[1], chunk[1], grain[1]) if n < size[1]]
        others = [(height, width) for height, _ in strips for width in widths]
        narrow, less = _least(size, others, work, planes)
        tile = narrow if less < cost else tile
    return tile


def _least(
    size: tuple[int, int],
    tiles: list[tuple[int, int]],
    work: Callable[[Grid], Work],
    planes: int,
) -> tuple[tuple[int, int] | None, float]:
    """Return the tile that costs least of those that fit, and what it costs."""
    best, least = None, float("inf")
    for tile in tiles:
        grid = Grid(size, tile)
        found = work(grid)
        cost = _cost(grid, found, planes)
        if found.fits and cost < least:
            best, least = tile, cost
    return best, least


def _cost(grid: Grid, work: Work, planes: int) -> float:
    """Return how long all tiles take, in pixels."""
    count = grid.count * planes
    # The first is read, and the last written, while the other stages wait.
    return (count + 1) * (work.read + work.made) + count * _HANDLING


def _lengths(size: int, chunk: int, grain: int) -> list[int]:
    """Return lengths up to a size, of whole chunks, some of whole grains too: doubled and tripled.

    Examples
    --------
    >>> _lengths(100, 16, 24)
    [16, 32, 48, 64, 96, 100]
    """
    found = {size}
    for unit in (min(chunk, size), lcm(chunk, grain)):
        while unit < size:
            found |= {unit, 3 * unit // 2 if unit // 2 % chunk == 0 else unit}
            unit *= 2
    return sorted(n for n in found if n <= size)
