"""What is run on a machine with a GPU, in which order, and for how long at most."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from benchmarks.gpu.staging import Stage

__all__ = ["BENCH", "NAMES", "ROOT", "sanitizer", "stages"]

ROOT = Path(__file__).parents[2]

#: Where CUDA's toolkit is installed, beside the PATH.
_TOOLKITS = Path("/usr/local")
#: Processes for the contract tests: each makes a CUDA context, which takes seconds and memory.
_WORKERS = 8
#: Seconds of the benchmark beside all else, and those of them that it needs to start and to end.
BENCH, _AROUND = 190.0, 15.0


def stages(
    results: Path, device: str, bench: float = BENCH, sections: Sequence[str] = ("all",)
) -> list[Stage]:
    """Return the stages; what they measure is written to `results`.

    Parameters
    ----------
    results : Path
        A folder.
    device : str
        The name of a GPU.
    bench : float
        Seconds of the benchmark, which measures what it can in them, the most telling first.
    sections : sequence of str
        Of the benchmark.
    """
    # What leaves a record comes first.
    timed = [_bench(results, device, bench, sections), _stream(results, device)]
    recorded = [_device(), _verify(results, device), *timed]
    return [*recorded, _contract(device), *_sanitizers(device)]


def _device() -> Stage:
    return Stage("device", _python("benchmarks.gpu.device"), 15, log="bench")


def _contract(device: str) -> Stage:
    files = sorted(str(path) for path in (ROOT / "tests").glob("test_contract*.py"))
    # Only the engine in question: others are tested without a GPU as well.
    command = [*_python("pytest"), *files, "-k", device, "-p", "no:cacheprovider", "--tb=short"]
    workers = ["-n", str(_WORKERS)] if find_spec("xdist") else []
    # Warnings of versions that are new there are no errors of ours.
    return Stage("contract", [*command, "--maxfail=50", "-W", "default", *workers], 65)


def _verify(results: Path, device: str) -> Stage:
    options = ["--device", device, "--record", "--results", str(results)]
    return Stage("verify", [*_python("gpuconv"), "verify", *options], 175)


def _sanitizers(device: str) -> list[Stage]:
    """Return the small pass under each tool of compute-sanitizer."""
    tool = sanitizer()
    if tool is None:
        reason = f"compute-sanitizer is neither in PATH nor in {_TOOLKITS}/cuda*/bin"
        names = ("memcheck", "racecheck")
        return [Stage(name, skipped=reason, log="sanitizer") for name in names]
    small = [*_python("benchmarks.gpu.small"), "--device", device]
    made = []
    for name in ("memcheck", "racecheck"):
        # Only this process: the probe for a GPU is another, and none of ours to check.
        options = [f"--tool={name}", "--error-exitcode=9", "--target-processes=application-only"]
        # What CuPy tries and takes back are no errors of kernels.
        options += ["--report-api-errors=no"] if name == "memcheck" else []
        made.append(Stage(name, [tool, *options, *small], 32, log="sanitizer"))
    return made


def sanitizer(toolkits: Path = _TOOLKITS) -> str | None:
    """Return the path of compute-sanitizer; the newest toolkit's if it is not in PATH."""
    beside = sorted(toolkits.glob("cuda*/bin/compute-sanitizer"))
    return shutil.which("compute-sanitizer") or (str(beside[-1]) if beside else None)


def _bench(results: Path, device: str, seconds: float, sections: Sequence[str]) -> Stage:
    """Return what adds to the record in `results`, and to its history."""
    options = ["--device", device, "--seconds", f"{seconds - _AROUND:g}"]
    options += [word for name in sections for word in ("--section", name)]
    options += ["--record", "--results", str(results)]
    return Stage("bench", [*_python("gpuconv"), "bench", *options], seconds)


def _stream(results: Path, device: str) -> Stage:
    """Return what adds to the benchmark's numbers, and leaves a timeline."""
    options = ["--device", device, "--json", str(results / "bench.json")]
    options += ["--trace", str(results / "stream_trace.json")]
    return Stage("stream", [*_python("benchmarks.gpu.stream"), *options], 20, log="bench")


def _python(module: str) -> list[str]:
    return [sys.executable, "-m", module]


#: All there are.
NAMES = ("device", "verify", "bench", "stream", "contract", "memcheck", "racecheck")
