"""From a kernel's text to a shared library: by g++, once for each text."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

__all__ = ["FLAGS", "BuildError", "folder", "library", "missing", "rewritten", "runtime_library"]

_ROOMS = Path(__file__).parent / "rt"
_REPOSITORY = Path(__file__).parents[2]

#: Undefined behaviour that is asked about; alignment is checked at each access by the runtime.
_UNDEFINED = (
    "bounds-strict,shift,signed-integer-overflow,integer-divide-by-zero,float-cast-overflow"
)

#: Of kernels, in either mode. Aliasing is lax because CUDA code reads scalars as vectors; products
#: and sums are contracted where nvcc does so too.
_COMMON = (
    *("-std=c++17", "-fPIC", "-w", "-x", "c++"),
    *("-fno-strict-aliasing", "-ffp-contract=fast", "-fno-exceptions", "-fno-gnu-unique"),
    *("-fno-asynchronous-unwind-tables", "-fvisibility=hidden"),
)
FLAGS = {
    # A struct that is copied whole must stay one access: no scalar replacement of aggregates.
    "check": ("-O1", "-g1", "-fno-tree-sra", f"-fsanitize=thread,{_UNDEFINED}"),
    "fast": ("-O2",),
}

_SKIPPED = re.compile(r'"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_ALIGN = r"(?:(?:alignas|__align__)\s*\((?P<align>[^;]*?)\)\s+)?"
_DYNAMIC = re.compile(
    rf"\bextern\s+__shared__\s+{_ALIGN}(?P<item>[^;]+?)\s*\b(?P<name>\w+)\s*\[\s*\]\s*;"
)
_STATIC = re.compile(
    rf"(?<!extern )\b__shared__\s+{_ALIGN}(?P<type>[^;=]+?)\s*\b(?P<name>\w+)\s*"
    r"(?P<sizes>(?:\[[^;]*\])?)\s*;"
)


class BuildError(Exception):
    """g++ turned a kernel down, or a declaration that this package cannot read."""


@cache
def missing() -> str:
    """Return why kernels cannot run on this machine's CPU; "" if they can."""
    if platform.system() != "Linux" or platform.machine() not in ("x86_64", "aarch64"):
        return "kernels run on the CPU of an x86-64 or aarch64 Linux machine only"
    if not shutil.which("g++"):
        return "there is no g++, which compiles the CUDA kernels for the CPU"
    return ""


def folder() -> Path:
    """Return where libraries are kept: $GPUCONV_CPU_CACHE, else a folder of the repository."""
    return Path(os.environ.get("GPUCONV_CPU_CACHE") or _REPOSITORY / ".cuda_on_cpu")


def _without_comments(text: str) -> str:
    def blank(found: re.Match[str]) -> str:
        return found[0] if found[0][0] == '"' else " " + "\n" * found[0].count("\n")

    return _SKIPPED.sub(blank, text)


def rewritten(text: str) -> str:
    """Return `text` with its ``__shared__`` declarations as calls of the runtime.

    Lines keep their numbers.
    """

    def dynamic(found: re.Match[str]) -> str:
        align = found["align"] or f"alignof({found['item']})"
        return f"CUDA_ON_CPU_DYNAMIC_SHARED({found['name']}, {align}, {found['item']});" + _lines(
            found[0]
        )

    def static(found: re.Match[str]) -> str:
        name, kind = found["name"], f"{found['name']}_type"
        align = found["align"] or f"alignof({kind})"
        declared = f"{found['type']} {kind}{found['sizes']}"
        return f"CUDA_ON_CPU_SHARED({name}, {align}, {declared});" + _lines(found[0])

    def _lines(declaration: str) -> str:
        return "\n" * declaration.count("\n")

    text = _STATIC.sub(static, _DYNAMIC.sub(dynamic, _without_comments(text)))
    if unread := re.search(r".*__shared__.*", text):
        raise BuildError(
            f"this form of a shared declaration is not understood: {unread[0].strip()}"
        )
    return text


def _run(command: Sequence[str], text: str = "") -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode:
        raise BuildError(f"{' '.join(command)}\n{done.stderr[:4000]}")
    return done.stdout


@cache
def _compiler() -> str:
    return _run(["g++", "--version"]).splitlines()[0]


@cache
def _machine() -> tuple[str, ...]:
    """Return flags for fused multiply-add in hardware, where this processor has it."""
    if platform.machine() != "x86_64":
        return ()
    known = set(Path("/proc/cpuinfo").read_text().partition("flags")[2].partition("\n")[0].split())
    return ("-march=x86-64-v3",) if {"avx2", "bmi2", "f16c", "fma", "movbe"} <= known else ()


@cache
def _rooms() -> str:
    """Return the text of all sources of the runtime."""
    return "".join(path.read_text() for path in sorted(_ROOMS.iterdir()))


def _built(name: str, parts: Sequence[object], command: Sequence[str], text: str) -> Path:
    """Return the library that `command` makes of `text`; made only if it is not there already."""
    key = hashlib.sha256(repr((_compiler(), _rooms(), parts, command, text)).encode()).hexdigest()
    path = folder() / f"{name}-{key[:24]}.so"
    if path.exists():
        return path
    folder().mkdir(parents=True, exist_ok=True)
    # Under a name of its own first: other processes may be at the same work.
    with tempfile.TemporaryDirectory(dir=folder()) as place:
        made = Path(place) / "made.so"
        _run([*command, f"-Wl,-soname,{path.name}", "-o", str(made)], text)
        made.replace(path)
    return path


@cache
def runtime_library() -> Path:
    """Return the library of the runtime: one for all kernels."""
    source = _ROOMS / "runtime.cpp"
    flags = ("-std=c++17", "-O2", "-fPIC", "-shared", "-fno-semantic-interposition")
    return _built("runtime", (), ["g++", *flags, str(source)], "")


def library(text: str, entry: str, mode: str) -> Path:
    """Return the library of the kernel `entry` of `text`."""
    runtime = runtime_library()
    whole = f'#include "cuda_on_cpu.h"\n{rewritten(text)}\nCUDA_ON_CPU_ENTRY({entry})\n'
    # Without the sanitizers' own libraries: the runtime takes their place.
    links = ("-shared", "-nostdlib", "-Wl,-z,now", "-Wl,-rpath,$ORIGIN")
    command = [
        *("g++", *_COMMON, *_machine(), *FLAGS[mode], *links, f"-I{_ROOMS}", "-"),
        *("-x", "none", str(runtime), "-lgcc"),
    ]
    return _built(entry, (mode,), command, whole)
