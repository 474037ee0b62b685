"""The calls that are counted, with the instructions per pixel that they may take on sm_90."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

import gpuconv as gc
from gpuconv.backends.cuda.launch import Layout
from gpuconv.plan import Plan

__all__ = ["CASES", "Case", "box", "dense", "integers", "separable"]

#: Most bytes that a block may read again because its neighbours need them too.
HALO = 0.10


@dataclass(frozen=True)
class Case:
    """A call, and what it may cost."""

    name: str
    dtype: str
    kernel: gc.Kernel = field(repr=False)
    method: str = "auto"
    shape: tuple[int, int] = (4096, 4096)
    #: Interleaved channels.
    channels: int = 1
    #: Most lane-instructions per output element; None if none is set.
    budget: float | None = None
    #: Most bytes read beyond the block's own pixels, as a fraction of these.
    halo: float | None = None

    @property
    def plan(self) -> Plan:
        """The plan of the call."""
        shape = (*self.shape, self.channels) if self.channels > 1 else self.shape
        axis = -1 if self.channels > 1 else None
        return gc.plan(shape, self.dtype, self.kernel, channel_axis=axis, method=self.method)

    @property
    def layout(self) -> Layout:
        """Where the pixels of the image, and of the output, lie: channels first, as in a plan."""
        height, width = self.shape
        if self.channels == 1:
            return Layout.contiguous(self.shape)
        return Layout((self.channels, height, width), (1, width * self.channels, self.channels))


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
)
