"""NVIDIA's NPP, called in its libraries by ctypes, with a stream and scratch memory of CuPy's.

It has few borders: most of its filters repeat the last pixel, and nothing else. Scratch memory and
weights lie on the device before the clock starts.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import filters
from ..cases import Case
from ..filters import Filter
from ..suite.contract import Buffers, Peer, Prepared, Unable, as_it_is
from .asking import adapted, imported
from .on_gpu import address, border_of, stream

__all__ = ["PEERS", "Context", "Point", "Size"]

Array = NDArray[Any]

_PACKAGES = ("nvidia-npp", "nvidia-npp-cu12", "nvidia-npp-cu11")
#: Where CUDA's toolkit has its libraries, beside where the loader looks.
_TOOLKITS = "/usr/local/cuda*/lib64"
#: Versions of the libraries, the newest first.
_VERSIONS = ("13", "12", "11")
#: NppiBorderType, NppiMaskSize and NppiNorm, of nppdefs.h.
_REPLICATE = {"nearest": 2}
_MIRROR = {"nearest": 2, "mirror": 4}
_3_BY_3, _L2 = 200, 2


class Size(ctypes.Structure):
    """NppiSize."""

    _fields_ = (("width", ctypes.c_int), ("height", ctypes.c_int))


class Point(ctypes.Structure):
    """NppiPoint."""

    _fields_ = (("x", ctypes.c_int), ("y", ctypes.c_int))


class Context(ctypes.Structure):
    """NppStreamContext."""

    _fields_ = (
        ("stream", ctypes.c_void_p),
        ("device", ctypes.c_int),
        ("multiprocessors", ctypes.c_int),
        ("threads_per_multiprocessor", ctypes.c_int),
        ("threads_per_block", ctypes.c_int),
        ("shared_memory_per_block", ctypes.c_size_t),
        ("major", ctypes.c_int),
        ("minor", ctypes.c_int),
        ("flags", ctypes.c_uint),
        ("workspace", ctypes.c_uint),
    )


_LETTERS = {"uint8": "8u", "uint16": "16u", "float32": "32f"}


@dataclass(frozen=True)
class _Library:
    """NPP, for a case."""

    case: Case
    cupy: Any
    library: Any
    context: Context
    #: Arrays on the device whose addresses calls have.
    kept: list[Any] = field(default_factory=list)

    @property
    def letters(self) -> str:
        """What names of functions have for the image's dtype."""
        return _LETTERS[self.case.dtype]

    @property
    def channels(self) -> str:
        """What names of functions have for the image's channels."""
        return "C3R" if self.case.axes.endswith("c") else "C1R"

    @property
    def size(self) -> Size:
        """The image's."""
        rows, columns = self.case.shape[:2]
        return Size(columns, rows)

    def function(self, name: str) -> Any:
        """Return a function of the library."""
        try:
            return getattr(self.library, name)
        except AttributeError as error:
            raise Unable(f"this NPP has no {name}") from error

    def ready(self, name: str, *arguments: Any) -> Callable[[], None]:
        """Return a call of a function with arguments of ctypes; it raises what NPP reports."""
        found = self.function(name)
        found.argtypes = [type(argument) for argument in arguments]
        found.restype = ctypes.c_int

        def call() -> None:
            if status := found(*arguments):
                raise RuntimeError(f"{name} returned {status}")

        return call

    def filtering(self, name: str, image: Any, out: Any, *rest: Any) -> Callable[[], None]:
        """Return a call of a filter: what all have comes first, the stream's context last."""
        start = *_placed(image), self.size, Point(0, 0), *_placed(out), self.size
        return self.ready(f"{name}_{self.channels}_Ctx", *start, *rest, self.context)

    def scratch(self, size: int) -> ctypes.c_void_p:
        """Return where so many bytes lie on the device, for as long as this is kept."""
        return self._there(self.cupy.empty(max(size, 1), np.uint8))

    def weights(self, values: Array) -> ctypes.c_void_p:
        """Return where numbers lie on the device, for as long as this is kept."""
        return self._there(self.cupy.asarray(np.ascontiguousarray(values)))

    def _there(self, array: Any) -> ctypes.c_void_p:
        self.kept.append(array)
        return ctypes.c_void_p(address(array))


