"""A layer with fixed weights, and its way back."""

from __future__ import annotations

from typing import Any

from gpuconv.arguments import Accuracy, Border, Size, Step, options_of
from gpuconv.errors import ArgumentTypeError
from gpuconv.exchange import public
from gpuconv.kernel import KernelLike, as_kernel
from gpuconv.torch.library import Function, Module
from gpuconv.torch.linear import Linear, transposed

__all__ = ["Filter"]


class Filter(Module):  # type: ignore[misc]
    """A layer that convolves the last two axes of tensors with fixed weights.

    Gradients go through it to what comes before, and gradients of gradients, too. It has no
    parameters: nothing in it learns, and there is nothing of it in a ``state_dict``.

    Parameters
    ----------
    kernel : Kernel, array_like of shape (rows, columns), or tuple (column, row)
        As for :func:`gpuconv.convolve`.
    flip : bool, default True
        Whether to convolve; False correlates, as PyTorch's own layers do.
    border : str or (str, str), default "reflect"
        As for :func:`gpuconv.convolve`. "zero" is what PyTorch's ``conv2d`` pads with.
    cval, size, stride, dilation, accuracy
        As for :func:`gpuconv.convolve`.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        As for :func:`gpuconv.convolve`.
    MissingExtraError
        PyTorch is not installed.

    Notes
    -----
    Tensors are (…, H, W), on the CPU or on a CUDA device, where they stay; every plane is filtered
    alike. The gradient of a convolution is a convolution, here with the same kernel the other way
    round: what a weight has taken from a pixel, or from the border that the pixel stands for, goes
    back to that pixel by that weight. Both are computed to full precision of the tensor's dtype.
    The transforms of ``torch.func`` go through it; a trace of ``torch.jit`` does not, and raises.

    Examples
    --------
    A blur behind a layer that learns::

        import gpuconv as gc
        import gpuconv.torch
        import torch

        blur = gc.torch.Filter(gc.kernels.gaussian(2), border="mirror")
        network = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), blur)
        network(torch.rand(2, 1, 32, 32)).square().mean().backward()
    """

    def __init__(
        self,
        kernel: KernelLike,
        *,
        flip: bool = True,
        border: Border = "reflect",
        cval: complex = 0,
        size: Size = "same",
        stride: Step = 1,
        dilation: Step = 1,
        accuracy: Accuracy = "exact",
    ) -> None:
        super().__init__()
        self.linear = _linear(flip, kernel, border, cval, size, stride, dilation, accuracy)

    def forward(self, image: Any) -> Any:
        """Return a tensor filtered.

        Parameters
        ----------
        image : Tensor of shape (…, H, W)

        Returns
        -------
        Tensor
            Of the same dtype, complex for a complex kernel, on the same device.

        Raises
        ------
        ArgumentError, ArgumentTypeError, DeviceError
            As :func:`gpuconv.convolve`; or `image` is no tensor.
        """
        if not hasattr(image, "requires_grad"):
            raise ArgumentTypeError(
                f"image is of type {type(image).__name__}; a Filter takes tensors, "
                "gpuconv.convolve takes arrays"
            )
        return _Filtered.apply(image, self.linear)

    def extra_repr(self) -> str:
        """Return what PyTorch shows in brackets."""
        rows, columns = self.linear.kernel.shape
        return f"{rows}×{columns}, border={self.linear.border}, size={self.linear.size!r}"


@public
def _linear(
    flip: bool,
    kernel: KernelLike,
    border: Border,
    cval: complex,
    size: Size,
    stride: Step,
    dilation: Step,
    accuracy: Accuracy,
) -> Linear:
    """Return a filter of checked arguments; `kernel` may be a tensor."""
    weights = as_kernel(kernel)
    checked = options_of(
        flip, border, cval, size, stride, dilation, "auto", accuracy, "propagate", None
    )
    return Linear(
        weights.flip() if flip else weights,
        checked.border,
        cval,
        size,
        checked.stride,
        checked.dilation,
        accuracy,
    )


class _Filtered(Function):  # type: ignore[misc]
    """The filter, and its transpose for gradients."""

    @staticmethod
    def forward(image: Any, linear: Linear) -> Any:
        """Return the image filtered."""
        return linear(image)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, Linear], output: Any) -> None:
        """Keep what gradients need."""
        image, linear = inputs
        ctx.linear, ctx.shape = linear.derivative, tuple(image.shape[-2:])
        ctx.real = not image.is_complex()

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> tuple[Any, None]:
        """Return the gradient of the image."""
        return _Transposed.apply(gradient, ctx.linear, ctx.shape, ctx.real), None

    @staticmethod
    def jvp(ctx: Any, change: Any, _: None) -> Any:
        """Return how the result changes with the image."""
        return _Filtered.apply(change, ctx.linear)

    @staticmethod
    def vmap(_: Any, axes: tuple[int, None], image: Any, linear: Linear) -> tuple[Any, int]:
        """Return many images filtered, and the axis that counts them."""
        return _Filtered.apply(image.movedim(axes[0], 0), linear), 0


class _Transposed(Function):  # type: ignore[misc]
    """The transpose of the filter, and the filter for gradients: it is linear, too."""

    @staticmethod
    def forward(gradient: Any, linear: Linear, shape: tuple[int, int], real: bool) -> Any:
        """Return the gradient of the image."""
        return transposed(gradient, linear, shape, real)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Keep what gradients need."""
        _, *ctx.others = inputs

    @staticmethod
    def backward(ctx: Any, change: Any) -> tuple[Any, None, None, None]:
        """Return the gradient of the gradient."""
        return _Filtered.apply(change, ctx.others[0]), None, None, None

    @staticmethod
    def jvp(ctx: Any, change: Any, *_: None) -> Any:
        """Return how the result changes with the gradient."""
        return _Transposed.apply(change, *ctx.others)

    @staticmethod
    def vmap(_: Any, axes: tuple[Any, ...], gradient: Any, *others: Any) -> tuple[Any, int]:
        """Return the gradients of many images, and the axis that counts them."""
        return _Transposed.apply(gradient.movedim(axes[0], 0), *others), 0
