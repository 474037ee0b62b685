"""PyTorch itself: tensors of the CPU, and the layer with its gradients. Fakes do the rest."""

from __future__ import annotations

import copy
import inspect
import itertools
import pickle
import textwrap
import warnings
from typing import Any

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what PyTorch says while it is imported
    torch = pytest.importorskip("torch")

import gpuconv as gc
from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.torch import Filter

RNG = np.random.default_rng(3)
KERNEL = gc.Kernel(RNG.normal(size=(3, 2)), anchor=(0, 1))


def tensor(dtype: str = "float64", shape: tuple[int, ...] = (2, 6, 5)) -> Any:
    return torch.from_numpy((10 * RNG.normal(size=shape)).astype(dtype))


def same(found: Any, expected: Any) -> None:
    assert type(found) is torch.Tensor
    np.testing.assert_array_equal(found.numpy(), expected)


# Functions


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int64", "float32", "complex64"])
def test_tensors_in_and_out(dtype: str) -> None:
    image = tensor(dtype, (9, 8))
    found = gc.convolve(image, torch.tensor([[1, 2], [3, -1]]))
    same(found, gc.convolve(image.numpy(), [[1, 2], [3, -1]]))


def test_layouts() -> None:
    image = tensor("float32", (8, 9))
    for view in (image.T, image[::2, 1::3], image[0].expand(4, 9), image[:0], image[:, :0]):
        same(gc.convolve(view, KERNEL), gc.convolve(view.numpy(), KERNEL))


def test_conjugated_views_are_what_they_say() -> None:
    image = tensor("complex128", (5, 6)).conj()
    same(gc.convolve(image, KERNEL), gc.convolve(image.resolve_conj().numpy(), KERNEL))
    negated = image.imag
    assert negated.is_neg()
    same(gc.convolve(negated, KERNEL), gc.convolve(negated.resolve_neg().numpy(), KERNEL))
    with pytest.raises(ArgumentError, match="out is a conjugated or negated view"):
        gc.convolve(tensor("complex128", (5, 6)), KERNEL, out=image)


def test_memory_is_shared() -> None:
    image = tensor("float32", (5, 6))
    out = torch.zeros_like(image)
    assert gc.convolve(image, KERNEL, out=out) is out
    same(out, gc.convolve(image.numpy(), KERNEL))
    assert gc.convolve(image, KERNEL, out=image) is image
    same(image, out.numpy())


def test_autograd_sees_that_a_tensor_was_written() -> None:
    factor = torch.ones(3, 3)
    loss = (torch.ones(3, 3, requires_grad=True) * factor).sum()
    gc.convolve(factor, [[2]], out=factor)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_tensors_without_any_graph_are_written() -> None:
    with torch.inference_mode():
        image = torch.ones(3, 3)
        assert gc.convolve(image, [[2]], out=image) is image
    assert image.sum().item() == 18


def test_gradients_are_asked_for_elsewhere() -> None:
    image = torch.ones(3, 3, requires_grad=True)
    with pytest.raises(ArgumentError, match=r"pass image.detach\(\), or use gpuconv.torch.Filter"):
        gc.convolve(image, KERNEL)
    with torch.no_grad():
        same(gc.convolve(image, KERNEL), gc.convolve(np.ones((3, 3), "f4"), KERNEL))
    assert not gc.convolve(image.detach(), KERNEL).requires_grad


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: torch.ones(3, 3, dtype=torch.bfloat16), r"torch.bfloat16.* pass image.float\(\)"),
        (lambda: torch.ones(3, 3).to_sparse(), r"layout torch.sparse_coo; .*image.to_dense\(\)"),
        (lambda: torch.ones(3, 3, device="meta"), r"image lies on meta; .* pass image.cpu\(\)"),
    ],
)
def test_tensors_that_cannot_be_read(make: Any, said: str) -> None:
    with pytest.raises(ArgumentTypeError, match=said):
        gc.convolve(make(), KERNEL)


def test_dtypes_of_pytorchs() -> None:
    image = tensor("uint8", (5, 6))
    same(gc.convolve(image, KERNEL, dtype=torch.float32), gc.convolve(image, KERNEL, dtype="f4"))


# The layer

LAYERS = list(
    itertools.product(
        ["reflect", "mirror", "nearest", "wrap", "constant", ("wrap", "zero")],
        [("same", 1, 1), ("full", 1, 2), ("valid", (2, 3), 1), ("same", (1, 2), (2, 1))],
    )
)


@pytest.mark.parametrize(("border", "how"), LAYERS)
def test_gradients_are_those_of_finite_differences(border: Any, how: Any) -> None:
    size, stride, dilation = how
    cval, flip = (2, False) if border == "constant" else (0, True)
    filtering = Filter(
        KERNEL, border=border, cval=cval, size=size, stride=stride, dilation=dilation, flip=flip
    )
    image = tensor(shape=(5, 4)).requires_grad_()
    assert torch.autograd.gradcheck(filtering, (image,))
    assert torch.autograd.gradgradcheck(filtering, (image,))


