"""Processes of their own: what one leaves behind would be there for the next."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gpuconv

from ..contract import Unable
from ..row import FAILED

__all__ = ["answer"]

#: The folder that this package is imported from, whatever it is called there.
_ROOT = Path(__file__).parents[len(__package__.split("."))]

#: Compiled files are kept, as usual: a program that compiles all of gpuconv each time is not what
#: a user starts.
_VARIABLES = {"PYTHONDONTWRITEBYTECODE": ""}


def answer(
    arguments: Sequence[str], seconds: float, environment: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the JSON that a Python of its own prints.

    Parameters
    ----------
    arguments : sequence of str
        A script and its arguments, or -m and a module's.
    seconds : float
        How long it may take.
    environment : mapping from str to str, optional
        What it has beside this process's variables.

    Raises
    ------
    Unable
        It took too long, or ended with an error, or with words that are no JSON.
    """
    # Safe path: the folder of a script may have modules that are called like a library's.
    command = [sys.executable, "-P", *arguments]
    variables = os.environ | _VARIABLES | {"PYTHONPATH": _path()} | dict(environment or {})
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=seconds, env=variables
        )
    except subprocess.TimeoutExpired:
        raise Unable(f"takes longer than {seconds:.3g} s") from None
    if done.returncode:
        raise Unable(_reason(done.stderr, done.returncode))
    try:
        answered: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError) as error:
        raise Unable(f"{FAILED}its last words are no JSON: {done.stdout[-80:]!r}") from error
    return answered


def _path() -> str:
    """Return where this process finds the bench and gpuconv, and what it was told beside."""
    places = dict.fromkeys((str(_ROOT), str(Path(gpuconv.__file__).parents[1])))
    return os.pathsep.join([*places, *filter(None, [os.environ.get("PYTHONPATH")])])


def _reason(told: str, code: int) -> str:
    """Return why a process failed: the last words of its traceback."""
    last = (told.strip().splitlines() or [f"exit code {code}"])[-1]
    if last.startswith("ModuleNotFoundError: "):
        return f"cannot be imported: {last.partition(': ')[2]}"
    return f"{FAILED}{last[:200]}"
