"""What is computed: each filter as data, with its definition in float64.

A filter has no idea of a library. Those are asked for it in `peers`, a file for each.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

import gpuconv as gc
from gpuconv import reference

__all__ = [
    "Bilateral",
    "Box",
    "Canny",
    "Dense",
    "Extreme",
    "Filter",
    "Gaussian",
    "Gradient",
    "Linear",
    "Median",
    "NonLocalMeans",
    "Percentile",
    "RichardsonLucy",
    "Sobel",
    "Unsharp",
    "Wiener",
    "level",
    "psf",
]

Array = NDArray[Any]

#: How far from its definition a filter of float32 may be, for pixels 0 … 1 and weights of sum 1:
#: float32 keeps 6e-8 of a number, and sums and transforms of hundreds of products lose some.
_ROUNDED = 2e-6
#: The same where exponentials and divisions come in.
_COMPOSED = 2e-5


def level(dtype: str) -> float:
    """Return how large one of 255 levels is: floats are 0 … 1.

    Examples
    --------
    >>> level("uint8"), level("uint16"), 255 * level("float32")
    (1.0, 257.0, 1.0)
    """
    return {"uint8": 1.0, "uint16": 257.0}.get(dtype, 1 / 255)


def psf() -> Array:
    """Return what blurs an image that is to be restored: a shake of 15 pixels, aslant."""
    weights: Array = gc.kernels.motion_blur(15, 30).weights.astype(np.float32)
    return weights


@dataclass(frozen=True)
class Filter:
    """What all filters have; each is of one of the classes below."""

    #: How far pixels reach is not limited: results are compared on whole images, small ones.
    everywhere: ClassVar[bool] = False
    #: The colours of a pixel count together; else each plane is filtered by itself.
    joint: ClassVar[bool] = False
    #: Largest error of a result in float32, of pixels 0 … 1; integers may be a level off.
    rounding: ClassVar[float] = _ROUNDED
    #: How errors are measured: the "largest" of a pixel, the "mean", or the "share" of pixels.
    measure: ClassVar[str] = "largest"

    @property
    def name(self) -> str:
        """What the tables call it."""
        raise NotImplementedError

    @property
    def family(self) -> str:
        """What it is of whatever size: filters of a family make a curve."""
        return type(self).__name__

    @property
    def extent(self) -> float:
        """Where it stands on that curve."""
        return float(2 * self.reach + 1)

    @property
    def reach(self) -> int:
        """How many pixels away a pixel can matter."""
        raise NotImplementedError

    def defined(self, image: Array) -> Array:
        """Return the result for a 2-D image, in float64.

        Pixels within `reach` of the edges are not used.
        """
        raise NotImplementedError


# ------------------------------------------------------------------------ sums


def _summed(image: Array, *kernels: gc.Kernel) -> Array:
    """Correlate with one kernel after another, where all of each lies on the image."""
    found = image.astype(np.float64)
    for kernel in kernels:
        found = reference.correlate(found, kernel, size="valid")
    return _framed(found, image.shape)


def _framed(inner: Array, shape: tuple[int, ...]) -> Array:
    """Return what was computed for the middle of an image as large as all of it."""
    margins = [(whole - part) // 2 for whole, part in zip(shape, inner.shape, strict=True)]
    return np.pad(inner, [(margin, margin) for margin in margins])


@dataclass(frozen=True)
class Linear(Filter):
    """A correlation with some kernel, whose weights are positive and sum to 1."""

    @property
    def kernel(self) -> gc.Kernel:
        """The weights as a caller of gpuconv writes them; to correlate with, not turned."""
        raise NotImplementedError

    @cached_property
    def weights(self) -> Array:
        """The weights, a float32 array: for libraries that take nothing else."""
        return np.ascontiguousarray(self.kernel.weights, np.float32)

    @property
    def line(self) -> Array | None:
        """The weights along one axis, in float64, where both axes have the same; or None."""
        return None

    @property
    def reach(self) -> int:
        """Half the side of the kernel."""
        return max(self.kernel.shape) // 2

    def defined(self, image: Array) -> Array:
        """Sum tap by tap; along columns, then along rows, where both have the same weights.

        All taps of a wide kernel at once would take minutes.
        """
        line = self.line
        if line is None:
            return _summed(image, self.kernel)
        return _summed(image, gc.Kernel(line[None, :]), gc.Kernel(line[:, None]))


@dataclass(frozen=True)
class Dense(Linear):
    """Weights of full rank, which nobody can take apart; or of a small `rank`.

    With a `divisor` they are integers over it.
    """

    side: int
    rank: int = 0
    divisor: int = 0

    @property
    def name(self) -> str:
        """Of the weights."""
        of = f"rank {self.rank} " if self.rank else "integer " if self.divisor else "dense "
        return f"{of}{self.side}×{self.side}"

    @property
    def family(self) -> str:
        """Of the weights, whatever their number."""
        return f"rank {self.rank}" if self.rank else "integer" if self.divisor else "dense"

    @cached_property
    def kernel(self) -> gc.Kernel:
        """Random weights."""
        rng, n = np.random.default_rng(self.side), self.side
        if self.divisor:
            return gc.Kernel(_parts(self.divisor, n * n, rng).reshape(n, n), divisor=self.divisor)
        if self.rank:
            weights = rng.random((n, self.rank)) @ rng.random((self.rank, n))
        else:
            weights = rng.random((n, n))
        return gc.Kernel((weights / weights.sum()).astype(np.float32))


def _parts(total: int, count: int, rng: np.random.Generator) -> Array:
    """Return positive integers that sum to `total`."""
    cuts = np.sort(rng.choice(np.arange(1, total), count - 1, replace=False))
    return np.diff(cuts, prepend=0, append=total)


@dataclass(frozen=True)
class Gaussian(Linear):
    """A Gaussian, cut off at 4 σ; or of the side given."""

    sigma: float
    side: int = 0

    @property
    def name(self) -> str:
        """With σ, and the side where it does not follow."""
        return f"Gaussian σ={self.sigma:g}" + (f" {self.side}×{self.side}" if self.side else "")

    @property
    def family(self) -> str:
        """All of them."""
        return "Gaussian"

    @property
    def extent(self) -> float:
        """Its σ."""
        return self.sigma

    @property
    def taps(self) -> int:
        """Pixels along an axis."""
        return self.side or 2 * round(4 * self.sigma) + 1

    @cached_property
    def kernel(self) -> gc.Kernel:
        """The kernel of that name."""
        return gc.kernels.gaussian(self.sigma, radius=self.taps // 2)

    @property
    def line(self) -> Array:
        """The weights along an axis."""
        row = self.kernel.terms[0][1]
        return np.asarray(row / row.sum())


@dataclass(frozen=True)
class Box(Linear):
    """A mean of side²."""

    side: int

    @property
    def name(self) -> str:
        """With its side."""
        return f"box {self.side}×{self.side}"

    @property
    def family(self) -> str:
        """All of them."""
        return "box"

    @cached_property
    def kernel(self) -> gc.Kernel:
        """The kernel of that name."""
        return gc.kernels.box(self.side)

    @property
    def line(self) -> Array:
        """Equal weights."""
        return np.full(self.side, 1 / self.side)


# ------------------------------------------------------------------------ gradients


def _magnitude(image: Array, across: gc.Kernel, down: gc.Kernel) -> Array:
    wide = image.astype(np.float64)
    both = (reference.correlate(wide, each, border="constant") for each in (across, down))
    return np.hypot(*both)


@dataclass(frozen=True)
class Sobel(Filter):
    """The magnitude of Sobel's gradient, not scaled."""

    rounding = _COMPOSED

    @property
    def name(self) -> str:
        """It has one size."""
        return "Sobel magnitude"

    @property
    def reach(self) -> int:
        """Of 3×3."""
        return 1

    def defined(self, image: Array) -> Array:
        """Correlate with both kernels."""
        return _magnitude(image, gc.kernels.sobel_x(), gc.kernels.sobel_y())


