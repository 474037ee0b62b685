"""SciPy's own tests pass with gpuconv's functions in place of SciPy's, which never run.

By hand, with any options of pytest::

    PYTHONPATH=tests python -m upstream.scipy_own ndimage
    PYTHONPATH=tests python -m upstream.scipy_own signal -n 2 -x -k "wiener or medfilt"
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from upstream import scipy_own

import gpuconv.scipy

pytest.importorskip("scipy", minversion="1.17")

#: Tests of SciPy 1.17.1 that call one of the functions, all but a few that a later one may drop.
#: One is left out that takes gigabytes; the command above runs it.
LEAST = {"ndimage": 2300, "signal": 11_700}
GIGABYTES = "test_large_array"


def fresh(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a Python of its own that finds the plugin."""
    # What pytest says of itself is not for the other one, which is no worker of it.
    inherited = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, *arguments],
        env=inherited | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=1800,
    )


@pytest.mark.parametrize("module", scipy_own.TESTS)
def test_scipys_own_tests_pass(module: str) -> None:
    if find_spec(f"scipy.{module}.tests") is None:
        pytest.skip("this SciPy comes without its tests")
    ended = fresh("-m", "upstream.scipy_own", module, "-k", f"not {GIGABYTES}")
    assert ended.returncode == 0, ended.stdout[-10_000:] + ended.stderr[-2000:]
    told = re.search(r"called gpuconv: (\d+) passed$", ended.stdout, re.MULTILINE)
    assert told, ended.stdout[-2000:]
    assert int(told[1]) >= LEAST[module]


CALLS_SCIPY = """
import numpy as np, scipy.ndimage, scipy.signal
from upstream import scipy_own

scipy_own.swap()
line = np.arange(9.0)
print("outside", scipy.ndimage._filters.median_filter(line, 3)[0])
for call in (
    lambda image, axis, *_: scipy.ndimage._filters.correlate1d(image, [1, 1], axis),
    lambda image, axis, *_: scipy.signal._signaltools.fftconvolve(image, line, "same"),
):
    try:
        scipy.ndimage.generic_laplace(line, call)
    except AssertionError as error:
        print("inside", error)
"""


def test_scipys_compiled_code_raises_when_a_function_of_ours_calls_it() -> None:
    told = fresh("-c", CALLS_SCIPY).stdout.splitlines()
    assert told[0] == "outside 0.0"
    assert [line.startswith("inside gpuconv called SciPy's") for line in told[1:]] == [True, True]


def test_what_is_known_to_fail_is_told_with_a_reason() -> None:
    known = json.loads(scipy_own.EXCEPTIONS.read_text("utf-8"))
    assert all(name and len(reason) > 20 for name, reason in known.items())


def test_the_functions_import_nothing_of_scipys() -> None:
    files = Path(str(gpuconv.scipy.__file__)).parent.rglob("*.py")
    trees = {path.name: ast.parse(path.read_text("utf-8")) for path in files}
    nodes = [node for tree in trees.values() for node in ast.walk(tree)]
    names = [str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)]
    imports = [node for node in nodes if isinstance(node, ast.Import)]
    names += [alias.name for node in imports for alias in node.names]
    assert len(trees) > 10
    assert [name for name in names if name.split(".")[0] == "scipy"] == []