def _placed(array: Any) -> tuple[ctypes.c_void_p, ctypes.c_int]:
    return ctypes.c_void_p(address(array)), ctypes.c_int(array.strides[0])


#: Makes the call that filters an image into an output.
_Make = Callable[[Any, Any], Callable[[], None]]


def _linear(of: _Library, f: filters.Linear) -> _Make:
    """Ask for a correlation: NPP turns the weights that it is given."""
    border, (size, anchor) = ctypes.c_int(border_of(of.case, _REPLICATE)), _window(f)
    if of.case.dtype == "uint8" and f.kernel.divisor > 1:
        divisor = int(f.kernel.divisor)
        whole = np.rint(f.weights.astype(np.float64) * divisor).astype(np.int32)
        rest = of.weights(whole[::-1, ::-1]), size, anchor, ctypes.c_int(divisor), border
        return lambda image, out: of.filtering("nppiFilterBorder_8u", image, out, *rest)
    weights = of.weights(f.weights[::-1, ::-1])
    name = "nppiFilterBorder" + ("" if of.letters == "32f" else "32f") + f"_{of.letters}"
    return lambda image, out: of.filtering(name, image, out, weights, size, anchor, border)


def _window(f: Any) -> tuple[Size, Point]:
    """Return the size of a filter's window, and its middle."""
    side = 2 * f.reach + 1
    return Size(side, side), Point(f.reach, f.reach)


def _gaussian(of: _Library, f: filters.Gaussian) -> _Make:
    border, taps = ctypes.c_int(border_of(of.case, _MIRROR)), ctypes.c_int(f.taps)
    line, name = of.weights(f.line.astype(np.float32)), "nppiFilterGaussAdvancedBorder"
    return lambda image, out: of.filtering(f"{name}_{of.letters}", image, out, taps, line, border)


def _box(of: _Library, f: filters.Box) -> _Make:
    border, needed = ctypes.c_int(border_of(of.case, _REPLICATE)), ctypes.c_int()
    channels, name = ctypes.c_int(int(of.channels[1])), "nppiFilterBoxBorderAdvanced"
    of.ready(f"{name}GetDeviceBufferSize", of.size, channels, ctypes.pointer(needed))()
    rest = *_window(f), border, of.scratch(needed.value)
    return lambda image, out: of.filtering(f"{name}_{of.letters}", image, out, *rest)


def _median(of: _Library, f: filters.Median) -> _Make:
    border, needed = ctypes.c_int(border_of(of.case, _REPLICATE)), ctypes.c_uint()
    (size, anchor), name = _window(f), "nppiFilterMedianBorder"
    of.ready(
        f"{name}GetBufferSize_{of.letters}_{of.channels}_Ctx",
        *(of.size, size, ctypes.pointer(needed), border, of.context),
    )()
    rest = size, anchor, of.scratch(needed.value), border
    return lambda image, out: of.filtering(f"{name}_{of.letters}", image, out, *rest)


def _extreme(of: _Library, f: filters.Extreme) -> _Make:
    border = ctypes.c_int(border_of(of.case, _REPLICATE))
    name = f"nppiFilter{'Min' if f.which == 'minimum' else 'Max'}Border_{of.letters}"
    return lambda image, out: of.filtering(name, image, out, *_window(f), border)


def _bilateral(of: _Library, f: filters.Bilateral) -> _Make:
    border, radius = ctypes.c_int(border_of(of.case, _MIRROR)), ctypes.c_int(f.reach)
    color, space = (f.color * of.case.level) ** 2, f.space**2
    rest = radius, ctypes.c_int(1), ctypes.c_float(color), ctypes.c_float(space), border
    name = f"nppiFilterBilateralGaussBorder_{of.letters}"
    return lambda image, out: of.filtering(name, image, out, *rest)


def _sobel(of: _Library, f: filters.Sobel) -> _Make:
    """Ask for the length of gradients alone: of bytes it is kept in 16 bits."""
    border = ctypes.c_int(border_of(of.case, _REPLICATE))
    name = f"nppiGradientVectorSobelBorder_{_STRENGTHS[of.case.dtype]}_C1R_Ctx"
    none = ctypes.c_void_p(), ctypes.c_int(0)
    last = of.size, ctypes.c_int(_3_BY_3), ctypes.c_int(_L2), border, of.context

    def make(image: Any, out: Any) -> Callable[[], None]:
        start = *_placed(image), of.size, Point(0, 0)
        return of.ready(name, *start, *none, *none, *_placed(out), *none, *last)

    return make


