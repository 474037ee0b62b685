"""The rates of the CPU engine: each from a call on one thread in which only it is unknown yet."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv import kernels
from gpuconv.algorithms import ALGORITHMS
from gpuconv.api import convolve
from gpuconv.arguments import Accuracy, Method, Options
from gpuconv.cost import Machine, host
from gpuconv.cost.profile import Profile, processor
from gpuconv.cost.rates import HOST
from gpuconv.kernel import Kernel
from gpuconv.request import Candidate, Request
from gpuconv.tune.timing import Clock, Progress, cpu_clock, fastest, on_threads

__all__ = ["measure_cpu"]

#: What is filtered: 8 MB of float32. With large kernels less takes long enough.
_SHAPE, _LESS = (1024, 2048), (512, 1024)
_LARGE = 63

#: Sizes of square kernels at which rates are measured; between them they are interpolated.
_DENSE = (1, 3, 5, 7, 9, 11, 15, 21, 31, 63, 127)
_PASSES = (1, 3, 5, 7, 11, 15, 21, 31, 45, 63, 127, 255)
#: Those of boxes, whose tiles are larger for larger ones and for larger pixels.
_BOXES = ((31, "uint8"), (31, "float32"), (101, "float32"), (181, "float64"))
_TRANSFORMS = (7, 15, 31, 63, 127, 255)

#: Dtypes that are summed in float32 beside it, and those that are summed in float64.
_NARROW = ("float16", "int16", "int8", "uint16", "uint8")
_WIDE = ("int32", "int64", "uint32", "uint64")

#: Who disturbs a measurement is perhaps gone when it is repeated.
_ROUNDS = 2

#: Small planes whose filtering takes far longer than the call.
_PLANES = 256

#: Of the rate that is assumed, at least so much.
_LEAST_PART = 0.1

#: Bounds of what one more thread adds to the first: what is measured while another process holds
#: the other core must not say that threads are of no use.
_LEAST_GAIN, _MOST_GAIN = 0.2, 1.0


@dataclass(frozen=True)
class _Case:
    """A call."""

    method: Method
    kernel: Kernel
    dtype: str = "float32"
    out: str = "float32"
    shape: tuple[int, ...] = _SHAPE

    @property
    def accuracy(self) -> Accuracy:
        """What the method is good for."""
        return "fast" if self.method == "recursive" else "exact"

    def run(self, image: Any, out: Any) -> None:
        """Make the call."""
        convolve(image, self.kernel, out=out, method=self.method, accuracy=self.accuracy)

    def answer(self, machine: Machine) -> tuple[Candidate, Request]:
        """Return what is run, and for which request."""
        options = Options.of(
            True, "reflect", 0, "same", 1, 1, self.method, self.accuracy, "propagate", None
        )
        types = np.dtype(self.dtype), np.dtype(self.out)
        request = options.request(self.shape, types[0], self.kernel, 0.0, types[1])
        found = ALGORITHMS[self.method](request, machine)
        if isinstance(found, str):
            raise AssertionError(f"{self.method} cannot be measured: {found}")
        return found, request


def measure_cpu(threads: int, progress: Progress) -> Profile:
    """Return the rates of this computer's CPU, of which calls use up to that many threads."""
    bench = _Bench(progress)
    for _ in range(_ROUNDS):
        # Each round finds all rates anew, from the shortest times of all rounds.
        bench.rates.clear()
        with on_threads(1):
            _moves(bench)
            _arithmetic(bench)
            _doubles(bench)
        if threads > 1:
            _gains(bench, threads)
    return Profile("host", processor(), threads, bench.rates)


class _Bench:
    """The rates so far, and how to find another."""

    def __init__(self, progress: Progress) -> None:
        self.rates = dict[str, float]()
        self.progress = progress
        self._clock = cpu_clock()
        self._times = dict[object, float]()
        random = np.random.default_rng(0)
        self._noise = random.integers(1, 100, _SHAPE)
        self.weights = random.standard_normal((256, 256))

    def square(self, size: int) -> Kernel:
        """Return a kernel of no form but its size."""
        return Kernel(self.weights[:size, :size])

    def machine(self) -> Machine:
        """Return one thread of the CPU at the rates so far, and the assumed ones."""
        return Machine("host", "", 1, True, tuple(sorted((HOST | self.rates).items())))

    def fastest(
        self, what: object, call: Callable[[], object], clock: Clock | None = None
    ) -> float:
        """Return the seconds of a call that is known as `what`: the least so far."""
        took = fastest(call, clock or self._clock)
        self._times[what] = min(took, self._times.get(what, took))
        return self._times[what]

    def time(self, case: _Case, threads: int = 0) -> float:
        """Return the seconds of a case: of this thread, or on the wall with so many threads."""
        image = np.resize(self._noise, case.shape).astype(case.dtype)
        out = np.empty(case.shape, case.out)
        clock = perf_counter if threads else None
        return self.fastest((case, threads), lambda: case.run(image, out), clock)

    def find(self, rate: str, case: _Case, named: str = "") -> None:
        """Find the rate of which only a case's seconds tell; keep it under `named`, or its name.

        Of a table the rate is that at the size that the case has.
        """
        self.progress(named or rate)
        machine = self.machine()
        found = host.solved(host.bill(*case.answer(machine)), machine, rate, self.time(case))
        # What is left where all else was measured too long is no rate.
        assumed = HOST.get(rate) or machine.at(rate, 1)
        self.rates[named or rate] = max(found, _LEAST_PART * assumed)


