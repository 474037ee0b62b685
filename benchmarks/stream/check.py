"""Is a result right? ``python -m benchmarks.stream.check RESULT SIZE BORDER`` answers as JSON.

Patches are compared with the reference implementation: at corners, along edges, across the seams of
tiles of every size that anybody here works in, and elsewhere.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

import gpuconv as gc
from benchmarks.stream.peers import SIGMA
from benchmarks.stream.scene import Scene
from gpuconv import reference

__all__ = ["compared", "differing", "opened"]

#: Rows and columns of a patch; patches beside those at corners and seams.
_SIDE, _OTHERS = 24, 16


def opened(path: Path) -> Any:
    """Return a result as an array that is read by regions, by others than gpuconv."""
    import tifffile
    import zarr

    if path.suffix == ".zarr":
        found: Any = zarr.open(path, mode="r")
        return found if isinstance(found, zarr.Array) else found["0"]
    return zarr.open_array(tifffile.TiffFile(path).aszarr(), mode="r")


def compared(result: Any, size: int, border: str) -> dict[str, Any]:
    """Return how far patches of a result are from the reference."""
    if tuple(result.shape) != (size, size) or result.dtype != np.uint8:
        return {"patches": 0, "wrong": f"it is {result.shape} of {result.dtype}"}
    scene, largest, pixels, apart = Scene(size), 0, 0, 0
    places = sorted(set(_places(size)))
    for top, left in places:
        rows, columns = slice(top, top + _SIDE), slice(left, left + _SIDE)
        difference = np.abs(
            result[rows, columns].astype(int) - _expected(scene, (top, left), border)
        )
        largest = max(largest, int(difference.max()))
        pixels, apart = pixels + difference.size, apart + int((difference > 0).sum())
    return {"patches": len(places), "pixels": pixels, "apart": apart, "largest": largest}


def _expected(scene: Scene, place: tuple[int, int], border: str) -> Any:
    """Return a patch of the scene blurred, by the definition."""
    (top, left), reach, size = place, 4 * SIGMA, scene.shape[0]
    # At the image's own edges windows end with it, and the border is the image's.
    y, x = max(top - reach, 0), max(left - reach, 0)
    bottom, right = min(top + _SIDE + reach, size), min(left + _SIDE + reach, size)
    blurred = reference.convolve(
        scene[y:bottom, x:right], gc.kernels.gaussian(SIGMA), border=border
    )
    return blurred[top - y :, left - x :][:_SIDE, :_SIDE].astype(int)


def _places(size: int) -> Iterator[tuple[int, int]]:
    """Yield the first row and column of patches."""
    last = size - _SIDE
    yield from product((0, last), repeat=2)
    for seam in (512, 1024, 2048, 4096, 8192, 16384, 32768):
        middle = min(seam - _SIDE // 2, last)
        yield from ((middle, middle), (middle, 0), (last, middle))
    rng = np.random.default_rng(1)
    for _ in range(_OTHERS):
        # Across a seam between rows of tiles, whatever the column.
        row = int(rng.integers(size // 512 + 1)) * 512 - _SIDE // 2
        yield min(max(row, 0), last), int(rng.integers(last + 1))


def differing(one: Any, other: Any) -> int:
    """Return in how many pixels two results differ, all of them compared."""
    high, wide = one.shape
    parts = product(range(0, high, 2048), range(0, wide, 8192))
    regions = ((slice(y, y + 2048), slice(x, x + 8192)) for y, x in parts)
    return sum(int((one[region] != other[region]).sum()) for region in regions)


def main() -> None:
    """Print how far a result is from the reference, or from another result."""
    result, *other = sys.argv[1:]
    if len(other) == 1:
        found = {"differing": differing(opened(Path(result)), opened(Path(other[0])))}
    else:
        found = compared(opened(Path(result)), int(other[0]), other[1])
    print(json.dumps(found))


if __name__ == "__main__":
    main()
