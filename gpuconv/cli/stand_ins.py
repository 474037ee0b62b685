"""The modules that stand in for those of other libraries: the line to change, and what differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from types import FunctionType
from typing import Any

from gpuconv.dask.registration import FILTERS
from gpuconv.errors import choose
from gpuconv.exchange import Difference

__all__ = ["STAND_INS", "StandIn", "named"]


@dataclass(frozen=True)
class StandIn:
    """A module that stands in for one of another library."""

    #: The module whose names and rules these are.
    name: str
    #: The line of a program, as it is and as it becomes.
    before: str
    after: str
    #: Our module of the functions, and that of the list of differences.
    module: str
    listed: str
    #: For code that cannot be edited, and what else one should know.
    note: str = ""
    #: Of our module's names those that count; otherwise all do.
    only: tuple[str, ...] = ()
    #: The other library that its functions are those of: what is told of them there holds here.
    like: str = ""

    def functions(self) -> list[str]:
        """Return the names of its functions.

        Examples
        --------
        >>> "sobel" in named("scipy.ndimage").functions()
        True
        """
        return [name for name, value in self._offered() if isinstance(value, FunctionType)]

    def constants(self) -> list[str]:
        """Return the names that are no functions.

        Examples
        --------
        >>> "BORDER_REFLECT" in named("cv2").constants()
        True
        """
        return [name for name, value in self._offered() if not isinstance(value, FunctionType)]

    def _offered(self) -> list[tuple[str, Any]]:
        module = import_module(self.module)
        return [(name, getattr(module, name)) for name in self.only or module.__all__]

    def differences(self) -> dict[tuple[str, str], list[str]]:
        """Return how functions differ, and why: the names of which; "*" stands for all.

        Examples
        --------
        >>> ["bilateralFilter"] in named("cv2").differences().values()
        True
        """
        every: Sequence[Difference] = import_module(self.listed).DIFFERENCES
        here = {"*", *self.functions()}
        found = dict[tuple[str, str], list[str]]()
        for each in every:
            if each.name in here:
                found.setdefault((each.how, each.why), []).append(each.name)
        return found

    def same(self) -> list[str]:
        """Return the names of functions that do not differ, but for what all have in common.

        Examples
        --------
        >>> "copyMakeBorder" in named("cv2").same()
        True
        """
        differing = {name for names in self.differences().values() for name in names}
        return [name for name in self.functions() if name not in differing]


STAND_INS = (
    StandIn(
        "scipy.ndimage",
        "from scipy import ndimage",
        "from gpuconv.scipy import ndimage",
        "gpuconv.scipy.ndimage",
        "gpuconv.scipy.ndimage.differences",
        "Code that cannot be edited runs within `with gpuconv.scipy.use():`.",
    ),
    StandIn(
        "scipy.signal",
        "from scipy import signal",
        "from gpuconv.scipy import signal",
        "gpuconv.scipy.signal",
        "gpuconv.scipy.signal.differences",
        "Code that cannot be edited runs within `with gpuconv.scipy.use():`.",
    ),
    StandIn(
        "skimage.filters",
        "from skimage import filters",
        "from gpuconv.skimage import filters",
        "gpuconv.skimage.filters",
        "gpuconv.skimage.differences",
        "Code that cannot be edited runs after `gpuconv.skimage.enable()`.",
    ),
    StandIn(
        "skimage.restoration",
        "from skimage import restoration",
        "from gpuconv.skimage import restoration",
        "gpuconv.skimage.restoration",
        "gpuconv.skimage.differences",
        "Code that cannot be edited runs after `gpuconv.skimage.enable()`.",
    ),
    StandIn(
        "skimage.metrics",
        "from skimage import metrics",
        "from gpuconv.skimage import metrics",
        "gpuconv.skimage.metrics",
        "gpuconv.skimage.differences",
        "Code that cannot be edited runs after `gpuconv.skimage.enable()`.",
    ),
    StandIn(
        "cv2",
        "import cv2",
        "from gpuconv import cv2",
        "gpuconv.cv2",
        "gpuconv.cv2.differences",
    ),
    StandIn(
        "dask_image.ndfilters",
        "from dask_image import ndfilters",
        "from dask_image import ndfilters; import gpuconv.dask; gpuconv.dask.register()",
        "gpuconv.scipy.ndimage",
        "gpuconv.scipy.ndimage.differences",
        "Its functions are called as before, and gpuconv filters the chunks; "
        "`gpuconv.dask.unregister()` undoes it. What is not named here keeps its own filter.",
        FILTERS,
        "scipy.ndimage",
    ),
)


def named(name: str) -> StandIn:
    """Return the module that stands in for one.

    Examples
    --------
    >>> named("cv2").after
    'from gpuconv import cv2'
    """
    found = {each.name: each for each in STAND_INS}
    return found[choose("LIBRARY", name, found, "a library that gpuconv stands in for")]
