"""Cases and peers: what is timed on a GPU, and against whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

import gpuconv as gc
from benchmarks.gpu.timing import Call
from gpuconv.backends import cuda

__all__ = ["CASES", "COPIES", "PEERS", "TOLERANCE", "Buffers", "Case", "Unable", "expected"]

Array = NDArray[Any]

#: Largest error that counts as right, for weights of sum 1 and pixels of size 1: float32 keeps 6e-8
#: of a number, and a sum of a few hundred products loses a few of these.
TOLERANCE = 1e-6

#: Taps from which a sum over them is no rival of a transform, and would take the time of all.
_MANY_TAPS = 1000


class Unable(Exception):  # noqa: N818 — it is no fault
    """Raised by a peer that cannot do a case, or is not installed; it says why."""


@dataclass(frozen=True)
class Case:
    """A filter on a square image: dense `weights`, a Gaussian's `sigma`, or the `side` of a box.

    Of float32; or, with none of these, the strength of edges in bytes, by Sobel's two kernels.
    """

    name: str
    border: str
    weights: Array | None = field(default=None, repr=False)
    sigma: float | None = None
    side: int | None = None
    #: How often the image stands along each side.
    times: int = 1

    @property
    def edges(self) -> bool:
        """Whether it is the strength of edges."""
        return self.weights is None and self.sigma is None and self.side is None

    @property
    def kernel(self) -> gc.Kernel:
        """The kernel; as every peer has it, turned by 180° where it correlates."""
        if self.weights is not None:
            return gc.Kernel(self.weights)
        return gc.kernels.gaussian(self.sigma) if self.sigma else gc.kernels.box(self.side or 1)

    @property
    def line(self) -> Array:
        """The weights of a separable kernel along one axis."""
        row = self.kernel.terms[0][1]
        return np.asarray(row / row.sum())

    def image_of(self, noise: Array) -> Array:
        """Return the image to filter, made of normal noise."""
        pixels = np.tile(noise, (self.times, self.times))
        return (128 + 32 * pixels).clip(0, 255).astype(np.uint8) if self.edges else pixels

    def limit(self, image: Array) -> float:
        """Return the largest error that counts as right; bytes may be rounded to either side."""
        if self.edges:
            return 1
        return TOLERANCE * float(np.abs(self.kernel.weights).sum()) * float(np.abs(image).max())


def _dense(side: int) -> Array:
    """Return weights of full rank: no engine can take them apart, so dense is timed as dense."""
    weights = np.random.default_rng(side).normal(size=(side, side)).astype(np.float32)
    return weights / np.abs(weights).sum()


#: The borders rotate; they are those that every peer knows.
CASES = (
    Case("dense 3×3", "constant", weights=_dense(3)),
    Case("dense 5×5", "mirror", weights=_dense(5)),
    Case("dense 7×7", "nearest", weights=_dense(7)),
    Case("Gaussian σ=1", "constant", sigma=1),
    Case("Gaussian σ=2", "mirror", sigma=2),
    Case("Gaussian σ=5", "nearest", sigma=5),
    Case("Gaussian σ=20", "mirror", sigma=20),
    Case("box 31×31", "nearest", side=31),
    Case("dense 63×63", "constant", weights=_dense(63), times=2),
    Case("edges, bytes", "mirror"),
)


@dataclass(frozen=True)
class Buffers:
    """Images and outputs on the device: several sets, that calls rotate among.

    Outputs that nobody has written yet hold NaN, or bytes of 85.
    """

    images: list[Any]
    outs: list[Any]

    @classmethod
    def of(cls, image: Array, sets: int) -> Buffers:
        """Return sets that hold `image`."""
        blank = np.full(image.shape, _blank(image.dtype), image.dtype)
        # Copies: a runtime on the host takes an array as it is.
        images = [cuda.asarray(image.copy()) for _ in range(sets)]
        return cls(images, [cuda.asarray(blank.copy()) for _ in range(sets)])

    def spoil(self) -> None:
        """Forget all results."""
        for out in self.outs:
            out.fill(_blank(out.dtype))


def _blank(dtype: np.dtype[Any]) -> float:
    return np.nan if dtype.kind == "f" else 85


def expected(case: Case, image: Array) -> Array:
    """Return what every peer must give: SciPy in float64."""
    from scipy import ndimage, signal

    wide, mode = image.astype(np.float64), case.border
    if case.edges:
        strength = np.hypot(*(ndimage.sobel(wide, axis, mode=mode) for axis in (0, 1)))
        return np.asarray(np.rint(strength).clip(0, 255))
    if case.weights is not None:
        weights = case.weights.astype(np.float64)
        if weights.size < _MANY_TAPS:
            return np.asarray(ndimage.convolve(wide, weights, mode=mode))
        return np.asarray(signal.oaconvolve(wide, weights, mode="same"))  # border="constant"
    across = ndimage.correlate1d(wide, case.line, axis=1, mode=mode)
    return np.asarray(ndimage.correlate1d(across, case.line, axis=0, mode=mode))


# ------------------------------------------------------------------------ who is timed


def gpuconv(case: Case, buffers: Buffers) -> Call:
    """Convolve with gpuconv."""
    images, outs, border = buffers.images, buffers.outs, case.border
    if case.edges:
        bank = gc.kernels.sobel_x(), gc.kernels.sobel_y()
        return lambda i: gc.filter_bank(
            images[i], bank, reduce="magnitude", border=border, out=outs[i], device="cuda"
        )
    kernel = case.kernel
    return lambda i: gc.convolve(images[i], kernel, border=border, out=outs[i], device="cuda")


def cupy(case: Case, buffers: Buffers) -> Call:
    """Convolve with cupyx.scipy, whose weights are float32 too."""
    try:
        import cupy
        from cupyx.scipy import ndimage, signal
    except ImportError as error:
        raise Unable(f"cupyx cannot be imported: {error}") from error
    images, outs, mode = buffers.images, buffers.outs, case.border
    if case.sigma is not None:
        sigma = case.sigma
        return lambda i: ndimage.gaussian_filter(images[i], sigma, mode=mode, output=outs[i])
    if side := case.side:
        return lambda i: ndimage.uniform_filter(images[i], side, mode=mode, output=outs[i])
    if case.edges:
        return lambda i: _edges_by_cupy(images[i], outs[i], mode)
    weights = cupy.asarray(case.weights)
    if weights.size >= _MANY_TAPS:

        def by_transform(i: int) -> None:
            outs[i][...] = signal.fftconvolve(images[i], weights, mode="same")

        return by_transform
    return lambda i: ndimage.convolve(images[i], weights, mode=mode, output=outs[i])


def _edges_by_cupy(image: Any, out: Any, mode: str) -> None:
    import cupy
    from cupyx.scipy import ndimage

    down, across = (ndimage.sobel(image, axis, np.float32, mode) for axis in (0, 1))
    strength = cupy.hypot(down, across, out=down)
    out[...] = cupy.rint(strength, out=strength).clip(0, 255)


#: PyTorch's names of borders; "constant" is the zeros that its convolution pads with by itself.
_TORCH_BORDERS = {"mirror": "reflect", "nearest": "replicate"}


def torch(case: Case, buffers: Buffers) -> Call:
    """Convolve with PyTorch's conv2d, in full float32; a separable kernel as two passes.

    Like CuPy it runs on CUDA's default stream, where the events are.
    """
    if case.edges or (case.weights is not None and case.weights.size >= _MANY_TAPS):
        raise Unable("conv2d takes no bytes" if case.edges else "conv2d sums over all taps")
    try:
        import torch
    except ImportError as error:
        raise Unable(f"PyTorch cannot be imported: {error}") from error
    if not torch.cuda.is_available():
        raise Unable("PyTorch sees no GPU")
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    images = [torch.as_tensor(image, device="cuda")[None, None] for image in buffers.images]
    outs = [torch.as_tensor(out, device="cuda")[None, None] for out in buffers.outs]
    weights = [torch.as_tensor(each, device="cuda")[None, None] for each in _torch_weights(case)]
    conv2d, padded = torch.nn.functional.conv2d, torch.nn.functional.pad
    reach = max(weights[0].shape) // 2

    def call(i: int) -> None:
        result, padding = images[i], [0, 0]
        if mode := _TORCH_BORDERS.get(case.border):
            result = padded(result, (reach,) * 4, mode=mode)
        for each in weights:
            if not mode:
                padding = [side // 2 for side in each.shape[2:]]
            result = conv2d(result, each, padding=padding)
        outs[i].copy_(result)  # conv2d has no out=

    return torch.inference_mode()(call)


def _torch_weights(case: Case) -> list[Array]:
    if case.weights is not None:
        return [np.ascontiguousarray(case.weights[::-1, ::-1])]
    line = case.line.astype(np.float32)
    return [line[None, :].copy(), line[:, None].copy()]


def copy_by_engine(case: Case, buffers: Buffers) -> Call:
    """Copy the image with the driver's copy."""
    images, outs = buffers.images, buffers.outs
    if not hasattr(outs[0].data, "copy_from_device_async"):
        raise Unable("these arrays are not CuPy's")
    size = images[0].nbytes
    return lambda i: outs[i].data.copy_from_device_async(images[i].data, size)


def copy_by_kernel(case: Case, buffers: Buffers) -> Call:
    """Copy the image with a kernel of the library's."""
    images, outs = buffers.images, buffers.outs
    return lambda i: np.positive(images[i], out=outs[i])


Prepare = Callable[[Case, Buffers], Call]

#: The floor: an image is read once and written once. The faster of the two counts.
COPIES: dict[str, Prepare] = {"copy (driver)": copy_by_engine, "copy (kernel)": copy_by_kernel}
PEERS: dict[str, Prepare] = {"gpuconv": gpuconv, "cupyx": cupy, "torch": torch}