@pytest.mark.parametrize("border", ["reflect", "mirror", "nearest", "wrap", "constant"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (2, 1)])
def test_gradients_of_images_smaller_than_the_kernel(border: str, shape: tuple[int, int]) -> None:
    filtering = Filter(RNG.normal(size=(7, 5)), border=border)
    assert torch.autograd.gradcheck(filtering, (tensor(shape=shape).requires_grad_(),))


@pytest.mark.parametrize(("turned", "dtype"), [(1j, "f8"), (1j, "c16"), (0, "c16")])
def test_complex_gradients(turned: complex, dtype: str) -> None:
    kernel = RNG.normal(size=(3, 3)) + (turned * RNG.normal(size=(3, 3)) if turned else 0)
    image = tensor(dtype, (4, 5)).requires_grad_()
    assert torch.autograd.gradcheck(Filter(kernel), (image,))
    assert torch.autograd.gradgradcheck(Filter(kernel), (image,))


def test_a_layer_is_the_function() -> None:
    image = tensor("float32", (2, 3, 7, 8))
    same(Filter(KERNEL, border="wrap")(image), gc.convolve(image.numpy(), KERNEL, border="wrap"))
    correlated = Filter(KERNEL, flip=False, size="valid", stride=2)(image)
    same(correlated, gc.correlate(image.numpy(), KERNEL, size="valid", stride=2))


def test_a_layer_is_the_one_of_pytorchs() -> None:
    image, weights = tensor("float64", (2, 1, 7, 8)), torch.from_numpy(RNG.normal(size=(3, 5)))
    image.requires_grad_()
    theirs = torch.nn.functional.conv2d(image, weights[None, None], padding=(1, 2))
    ours = Filter(weights, flip=False, border="zero")(image)
    torch.testing.assert_close(ours, theirs)
    change = torch.rand_like(theirs)
    (a,), (b,) = (torch.autograd.grad(y, image, change) for y in (ours, theirs))
    torch.testing.assert_close(a, b)


def test_gradients_of_half_floats_and_of_nothing() -> None:
    image = tensor("float16", (4, 5)).requires_grad_()
    Filter([[1, 2, 1]])(image).sum().backward()
    assert (image.grad.dtype, image.grad.sum().item()) == (torch.float16, 80)
    empty = torch.ones(0, 4, 5, requires_grad=True)
    Filter([[1, 2, 1]])(empty).sum().backward()
    assert empty.grad.shape == (0, 4, 5)


def test_a_layer_has_nothing_to_learn_and_can_be_sent() -> None:
    filtering = Filter(KERNEL, border="wrap")
    assert list(filtering.parameters()) == []
    assert filtering.state_dict() == {}
    image = tensor()
    for other in (copy.deepcopy(filtering), pickle.loads(pickle.dumps(filtering))):
        same(other(image), filtering(image).numpy())
    assert repr(filtering) == "Filter(3×2, border=('wrap', 'wrap'), size='same')"


def test_a_layer_of_wrong_arguments() -> None:
    with pytest.raises(ArgumentError, match="border='wrp' is not a border mode"):
        Filter(KERNEL, border="wrp")
    with pytest.raises(ArgumentTypeError, match="image is of type ndarray; a Filter takes tensors"):
        Filter(KERNEL)(np.ones((3, 3)))


def test_a_layer_of_weights_that_are_a_tensor() -> None:
    weights, image = torch.ones(2, 3), tensor()
    same(Filter(weights)(image), Filter(np.ones((2, 3)))(image).numpy())
    with pytest.raises(ArgumentError, match=r"kernel requires a gradient.* kernel.detach\(\)"):
        Filter(weights.requires_grad_())


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_a_trace_gets_no_constant_results() -> None:
    with pytest.raises(ArgumentError, match="image is being traced"):
        torch.jit.trace(Filter(KERNEL), torch.rand(4, 5))


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")  # PyTorch's own use of it
def test_functional_transforms_go_through_a_layer() -> None:
    layer, images = Filter(KERNEL, border="wrap"), tensor("float64", (3, 4, 5))
    same(
        torch.func.vmap(layer, in_dims=1, out_dims=1)(images),
        layer(images.movedim(1, 0)).movedim(0, 1).numpy(),
    )
    value, change = torch.func.jvp(layer, (images,), (images,))
    same(value, change.numpy())
    jacobian = torch.func.jacrev(layer)(images[0])
    same(jacobian, torch.autograd.functional.jacobian(layer, images[0]).numpy())
    same(torch.func.jacfwd(layer)(images[0]), jacobian.numpy())


def test_the_example_runs() -> None:
    _, _, code = (inspect.getdoc(Filter) or "").partition("learns::\n\n")
    assert "backward" in code
    exec(textwrap.dedent(code), {})