@dataclass(frozen=True)
class Gradient(Filter):
    """The magnitude of the gradient of a Gaussian blur that is cut off at 4 σ."""

    sigma: float
    rounding = _COMPOSED

    @property
    def name(self) -> str:
        """With σ."""
        return f"gradient magnitude σ={self.sigma:g}"

    @property
    def reach(self) -> int:
        """Of 4 σ."""
        return round(4 * self.sigma)

    @property
    def lines(self) -> tuple[Array, Array]:
        """The weights that smooth, and those that differentiate, to correlate with."""
        x = np.arange(-self.reach, self.reach + 1)
        smooth = np.exp(-(x**2) / (2 * self.sigma**2))
        smooth /= smooth.sum()
        return smooth, x * smooth / self.sigma**2

    def defined(self, image: Array) -> Array:
        """Correlate with both derivatives."""
        smooth, slope = self.lines
        across = gc.Kernel(np.outer(smooth, slope))
        return _magnitude(image, across, gc.Kernel(np.outer(slope, smooth)))


@dataclass(frozen=True)
class Unsharp(Filter):
    """An unsharp mask: an image and `amount` times what a Gaussian takes away from it."""

    sigma: float
    amount: float = 1.0

    @property
    def name(self) -> str:
        """With σ."""
        return f"unsharp mask σ={self.sigma:g}"

    @property
    def reach(self) -> int:
        """Of the Gaussian."""
        return round(4 * self.sigma)

    def defined(self, image: Array) -> Array:
        """Blur and subtract."""
        return (1 + self.amount) * image - self.amount * Gaussian(self.sigma).defined(image)


