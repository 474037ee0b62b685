"""Libraries that filter CuPy's arrays, on NumPy's: SciPy is what cupyx copies, scikit-image cuCIM.

Each function returns modules by the names under which they are imported.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import scipy.ndimage
import scipy.signal
import skimage.feature
import skimage.filters
import skimage.morphology
import skimage.restoration
from numpy.typing import NDArray

__all__ = ["cucim", "cupy", "cupyx"]

Array = NDArray[Any]
Modules = dict[str, Any]

_ATTRIBUTES = {
    "MultiProcessorCount": 132,
    "MaxThreadsPerMultiProcessor": 2048,
    "MaxThreadsPerBlock": 1024,
    "MaxSharedMemoryPerBlock": 49152,
    "ComputeCapabilityMajor": 9,
    "ComputeCapabilityMinor": 0,
}


class _Fused:
    """What CuPy's fuse is to a function: here it stays as it is."""

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return function


def cupy(stream: int = 0) -> Modules:
    """Return CuPy of NumPy's functions, whose current stream has a number."""
    device = SimpleNamespace(id=0, attributes=_ATTRIBUTES)
    names = ("asarray", "empty", "full_like", "hypot", "maximum", "minimum", "rint")
    functions = {name: getattr(np, name) for name in names}
    current = SimpleNamespace(ptr=stream)
    on_device = SimpleNamespace(Device=lambda: device, get_current_stream=lambda: current)
    return {"cupy": SimpleNamespace(**functions, fuse=_Fused, cuda=on_device)}


class _WithHalves:
    """SciPy's ndimage, which knows no half floats; CuPy's does."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function = getattr(scipy.ndimage, name)

        def cast(image: Array, *arguments: Any, output: Any = None, **options: Any) -> Any:
            if image.dtype != np.float16:
                return function(image, *arguments, output=output, **options)
            output[...] = function(image.astype(np.float32), *arguments, **options)
            return output

        return cast if name != "sobel" else function


def cupyx() -> Modules:
    """Return SciPy's modules by their names in cupyx."""
    modules = {"ndimage": _WithHalves(), "signal": scipy.signal}
    named = {f"cupyx.scipy.{name}": module for name, module in modules.items()}
    return {"cupyx": SimpleNamespace(), "cupyx.scipy": SimpleNamespace(), **named}


def cucim() -> Modules:
    """Return scikit-image's modules by their names in cuCIM, which takes a window by its sides."""

    def median(image: Array, sides: tuple[int, ...], out: Array, mode: str) -> Array:
        return np.asarray(skimage.filters.median(image, np.ones(sides, bool), out, mode))

    own = {name: getattr(skimage.filters, name) for name in ("gaussian", "sobel", "unsharp_mask")}
    modules = {
        "filters": SimpleNamespace(**own, median=median),
        "morphology": skimage.morphology,
        "feature": skimage.feature,
        "restoration": skimage.restoration,
    }
    named = {f"cucim.skimage.{name}": module for name, module in modules.items()}
    return {"cucim": SimpleNamespace(), "cucim.skimage": SimpleNamespace(), **named}
