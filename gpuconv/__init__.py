"""gpuconv: exact, fast 2-D image convolution, on a GPU where there is one and on NumPy everywhere.

>>> import numpy as np
>>> import gpuconv as gc
>>> image = np.arange(25, dtype=np.uint8).reshape(5, 5)
>>> gc.convolve(image, gc.kernels.gaussian(1.0)).shape
(5, 5)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gpuconv import errors, kernels
from gpuconv.api import convolve, correlate, plan
from gpuconv.backends import Device, devices
from gpuconv.epilogue import Epilogue
from gpuconv.errors import (
    ArgumentError,
    ArgumentTypeError,
    DeviceError,
    GpuconvError,
    ImageFileError,
    MissingExtraError,
)
from gpuconv.kernel import Kernel, as_kernel
from gpuconv.plan import Plan
from gpuconv.responses import filter_bank

if TYPE_CHECKING:
    from gpuconv.filters import Chain, Filter
    from gpuconv.io import (
        Image,
        Layout,
        Sink,
        Source,
        create_image,
        open_image,
        read_frames,
        read_image,
        write_image,
    )
    from gpuconv.neighbourhood import Bilateral, NonLocalMeans, Rank
    from gpuconv.operations import (
        bilateral,
        canny,
        difference_of_gaussians,
        emboss,
        estimate_noise,
        farid,
        gradient_magnitude,
        laplace,
        laplacian_of_gaussian,
        maximum,
        median,
        minimum,
        nl_means,
        percentile,
        prewitt,
        psnr,
        rank,
        richardson_lucy,
        roberts,
        scharr,
        sobel,
        ssim,
        unsharp_mask,
        wiener,
    )
    from gpuconv.streaming import (
        Record,
        StreamError,
        StreamPlan,
        StreamSummary,
        plan_stream,
        stream,
    )

__version__ = "0.1.0"

#: Public names whose modules are imported when first asked for, to keep the import light.
_LAZY = {
    "Bilateral": "gpuconv.neighbourhood",
    "Chain": "gpuconv.filters",
    "Filter": "gpuconv.filters",
    "Image": "gpuconv.io",
    "Layout": "gpuconv.io",
    "NonLocalMeans": "gpuconv.neighbourhood",
    "Rank": "gpuconv.neighbourhood",
    "Record": "gpuconv.streaming",
    "Sink": "gpuconv.io",
    "Source": "gpuconv.io",
    "StreamError": "gpuconv.streaming",
    "StreamPlan": "gpuconv.streaming",
    "StreamSummary": "gpuconv.streaming",
    "batch": "gpuconv",
    "bilateral": "gpuconv.operations",
    "canny": "gpuconv.operations",
    "create_image": "gpuconv.io",
    "cv2": "gpuconv",
    "dask": "gpuconv",
    "difference_of_gaussians": "gpuconv.operations",
    "emboss": "gpuconv.operations",
    "estimate_noise": "gpuconv.operations",
    "farid": "gpuconv.operations",
    "filters": "gpuconv",
    "gradient_magnitude": "gpuconv.operations",
    "io": "gpuconv",
    "laplace": "gpuconv.operations",
    "laplacian_of_gaussian": "gpuconv.operations",
    "maximum": "gpuconv.operations",
    "median": "gpuconv.operations",
    "minimum": "gpuconv.operations",
    "nl_means": "gpuconv.operations",
    "open_image": "gpuconv.io",
    "operations": "gpuconv",
    "percentile": "gpuconv.operations",
    "plan_stream": "gpuconv.streaming",
    "prewitt": "gpuconv.operations",
    "psnr": "gpuconv.operations",
    "rank": "gpuconv.operations",
    "read_frames": "gpuconv.io",
    "read_image": "gpuconv.io",
    "richardson_lucy": "gpuconv.operations",
    "roberts": "gpuconv.operations",
    "scharr": "gpuconv.operations",
    "scipy": "gpuconv",
    "skimage": "gpuconv",
    "sobel": "gpuconv.operations",
    "ssim": "gpuconv.operations",
    "stream": "gpuconv.streaming",
    "torch": "gpuconv",
    "unsharp_mask": "gpuconv.operations",
    "wiener": "gpuconv.operations",
    "write_image": "gpuconv.io",
}

__all__ = [
    "ArgumentError",
    "ArgumentTypeError",
    "Bilateral",
    "Chain",
    "Device",
    "DeviceError",
    "Epilogue",
    "Filter",
    "GpuconvError",
    "Image",
    "ImageFileError",
    "Kernel",
    "Layout",
    "MissingExtraError",
    "NonLocalMeans",
    "Plan",
    "Rank",
    "Record",
    "Sink",
    "Source",
    "StreamError",
    "StreamPlan",
    "StreamSummary",
    "as_kernel",
    "bilateral",
    "canny",
    "convolve",
    "correlate",
    "create_image",
    "devices",
    "difference_of_gaussians",
    "emboss",
    "errors",
    "estimate_noise",
    "farid",
    "filter_bank",
    "gradient_magnitude",
    "kernels",
    "laplace",
    "laplacian_of_gaussian",
    "maximum",
    "median",
    "minimum",
    "nl_means",
    "open_image",
    "percentile",
    "plan",
    "plan_stream",
    "prewitt",
    "psnr",
    "rank",
    "read_frames",
    "read_image",
    "richardson_lucy",
    "roberts",
    "scharr",
    "sobel",
    "ssim",
    "stream",
    "unsharp_mask",
    "wiener",
    "write_image",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'gpuconv' has no attribute {name!r}")
    if _LAZY[name] == "gpuconv":
        return import_module(f"gpuconv.{name}")
    value = getattr(import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
