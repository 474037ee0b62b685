"""What scikit-image asks of a library that computes its functions: see ``skimage.util._backends``.

It finds this by entry points, in any program in which both are installed, and asks before each call
of a function that it lets others compute. The answer is no, until :func:`gpuconv.skimage.enable`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from gpuconv.skimage.swapping import is_enabled

__all__ = ["Information", "can_has", "get_implementation", "information"]

#: Modules of scikit-image, and what of them is computed here: said without an import, as
#: scikit-image asks when it is imported.
_FUNCTIONS = {
    "filters": "difference_of_gaussians farid farid_h farid_v gabor gabor_kernel gaussian laplace "
    "median prewitt prewitt_h prewitt_v roberts roberts_neg_diag roberts_pos_diag scharr scharr_h "
    "scharr_v sobel sobel_h sobel_v unsharp_mask",
    "metrics": "mean_squared_error normalized_root_mse",
    "restoration": "denoise_bilateral denoise_nl_means estimate_sigma richardson_lucy wiener",
}


@dataclass(frozen=True)
class Information:
    """What may be dispatched."""

    #: ``module:function`` each.
    supported_functions: list[str]


def information() -> Information:
    """Return what may be dispatched.

    Examples
    --------
    >>> "skimage.filters:gaussian" in information().supported_functions
    True
    """
    return Information(
        [f"skimage.{m}:{name}" for m, names in _FUNCTIONS.items() for name in names.split()]
    )


def can_has(name: str, *args: Any, **kwargs: Any) -> bool:
    """Return whether a call is to be computed here.

    Examples
    --------
    >>> can_has("skimage.metrics:mean_squared_error", [1], [2])
    False
    """
    return is_enabled()


def get_implementation(name: str) -> Callable[..., Any]:
    """Return the function of a name.

    Examples
    --------
    >>> get_implementation("skimage.metrics:mean_squared_error").__module__
    'gpuconv.skimage.metrics'
    """
    module, _, function = name.partition(":")
    found: Callable[..., Any] = getattr(import_module(f"gpuconv.{module}"), function)
    return found
