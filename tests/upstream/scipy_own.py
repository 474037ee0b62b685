"""SciPy's own tests with gpuconv's functions in place of its own: a plugin and a command.

::

    PYTHONPATH=tests python -m upstream.scipy_own ndimage
    PYTHONPATH=tests python -m upstream.scipy_own signal -n 2 -x -k "wiener or medfilt"
    PYTHONPATH=tests python -m upstream.scipy_own ndimage --device cuda

What stands after the module goes to pytest; ``--device`` sends arrays to a GPU, and "checker" to
one that is the CUDA kernels compiled for the CPU (ten minutes for ndimage). The plugin patches
SciPy by `gpuconv.scipy.use`, before the tests are imported; and SciPy's compiled code raises when
one of gpuconv's functions calls it, however indirectly. `scipy_exceptions.json`, beside this file,
has the tests that are known to fail, each with the reason.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import Any

import pytest
from cuda_on_cpu.apart import ApartRuntime

import gpuconv.scipy
from gpuconv.backends.cuda import runtime

TESTS = {
    "ndimage": "ndimage/tests/test_filters.py",
    "signal": "signal/tests/test_signaltools.py",
}
#: Those of SciPy's compiled modules that filter, or transform.
COMPILED = (
    "scipy.ndimage._nd_image",
    "scipy.ndimage._rank_filter_1d",
    "scipy.signal._sigtools",
    "scipy.signal._spline",
    "scipy.signal._upfirdn_apply",
    "scipy.fft._pocketfft.pypocketfft",
)
EXCEPTIONS = Path(__file__).with_name("scipy_exceptions.json")
#: The device that is the CUDA kernels on the CPU.
CHECKER = "checker"
#: What is entered, and left when the process ends.
_LASTING = ExitStack()
#: The property of a test that called one of gpuconv's functions.
CALLED = "called"


class _Calls:
    """How many of gpuconv's functions are running, of all threads, and how many ever ran."""

    running = 0
    begun = 0
    _lock = Lock()

    @classmethod
    @contextmanager
    def one_more(cls) -> Iterator[None]:
        """Count a call while it runs."""
        with cls._lock:
            cls.running += 1
            cls.begun += 1
        try:
            yield
        finally:
            with cls._lock:
                cls.running -= 1


def _ours(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of gpuconv's that says when it runs."""

    @functools.wraps(function)
    def taken(*given: Any, **named: Any) -> Any:
        with _Calls.one_more():
            return function(*given, **named)

    return taken


def _theirs(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a compiled function of SciPy's that raises when gpuconv's call it."""

    @functools.wraps(function)
    def taken(*given: Any, **named: Any) -> Any:
        if _Calls.running:
            raise AssertionError(f"gpuconv called SciPy's {function.__name__}")
        return function(*given, **named)

    return taken


def guard(module: ModuleType) -> None:
    """Let the functions of a compiled module raise when gpuconv's functions call them."""
    for name, value in list(vars(module).items()):
        if callable(value) and not isinstance(value, type) and not name.startswith("__"):
            setattr(module, name, _theirs(value))


def swap(device: str | None = None) -> None:
    """Put gpuconv's functions in place of SciPy's, for the life of this process."""
    from scipy._lib import _array_api

    for name in COMPILED:
        guard(importlib.import_module(name))
    if device == CHECKER:
        _LASTING.enter_context(runtime.use(ApartRuntime()))
        device = "cuda"
    _LASTING.enter_context(gpuconv.scipy.use(device=device))
    # Tests look up there what is known of a function.
    table = getattr(_array_api, "xp_capabilities_table", {})
    for name in TESTS:
        theirs = importlib.import_module(f"scipy.{name}")
        for attribute in importlib.import_module(f"gpuconv.scipy.{name}").__all__:
            stand_in = getattr(theirs, attribute)
            taken = _ours(stand_in)
            setattr(theirs, attribute, taken)
            if stand_in.__wrapped__ in table:
                table[taken] = table[stand_in.__wrapped__]


def command(module: str, *options: str) -> list[str]:
    """Return the arguments of pytest that run a module's tests, whatever is configured here."""
    spec = importlib.util.find_spec("scipy")
    assert spec is not None
    root = Path(str(spec.origin)).parent
    places = [f"-c{os.devnull}", f"--rootdir={root}", f"--confcutdir={root}"]
    # Not kept between runs: the folder is not ours.
    plugins = ["-p", "upstream.scipy_own", "-p", "no:cacheprovider", "-p", "no:doctest"]
    return [*plugins, *places, "-q", str(root / TESTS[module]), *options]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let arrays be sent to a GPU."""
    parser.addoption("--device", help="as for gpuconv.scipy.use, or 'checker'")


def pytest_configure(config: pytest.Config) -> None:
    """Swap, before a test module is imported."""
    swap(config.getoption("--device"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that are known to fail."""
    known = json.loads(EXCEPTIONS.read_text("utf-8"))
    for item in items:
        for part, reason in known.items():
            if part in item.nodeid:
                item.add_marker(pytest.mark.xfail(reason=reason, strict=True))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Any:
    """Note whether a test calls one of gpuconv's functions."""
    before = _Calls.begun
    try:
        return (yield)
    finally:
        item.user_properties.append((CALLED, _Calls.begun > before))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how many of the tests called one of gpuconv's functions."""
    calling = {
        outcome: sum((CALLED, True) in report.user_properties for report in reports)
        for outcome, reports in terminalreporter.stats.items()
        if outcome in ("passed", "failed", "xfailed", "xpassed")
    }
    words = ", ".join(f"{count} {outcome}" for outcome, count in calling.items())
    terminalreporter.write_line(f"of those that called gpuconv: {words}")


if __name__ == "__main__":
    sys.exit(pytest.main(command(*sys.argv[1:])))