@dataclass(frozen=True)
class Canny(Filter):
    """Canny's edges, of thresholds in levels."""

    sigma: float = 1.4
    low: float = 25.0
    high: float = 60.0
    everywhere = True
    rounding = 0.0
    measure = "share"

    @property
    def name(self) -> str:
        """With σ."""
        return f"Canny σ={self.sigma:g}"

    @property
    def reach(self) -> int:
        """Edges may be as long as they like; this is what the thinnest one needs."""
        return round(4 * self.sigma) + 2

    def thresholds(self, dtype: str) -> tuple[float, float]:
        """Return both thresholds for pixels of a dtype."""
        return self.low * level(dtype), self.high * level(dtype)

    def defined(self, image: Array) -> Array:
        """Follow Canny's definition; the border is "reflect"."""
        limits = self.thresholds(image.dtype.name)
        return reference.canny(image, self.sigma, *limits, border="reflect").astype(np.float64)


# ------------------------------------------------------------------------ ranks


@dataclass(frozen=True)
class _Window(Filter):
    """What is read from the pixels of a square, sorted."""

    side: int
    rounding = 0.0

    @property
    def name(self) -> str:
        """With its side."""
        return f"{self.family} {self.side}×{self.side}"

    @property
    def reach(self) -> int:
        """Half the side."""
        return self.side // 2

    @property
    def index(self) -> int:
        """Which of the sorted pixels, from 0."""
        raise NotImplementedError

    def defined(self, image: Array) -> Array:
        """Sort, one row of windows at a time: all of wide ones take gigabytes."""
        rows = sliding_window_view(image, (self.side, self.side))
        ranked = (np.partition(row.reshape(len(row), -1), self.index) for row in rows)
        inner = np.array([row[:, self.index] for row in ranked], np.float64)
        return _framed(inner, image.shape)


@dataclass(frozen=True)
class Median(_Window):
    """The median of side²."""

    @property
    def family(self) -> str:
        """Of whatever side."""
        return "median"

    @property
    def index(self) -> int:
        """The middle."""
        return self.side**2 // 2


@dataclass(frozen=True)
class Extreme(_Window):
    """The minimum or the maximum of side²."""

    which: str = "minimum"

    @property
    def family(self) -> str:
        """Which it is."""
        return self.which

    @property
    def index(self) -> int:
        """The first or the last."""
        return 0 if self.which == "minimum" else self.side**2 - 1


@dataclass(frozen=True)
class Percentile(_Window):
    """A percentile of side², as SciPy counts it."""

    percent: int = 25

    @property
    def family(self) -> str:
        """Which it is."""
        return f"percentile {self.percent} of"

    @property
    def index(self) -> int:
        """The rank, rounded down."""
        return int(self.percent * self.side**2 / 100)


# ------------------------------------------------------------------------ pixels that are alike


