"""``accuracy="double"``: sums in float64 by every algorithm, on both engines."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gpuconv as gc
from gpuconv import reference

RNG = np.random.default_rng(21)
IMAGE = (RNG.random((21, 40)) + 1000).astype(np.float32)
DOUBLE: dict[str, Any] = {"accuracy": "double", "dtype": "float64"}
MASK = RNG.random(IMAGE.shape) < 0.8

KERNELS: dict[str, gc.Kernel] = {
    "scale": gc.Kernel([[1 / 3]]),
    "dense": gc.Kernel(RNG.normal(size=(4, 5))),
    "separable": gc.Kernel.separable(RNG.random(5), RNG.random(7)),
    "box": gc.Kernel(np.full((5, 6), 0.1)),
    "fft": gc.Kernel(RNG.normal(size=(9, 9))),
    "ordered": gc.Kernel(RNG.normal(size=(3, 4))),
}


def near(found: Any, expected: Any, kernel: gc.Kernel) -> None:
    """Assert that sums were taken in float64: those of float32 are a thousand times further off."""
    bound = 100 * np.finfo(float).eps * np.abs(kernel.weights).sum() * 1001
    np.testing.assert_allclose(found, expected, rtol=0, atol=bound)


@pytest.mark.parametrize("method", list(KERNELS))
def test_every_method_sums_in_float64(engine: str, method: Any) -> None:
    kernel = KERNELS[method]
    found = gc.convolve(IMAGE, kernel, method=method, device=engine, **DOUBLE)
    near(found, reference.convolve(IMAGE, kernel, dtype=float), kernel)


@pytest.mark.parametrize("method", ["dense", "separable"])
def test_so_do_strides_and_dilations(engine: str, method: Any) -> None:
    kernel, steps = KERNELS["separable"], {"stride": (2, 1), "dilation": (1, 3)}
    found = gc.convolve(IMAGE, kernel, method=method, device=engine, **steps, **DOUBLE)
    near(found, reference.convolve(IMAGE, kernel, dtype=float, **steps), kernel)


@pytest.mark.parametrize("taps", [5, 41])
def test_so_do_pixels_with_weights(engine: str, taps: int) -> None:
    kernel = gc.Kernel.separable(np.ones(taps) / 3, np.ones(5) / 3)
    found = gc.convolve(IMAGE, kernel, mask=MASK, device=engine, **DOUBLE)
    near(found, reference.convolve(IMAGE, kernel, mask=MASK, dtype=float), kernel)


@pytest.mark.parametrize("reduce", [None, "sum"])
@pytest.mark.parametrize("name", ["dense", "separable"])
def test_so_does_a_bank(engine: str, name: str, reduce: Any) -> None:
    kernels = [KERNELS[name], KERNELS[name].flip()]
    found = gc.filter_bank(IMAGE, kernels, reduce=reduce, device=engine, **DOUBLE)
    each = np.stack([reference.convolve(IMAGE, kernel, dtype=float) for kernel in kernels])
    near(found, each.sum(axis=0) if reduce else each, 2 * kernels[0])


def test_results_are_stored_as_asked_for(engine: str) -> None:
    kernel = KERNELS["separable"]
    found = gc.convolve(IMAGE, kernel, accuracy="double", device=engine)
    assert found.dtype == np.float32
    expected = reference.convolve(IMAGE, kernel, dtype=float)
    np.testing.assert_allclose(found, expected, rtol=1.01 * np.finfo(np.float32).eps / 2)


def test_exact_sums_stay_as_narrow_as_they_are() -> None:
    plan = gc.plan((50, 50), "uint8", gc.kernels.sobel_x(), accuracy="double")
    assert plan.accumulator == np.float32
    assert gc.plan((50, 50), "uint8", [[0.5, 0.25]], accuracy="double").accumulator == np.float64
