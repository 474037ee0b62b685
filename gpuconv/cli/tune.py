"""``gpuconv tune``: measure once what this machine can do, so that plans need not assume it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter

from gpuconv.backends import cuda
from gpuconv.backends.cuda import runtime
from gpuconv.backends.host.threads import thread_count
from gpuconv.cli.parser import Parser
from gpuconv.cli.streams import emit, plain
from gpuconv.cost import Machine, cpu, forget, gpu, profile
from gpuconv.cost.rates import table_of
from gpuconv.errors import ArgumentError

__all__ = ["main"]

_EXAMPLES = """\
examples:
  gpuconv tune
  gpuconv tune --show
  gpuconv tune --reset

It takes about a quarter of a minute, on a machine that should not be busy with other work. The file
that it writes is read by every process that starts afterwards, and is safe to delete;
GPUCONV_PROFILE names another place for it."""

#: Back to the first column, and the line cleared.
_CLEAR = "\r\x1b[K"


def main(arguments: Sequence[str]) -> int:
    """Measure, show or forget the rates of this machine's devices."""
    options = _parser().read(arguments)
    if options.show:
        print(_shown())
    elif options.reset:
        with _told("the rates could not be deleted"):
            gone = profile.remove()
        print(f"{'deleted' if gone else 'there was no'} {plain(str(profile.place()))}")
    else:
        _measure()
    return 0


def _parser() -> Parser:
    parser = Parser(
        "gpuconv tune",
        "Measure what this machine's CPU and GPU can do. Plans then choose algorithms, and\n"
        "device='auto' a device, by what is fastest here.",
        _EXAMPLES,
    )
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--show", action="store_true", help="print the rates that plans use")
    either.add_argument("--reset", action="store_true", help="delete what was measured")
    parser.add_argument("-v", "--verbose", action="store_true", help="show where a bug happened")
    return parser


def _measure() -> None:
    from gpuconv import tune  # brings the engines' calls, which --show needs not

    start = perf_counter()
    with _told("the rates could not be written"):
        profile.ready()
    with _progress() as progress:
        found = [tune.measure_cpu(thread_count(), progress)]
        if name := _gpu():
            with cuda.place(None, "cuda"):
                found.append(tune.measure_gpu(name, progress))
    with _told("the rates could not be written"):
        path = profile.keep(*found)
    forget()
    for one in found:
        print(plain(f"{one.name}: {len(one.rates)} rates"))
    print(plain(f"written to {path} in {perf_counter() - start:.0f} s"))


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Say what the system refused, if it does."""
    try:
        yield
    except OSError as error:
        raise ArgumentError(f"{what}: {error}") from error


def _gpu() -> str:
    """Return the name of the GPU that can be used; "" if there is none."""
    rows = [device for device in cuda.devices() if device.available]
    return rows[0].description if rows else ""


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Return what shows which rate is being measured, on a terminal."""
    shown = sys.stderr.isatty()

    def show(rate: str) -> None:
        if shown:
            emit(f"{_CLEAR}measuring {rate}", sys.stderr)

    try:
        yield show
    finally:
        if shown:
            emit(_CLEAR, sys.stderr)


def _shown() -> str:
    machines = [cpu(thread_count())]
    if _gpu():
        machines.append(gpu(runtime.current().limits().multiprocessors))
    parts = [_page(machine) for machine in machines]
    return "\n\n".join([plain(f"{profile.place()}: {profile.note()}"), *parts])


def _page(machine: Machine) -> str:
    unit = "threads" if machine.kind == "host" else "multiprocessors"
    source = "measured" if machine.measured else "assumed"
    head = f"{machine.name}, {machine.units} {unit}: rates {source}"
    rates = sorted(machine.rates, key=lambda rate: _order(rate[0]))
    return "\n".join([plain(head), *(f"  {name:<18} {_rate(value)}" for name, value in rates)])


def _order(name: str) -> tuple[str, int]:
    """Return by what rates are sorted: those of a table by their sizes."""
    table, _, size = name.rpartition(".")
    return (table, int(size)) if table_of(name) else (name, 0)


def _rate(value: float) -> str:
    return f"{value:.3g}" if value > 0.1 else f"{value / 1e-9:.4g} ns"
