"""Filters that are no convolutions, on a GPU: cases, and how each library is asked for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

import gpuconv as gc
from benchmarks.gpu import peers
from benchmarks.gpu.contest import Buffers, Prepare, Unable
from benchmarks.gpu.timing import Call
from gpuconv import reference
from gpuconv.backends import cuda

__all__ = ["FILTERS", "LIBRARIES", "Filter"]

Array = NDArray[Any]

#: Rows and columns of two corners of the image, where results are checked: where the definition
#: is slow, the rest would take longer than everything else.
_CORNER = (24, 256)
#: Rows on which the time of a peer's call is guessed, and the longest of all that is timed: some
#: take seconds, and each is called dozens of times.
_PROBE, _LONGEST = 64, 0.05
#: Largest errors: a level where bytes are rounded, a part of the range of floats 0 … 1.
_LEVEL, _PART = 1.0, 2e-5


def largest(found: Array, there: Array) -> float:
    """Return the largest difference of two pixels."""
    return float(np.abs(found - there).max())


def share(found: Array, there: Array) -> float:
    """Return how many of all pixels are 0 where they must not be, or the other way round."""
    return float(((found != 0) != (there != 0)).mean())


@dataclass(frozen=True)
class Filter:
    """A filter on a square image of bytes, or of float32 0 … 1."""

    name: str
    dtype: str
    border: str
    #: The filter by definition, on the CPU.
    defined: Callable[[Array], Array] = field(repr=False)
    #: (image, output) → anything, on the GPU.
    ours: peers.Apply = field(repr=False)
    #: Other libraries: what returns the same of theirs, or raises Unable.
    theirs: Mapping[str, Callable[[], peers.Apply]] = field(repr=False)
    #: How far a pixel reaches; None: to all others.
    reach: int | None
    #: Largest error that counts as right, and how it is found.
    off: float = 0.0
    apart: Callable[[Array, Array], float] = largest
    #: The side of the image, of that of the others.
    part: float = 1.0

    def image_of(self, noise: Array) -> Array:
        """Return the image to filter, made of normal noise."""
        side = round(len(noise) * self.part)
        levels = (128 + 32 * noise[:side, :side]).clip(0, 255)
        return levels.astype(np.uint8) if self.dtype == "uint8" else levels / np.float32(255)

    def limit(self, image: Array) -> float:
        """Return the largest error that counts as right."""
        return self.off

    def wanted(self, image: Array) -> list[tuple[Any, Array]]:
        """Return what every library must give: parts of the image, and what is there."""
        if self.reach is None:
            return [(..., self.defined(image))]
        rows, columns = (min(most, n) for most, n in zip(_CORNER, image.shape, strict=True))
        y, x = rows + self.reach, columns + self.reach
        first = slice(rows), slice(columns)
        last = slice(-rows, None), slice(-columns, None)
        near, far = self.defined(image[:y, :x]), self.defined(image[-y:, -x:])
        return [(first, near[first]), (last, far[last])]


def _ours(case: Filter, buffers: Buffers) -> Call:
    return lambda i: case.ours(buffers.images[i], buffers.outs[i])


def _theirs(library: str) -> Prepare:
    """Return what prepares another library, and leaves it out where it takes too long."""

    def prepare(case: Filter, buffers: Buffers) -> Call:
        if library not in case.theirs:
            raise Unable("has none")
        apply, images, outs = case.theirs[library](), buffers.images, buffers.outs
        seconds = _guessed(apply, images[0], outs[0])
        if seconds > _LONGEST:
            raise Unable(f"about {1e3 * seconds:.3g} ms, too long to be timed")
        return lambda i: apply(images[i], outs[i])

    return prepare


def _guessed(apply: peers.Apply, image: Any, out: Any) -> float:
    """Return about how long a call takes, from one on a few rows."""
    few = image[:_PROBE], out[:_PROBE]
    apply(*few)  # compiles
    cuda.asnumpy(out[:1])
    start = time.perf_counter()
    apply(*few)
    cuda.asnumpy(out[:1])  # waits for it
    return (time.perf_counter() - start) * len(image) / len(few[0])


#: Who is timed.
LIBRARIES: dict[str, Prepare] = {"gpuconv": _ours} | {
    name: _theirs(name) for name in ("cupyx", "cuCIM", "OpenCV CUDA")
}

# ------------------------------------------------------------------------ the cases


def _on_gpu(function: Callable[..., Any], *arguments: Any, **options: Any) -> peers.Apply:
    """Return what calls one of gpuconv's functions on a GPU."""
    return lambda image, out: function(image, *arguments, out=out, device="cuda", **options)