_STRENGTHS = {"uint8": "8u16s", "float32": "32f"}

_ASKED: dict[type[Filter], tuple[str, Callable[[_Library, Any], _Make]]] = {
    filters.Linear: ("nppiFilterBorder", _linear),
    filters.Gaussian: ("nppiFilterGaussAdvancedBorder", _gaussian),
    filters.Box: ("nppiFilterBoxBorderAdvanced", _box),
    filters.Median: ("nppiFilterMedianBorder", _median),
    filters.Extreme: ("nppiFilterMinBorder or MaxBorder", _extreme),
    filters.Bilateral: ("nppiFilterBilateralGaussBorder", _bilateral),
    filters.Sobel: ("nppiGradientVectorSobelBorder", _sobel),
}


# ------------------------------------------------------------------------ the libraries


@lru_cache
def _loaded() -> Any:
    """Return the library of filters; the core must be there before it."""
    for folder in _folders():
        for version in _VERSIONS:
            core, found = (str(folder / f"lib{name}.so.{version}") for name in ("nppc", "nppif"))
            try:
                ctypes.CDLL(core, mode=ctypes.RTLD_GLOBAL)
                return ctypes.CDLL(found)
            except OSError:
                continue
    raise Unable("NPP's libraries (libnppif) are not here: nvidia-npp, or CUDA's toolkit, has them")


def _folders() -> Iterator[Path]:
    """Yield where libraries may be: those of wheels, where the loader looks, the toolkits'."""
    for package in _PACKAGES:
        try:
            files = metadata.files(package) or ()
        except metadata.PackageNotFoundError:
            continue
        yield from {Path(str(f.locate())).parent for f in files if f.name.startswith("libnppif.so")}
    yield Path()
    yield from sorted(Path("/").glob(_TOOLKITS.lstrip("/")), reverse=True)


def _context(cupy: Any) -> Context:
    """Return what NPP must know of the device and of CuPy's stream on it."""
    device = cupy.cuda.Device()
    has = device.attributes
    counts = (has[name] for name in _ATTRIBUTES)
    return Context(stream(), device.id, *counts, 0, 0)


#: In the order of the context's fields.
_ATTRIBUTES = (
    "MultiProcessorCount",
    "MaxThreadsPerMultiProcessor",
    "MaxThreadsPerBlock",
    "MaxSharedMemoryPerBlock",
    "ComputeCapabilityMajor",
    "ComputeCapabilityMinor",
)


def _library(case: Case) -> _Library:
    if case.dtype not in _LETTERS:
        raise Unable(f"it has no {case.dtype}")
    if case.axes not in ("yx", "yxc"):
        raise Unable("it takes one image at a time")
    library, cupy = _loaded(), imported("cupy", "CuPy")
    return _Library(case, cupy, library, _context(cupy))


def _outputs(of: _Library, outs: Sequence[Any]) -> Sequence[Any]:
    """Return where results go: strengths of gradients of bytes into 16 bits."""
    if not isinstance(of.case.filter, filters.Sobel) or of.case.dtype != "uint8":
        return outs
    return [of.cupy.empty(of.case.shape, np.int16) for _ in outs]


def _prepare(case: Case, buffers: Buffers) -> Prepared:
    how, ask = adapted(_ASKED, case.filter)
    of = _library(case)
    make, outs = ask(of, case.filter), _outputs(of, buffers.outs)
    calls = [make(image, out) for image, out in zip(buffers.images, outs, strict=True)]

    def call(i: int, of: _Library = of) -> Any:  # keeps what the calls know by address alone
        calls[i]()
        return outs[i]

    return Prepared(call, how, alike=_clipped if case.dtype == "uint8" else as_it_is)


def _clipped(levels: Array) -> Array:
    return levels.clip(0, 255)


PEERS = (Peer("NPP", _PACKAGES, "cuda", _prepare),)
