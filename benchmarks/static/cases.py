"""The calls that are counted, with the instructions per pixel that they may take on sm_90."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

import gpuconv as gc
from gpuconv import arguments
from gpuconv.backends.cuda import bank, linear
from gpuconv.backends.cuda.launch import Layout, Mask, Work
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.backends.cuda.warmup import LIMITS
from gpuconv.bank import Bank
from gpuconv.cost import gpu
from gpuconv.epilogue import NOTHING
from gpuconv.plan import Plan, make_plan
from gpuconv.responses import Reduction

__all__ = [
    "CASES",
    "Case",
    "box",
    "dense",
    "finished",
    "fourier",
    "holed",
    "integers",
    "recursive",
    "separable",
    "sobel",
    "together",
]

#: Most bytes that a block may read again because its neighbours need them too.
HALO = 0.10


@dataclass(frozen=True)
class Case:
    """A call, and what it may cost."""

    name: str
    dtype: str
    kernel: gc.Kernel = field(repr=False)
    method: arguments.Method = "auto"
    shape: tuple[int, int] = (4096, 4096)
    #: Interleaved channels.
    channels: int = 1
    #: Most lane-instructions per output element; None if none is set.
    budget: float | None = None
    #: Most bytes read beyond the block's own pixels, as a fraction of these.
    halo: float | None = None

    border: arguments.Border = "reflect"
    epilogue: gc.Epilogue = NOTHING
    nan: arguments.Nan = "propagate"
    #: The dtype of the weights of pixels; "" if there are none.
    mask: str = ""
    #: Filters that run together with `kernel`, and what becomes of all responses.
    more: tuple[gc.Kernel, ...] = field(default=(), repr=False)
    reduce: Reduction | None = None
    #: Whether a prediction can be made of the counts. Not where a library does most of the work,
    #: nor where a block reads what it has read before, too late for it to be in a cache still.
    predicted: bool = True

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The plan of each filter on a GPU, for images channels first."""
        dtype = np.dtype(self.dtype)
        accuracy = "fast" if self.method == "recursive" else "exact"
        given = True, self.border, 0, "same", 1, 1, self.method, accuracy, self.nan, self.epilogue
        options = arguments.Options.of(*given)  # type: ignore[arg-type]
        kernels = self.kernel, *self.more
        machine = gpu(LIMITS.multiprocessors)
        shape, masked = self.layout.shape, bool(self.mask)
        requests = (options.request(shape, dtype, k, 0.0, dtype, masked) for k in kernels)
        return tuple(make_plan(request, machine) for request in requests)

    @property
    def layout(self) -> Layout:
        """Where the pixels of the image, and of a response, lie: channels first, as in a plan."""
        height, width = self.shape
        if self.channels == 1:
            return Layout.contiguous(self.shape)
        return Layout((self.channels, height, width), (1, width * self.channels, self.channels))

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Shape of the output."""
        shape = self.layout.shape
        return (1 + len(self.more), *shape) if self.more and not self.reduce else shape

    def work(self, limits: Limits) -> Work:
        """Return what is launched on a device with these limits.

        Raises
        ------
        NotImplementedError
            The filters would not run together.
        """
        layout, plans = self.layout, self.plans
        if self.more:
            plain = tuple(replace(plan, epilogue=NOTHING) for plan in plans)
            filters = Bank(plain, self.reduce, self.epilogue, plain[0].out_dtype)
            out = layout if self.reduce else Layout.contiguous(self.out_shape)
            work = bank.launches(filters, layout, out, limits)
            if isinstance(work, str):
                raise NotImplementedError(work)
            return work
        mask = Mask(layout, np.dtype(self.mask)) if self.mask else None
        return linear.launches(plans[0], layout, layout, limits, mask)


def _weights(seed: int, *shape: int) -> np.ndarray:
    """Return weights none of which is 0, so that no sum needs to be guarded."""
    return np.random.default_rng(seed).uniform(0.5, 1.5, shape) / np.prod(shape)


def dense(taps: int, dtype: str = "float32", budget: float | None = None) -> Case:
    """Return a dense case; random weights have full rank."""
    kernel = gc.Kernel(_weights(taps, taps, taps))
    return Case(f"{dtype} dense {taps}×{taps}", dtype, kernel, "dense", budget=budget)


def integers(taps: int, divisor: int = 1, budget: float | None = None) -> Case:
    """Return a dense case of bytes whose weights are small integers."""
    weights = np.random.default_rng(taps).integers(1, 9, (taps, taps))
    divided = f" / {divisor}" if divisor != 1 else ""
    name = f"uint8 integers {taps}×{taps}{divided}"
    return Case(name, "uint8", gc.Kernel(weights, divisor=divisor), "dense", budget=budget)


def separable(
    taps: int,
    dtype: str = "float32",
    budget: float | None = None,
    terms: int = 1,
    halo: float = HALO,
) -> Case:
    """Return a separable case, of one term or several.

    Those with a budget are of a large image: few rows are then read by two blocks.
    """
    pairs = [(_weights(i, taps), _weights(-~i * 99, taps)) for i in range(terms)]
    kernel = gc.Kernel.sum_of(pairs)
    rank = f" rank {terms}" if terms > 1 else ""
    name = f"{dtype} separable {taps}{rank}"
    shape = (4096, 4096) if budget is None else (8192, 8192)
    most = halo if budget is not None else None
    return Case(name, dtype, kernel, "separable", shape, budget=budget, halo=most)


def box(taps: int, dtype: str = "float32") -> Case:
    """Return a case of equal weights, of windows that move."""
    kernel = gc.Kernel(np.ones((taps, taps)), divisor=taps * taps)
    return Case(f"{dtype} box {taps}×{taps}", dtype, kernel, "box", (8192, 8192))


def fourier(taps: int, dtype: str = "float32") -> Case:
    """Return a case of Fourier transforms, which are a library's, and not counted."""
    kernel = gc.Kernel(_weights(taps, taps, taps))
    return Case(f"{dtype} fourier {taps}×{taps}", dtype, kernel, "fft", predicted=False)