def _median(side: int, dtype: str, border: str) -> Filter:
    footprint = np.ones((side, side), bool)
    return Filter(
        f"median {side} {_short(dtype)}",
        dtype,
        border,
        partial(_by_scipy, side=side, border=border),
        _on_gpu(gc.median, side, border=border),
        {
            "cupyx": partial(peers.cupyx_median, side, border),
            "cuCIM": partial(peers.cucim_median, footprint, border),
            "OpenCV CUDA": partial(peers.opencv_median, side, dtype),
        },
        side // 2,
    )


def _by_scipy(image: Array, side: int, border: str) -> Array:
    from scipy import ndimage

    return np.asarray(ndimage.median_filter(image, side, mode=border))


def _short(dtype: str) -> str:
    return {"uint8": "u8", "float32": "f32"}[dtype]


def _bilateral(diameter: int, dtype: str) -> Filter:
    unit = 1.0 if dtype == "uint8" else 1 / 255
    color, space, border = 25 * unit, 3.0, "mirror"
    return Filter(
        f"bilateral {diameter} {_short(dtype)}",
        dtype,
        border,
        lambda image: reference.bilateral(image, diameter // 2, color, space, border=border),
        _on_gpu(gc.bilateral, diameter, sigma_color=color, sigma_space=space, border=border),
        {"OpenCV CUDA": partial(peers.opencv_bilateral, diameter, color, space)},
        diameter // 2,
        _LEVEL if dtype == "uint8" else _PART,
    )


def _nl_means(patch: int, search: int, dtype: str) -> Filter:
    """Return non-local means; of a smaller image: it takes long."""
    h, border = 35.0 if dtype == "uint8" else 35.0 / 255, "mirror"
    return Filter(
        f"nl_means {_short(dtype)}",
        dtype,
        border,
        lambda image: reference.nl_means(image, patch, search, h, border=border),
        _on_gpu(gc.nl_means, patch, search, h=h, border=border),
        {"OpenCV CUDA": partial(peers.opencv_nl_means, patch, search, h, dtype)},
        patch // 2 + search,
        _LEVEL if dtype == "uint8" else 10 * _PART,
        part=0.5,
    )


def _sobel() -> Filter:
    from scipy import ndimage

    def defined(image: Array) -> Array:
        wide = image.astype(np.float64)
        return np.hypot(*(ndimage.sobel(wide, axis, mode="mirror") for axis in (0, 1)))

    return Filter(
        "Sobel f32",
        "float32",
        "mirror",
        defined,
        _on_gpu(gc.sobel, border="mirror"),
        {
            "cupyx": partial(peers.cupyx_sobel, "mirror"),
            "cuCIM": partial(peers.cucim_sobel, "mirror"),
        },
        1,
        _PART,
    )


def _richardson_lucy(iterations: int) -> Filter:
    weights = gc.kernels.motion_blur(15, 30).weights.astype(np.float32)
    return Filter(
        f"Lucy {iterations} f32",
        "float32",
        "constant",
        lambda image: gc.richardson_lucy(image, weights, iterations, border="constant"),
        _on_gpu(gc.richardson_lucy, weights, iterations, border="constant"),
        {
            "cupyx": partial(peers.cupyx_lucy, weights, iterations),
            "cuCIM": partial(peers.cucim_lucy, weights, iterations),
        },
        None,
        1e-3,
        part=0.5,
    )


def _canny(sigma: float, low: float, high: float) -> Filter:
    """Return Canny's edges of bytes; OpenCV rounds directions."""
    border, limits = "reflect", (sigma, low, high)
    options: dict[str, Any] = {"border": border, "device": "cuda"}
    return Filter(
        "Canny u8",
        "uint8",
        border,
        lambda image: gc.canny(image, *limits, border=border),
        lambda image, out: gc.canny(image, *limits, out=out.view(np.bool_), **options),
        {
            "cuCIM": partial(peers.cucim_canny, *limits, border),
            "OpenCV CUDA": partial(peers.opencv_canny, *limits),
        },
        None,
        0.02,
        share,
    )


def _filters() -> Iterator[Filter]:
    for side, border in ((3, "nearest"), (5, "mirror"), (11, "nearest"), (31, "nearest")):
        for dtype in ("uint8", "float32"):
            yield _median(side, dtype, border)
    for dtype in ("uint8", "float32"):
        yield _bilateral(9, dtype)
    yield _nl_means(7, 11, "uint8")
    yield _nl_means(7, 11, "float32")
    yield _sobel()
    yield _canny(1.4, 25, 60)
    yield _richardson_lucy(30)


FILTERS = tuple(_filters())