@dataclass(frozen=True)
class Bilateral(Filter):
    """A bilateral filter; `color` is in levels, `space` in pixels."""

    diameter: int
    color: float = 25.0
    space: float = 3.0
    joint = True
    rounding = _COMPOSED

    @property
    def name(self) -> str:
        """With its diameter."""
        return f"bilateral {self.diameter}"

    @property
    def family(self) -> str:
        """Of whatever diameter."""
        return "bilateral"

    @property
    def reach(self) -> int:
        """Half the diameter."""
        return self.diameter // 2

    def defined(self, image: Array) -> Array:
        """Weigh every pixel of the disk; colours, along a last axis, together."""
        return _joint(reference.bilateral, image, self.reach, self.color * _unit(image), self.space)


@dataclass(frozen=True)
class NonLocalMeans(Filter):
    """Non-local means of patches of patch², as far as `search` away; `h` is in levels."""

    patch: int
    search: int
    h: float = 13.8
    joint = True
    rounding = 10 * _COMPOSED

    @property
    def name(self) -> str:
        """With both lengths."""
        return f"nl_means {self.patch}/{self.search}"

    @property
    def family(self) -> str:
        """Of one size of patches."""
        return f"nl_means {self.patch}"

    @property
    def extent(self) -> float:
        """How far it looks."""
        return float(self.search)

    @property
    def reach(self) -> int:
        """To the last pixel of the last patch."""
        return self.search + self.patch // 2

    def defined(self, image: Array) -> Array:
        """Compare every patch; colours, along a last axis, together."""
        return _joint(reference.nl_means, image, self.patch, self.search, self.h * _unit(image))


def _unit(image: Array) -> float:
    return level(image.dtype.name)


def _joint(definition: Any, image: Array, *arguments: float) -> Array:
    """Define a filter that takes the colours of a pixel together, planes first."""
    options = {"border": "nearest", "dtype": np.float64}
    if image.ndim == 2:
        return np.asarray(definition(image, *arguments, **options))
    planes = definition(np.moveaxis(image, -1, 0), *arguments, joint=True, **options)
    return np.moveaxis(planes, 0, -1)


# ------------------------------------------------------------------------ restoration


@dataclass(frozen=True)
class Wiener(Filter):
    """Wiener's filter with a Laplacian as its regulariser, the image taken as periodic."""

    balance: float = 0.01
    everywhere = True
    rounding = 5e-4

    @property
    def name(self) -> str:
        """With the side of what has blurred."""
        return "Wiener 15×15"

    @property
    def reach(self) -> int:
        """Everywhere; this is half of what has blurred."""
        return 7

    def defined(self, image: Array) -> Array:
        """Divide transforms, as Hunt (1973) does."""
        blur, rough = (_transfer(each, image.shape) for each in (psf(), _LAPLACIAN))
        inverse = blur.conj() / (np.abs(blur) ** 2 + self.balance * np.abs(rough) ** 2)
        return np.fft.irfft2(inverse * np.fft.rfft2(image.astype(np.float64)), image.shape)


_LAPLACIAN = np.array([[0, -1, 0], [-1, 4, -1], [0, -1, 0]])


def _transfer(weights: Array, shape: tuple[int, ...]) -> Array:
    """Return the transform of weights whose middle is at the origin."""
    placed = np.zeros(shape)
    rows, columns = weights.shape
    placed[:rows, :columns] = weights
    return np.asarray(np.fft.rfft2(np.roll(placed, (-(rows // 2), -(columns // 2)), (0, 1))))


@dataclass(frozen=True)
class RichardsonLucy(Filter):
    """The iteration of Richardson and Lucy from 0.5, zeros outside."""

    iterations: int = 30
    everywhere = True
    rounding = 4e-3

    @property
    def name(self) -> str:
        """With how often."""
        return f"Richardson–Lucy, {self.iterations} iterations"

    @property
    def reach(self) -> int:
        """Everywhere, in the end; this is that of one iteration."""
        return 7

    def defined(self, image: Array) -> Array:
        """Iterate: Richardson (1972), Lucy (1974)."""
        blur = gc.Kernel(psf().astype(np.float64))
        wide, found = image.astype(np.float64), np.full(image.shape, 0.5)
        for _ in range(self.iterations):
            blurred = reference.convolve(found, blur, border="constant")
            found *= reference.correlate(wide / np.maximum(blurred, 1e-12), blur, border="constant")
        return found
