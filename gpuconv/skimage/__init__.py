"""scikit-image's names and rules on gpuconv's engines: change the import, and nothing else.

``from gpuconv.skimage import filters, restoration`` stands in for scikit-image's own; code that
cannot be edited, scikit-image's included, runs on gpuconv after :func:`enable`. scikit-image need
not be installed, but for that.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from gpuconv.exchange import borrowing

if TYPE_CHECKING:
    from gpuconv.skimage import filters, metrics, restoration
    from gpuconv.skimage.swapping import disable, enable, enabled

__all__ = ["disable", "enable", "enabled", "filters", "metrics", "restoration"]


def __getattr__(name: str) -> Any:
    if name in ("disable", "enable", "enabled"):
        return getattr(import_module("gpuconv.skimage.swapping"), name)
    # A module that is not imported yet is asked for, too.
    if find_spec(f"{__name__}.{name}"):
        return import_module(f"{__name__}.{name}")
    return borrowing(__name__, "skimage")(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
