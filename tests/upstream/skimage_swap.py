"""scikit-image's own tests with gpuconv's functions in place of its own: a plugin, and a command.

::

    PYTHONPATH=tests python -m upstream.skimage_swap ~/scikit-image/tests/skimage -x -k gabor

The path is the folder of the tests in scikit-image's sources of the version that is installed; what
stands after it goes to pytest. The plugin enables :mod:`gpuconv.skimage` before the tests are
imported, and compiled filters, SciPy's and scikit-image's, raise when one of gpuconv's functions
calls them. `skimage_exceptions.json`, beside this file, has the tests that are known to fail, each
with the reason.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import gpuconv.skimage
from gpuconv.skimage.errors import NotCoveredError

#: Those that call what is swapped, directly or by a caller of scikit-image's own.
TESTS = tuple(
    f"{folder}/test_{name}.py"
    for folder, names in {
        "feature": "basic_features blob canny censure corner sift template",
        "filters": "edges gabor gaussian median ridges thresholding unsharp_mask",
        "measure": "blur_effect",
        "metrics": "structural_similarity",
        "registration": "ilk tvl1",
        "restoration": "denoise j_invariant restoration",
        "segmentation": "morphsnakes slic",
    }.items()
    for name in names.split()
)
SWAPPED = ("scipy.ndimage", "scipy.signal", "skimage.filters", "skimage.restoration")
#: Compiled modules that filter.
COMPILED = (
    "scipy.ndimage._nd_image",
    "scipy.ndimage._rank_filter_1d",
    "scipy.signal._sigtools",
    "skimage.restoration._denoise_cy",
    "skimage.restoration._nl_means_denoising",
)
EXCEPTIONS = Path(__file__).with_name("skimage_exceptions.json")


class _Calls:
    """How many of gpuconv's functions ever ran, and how many of them passed a call on."""

    begun = 0
    passed = 0


class _Thread(threading.local):
    """How many of gpuconv's functions are running in a thread."""

    running = 0


_THREAD = _Thread()


def _ours(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of gpuconv's that says when it runs."""

    @functools.wraps(function)
    def taken(*given: Any, **named: Any) -> Any:
        _THREAD.running += 1
        _Calls.begun += 1
        try:
            return function(*given, **named)
        except NotCoveredError:
            _Calls.passed += 1
            raise
        finally:
            _THREAD.running -= 1

    return taken


def _theirs(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a compiled function that raises when gpuconv's call it."""

    @functools.wraps(function)
    def taken(*given: Any, **named: Any) -> Any:
        if _THREAD.running:
            raise AssertionError(f"gpuconv called {function.__module__}.{function.__name__}")
        return function(*given, **named)

    return taken


def _wrapped(module: ModuleType, names: list[str], wrapper: Callable[..., Any]) -> None:
    for name in names:
        value = getattr(module, name)
        if callable(value) and not isinstance(value, type) and not name.startswith("__"):
            setattr(module, name, wrapper(value))


def swap() -> None:
    """Put gpuconv's functions in place of scikit-image's, for the life of this process."""
    for name in SWAPPED:
        ours = importlib.import_module(f"gpuconv.{name}")
        _wrapped(ours, ours.__all__, _ours)
    for name in COMPILED:
        compiled = importlib.import_module(name)
        _wrapped(compiled, dir(compiled), _theirs)
    gpuconv.skimage.enable()


def command(folder: Path, *options: str) -> list[str]:
    """Return the arguments of pytest that run the tests in a folder, whatever is configured."""
    files = [str(folder / name) for name in TESTS if (folder / name).exists()]
    places = [f"-c{os.devnull}", f"--rootdir={folder}", f"--confcutdir={folder}"]
    plugins = ["-p", "upstream.skimage_swap", "-p", "no:cacheprovider", "-p", "no:doctest"]
    return [*plugins, *places, "-q", *files, *options]


def pytest_configure(config: pytest.Config) -> None:
    """Swap, before a test module is imported."""
    swap()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that are known to fail."""
    known = json.loads(EXCEPTIONS.read_text("utf-8"))
    for item in items:
        for part, reason in known.items():
            if part in item.nodeid:
                item.add_marker(pytest.mark.xfail(reason=reason, strict=True))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Any:
    """Note whether a test calls gpuconv's functions, and whether one passed a call on."""
    begun, passed = _Calls.begun, _Calls.passed
    try:
        return (yield)
    finally:
        item.user_properties.append(("called", _Calls.begun > begun))
        item.user_properties.append(("passed on", _Calls.passed > passed))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how many of the tests called gpuconv's functions."""
    for outcome in ("passed", "failed", "xfailed", "xpassed"):
        reports = terminalreporter.stats.get(outcome, [])
        called, passed_on = (
            sum((word, True) in report.user_properties for report in reports)
            for word in ("called", "passed on")
        )
        if reports:
            terminalreporter.write_line(
                f"{len(reports)} {outcome}, of which {called} called gpuconv "
                f"and {passed_on} had a call passed on to scikit-image"
            )


if __name__ == "__main__":
    sys.exit(pytest.main(command(Path(sys.argv[1]).resolve(), *sys.argv[2:])))
