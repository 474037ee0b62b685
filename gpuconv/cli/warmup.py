"""``gpuconv warmup``: compile kernels for a GPU before they are needed."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from time import perf_counter

from gpuconv.backends import cuda
from gpuconv.backends.cuda import runtime
from gpuconv.backends.cuda.source import Program
from gpuconv.backends.cuda.warmup import LIMITS, SETS, programs
from gpuconv.cli.parser import Parser
from gpuconv.errors import ArgumentError, DeviceError, choose

__all__ = ["main"]

_EXAMPLES = """\
examples:
  gpuconv warmup
  gpuconv warmup blur --device cuda:1
  gpuconv warmup --list

CuPy keeps what it has compiled (CUPY_CACHE_DIR, by default ~/.cupy/kernel_cache), so this is worth
doing once: when a container is built, or before a measurement."""

#: What is compiled where no set is named: the filters that people use most.
_USUAL = ("blur", "edges", "sharpen")


def main(arguments: Sequence[str]) -> int:
    """Compile sets of kernels, or list the sets."""
    parser = _parser()
    options = parser.read(arguments)
    names = [choose("SET", name, SETS, "a set of kernels") for name in options.sets or _USUAL]
    if options.list:
        print("\n".join(map(_line, options.sets or SETS)))
    else:
        _compile(names, _checked(options))
    return 0


def _parser() -> Parser:
    parser = Parser(
        "gpuconv warmup",
        "Compile the kernels of named sets for a GPU, so that no call waits for the compiler.",
        _EXAMPLES,
    )
    default = ", ".join(_USUAL)
    parser.add_argument(
        "sets", nargs="*", metavar="SET", help=f"sets to compile (default: {default})"
    )
    parser.add_argument("--device", default="cuda", metavar="cuda[:N]", help="GPU to compile for")
    parser.add_argument(
        "--list", action="store_true", help="say what the sets hold; this needs no GPU"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="show where a bug happened")
    return parser


def _line(name: str) -> str:
    return f"{name:<8} {len(programs(name, LIMITS)):>4} kernels: {SETS[name][0]}"


def _checked(options: argparse.Namespace) -> str:
    """Return the device asked for, which can be used."""
    device: str = options.device
    if not re.fullmatch(r"cuda(:\d+)?", device):
        raise ArgumentError(f"--device {device} is not a GPU (one of cuda, cuda:N)")
    if reason := cuda.lacking(None, device):
        raise DeviceError(f"--device {device} cannot be used: {reason}")
    return device


def _compile(names: Sequence[str], device: str) -> None:
    with cuda.place(None, device):
        limits = runtime.current().limits()
        wanted = dict.fromkeys(each for name in names for each in programs(name, limits))
        start = perf_counter()
        for number, program in enumerate(wanted, 1):
            print(f"{number:>4}/{len(wanted)} {_milliseconds(program):>6.0f} ms  {program.label}")
    print(f"{len(wanted)} kernels in {perf_counter() - start:.1f} s")


def _milliseconds(program: Program) -> float:
    start = perf_counter()
    runtime.current().compile(program)
    return 1e3 * (perf_counter() - start)
