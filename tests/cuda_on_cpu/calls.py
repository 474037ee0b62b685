"""Filter calls that together go through every line of every kernel, on small images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

import gpuconv
from gpuconv.backends.cuda.runtime import Limits

__all__ = ["CALLS", "SMALL", "Call"]

#: The least that any GPU has, so that tiles are cut in pieces, and grids that are walked in steps.
SMALL = Limits(multiprocessors=2, shared=48 * 1024, grid=2)
#: What the ring of long kernels needs.
_LARGE = Limits(multiprocessors=2, shared=227 * 1024, grid=2)


@dataclass(frozen=True, eq=False)
class Call:
    """One call of `gpuconv.correlate`."""

    name: str
    image: Callable[[], Any]
    kernel: Callable[[], Any]
    options: dict[str, Any] = field(default_factory=dict)
    out: Callable[[], Any] | None = None
    limits: Limits = SMALL

    def on(self, device: str) -> Any:
        """Return the result of an engine."""
        options = dict(self.options)
        if self.out is not None:
            options["out"] = self.out()
        return gpuconv.correlate(self.image(), self.kernel(), device=device, **options)

    @cached_property
    def expected(self) -> Any:
        """Return the result of the NumPy engine."""
        return self.on("cpu")


def _noise(*shape: int, dtype: str = "float32", nan: bool = False) -> Callable[[], Any]:
    def make() -> Any:
        rng = np.random.default_rng(1)
        if np.dtype(dtype).kind in "iu":
            return rng.integers(0, 127, shape).astype(dtype)
        image = rng.standard_normal(shape).astype(dtype)
        if nan:
            image.flat[:: image.size // 7] = np.nan
            image.flat[3 :: image.size // 5] = np.inf
        return image

    return make


def _weights(rows: int, columns: int, zeros: bool = False) -> Callable[[], Any]:
    def make() -> Any:
        weights = np.random.default_rng(2).integers(1, 9, (rows, columns)).astype(float)
        if zeros:
            weights[::2, ::2] = 0
        return weights

    return make


def _terms(rows: int, columns: int, rank: int) -> Callable[[], Any]:
    def make() -> Any:
        rng = np.random.default_rng(3)
        return rng.standard_normal((rows, rank)) @ rng.standard_normal((rank, columns))

    return make


def _view(make: Callable[[], Any], view: Callable[[Any], Any]) -> Callable[[], Any]:
    return lambda: view(make())


_SEPARABLE = {"method": "separable"}
_DENSE = {"method": "dense"}
_CONSTANT = _SEPARABLE | {"border": "constant", "cval": 2}

CALLS = [
    Call("unrolled", _noise(35, 261), _weights(3, 3), _DENSE),
    Call("unrolled aligned", _noise(70, 520), _weights(5, 5), _DENSE | {"border": "wrap"}),
    # Tiles that end where the image does, and one row or column later.
    Call("one column short", _noise(128, 255), _weights(3, 3), _DENSE),
    Call("unrolled inside", _noise(128, 516), _weights(3, 3), _DENSE),
    Call(
        "unrolled to a crop",
        _noise(64, 256),
        _weights(3, 3),
        _DENSE | {"border": "constant"},
        lambda: np.zeros((70, 264), np.float32)[3:67, 4:260],
    ),
    Call(
        "odd crop",
        _noise(64, 139),
        _weights(3, 3),
        _DENSE,
        lambda: np.zeros((70, 160), np.float32)[3:67, 4:143],
    ),
    Call("unrolled bytes", _noise(37, 520, dtype="uint8"), _weights(3, 3), _DENSE),
    Call("even taps", _noise(33, 140), _weights(2, 4), _DENSE | {"border": "mirror"}),
    Call("colour", _noise(19, 47, 3, dtype="uint8"), _weights(3, 3), _DENSE | {"channel_axis": -1}),
    Call("any size", _noise(21, 140), _weights(9, 13), _DENSE | {"border": "constant", "cval": 3}),
    Call("pieces", _noise(40, 150), _weights(43, 41), _DENSE | {"border": "nearest"}),
    Call("strides", _noise(40, 300), _weights(5, 4), _DENSE | {"stride": (2, 3), "size": "valid"}),
    Call(
        "dilation", _noise(40, 150), _weights(4, 5), _DENSE | {"dilation": (3, 2), "size": "full"}
    ),
    Call("planes", _noise(3, 2, 9, 33), _weights(3, 3), _DENSE),
    Call("transposed", _view(_noise(140, 30), np.transpose), _weights(3, 5), _DENSE),
    Call(
        "reversed crop", _view(_noise(60, 200), lambda x: x[50:3:-1, 7:150]), _weights(3, 5), _DENSE
    ),
    Call("every other", _view(_noise(60, 300), lambda x: x[::2, ::2]), _weights(3, 3), _DENSE),
    Call("not finite", _noise(20, 140, nan=True), _weights(3, 3, zeros=True), _DENSE),
    Call("not finite any size", _noise(20, 140, nan=True), _weights(9, 9, zeros=True), _DENSE),
    Call("larger than the image", _noise(5, 7), _weights(11, 19), _DENSE),
    Call("column", _noise(40, 140), _weights(7, 1), {}),
    Call("row", _noise(40, 140), _weights(1, 7), {}),
    Call("march", _noise(70, 530), _terms(5, 5, 1), _SEPARABLE),
    Call("march rank 2", _noise(40, 300), _terms(5, 5, 2), _SEPARABLE | {"border": "wrap"}),
    Call("march bytes", _noise(40, 1200, dtype="uint8"), _terms(3, 3, 1), _SEPARABLE),
    Call("march constant", _noise(40, 140), _terms(7, 5, 1), _SEPARABLE | {"border": "constant"}),
    Call("march planes", _noise(5, 9, 33), _terms(3, 3, 1), _SEPARABLE),
    Call("march colour", _noise(30, 50, 3), _terms(5, 5, 1), _SEPARABLE | {"channel_axis": -1}),
    Call(
        "march strided", _view(_noise(60, 300), lambda x: x[::2, ::-2]), _terms(3, 3, 1), _SEPARABLE
    ),
    Call("march not finite", _noise(30, 140, nan=True), _terms(5, 5, 2), _SEPARABLE),
    Call("march not finite odd", _noise(30, 139, nan=True), _terms(5, 5, 2), _SEPARABLE),
    Call("march valid", _noise(70, 516), _terms(5, 5, 1), _SEPARABLE | {"size": "valid"}),
    Call("march one short", _noise(70, 515), _terms(5, 5, 1), _SEPARABLE | {"size": "valid"}),
    Call("long", _noise(90, 150), _terms(25, 21, 1), _SEPARABLE),
    Call("long rank 2", _noise(40, 150), _terms(31, 31, 2), _SEPARABLE),
    Call("ring", _noise(70, 150), _terms(61, 63, 1), _SEPARABLE, limits=_LARGE),
    Call("ring tall", _noise(300, 40), _terms(60, 62, 1), _SEPARABLE, limits=_LARGE),
    Call("ring even", _noise(40, 258), _terms(62, 64, 1), _CONSTANT, limits=_LARGE),
    Call("ring rank 2", _noise(40, 150), _terms(61, 61, 2), _SEPARABLE, limits=_LARGE),
    Call("ring planes", _noise(5, 20, 70), _terms(65, 61, 1), _SEPARABLE, limits=_LARGE),
    Call("two passes", _noise(70, 150), _terms(121, 161, 1), _SEPARABLE),
    Call("two passes rank 2", _noise(40, 330), _terms(9, 9, 2), _SEPARABLE | {"stride": 2}),
    Call(
        "two passes not finite",
        _noise(30, 100, nan=True),
        _terms(9, 9, 2),
        _SEPARABLE | {"dilation": 2},
    ),
    Call("float64", _noise(30, 140, dtype="float64"), _weights(3, 3), {}),
    Call("float16", _noise(30, 140, dtype="float16"), _weights(3, 3), {}),
    Call("int32", _noise(30, 140, dtype="int32"), _weights(3, 3), {}),
]
