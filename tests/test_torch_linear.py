"""What a layer computes on its way back, without PyTorch: the transpose of a filter."""

from __future__ import annotations

import sys
from typing import Any

import cuda_on_cpu
import numpy as np
import pytest
from cuda_on_cpu.apart import ApartRuntime, OnDevice

import gpuconv as gc
from gpuconv.backends.cuda import runtime
from gpuconv.errors import MissingExtraError
from gpuconv.torch import library
from gpuconv.torch.linear import Linear, transposed

RNG = np.random.default_rng(8)
BORDERS = ["reflect", "mirror", "nearest", "wrap", "constant"]


def linear(kernel: gc.Kernel, border: Any, size: Any, stride: Any, dilation: Any) -> Linear:
    border = (border, border) if isinstance(border, str) else border
    return Linear(kernel, border, 0, size, stride, dilation, "exact")


def check(filtering: Linear, image: Any) -> None:
    """Compare ⟨A x, g⟩ and ⟨x, Aᵀ g⟩."""
    filtered = filtering(image)
    gradient = RNG.normal(size=filtered.shape).astype(filtered.dtype)
    real = image.dtype.kind != "c"
    back = transposed(gradient, filtering, image.shape[-2:], real)
    assert (back.shape, back.dtype) == (image.shape, image.dtype)
    assert np.vdot(gradient, filtered).real == pytest.approx(np.vdot(back, image).real)


@pytest.mark.parametrize("border", [*BORDERS, ("wrap", "constant"), ("constant", "nearest")])
@pytest.mark.parametrize("size", ["same", "valid", "full"])
@pytest.mark.parametrize("steps", [((1, 1), (1, 1)), ((2, 3), (1, 1)), ((1, 2), (2, 1))])
def test_it_is_the_transpose(border: Any, size: str, steps: Any) -> None:
    kernel = gc.Kernel(RNG.normal(size=(3, 4)), anchor=(2, 0))
    check(linear(kernel, border, size, *steps), RNG.normal(size=(2, 7, 9)))


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (3, 2)])
def test_it_is_for_images_smaller_than_the_kernel(border: str, shape: tuple[int, int]) -> None:
    kernel = gc.Kernel(RNG.normal(size=(9, 8)))
    check(linear(kernel, border, "same", (1, 1), (1, 1)), RNG.normal(size=shape))


@pytest.mark.parametrize("dtype", ["f8", "c16"])
def test_it_is_for_complex_kernels(dtype: str) -> None:
    kernel = gc.Kernel(RNG.normal(size=(3, 4)) + 1j * RNG.normal(size=(3, 4)))
    image = (RNG.normal(size=(5, 6)) + 1j * RNG.normal(size=(5, 6))).astype("c16")
    check(
        linear(kernel, "mirror", "same", (1, 1), (1, 1)),
        image if dtype == "c16" else np.ascontiguousarray(image.real),
    )


@pytest.mark.parametrize("border", ["reflect", "nearest", "constant"])
def test_it_runs_where_the_gradient_is(border: str) -> None:
    if reason := cuda_on_cpu.missing():
        pytest.skip(reason)
    filtering = linear(gc.Kernel([[1, 2, 3], [4, 5, 6]]), border, "same", (1, 2), (1, 1))
    gradient = np.arange(6.0, dtype=np.float32).reshape(2, 3)
    with runtime.use(ApartRuntime()) as there:
        found = transposed(there.asarray(gradient), filtering, (2, 5))
    assert type(found) is OnDevice
    np.testing.assert_array_equal(found, transposed(gradient, filtering, (2, 5)))


def test_without_pytorch_a_layer_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("torch", "torch.nn", "torch.autograd"):
        monkeypatch.setitem(sys.modules, name, None)
    base, function = library._bases()
    for each in (base, function):
        with pytest.raises(MissingExtraError, match=r"pip install 'gpuconv\[torch\]'"):
            each()
