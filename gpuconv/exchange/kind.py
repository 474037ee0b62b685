"""What must be known of the arrays of another library: how they come in, and how they go out."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

__all__ = ["Kind"]


class Kind:
    """Arrays of one type; each library that is not NumPy has a subclass."""

    #: Whether an array is yet to be computed, part by part.
    lazy = False
    #: Whether it is an array at all, and not something that comes with them.
    array = True

    def device(self, array: Any) -> str:
        """Return where an array lies: "cpu", or "cuda:N"."""
        return "cpu"

    def view(self, array: Any, name: str) -> Any:
        """Return the argument `name` as an engine's array, of the same memory where that can be."""
        return array

    def room(self, array: Any, name: str) -> Any:
        """Return the argument `name` as an engine's array of the same memory, to be written."""
        return self.view(array, name)

    def written(self, array: Any) -> None:
        """Take note that an array was written."""

    def local(self, array: Any, name: str) -> Any:
        """Return the argument `name` in host memory: weights, and others that are few numbers."""
        return self.view(array, name)

    def like(self, result: Any, array: Any) -> Any:
        """Return an engine's array as `array` is, where that lies."""
        return result

    def around(self, array: Any) -> AbstractContextManager[Any]:
        """Return a context in which the engine works where, and when, the library would."""
        return nullcontext()