def recursive(sigma: float, dtype: str = "float32") -> Case:
    """Return a case of a recursive Gaussian, whose lines are gone along twice."""
    kernel = gc.kernels.gaussian(sigma)
    return Case(f"{dtype} recursive σ {sigma:g}", dtype, kernel, "recursive", predicted=False)


def holed(case: Case, mask: str = "bool", nan: arguments.Nan = "propagate") -> Case:
    """Return a case with weights of pixels, or one that ignores NaN."""
    how = f"mask {mask}" if mask else f"nan={nan}"
    return replace(case, name=f"{case.name} {how}", mask=mask, nan=nan, budget=None, halo=None)


def finished(case: Case) -> Case:
    """Return a case with all that can be done to results on their way out."""
    all_ = gc.Epilogue(scale=0.5, offset=3, absolute=True, low=0, high=100)
    return replace(case, name=case.name.replace(" ", " epilogue ", 1), epilogue=all_)


def together(count: int, taps: int, dtype: str = "float32") -> Case:
    """Return a case of several filters, whose responses are all kept."""
    first, *more = (gc.Kernel(_weights(i, taps, taps)) for i in range(count))
    name = f"{dtype} {count} of {taps}×{taps}"
    return Case(name, dtype, first, "dense", more=tuple(more))


def sobel(dtype: str, reduce: str = "magnitude") -> Case:
    """Return the magnitude of the gradient, or its direction."""
    across, down = gc.kernels.sobel_x(), gc.kernels.sobel_y()
    name = f"{dtype} Sobel {reduce}"
    return Case(name, dtype, across, more=(down,), reduce=reduce)


CASES: tuple[Case, ...] = (
    dense(3, budget=16),
    dense(5, budget=33),
    dense(7, budget=57),
    separable(5, budget=13),
    separable(9, budget=21),
    separable(15, budget=35),
    # Two sectors on either side of 64, and 22 rows beside 500, are 10.9 %.
    separable(21, budget=46, halo=0.11),
    integers(3, budget=13),
    integers(5, budget=31),
    integers(3, divisor=9, budget=13),
    integers(5, divisor=256, budget=31),
    # Without a budget: to make floats of bytes takes two instructions each.
    dense(3, "uint8"),
    dense(5, "uint8"),
    # The rest of what is timed on a GPU.
    integers(7),
    dense(11),
    separable(31),
    separable(15, terms=2),
    separable(5, "uint8"),
    separable(9, "uint16"),
    separable(5, "float16"),
    # Whose cost hardly depends on the window.
    box(15),
    box(101),
    box(301),
    box(31, "uint8"),
    Case(
        "uint8 RGB separable 7",
        "uint8",
        gc.Kernel.separable(_weights(7, 7), _weights(8, 7)),
        shape=(2160, 3840),
        channels=3,
    ),
    finished(dense(3)),
    finished(dense(3, "uint8")),
    sobel("uint8"),
    sobel("float32"),
    sobel("float32", "direction"),
    together(4, 7),
    # In one pass; and by products and weights that are filtered each for itself.
    holed(dense(5)),
    holed(dense(5), "", "ignore"),
    holed(separable(15)),
    fourier(63),
    recursive(20),
)
