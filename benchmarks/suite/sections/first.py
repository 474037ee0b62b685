"""From nothing to the first result: fresh processes that import a library and call it twice.

Each contender gets several processes, in turns with the others, after one that does not count: it
has Python compile the library's files, and the disk read them. On a GPU the compiled kernels are
another matter: with an empty cache everything must be compiled, with a warm one it is read.

A row has

- "case", "filter", "dtype", "shape", "bytes": what is computed;
- "peer", "version", "how": the library;
- "cache": "empty" or "warm", of compiled kernels, on a GPU; else "";
- "start", "numpy", "import", "first", "second": the steps of a process, each a spread of seconds
  as in the table: until Python runs, until NumPy and the image are there, until the library is;
  its first call, and its second (some libraries import most of themselves in the first call);
- "seconds": from the start of the process to the first result, likewise;
- "rounds": processes that count;
- "error", "allowed": of the result, as in the table;
- "left_out": why there are no times.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from math import isfinite
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ...cases import Case, chosen
from ...filters import Gaussian, Median
from ...peers import OURS
from .. import check
from ..contract import Prepared, Unable, installed
from ..place import Place
from ..row import WRONG
from ..section import Found, Options, OutOfTime, Section
from ..timing import Spread
from . import first_process
from .fresh import answer

__all__ = ["CASES", "CONTENDERS", "SECTION", "STEPS", "Contender"]

#: What is timed of a process; "seconds" is from its start to the first result.
STEPS = ("start", "numpy", "import", "first", "second", "seconds")

#: Each with the name that its filter has in `first_process`.
CASES = {
    "gaussian": Case(Gaussian(2), "float32", (512, 512), "mirror", quick=True),
    "median": Case(Median(5), "uint8", (512, 512), "nearest"),
}

_CUPY = ("cupy-cuda13x", "cupy-cuda12x")


@dataclass(frozen=True)
class Contender:
    """A library that is imported and called."""

    peer: str
    #: As in `suite.contract.Peer`.
    packages: tuple[str, ...]
    device: str
    #: Its name in `first_process`.
    way: str
    #: The function that is called, for each filter that it has.
    asked: Mapping[str, str] = field(hash=False)
    #: Of compiled kernels: "empty" or "warm"; "" where there are none.
    cache: str = ""


_OURS = {"gaussian": "correlate", "median": "median"}
_NDIMAGE = {"gaussian": "gaussian_filter", "median": "median_filter"}
_OPENCV = {"gaussian": "GaussianBlur", "median": "medianBlur"}
_SKIMAGE = {"gaussian": "filters.gaussian", "median": "filters.median"}
_TORCH = {"gaussian": "conv2d, two passes"}
_CV2 = ("opencv-python-headless", "opencv-python", "opencv-contrib-python")

CONTENDERS = (
    Contender(OURS, ("gpuconv",), "cpu", "gpuconv", _OURS),
    Contender("SciPy ndimage", ("scipy",), "cpu", "ndimage", _NDIMAGE),
    Contender("OpenCV", _CV2, "cpu", "opencv", _OPENCV),
    Contender("scikit-image", ("scikit-image",), "cpu", "scikit-image", _SKIMAGE),
    Contender("torch", ("torch",), "cpu", "torch", _TORCH),
    Contender(OURS, ("gpuconv",), "cuda", "gpuconv", _OURS, "empty"),
    Contender(OURS, ("gpuconv",), "cuda", "gpuconv", _OURS, "warm"),
    Contender("cupyx ndimage", _CUPY, "cuda", "cupyx", _NDIMAGE, "empty"),
    Contender("cupyx ndimage", _CUPY, "cuda", "cupyx", _NDIMAGE, "warm"),
    Contender("torch", ("torch",), "cuda", "torch", _TORCH),
)

#: Processes of each that count, and the seconds that one may take: the first import of a large
#: library from a cold disk takes the better part of a minute.
_ROUNDS, _QUICK, _PATIENCE = 7, 3, 90.0


def _run(place: Place, options: Options) -> Found:
    wanted = {case.name for case in chosen(CASES.values(), options.cases)}
    end = None if options.seconds is None else time.monotonic() + options.seconds
    for filter_, case in CASES.items():
        if case.name not in wanted or (options.quick and not case.quick):
            continue
        with TemporaryDirectory(prefix="gpuconv-first-") as folder:
            race = _Race(place, case, filter_, Path(folder))
            contenders = _entered(place, filter_, options)
            rows = race.run(contenders, options, end)
        if rows:
            yield rows
        if len(rows) < len(contenders):
            raise OutOfTime


def _entered(place: Place, filter_: str, options: Options) -> list[Contender]:
    texts = [text.casefold() for text in options.peers]
    return [
        each
        for each in CONTENDERS
        if each.device == place.kind
        and filter_ in each.asked
        and (not texts or each.peer == OURS or any(t in each.peer.casefold() for t in texts))
    ]


class _Race:
    """The contenders of a case, in a folder for what they read and write."""

    def __init__(self, place: Place, case: Case, filter_: str, folder: Path) -> None:
        self._place, self._case, self._filter, self._folder = place, case, filter_, folder
        image = case.image
        np.save(folder / "image.npy", image)
        self._parts = check.wanted(case, image)
        self._caches = 0

    def run(
        self, contenders: list[Contender], options: Options, end: float | None
    ) -> list[dict[str, Any]]:
        """Return a row for each contender whose turn came before the end."""
        samples: list[list[dict[str, float]]] = [[] for _ in contenders]
        rows, rounds = [self._row(each) for each in contenders], _rounds(options)
        for turn in range(-1, rounds):
            for contender, row, kept in zip(contenders, rows, samples, strict=True):
                if row["left_out"] or (end is not None and time.monotonic() > end):
                    continue
                options.watch(f"first: {row['case']}: {row['peer']}, {turn + 1} of {rounds}")
                steps = self._steps(contender, row)
                kept += [steps] if steps and turn >= 0 else []
        for row, kept in zip(rows, samples, strict=True):
            row["rounds"] = len(kept)
            if kept:
                row |= {step: asdict(Spread.of([each[step] for each in kept])) for step in STEPS}
        return [row for row in rows if row["rounds"] or row["left_out"]]

    def _row(self, contender: Contender) -> dict[str, Any]:
        case = self._case
        what = {"case": case.name, "filter": case.filter.name, "dtype": case.dtype}
        size = {"shape": list(case.shape), "bytes": case.bytes}
        who = {"peer": contender.peer, "version": installed(contender.packages)}
        how = {"how": contender.asked[self._filter], "cache": contender.cache}
        times = {**dict.fromkeys(STEPS), "rounds": 0}
        judged = {"error": None, "allowed": case.allowed, "left_out": ""}
        return {**what, **size, **who, **how, **times, **judged}

    def _steps(self, contender: Contender, row: dict[str, Any]) -> dict[str, float] | None:
        """Return what a process took for each step; None, and the reason in the row, if it failed.

        The first result of a contender is compared with the definition.
        """
        result = self._folder / "result.npy"
        words = first_process.__file__, contender.way, self._filter, self._place.device
        files = str(self._folder / "image.npy"), str(result)
        try:
            steps = answer(
                [*words, *files, repr(time.monotonic())], _PATIENCE, self._variables(contender)
            )
            if row["error"] is None:
                error = self._error(np.load(result))
                row["error"] = error if isfinite(error) else None  # JSON has no word for it
                if not error <= row["allowed"]:
                    raise Unable(f"{WRONG}error {error:.3g}, {row['allowed']:.3g} allowed")
        except Unable as reason:
            row["left_out"] = str(reason)
            return None
        return steps

    def _error(self, result: np.ndarray[Any, Any]) -> float:
        return check.apart(Prepared(lambda _: None, ""), self._case, result, self._parts)

    def _variables(self, contender: Contender) -> dict[str, str]:
        """Return where compiled kernels are kept, and what is known of the GPU.

        An empty cache is another one each time.
        """
        if not contender.cache:
            return {}
        self._caches += contender.cache == "empty"
        name = f"{contender.way}-warm" if contender.cache == "warm" else f"empty-{self._caches}"
        cache = str(self._folder / name)
        return {"CUPY_CACHE_DIR": cache, "CUDA_CACHE_PATH": cache, "XDG_CACHE_HOME": cache}


def _rounds(options: Options) -> int:
    return options.rounds or (_QUICK if options.quick else _ROUNDS)


def _lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    yield f"{rows[0]['case']}, ms: to the first result, of that import and first call; second call"
    for row in rows:
        yield f"  {' '.join([row['peer'], row['cache']]):<22}{_said(row)}"


def _said(row: dict[str, Any]) -> str:
    if row["left_out"]:
        return str(row["left_out"])
    shown = ("seconds", "import", "first", "second")
    return "".join(f"{1e3 * row[step]['median']:>10.2f}" for step in shown)


SECTION = Section(
    "first",
    "a cold process to its first result, with an empty and with a warm cache of kernels",
    _run,
    _lines,
    key=("case", "peer", "cache"),
    # A process that makes a GPU ready takes seconds, and the first of each does not count.
    share=2.0,
)
