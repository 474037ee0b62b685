"""What a filter of neighbourhoods says of itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np

__all__ = ["Neighbourhood"]


class Neighbourhood(ABC):
    """A filter that makes each pixel from its neighbourhood, but not as a weighted sum.

    Subclasses are frozen dataclasses, hashable: plans are cached by them.
    """

    #: The name of the file in each backend that runs it.
    family: ClassVar[str]
    #: Whether the channels of a colour image are filtered together; else each is an image.
    joint: ClassVar[bool] = False
    #: Whether results are pixels of the image; then truth values can be filtered, too.
    selects: ClassVar[bool] = False

    @property
    @abstractmethod
    def reach(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Pixels read (above, below) and (left, right) of an output; may be negative."""

    @property
    @abstractmethod
    def label(self) -> str:
        """The filter in a few words, for plans."""

    @abstractmethod
    def computed_in(self, dtype: np.dtype[Any], out_dtype: np.dtype[Any]) -> np.dtype[Any]:
        """Return the dtype in which it is computed, having checked that it can be.

        Raises
        ------
        ArgumentTypeError
            It is not for pixels of `dtype`, or cannot make results of `out_dtype`.
        """
