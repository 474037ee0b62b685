"""Rates of devices, in seconds per unit of work, as they are assumed until they are measured."""

from __future__ import annotations

__all__ = ["CUDA", "HOST", "VERSION", "known", "scaled", "table_of"]

#: Counts up when rates change their meaning: those of another version are not read.
VERSION = 1

#: Nanoseconds of a core of a Zen 4 server CPU with AVX-512, of NumPy 2.4 and its OpenBLAS: what
#: ``gpuconv tune`` found there. Those of a call, of starting a thread, of a tile and of each step
#: of filtering it, in Python; of an operation on a pixel, and of a division; and of a multiply–add
#: of a recursive filter.
_SINGLE = {
    "call": 6800.0,
    "thread": 47200.0,
    "tile": 7800.0,
    "step": 793.0,
    "pixel": 0.05,
    "divide": 0.13,
    "recursion": 0.039,
}

#: Of reading a pixel from the image, and of writing one to the output.
_MOVES = {
    "float16": (1.82, 2.82),
    "float32": (0.28, 0.28),
    "float64": (0.87, 0.87),
    "int16": (0.15, 0.55),
    "int32": (0.6, 1.19),
    "int64": (1.26, 2.01),
    "int8": (0.12, 0.54),
    "uint16": (0.26, 0.56),
    "uint32": (0.71, 1.29),
    "uint64": (1.37, 2.03),
    "uint8": (0.1, 0.51),
}

#: Of a multiply–add of dense kernels; of a pixel in a pass of K taps along an axis; of a byte of
#: which sums are added up, by the bytes of a tile; of a point of a Fourier transform and the
#: logarithm of their number, by the square root of that: each by its size.
_TABLES = {
    "dense": {
        1: 0.08,
        3: 0.055,
        5: 0.044,
        7: 0.041,
        9: 0.035,
        11: 0.034,
        15: 0.029,
        21: 0.026,
        31: 0.026,
        63: 0.024,
        127: 0.025,
    },
    "pass": {
        1: 0.39,
        3: 1.12,
        5: 0.6,
        7: 0.64,
        11: 0.72,
        15: 0.81,
        21: 0.9,
        31: 1.11,
        45: 1.54,
        63: 1.85,
        127: 3.23,
        255: 6.02,
    },
    "addition": {781328: 0.016, 903584: 0.022, 2350112: 0.024},
    "transform": {455: 0.34, 509: 0.35, 576: 0.33, 1152: 0.34, 1717: 0.33},
}

#: How many times as long the same takes in float64.
_DOUBLES = {"dense": 1.73, "pass": 1.59, "pixel": 2.01, "recursion": 1.91, "transform": 1.5}

#: What each thread more adds to the first, of its arithmetic and of its moving pixels, which is at
#: most so much in all.
_GAINS = {"compute": 0.9, "memory": 0.45, "most": 7.0}

HOST: dict[str, float] = {
    **{name: 1e-9 * rate for name, rate in _SINGLE.items()},
    **{f"load.{dtype}": 1e-9 * read for dtype, (read, _) in _MOVES.items()},
    **{f"store.{dtype}": 1e-9 * write for dtype, (_, write) in _MOVES.items()},
    **{
        f"{name}.{at}": 1e-9 * rate for name, table in _TABLES.items() for at, rate in table.items()
    },
    **{f"double.{name}": factor for name, factor in _DOUBLES.items()},
    **{f"gain.{name}": gain for name, gain in _GAINS.items()},
}

#: An H100 or H200, of 132 multiprocessors. Nothing here is measured: bandwidths are from data
#: sheets, less 10 %; a launch and a copy as such cost what they usually do.
CUDA: dict[str, float] = {
    "call": 10e-6,
    "launch": 3e-6,
    "byte": 1 / 3.6e12,
    # 4 × 32 lane-instructions per clock of 1.98 GHz and multiprocessor.
    "instruction": 1 / (132 * 128 * 1.98e9),
    # Of float64 arithmetic, in those of float32; 64 on devices for graphics.
    "double": 2.0,
    "transfer": 20e-6,
    # To and from memory that is not pinned.
    "upload": 1 / 6e9,
    "download": 1 / 6e9,
}

#: Multiprocessors of the device that the rates are for, and those that a twice larger device has
#: twice the bandwidth of: all that share the work.
_MULTIPROCESSORS = 132
_SCALED = ("byte", "instruction")


def scaled(rates: dict[str, float], multiprocessors: int) -> dict[str, float]:
    """Return what is assumed of a GPU of another size."""
    factor = _MULTIPROCESSORS / multiprocessors
    return {name: rate * factor if name in _SCALED else rate for name, rate in rates.items()}


def table_of(name: str) -> str:
    """Return the table that a rate belongs to, as one that depends on a size; "" if to none.

    Examples
    --------
    >>> table_of("pass.31"), table_of("load.uint8")
    ('pass', '')
    """
    table, _, size = name.rpartition(".")
    return table if size.isdecimal() and size != "0" else ""


def known(kind: str, name: str) -> bool:
    """Return whether there is such a rate."""
    rates = {"host": HOST, "cuda": CUDA}.get(kind, {})
    return name in rates or table_of(name) in {table_of(rate) for rate in rates} - {""}
