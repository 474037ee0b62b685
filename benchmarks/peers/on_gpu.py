"""What libraries on a GPU are given: CuPy's arrays, its stream, and a border by their own name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from ..cases import Case
from ..filters import Extreme
from ..suite.contract import Call, Unable
from .asking import imported

if TYPE_CHECKING:
    from .tensors import Tensors

__all__ = ["address", "border_of", "in_turn", "stream", "two_roundings"]

Word = TypeVar("Word")

#: Borders whose pixels are copies of some inside, and no farther than those that are seen anyway.
_NOTHING_NEW = ("nearest", "reflect", "mirror")


def stream() -> int:
    """Return the number of CuPy's current stream, on which times are taken; 0 is the default."""
    return int(imported("cupy", "CuPy").cuda.get_current_stream().ptr)


def address(array: Any) -> int:
    """Return where an array of CuPy's begins on its device."""
    return int(array.data.ptr)


def border_of(case: Case, words: Mapping[str, Word]) -> Word:
    """Return a library's word for a case's border, or for another that comes to the same.

    Raises
    ------
    Unable
        It has no such border.
    """
    for border in _alike(case):
        if border in words:
            return words[border]
    raise Unable(f"it has no border like {case.border!r} here, only {', '.join(words)}")


def _alike(case: Case) -> Sequence[str]:
    """Return the case's border, and those that have the same result."""
    if isinstance(case.filter, Extreme) and case.border in _NOTHING_NEW:
        return case.border, *_NOTHING_NEW
    if case.filter.reach == 1 and case.border in ("nearest", "reflect"):
        return case.border, "nearest", "reflect"
    return (case.border,)


def two_roundings(case: Case) -> tuple[float | None, str, str]:
    """Return how far a result of two passes may be off that is kept in the image's dtype between.

    That is (largest error or None for the usual one, how it is measured, why).
    """
    if case.dtype in ("uint8", "uint16"):
        return 2.0, "largest", "each pass cuts off what is behind the point"
    if case.dtype == "float16":
        return 1e-3, "largest", "what lies between the passes, and its weights, are of 11 bits"
    return None, "", ""


def in_turn(tensors: Tensors, run: Callable[[Any], Any]) -> Call:
    """Return the call of a function of PyTorch's tensors, on CuPy's stream, that keeps no graph."""
    inference, there = tensors.torch.inference_mode, tensors.stream()

    def call(i: int) -> Any:
        with inference(), there:
            return run(tensors.images[i])

    return call
