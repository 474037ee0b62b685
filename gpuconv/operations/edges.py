"""Which kernels the functions for edges and detail run as, by their names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from gpuconv import kernels
from gpuconv.kernel import Kernel
from gpuconv.operations.canny_edges import canny_kernels
from gpuconv.operations.detail import mask_of
from gpuconv.operations.slopes import derivatives, pair

__all__ = ["PLANNERS"]

Kernels: TypeAlias = tuple[Kernel, ...]
Planner: TypeAlias = Callable[..., Kernels]


def _alone(make: Callable[..., Kernel]) -> Planner:
    """Return the planner of a function that is one convolution, whatever its scale."""
    return lambda *given, scale=1.0, **named: (make(*given, **named),)


def _canny(sigma: float = 1.0, *_: object, truncate: float = 4.0, **__: object) -> Kernels:
    """Return what the detector begins with; its thresholds choose no kernel."""
    return canny_kernels(sigma, truncate)


def _gradient(name: str) -> Planner:
    return lambda output="magnitude", scale=1.0: pair(name, output)


#: Name → what takes the function's own parameters, and returns the kernels: several of them run as
#: a bank, over the image in one pass.
PLANNERS: dict[str, Planner] = {
    "canny": _canny,
    "difference_of_gaussians": _alone(kernels.difference_of_gaussians),
    "emboss": _alone(kernels.emboss),
    "farid": _gradient("farid"),
    "gradient_magnitude": lambda sigma, truncate=4.0, scale=1.0: derivatives(sigma, truncate),
    "laplace": _alone(kernels.laplacian),
    "laplacian_of_gaussian": _alone(kernels.laplacian_of_gaussian),
    "prewitt": _gradient("prewitt"),
    "roberts": _gradient("roberts"),
    "scharr": _gradient("scharr"),
    "sobel": _gradient("sobel"),
    "unsharp_mask": _alone(mask_of),
}
