"""What the public calls accept, checked in one place."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from math import isnan
from operator import index
from types import ModuleType
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from gpuconv import border as borders
from gpuconv import dtypes, tiling
from gpuconv.algorithms import METHODS
from gpuconv.arrays import Array, check_pixels, stored_dtype
from gpuconv.epilogue import NOTHING, Epilogue
from gpuconv.errors import ArgumentError, ArgumentTypeError, choose
from gpuconv.kernel import Kernel
from gpuconv.masks import check_gain
from gpuconv.request import ACCURACIES, Request, trimmed

__all__ = [
    "NANS",
    "Accuracy",
    "Border",
    "Method",
    "Nan",
    "Options",
    "Size",
    "Step",
    "check_image",
    "options_of",
    "output_dtype",
]

Border: TypeAlias = str | tuple[str, str]
Size: TypeAlias = Literal["same", "valid", "full"]
Method: TypeAlias = Literal[
    "auto", "scale", "dense", "separable", "box", "fft", "recursive", "ordered"
]
Accuracy: TypeAlias = Literal["exact", "fast", "double"]
Nan: TypeAlias = Literal["propagate", "ignore"]
Step: TypeAlias = int | tuple[int, int]

#: What ``nan=`` takes: NaN makes NaN of every result that it is under; or it does not count.
NANS = ("propagate", "ignore")


@dataclass(frozen=True)
class Options:
    """The options that convolution and correlation share, checked. Hashable."""

    flip: bool
    border: tuple[str, str]
    cval: complex
    size: str
    stride: tuple[int, int]
    dilation: tuple[int, int]
    method: str
    accuracy: str
    ignore_nan: bool
    epilogue: Epilogue

    @classmethod
    def of(
        cls,
        flip: bool,
        border: Border,
        cval: complex,
        size: Size,
        stride: Step,
        dilation: Step,
        method: Method,
        accuracy: Accuracy,
        nan: Nan,
        epilogue: Epilogue | None,
    ) -> Options:
        """Return the options of a call, as the caller gave them."""
        if not isinstance(cval, (int, float, complex, np.number)):
            raise ArgumentTypeError(f"cval={cval!r} must be a number")
        if not isinstance(epilogue, Epilogue | None):
            raise ArgumentTypeError(f"epilogue={epilogue!r} must be a gpuconv.Epilogue, or None")
        return cls(
            flip,
            borders.pair(border, cval),
            complex(cval),
            choose("size", size, tiling.SIZES, "a size mode"),
            _steps("stride", stride),
            _steps("dilation", dilation),
            choose("method", method, METHODS, "a method"),
            choose("accuracy", accuracy, ACCURACIES, "an accuracy"),
            choose("nan", nan, NANS, "a way to treat NaN") == "ignore",
            epilogue or NOTHING,
        )

    # Options are part of the key of every call.
    @cached_property
    def _hash(self) -> int:
        return hash(tuple(getattr(self, field.name) for field in fields(self)))

    def __hash__(self) -> int:
        return self._hash

    def __getstate__(self) -> dict[str, object]:
        # Hashes of text differ between processes.
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def request(
        self,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        kernel: Kernel,
        cval: float,
        out_dtype: np.dtype[Any],
        masked: bool = False,
    ) -> Request:
        """Return the request of one real pass over an image (…, H, W)."""
        used = kernel.flip() if self.flip else kernel
        axes = (
            tiling.axis(
                shape[i - 2],
                used.shape[i],
                used.anchor[i],
                self.size,
                self.stride[i],
                self.dilation[i],
            )
            for i in (0, 1)
        )
        left, y, x = used, *axes
        if self.method != "ordered":  # there the order is that of the kernel as it was given
            left, y, x = trimmed(left, y, x)
        request = Request(
            left,
            shape[:-2],
            y,
            x,
            self.border,
            cval if "constant" in self.border else 0.0,
            dtype,
            out_dtype,
            self.method,
            self.accuracy,
            self.epilogue,
            masked,
            self.ignore_nan and (dtype.kind == "f" or ("constant" in self.border and isnan(cval))),
        )
        if request.weighed:
            check_gain(left, request.accumulator)
        return request


def options_of(
    flip: bool,
    border: object,
    cval: object,
    size: object,
    stride: object,
    dilation: object,
    *rest: object,
) -> Options:
    """Return the options of a call: the same ones for the same arguments."""
    given = flip, border, cval, size, stride, dilation, *rest
    # Of pairs the types, too: 1.0 is no stride, though it equals 1.
    pairs = type(stride) is tuple or type(dilation) is tuple
    kinds = _kinds(stride, dilation) if pairs else ()
    try:
        return _known_options(kinds, *given)
    except TypeError:  # a list among them; or what is wrong with one is said now
        return Options.of(*given)  # type: ignore[arg-type]


def _kinds(*given: Any) -> tuple[object, ...]:
    """Return the types of arguments, and of the elements of those that are tuples."""
    return tuple(tuple(map(type, each)) if type(each) is tuple else type(each) for each in given)


@lru_cache(maxsize=256, typed=True)
def _known_options(_kinds: tuple[object, ...], *given: object) -> Options:
    return Options.of(*given)  # type: ignore[arg-type]


def _steps(argument: str, value: Step) -> tuple[int, int]:
    """Return `value` as a pair (along y, along x) of positive integers."""
    given = value if isinstance(value, (tuple, list)) else (value, value)
    try:
        steps = tuple(map(index, given))
    except TypeError:
        steps = ()
    if len(steps) != 2 or min(steps) < 1 or max(steps) >= 2**31:
        raise ArgumentError(
            f"{argument}={value!r} must be a positive integer, or a pair of them (along y, along "
            "x), below 2**31"
        )
    return steps[0], steps[1]


def check_image(image: Any, backend: ModuleType, options: Options) -> Array:
    """Return `image` as an array of `backend`, of a supported dtype, with at least two axes."""
    pixels = check_pixels(image, backend)
    if options.cval.imag and pixels.dtype.kind != "c":
        raise ArgumentError(f"cval={options.cval} is complex, but the image is {pixels.dtype}")
    return pixels


def output_dtype(
    stored: np.dtype[Any], kernel: Kernel, dtype: DTypeLike | None, out: Array | None
) -> np.dtype[Any]:
    """Return the dtype of the output: as asked for, else that of `out`, else the image's."""
    free = dtype is None and getattr(out, "dtype", None) is None
    if free and kernel.complex and stored.kind != "c":
        return dtypes.complex_of(stored)
    wanted = stored_dtype(stored, dtype, out)
    if (kernel.complex or stored.kind == "c") and wanted.kind != "c":
        raise ArgumentError(
            f"dtype={wanted} cannot hold the complex result; use complex64 or complex128"
        )
    return wanted
