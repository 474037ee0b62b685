"""What a filter does to pixels: a convolution with a kernel, or a function of the library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gpuconv import api, dtypes
from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.filters.catalog import Entry, lookup
from gpuconv.filters.parameter import KernelValue
from gpuconv.kernel import Kernel
from gpuconv.operations.planning import local, plans
from gpuconv.task import Task

__all__ = ["Convolution", "Operation"]

Pixels = NDArray[Any]
Options = Mapping[str, Any]

#: Parameters whose defaults are parts of white.
_OF_WHITE = {"canny": ("low_threshold", "high_threshold")}

#: What a chain asks for that wants nothing of a border.
_NO_BORDER: Options = {"border": None, "cval": 0}


@dataclass(frozen=True)
class Convolution:
    """A convolution; with a complex kernel, the magnitude of the response."""

    kernel: Kernel

    local: ClassVar[bool] = True
    chooses_dtype: ClassVar[bool] = True

    @property
    def any_dtype(self) -> bool:
        """Whether it can round its results itself."""
        return not self.kernel.complex

    def __call__(self, pixels: Any, dtype: np.dtype[Any], options: Options) -> Pixels:
        """Return the convolution in `dtype`, of an array or of a window's part."""
        wanted = dtypes.complex_of(dtype) if self.kernel.complex else dtype
        result: Pixels = api.convolve(pixels, self.kernel, dtype=wanted, **_told(options))
        return np.abs(result) if self.kernel.complex else result

    def plans(self, shape: tuple[int, ...], dtype: Any, options: Options) -> tuple[Task, ...]:
        """Return the plan in a tuple; of a complex kernel those of its two parts."""
        parts = (self.kernel.real, self.kernel.imag) if self.kernel.complex else (self.kernel,)
        return tuple(api.plan(shape, dtype, part, **_told(options)) for part in parts)


@dataclass(frozen=True)
class Operation:
    """A function of :mod:`gpuconv.operations` with its own arguments."""

    name: str
    #: Kernels among them as such.
    arguments: tuple[tuple[str, Any], ...]

    any_dtype: ClassVar[bool] = True

    @property
    def entry(self) -> Entry:
        """What is known of the function."""
        return lookup(self.name)

    def __call__(self, pixels: Any, dtype: np.dtype[Any], options: Options) -> Pixels:
        """Return the result, in `dtype` if the function has a choice; else in its own."""
        self._check_white(pixels.dtype)
        given = self._known({**options, "dtype": dtype})
        result: Pixels = self.entry.function(pixels, **self._arguments(), **given)
        return result

    @property
    def local(self) -> bool:
        """Whether a pixel of the result depends on those around it alone."""
        return local(self.name, **self._arguments())

    @property
    def chooses_dtype(self) -> bool:
        """Whether results can have another dtype than the pixels; those of ranks cannot."""
        return "dtype" in self.entry.shared

    def check(self) -> None:
        """Raise now what the function says of its arguments, by filtering no pixels."""
        nothing = np.zeros((0, 0), np.uint8)
        self(nothing, nothing.dtype, {**_NO_BORDER, "channel_axis": None, "device": "cpu"})

    def plans(self, shape: tuple[int, ...], dtype: Any, options: Options) -> tuple[Task, ...]:
        """Return the plans of its parts, in their order."""
        return plans(self.name, shape, dtype, **self._arguments(), **_told(options))

    def _arguments(self) -> dict[str, Any]:
        """Return the arguments as the function takes them: of array_like, the weights alone."""
        rows = {name for name, p in self.entry.parameters.items() if KernelValue not in p.types}
        return {
            name: value.weights if isinstance(value, Kernel) and name in rows else value
            for name, value in self.arguments
        }

    def _check_white(self, dtype: np.dtype[Any]) -> None:
        """Raise if a default depends on what is white, and nothing tells that of pixels."""
        arguments = dict(self.arguments)
        names = [name for name in _OF_WHITE.get(self.name, ()) if arguments[name] is None]
        if names and dtype.kind == "f" and not arguments["use_quantiles"]:
            raise ArgumentTypeError(
                f"filter {self.name!r} needs {' and '.join(names)} for pixels of dtype {dtype}, "
                "as those with transparency, in linear light and between filters are: nothing "
                "tells what is white"
            )

    def _known(self, options: Options) -> dict[str, Any]:
        """Return those options that the function has; raise if another one is asked for."""
        known = self.entry.shared
        for name, usual in _NO_BORDER.items():
            if name not in known and options[name] != usual:
                raise ArgumentError(
                    f"{name}={options[name]!r} is not for filter {self.name!r}, "
                    f"which has no {name}: leave it out"
                )
        return {name: value for name, value in _told(options).items() if name in known}


def _told(options: Options) -> dict[str, Any]:
    """Return the options without a border that is left to the function."""
    return {name: value for name, value in options.items() if (name, value) != ("border", None)}
