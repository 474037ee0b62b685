"""Filter calls that together go through every line of every kernel, on small images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import gpuconv
from cuda_on_cpu.call import SMALL, BankCall, Call, FilterCall, PartCall
from cuda_on_cpu.call import noise as _noise
from cuda_on_cpu.call import view as _view
from cuda_on_cpu.calls_bilateral import BILATERAL
from cuda_on_cpu.calls_canny import CANNY
from cuda_on_cpu.calls_nl_means import NL_MEANS
from cuda_on_cpu.calls_rank import RANK
from cuda_on_cpu.calls_restoration import RESTORATION
from gpuconv.backends.cuda.runtime import Limits

__all__ = ["CALLS", "OF_PARTS", "SMALL", "BankCall", "Call", "FilterCall"]

#: What the ring of long kernels needs.
_LARGE = Limits(multiprocessors=2, shared=227 * 1024, grid=2)
_ONE_BLOCK = Limits(multiprocessors=1, shared=100 * 1024, grid=2)


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


def _sum_of(rows: int, columns: int, terms: int) -> Callable[[], Any]:
    """Return separable terms of weights above 0."""

    def make() -> Any:
        rng = np.random.default_rng(3)
        return gpuconv.Kernel.sum_of(
            [(rng.random(rows), rng.random(columns)) for _ in range(terms)]
        )

    return make


def _mean(rows: int, columns: int) -> Callable[[], Any]:
    return lambda: gpuconv.Kernel(np.ones((rows, columns)), divisor=rows * columns)


def _gaussian(sigma: float) -> Callable[[], Any]:
    return lambda: gpuconv.kernels.gaussian(sigma)


def _odd(image: Any) -> Any:
    return image[3:, 5:798]


def _even(image: Any) -> Any:
    return image[:, ::2]


def _spot(image: Any) -> Any:
    """Have one pixel that is not finite: the first that a warp gathers, for 5 × 5 taps."""
    image[14, 30] = np.nan
    return image


def _holes(*shape: int) -> Any:
    """Return a mask; among what it leaves out is a region larger than a kernel."""
    mask = np.random.default_rng(4).random(shape) < 0.7
    mask[..., 3:16, 20:40] = False
    return mask


def _several(*makers: Callable[[], Any]) -> Callable[[], Any]:
    return lambda: [make() for make in makers]


_SEPARABLE = {"method": "separable"}
_DENSE = {"method": "dense"}
_FFT = {"method": "fft"}
#: Outputs of which none reads a border, in a dtype that is not what is read.
_ALL = _DENSE | {"size": "valid", "dtype": "int16"}
_VALID = _SEPARABLE | {"size": "valid"}
_BOX = {"method": "box"}
_RECURSIVE = {"method": "recursive", "accuracy": "fast"}
_WRAP = {"epilogue": gpuconv.Epilogue(wrap=True)}
_ORDERED = {"method": "ordered"}
_CUT_OFF = _ORDERED | _WRAP
_CONSTANT = _SEPARABLE | {"border": "constant", "cval": 2}

CALLS = [
    # First those that see most of what can be wrong with the code that kernels share.
    Call("unrolled", _noise(35, 261), _weights(3, 3), _DENSE),
    # Rows before the first are read, of which the border tables, in device memory, have none.
    Call("ring rank 2", _noise(100, 150), _terms(62, 63, 2), _VALID, limits=_LARGE),
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
    # Bytes with integer weights: rows aligned to 16, 8 and 4 bytes, not at all, and columns apart.
    Call("bytes", _noise(82, 800, dtype="uint8"), _weights(5, 5), _DENSE | {"border": "wrap"}),
    Call("bytes by eights", _noise(40, 792, dtype="uint8"), _mean(3, 3), _DENSE),
    Call("bytes by fours", _noise(40, 788, dtype="uint8"), _mean(2, 6), _DENSE),
    Call("bytes crop", _view(_noise(90, 811, dtype="uint8"), _odd), _weights(4, 6), _DENSE),
    Call("bytes apart", _view(_noise(40, 600, dtype="uint8"), _even), _weights(3, 3), _DENSE),
    # Tiles that end where the image does, results that end where a tile does, and one off.
    Call("bytes to the end", _noise(20, 272, dtype="uint8"), _weights(5, 5), _ALL),
    Call("bytes to the end by fours", _noise(19, 268, dtype="uint8"), _weights(4, 5), _ALL),
    Call("bytes whole", _noise(20, 260, dtype="int8"), _weights(5, 5), _ALL),
    Call("bytes one row more", _noise(21, 260, dtype="int8"), _weights(5, 5), _ALL),
    Call("bytes one row less", _noise(19, 260, dtype="int8"), _weights(5, 5), _ALL),
    Call(
        "bytes one column less",
        _noise(20, 259, dtype="int8"),
        _weights(5, 5),
        _ALL,
        lambda: np.zeros((16, 264), np.int16)[:, :255],
    ),
    Call("bytes planes", _noise(3, 20, 70, dtype="int8"), _weights(3, 3), _DENSE | {"cval": 300}),
    Call("bytes with floats", _noise(37, 520, dtype="uint8"), _terms(3, 3, 3), _DENSE),
    Call("even taps", _noise(33, 140), _weights(2, 4), _DENSE | {"border": "mirror"}),
    # Windows inside the image whose last round of loads lacks one row, or one vector.
    Call("one row short", _noise(70, 264), _weights(4, 4), _DENSE | {"size": "valid"}),
    Call("one vector short", _noise(88, 160), _weights(22, 12), _DENSE | {"size": "valid"}),
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
    # No weight is 0, so a pixel under none is seen.
    Call("not finite unguarded", _noise(20, 140, nan=True), _weights(9, 15), _DENSE),
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
    Call("march valid", _noise(70, 516), _terms(5, 5, 1), _VALID),
    Call("march one short", _noise(70, 515), _terms(5, 5, 1), _VALID),
    Call("long", _noise(90, 150), _terms(25, 21, 1), _SEPARABLE),
    Call("long rank 2", _noise(40, 150), _terms(31, 31, 2), _SEPARABLE),
    Call("ring", _noise(70, 150), _terms(61, 63, 1), _SEPARABLE, limits=_LARGE),
    # Blocks of so many rows that the ring comes round.
    Call("ring tall", _noise(100, 40), _terms(60, 62, 1), _SEPARABLE, limits=_ONE_BLOCK),
    Call("ring even", _noise(40, 258), _terms(62, 64, 1), _CONSTANT, limits=_LARGE),
    # Steps of a row or few, before any of the tile but these was loaded.
    Call("ring few rows", _noise(20, 40), _terms(3, 201, 1), _SEPARABLE, limits=_LARGE),
    Call("ring planes", _noise(5, 20, 70), _terms(65, 61, 1), _SEPARABLE, limits=_LARGE),
    Call("two passes", _noise(70, 150), _terms(121, 161, 1), _SEPARABLE),
    Call("two passes rank 2", _noise(40, 330), _terms(9, 9, 2), _SEPARABLE | {"stride": 2}),
    Call(
        "two passes not finite",
        _noise(30, 100, nan=True),
        _terms(9, 9, 2),
        _SEPARABLE | {"dilation": 2},
    ),
    Call("box", _noise(40, 300), _mean(5, 21), _BOX),
    Call("box whole chunks", _noise(40, 132), _mean(6, 17), _BOX | {"border": "wrap"}),
    Call("box few columns", _noise(40, 140), _mean(20, 3), _BOX),
    Call("box column", _noise(40, 136), _mean(20, 1), _BOX | {"size": "valid"}),
    Call("box constant", _noise(37, 141), _mean(7, 30), _BOX | {"border": "constant", "cval": 2}),
    Call("box bytes", _noise(37, 520, dtype="uint8"), _mean(9, 30), _BOX),
    Call("box valid", _noise(20, 267, dtype="int8"), _mean(4, 12), _BOX | {"size": "valid"}),
    Call(
        "box bytes constant",
        _noise(20, 140, dtype="uint8"),
        _mean(9, 30),
        _BOX | {"border": "constant", "cval": -300, "dtype": "int16"},
    ),
    Call("box colour", _noise(20, 50, 3), _mean(5, 12), _BOX | {"channel_axis": -1}),
    Call("box planes", _noise(5, 9, 33), _mean(3, 10), _BOX),
    Call("box strides", _noise(40, 205), _mean(5, 20), _BOX | {"stride": (2, 3)}),
    Call("box strips", _noise(4, 600, dtype="float64"), _mean(2, 9), _BOX),
    Call("box strided", _view(_noise(60, 300), lambda x: x[::2, ::-2]), _mean(3, 12), _BOX),
    Call("box not finite", _noise(30, 140, nan=True), _mean(5, 11), _BOX),
    # Segments that a grid walks, lines that are fewer than a block has, windows that are not full.
    Call("recursive", _noise(40, 270), _gaussian(2), _RECURSIVE),
    Call(
        "recursive bytes",
        _noise(280, 33, dtype="uint8"),
        _gaussian(3),
        _RECURSIVE | {"dtype": "float32"},
    ),
    Call("recursive planes", _noise(5, 9, 33), _gaussian(2), _RECURSIVE),
    Call("recursive not finite", _noise(30, 140, nan=True), _gaussian(2), _RECURSIVE),
    # In order: tiles that end where the image does, a grid that walks, taps too far apart for a
    # tile, and more weights than travel as an argument.
    Call("ordered", _noise(3, 64, 64), lambda: [[0.3, 0.5, 0.3]], _ORDERED),
    Call("ordered bytes", _noise(70, 65, dtype="uint8"), _weights(3, 5), _CUT_OFF),
    Call("ordered slope", _noise(37, 40), lambda: [[-0.3], [0.1], [0.3]], _ORDERED),
    Call("ordered far apart", _noise(90, 33), _weights(3, 3), _ORDERED | {"dilation": 40}),
    Call("ordered many", _noise(30, 40, dtype="float64"), _weights(19, 20), _ORDERED),
    Call("ordered strides", _noise(40, 50), _weights(4, 3), _ORDERED | {"stride": (2, 3)}),
    Call("ordered valid", _noise(34, 34), _weights(3, 3), _ORDERED | {"size": "valid"}),
    # Cut off and wrapped: bytes as integers, and every other kind.
    Call("wrapped bytes", _noise(37, 520, dtype="uint8"), _mean(3, 3), _DENSE | _WRAP),
    Call("wrapped sums", _noise(37, 260, dtype="uint8"), _terms(3, 3, 3), _DENSE | _WRAP),
    Call("wrapped longs", _noise(20, 40), _weights(3, 3), _DENSE | _WRAP | {"dtype": "uint64"}),
    Call("wrapped ones", _noise(20, 40, dtype="uint64"), lambda: [[1, -1]], _DENSE | _WRAP),
    Call("wrapped shorts", _noise(20, 40), _weights(3, 3), _DENSE | _WRAP | {"dtype": "int16"}),
    Call("float64", _noise(30, 140, dtype="float64"), _weights(3, 3), {}),
    Call("float16", _noise(30, 140, dtype="float16"), _weights(3, 3), {}),
    Call("int32", _noise(30, 140, dtype="int32"), _weights(3, 3), {}),
    # Two tiles across; the second ends beyond the image.
    Call("fourier", _noise(40, 150), _weights(9, 13), _FFT | {"border": "constant", "cval": 3}),
    Call("fourier planes", _noise(3, 20, 70, dtype="int16"), _weights(6, 6), _FFT | {"stride": 2}),
    Call("fourier not finite", _view(_noise(50, 70), _spot), _weights(5, 5), _FFT),
    # Border tables that end with those of y, and tiles of as many outputs as rows.
    # A tile that needs a row and a column less than whole cells, and has room for more.
    PartCall(
        "fourier part",
        _noise(100, 140, 2),
        _weights(9, 13),
        _FFT,
        tile=(39, 51),
        transform=(48, 64),
    ),
    Call("fourier column", _noise(40, 30), _weights(9, 1), _FFT),
    Call("fourier row", _noise(20, 100), _weights(1, 9), _FFT),
    Call("fourier strided", _view(_noise(60, 90), lambda x: x[::2, ::-2]), _weights(3, 3), _FFT),
    Call(
        "finished",
        _noise(35, 261, nan=True),
        _weights(3, 3),
        _DENSE | {"epilogue": gpuconv.Epilogue(0.5, -3, absolute=True, low=1, high=9)},
    ),
    # Pixels with weights: tiles that end where the image does, one column more, and one row.
    Call("masked", _noise(3, 64, 256), _weights(3, 3), _DENSE | {"mask": _holes(3, 64, 256)}),
    Call("masked valid", _noise(66, 260), _weights(3, 5), _ALL | {"mask": _holes(66, 260)}),
    Call("masked whole", _noise(34, 132), _weights(3, 5), _ALL | {"mask": _holes(34, 132)}),
    Call("masked one row less", _noise(33, 132), _weights(3, 5), _ALL | {"mask": _holes(33, 132)}),
    Call("masked any size", _noise(40, 150), _weights(9, 13), _DENSE | {"mask": _holes(40, 150)}),
    Call(
        "masked strides",
        _noise(40, 300),
        _weights(5, 4),
        _DENSE | {"stride": (2, 3), "mask": _holes(40, 300)},
    ),
    Call(
        "masked constant",
        _noise(2, 40, 150, nan=True),
        _weights(5, 4),
        _DENSE | {"border": "constant", "cval": 3, "nan": "ignore", "mask": _holes(2, 40, 150)},
    ),
    Call(
        "masked anyhow",
        _view(_noise(300, 41), np.transpose),
        _weights(3, 3),
        _DENSE | {"mask": _holes(300, 41).T},
    ),
    Call(
        "masked not finite",
        _noise(37, 150, nan=True),
        _weights(3, 3, zeros=True),
        _DENSE | {"mask": _holes(37, 150)},
    ),
    Call(
        "masked filled with infinity",
        _noise(37, 150),
        _weights(3, 3, zeros=True),
        _DENSE | {"border": "constant", "cval": np.inf, "mask": _holes(37, 150)},
    ),
    Call(
        "masked strides not finite",
        _noise(37, 150, nan=True),
        _weights(3, 3, zeros=True),
        _DENSE | {"stride": (2, 1), "mask": _holes(37, 150)},
    ),
    Call("nan ignored", _noise(40, 152, nan=True), _weights(3, 3), _DENSE | {"nan": "ignore"}),
    Call(
        "masked in steps",
        _noise(2, 40, 150),
        _sum_of(15, 17, 1),
        _SEPARABLE | {"mask": _holes(2, 40, 150)},
    ),
    Call(
        "masked in steps rank 2",
        _noise(40, 150, nan=True),
        _sum_of(15, 17, 2),
        _SEPARABLE | {"mask": _holes(40, 150)},
    ),
    # Several filters at once: unrolled, and of any size; reduced, and one after the other.
    BankCall("bank", _noise(64, 256), _several(_weights(3, 3), _weights(3, 2)), _DENSE),
    BankCall(
        "bank reduced",
        _noise(2, 70, 264, nan=True),
        _several(_weights(3, 3, zeros=True), _weights(3, 2)),
        _DENSE | {"reduce": "magnitude"},
    ),
    BankCall(
        "bank not finite",
        _noise(33, 139, nan=True),
        _several(_weights(3, 3, zeros=True), _weights(2, 3)),
        _DENSE,
    ),
    BankCall(
        "bank any size",
        _noise(40, 150),
        _several(_weights(9, 13), _terms(9, 13, 9), _weights(9, 13)),
        _DENSE | {"reduce": "max"},
    ),
    BankCall(
        "bank direction",
        _noise(33, 139),
        _several(_weights(3, 3), _weights(3, 3)),
        _DENSE | {"reduce": "direction"},
    ),
    BankCall(
        "bank apart",
        _noise(2, 40, 150),
        _several(_terms(9, 9, 1), _terms(5, 5, 1)),
        _SEPARABLE | {"reduce": "sum", "stride": 2},
    ),
    *BILATERAL,
    *CANNY,
    *NL_MEANS,
    *RANK,
    *RESTORATION,
]

#: By the part of the kernels (mutations.py) the calls that go through it, where they are known.
OF_PARTS = {"bilateral": BILATERAL, "canny": CANNY, "nl_means": NL_MEANS, "rank": RANK}
