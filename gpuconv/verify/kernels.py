"""Kernels to verify with, by name: each class of weights that an engine may treat differently."""

from __future__ import annotations

import numpy as np

from gpuconv.kernel import Kernel
from gpuconv.kernels import gaussian, sobel_x

__all__ = ["KERNELS"]

_RNG = np.random.default_rng(9)


def _integers(rows: int, columns: int) -> Kernel:
    """Return dense weights; they are small, so that many of them still sum in float32."""
    return Kernel(_RNG.integers(-9, 10, (rows, columns)))


def _dense(side: int) -> Kernel:
    return Kernel(_RNG.normal(size=(side, side)) / side**2)


def _pair(taps: int) -> Kernel:
    return Kernel.separable(_RNG.normal(size=taps) / taps, _RNG.normal(size=taps) / taps)


KERNELS: dict[str, Kernel] = {
    # one of each kind
    "asymmetric": Kernel(np.outer([1, -2, 3], [2, 1, 0, 5]), anchor=(0, 3), divisor=7),
    "1×1": Kernel([[3]]),
    "unit": Kernel([[1]]),
    "1×1 float": Kernel([[0.3]]),
    "third": Kernel([[1, 2, 1]], divisor=3),
    "two floats": Kernel([[0.37, 1.21]]),
    "odd": _integers(5, 3),
    "even": Kernel(_RNG.integers(-9, 10, (4, 6)), divisor=5),
    "row": Kernel(_RNG.normal(size=(1, 9))),
    "column": Kernel(_RNG.normal(size=(8, 1))),
    "pair": Kernel.separable(_RNG.normal(size=7), _RNG.normal(size=4), anchor=(6, 0)),
    "integer pair": Kernel.separable([1, 4, 6, 4, 1], [1, 2, 0, -2, -1], divisor=-16),
    "larger than the image": Kernel(_RNG.integers(0, 3, (41, 37))),
    "301 down": Kernel.separable(_RNG.normal(size=301), [1, 1]),
    "301 across": Kernel(_RNG.integers(-2, 3, (1, 301))),
    "rank 2": Kernel.sum_of([([1, 2, 1], [1, 0, -1]), ([1, 0, -1], [1, 2, 1])]),
    "rank 2 float": Kernel(_RNG.normal(size=(9, 2)) @ _RNG.normal(size=(2, 9))),
    "zero": Kernel(np.zeros((3, 3))),
    "zero margins": Kernel(np.pad([[1, 2], [3, 4]], 3)),
    "holes": Kernel([[0.0, 1.5, 0.0, -1.0], [0.0, 0.0, 2.0, 0.0], [0.5, 0.0, 0.0, 0.0]], divisor=3),
    "pair with holes": Kernel.separable([1, 0, 2.5, 0], [0.5, 0, 0, 1]),
    "negative divisor": Kernel(np.ones((3, 3)), divisor=-9.5),
    "large integers": Kernel(_RNG.integers(-(10**6), 10**6, (9, 9)), divisor=41 * 255),
    "smooth row": Kernel([[0.1, 0.2, 0.3, 0.25, 0.3, 0.2, 0.1]]),
    "slope down": Kernel([[-0.3], [-0.1], [0.0], [0.1], [0.3]], divisor=0.3),
    "three dimensions": Kernel(np.insert(np.zeros((40, 3)), (0, 19, 40), np.eye(3) / 3, axis=0)),
    "complex": Kernel(_RNG.normal(size=(3, 4)) + 1j * _RNG.normal(size=(3, 4))),
    "complex integer": Kernel(np.array([[1, 2j], [-3j, 4]]), divisor=2),
    "complex pair": Kernel.separable([1, 2j], [1j, 0.5, 3]),
    # those that people use
    "Gaussian 1": gaussian(1),
    "Gaussian 2": gaussian(2),
    "Gaussian 5": gaussian(5),
    "Sobel": sobel_x(),
    "box 5": Kernel(np.ones((5, 5), int), divisor=25),
    "box 31": Kernel(np.ones((31, 31), int), divisor=961),
    "box 12 of floats": Kernel.separable(np.full(7, 0.3), np.full(12, 0.7)),
    # a ladder of sizes
    **{f"dense {side}": _dense(side) for side in (2, 3, 4, 5, 6, 7, 8, 9, 11, 15, 21)},
    **{f"separable {taps}": _pair(taps) for taps in (2, 3, 5, 9, 15, 21, 31, 63)},
}