def _moves(bench: _Bench) -> None:
    """Find what a call, a tile and a pixel's way in and out take."""
    double = Kernel([[2.0]])
    bench.progress("tile")
    # Planes that are no run of planes, so that no two of them go through a block together.
    image, out = (np.ones((_PLANES, 2, 16, 16), np.float32)[:, :1] for _ in range(2))
    every = bench.fastest("tile", lambda: convolve(image, double, out=out, method="scale"))
    bench.rates["tile"] = every / _PLANES
    bench.find("call", _Case("scale", double, shape=(16, 16)))
    bench.find("step", _Case("dense", bench.square(15), shape=(16, 16)))
    bench.progress("pixel")
    bench.rates["pixel"] = _pixel(bench, np.ones((128, 1024), np.float32))
    bench.rates["double.pixel"] = _pixel(bench, np.ones((128, 1024))) / bench.rates["pixel"]
    for dtype, others in (("float32", _NARROW), ("float64", _WIDE)):
        # A copy in and a copy out are the same.
        bench.rates[f"store.{dtype}"] = 1e-15
        bench.find(f"load.{dtype}", _Case("scale", double, dtype, dtype))
        bench.rates[f"load.{dtype}"] /= 2
        bench.rates[f"store.{dtype}"] = bench.rates[f"load.{dtype}"]
        for other in others:
            bench.find(f"load.{other}", _Case("scale", double, other, dtype))
            bench.find(f"store.{other}", _Case("scale", double, dtype, other))
    bench.find("divide", _Case("scale", Kernel([[2.0]], divisor=7)))


def _pixel(bench: _Bench, pixels: NDArray[Any]) -> float:
    """Return what one operation on a pixel in cache takes."""
    what = "pixel", pixels.dtype
    return bench.fastest(what, lambda: np.multiply(pixels, 1.0, out=pixels)) / pixels.size


def _arithmetic(bench: _Bench) -> None:
    """Find what the work of each algorithm takes, in float32."""
    for size in _DENSE:
        shape = _SHAPE if size < _LARGE else _LESS
        bench.find("dense", _Case("dense", bench.square(size), shape=shape), f"dense.{size}")
    for size in _PASSES:
        separable = Kernel.separable(bench.weights[0, :size], bench.weights[1, :size])
        bench.find("pass", _Case("separable", separable), f"pass.{size}")
    for size, dtype in _BOXES:
        case = _Case("box", kernels.box(size), dtype, dtype)
        items = host.bill(*case.answer(bench.machine()))
        largest = max(item.size for item in items if item.rate == "addition")
        bench.find("addition", case, f"addition.{round(largest)}")
    for size in _TRANSFORMS:
        case = _Case("fft", bench.square(size))
        points = case.answer(bench.machine())[0].transform or (1, 1)
        bench.find("transform", case, f"transform.{round(sqrt(points[0] * points[1]))}")
    bench.find("recursion", _Case("recursive", kernels.gaussian(8)))


def _doubles(bench: _Bench) -> None:
    """Find how much longer the same takes in float64."""
    gauss = kernels.gaussian(5)
    cases = {
        "dense": _Case("dense", bench.square(9), "float64", "float64"),
        "pass": _Case("separable", gauss, "float64", "float64"),
        "transform": _Case("fft", bench.square(63), "float64", "float64"),
        "recursion": _Case("recursive", kernels.gaussian(8), "float64", "float64"),
    }
    for rate, case in cases.items():
        bench.rates[f"double.{rate}"] = 1.0
        machine, name = bench.machine(), f"double.{rate}"
        items = host.bill(*case.answer(machine))
        bench.progress(name)
        alike = sum(n * item.price(machine) for item, n in items.items() if item.rate == rate)
        rest = sum(n * item.price(machine) for item, n in items.items() if item.rate != rate)
        bench.rates[name] = max((bench.time(case) - rest) / alike, 0.5)


def _gains(bench: _Bench, threads: int) -> None:
    """Find what more threads add, to arithmetic and to moving pixels, and what one costs."""
    bench.progress("thread")
    bench.rates["thread"] = bench.fastest("thread", _start_a_thread, perf_counter)
    cases = {
        "compute": _Case("dense", bench.square(15)),
        "memory": _Case("scale", Kernel([[2.0]])),
    }
    for kind, case in cases.items():
        bench.progress(f"gain.{kind}")
        times = list[float]()
        for count in (1, threads):
            with on_threads(count):
                times.append(bench.time(case, count))
        gain = (times[0] / times[1] - 1) / (threads - 1)
        bench.rates[f"gain.{kind}"] = min(max(gain, _LEAST_GAIN), _MOST_GAIN)


def _start_a_thread() -> None:
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()
