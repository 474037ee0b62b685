"""What every engine must give by each algorithm and ending: moving sums, spectra, masks, banks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import gpuconv as gc
from gpuconv import reference

RNG = np.random.default_rng(12)
IMAGE: NDArray[Any] = RNG.integers(0, 256, (2, 40, 70), np.uint8)
BOX = gc.Kernel(np.ones((9, 6), int), divisor=54)
DENSE = gc.Kernel(RNG.integers(-9, 9, (5, 4)), divisor=3)


@pytest.mark.parametrize("border", ["constant", "mirror", "wrap"])
@pytest.mark.parametrize(("method", "kernel"), [("box", BOX), ("fft", BOX), ("fft", DENSE)])
def test_integers_by_each_algorithm(
    engine: str, method: Any, kernel: gc.Kernel, border: Any
) -> None:
    found = gc.convolve(IMAGE, kernel, border=border, method=method, device=engine)
    np.testing.assert_array_equal(found, reference.convolve(IMAGE, kernel, border=border))


@pytest.mark.parametrize("border", ["constant", "mirror", "wrap"])
def test_an_approximation_where_it_is_allowed(engine: str, border: Any) -> None:
    image, kernel = IMAGE.astype(np.float32), gc.kernels.gaussian(4)
    options: dict[str, Any] = {"method": "recursive", "accuracy": "fast", "device": engine}
    found = gc.convolve(image, kernel, border=border, **options)
    wanted = reference.convolve(image, kernel, border=border)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-3 * 255)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "float32", "float64"])
@pytest.mark.parametrize("name", ["dense", "in steps"])
def test_pixels_have_weights(engine: str, name: str, dtype: str) -> None:
    kernel = gc.kernels.gaussian(1) if name == "dense" else gc.kernels.gaussian(2)
    image, mask = IMAGE.astype(np.float32), RNG.integers(0, 3, IMAGE.shape).astype(dtype)
    found = gc.convolve(image, kernel, mask=mask, device=engine)
    wanted = reference.convolve(image, kernel, mask=mask)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("kernels", [(BOX, BOX.flip()), (DENSE, BOX)], ids=["alone", "together"])
@pytest.mark.parametrize("reduce", [None, "sum", "max", "magnitude"])
def test_banks(engine: str, reduce: Any, kernels: tuple[gc.Kernel, ...]) -> None:
    found = gc.filter_bank(IMAGE, kernels, reduce=reduce, dtype="float64", device=engine)
    each = np.stack([reference.convolve(IMAGE, k, dtype="float64") for k in kernels])
    wanted = {
        None: each,
        "sum": each.sum(0),
        "max": each.max(0),
        "magnitude": np.sqrt((each**2).sum(0)),
    }[reduce]
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-9)
