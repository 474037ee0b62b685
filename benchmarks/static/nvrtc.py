"""NVRTC, NVIDIA's run-time compiler, by ctypes: from CUDA text to a cubin, with no driver, no CuPy.

The options are those that CuPy 14 gives, so that what is counted here is what runs on a GPU.
"""

from __future__ import annotations

import ctypes
import importlib.util
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["CompileError", "Compiled", "Resources", "build", "find", "lacking", "version", "wheels"]

#: What CuPy 14.2 passes to NVRTC for a raw module, but for include folders, which we have none of.
OPTIONS = ("-std=c++17", "-ftz=true", "--device-as-default-execution-space")

#: CUDA's major versions whose NVRTC compiles for all architectures of the gate.
_MAJORS = (13, 12)


class CompileError(Exception):
    """NVRTC refused a program; the message holds its log."""


@dataclass(frozen=True)
class Resources:
    """What the assembler, ptxas, says that a kernel takes: registers of a thread, else bytes."""

    registers: int
    spill_stores: int
    spill_loads: int
    stack: int
    #: Static shared memory of a block.
    shared: int
    barriers: int


@dataclass(frozen=True)
class Compiled:
    """A kernel compiled for one architecture."""

    arch: int
    cubin: bytes
    resources: Resources
    milliseconds: float


def wheels() -> list[Path]:
    """Return the folders in which NVIDIA's wheels leave their libraries and tools."""
    found = importlib.util.find_spec("nvidia")
    return [Path(place) for place in found.submodule_search_locations or ()] if found else []


def find() -> Path | None:
    """Return the path of NVRTC: in a wheel, else in an installed toolkit; None if absent."""
    folders = [each / f"cu{major}" / "lib" for each in wheels() for major in _MAJORS]
    folders += [each / "cuda_nvrtc" / "lib" for each in wheels()]
    folders.append(Path("/usr/local/cuda/lib64"))
    for folder in folders:
        for major in _MAJORS:
            if (library := folder / f"libnvrtc.so.{major}").is_file():
                return library
    return None


def lacking() -> str:
    """Return why nothing can be compiled here; "" where it can."""
    if find() is None:
        return "NVRTC is not installed: pip install 'gpuconv[kernels]'"
    return ""


@cache
def _library() -> ctypes.CDLL:
    if (path := find()) is None:
        raise CompileError(lacking())
    # NVRTC opens this by its bare name, and a wheel's folder is on no search path.
    for builtins in path.parent.glob("libnvrtc-builtins.so.*"):
        ctypes.CDLL(str(builtins), mode=ctypes.RTLD_GLOBAL)
    return ctypes.CDLL(str(path))


def version() -> str:
    """Return NVRTC's version, such as "13.5": register counts differ from one to the next."""
    major, minor = ctypes.c_int(), ctypes.c_int()
    _library().nvrtcVersion(ctypes.byref(major), ctypes.byref(minor))
    return f"{major.value}.{minor.value}"


def build(text: str, entry: str, arch: int, options: Iterable[str] = ()) -> Compiled:
    """Compile a kernel for an architecture.

    Parameters
    ----------
    text : str
        The whole source; the kernel is ``extern "C"``.
    entry : str
        The kernel's name.
    arch : int
        Compute capability times ten: 90 for sm_90.
    options : iterable of str
        More options for NVRTC, such as ``-DROWS=3``.

    Raises
    ------
    CompileError
        NVRTC refused the text, or the text has no such kernel; the message holds the log.
    """
    start = time.perf_counter()
    flags = [*OPTIONS, f"-arch=sm_{arch}", "--ptxas-options=-v", *options]
    program = _Program(text, f"{entry}.cu")
    try:
        log = program.compile(flags)
        cubin = program.bytes("CUBIN")
    finally:
        program.destroy()
    milliseconds = 1e3 * (time.perf_counter() - start)
    return Compiled(arch, cubin, _resources(log, entry), milliseconds)


class _Program:
    """An ``nvrtcProgram``."""

    def __init__(self, text: str, name: str) -> None:
        self._nvrtc = _library()
        self._handle = ctypes.c_void_p()
        handle = ctypes.byref(self._handle)
        self._nvrtc.nvrtcCreateProgram(handle, text.encode(), name.encode(), 0, None, None)

    def compile(self, flags: list[str]) -> str:
        """Compile and return the log."""
        given = (ctypes.c_char_p * len(flags))(*(flag.encode() for flag in flags))
        failed = self._nvrtc.nvrtcCompileProgram(self._handle, len(flags), given)
        log = self.bytes("ProgramLog").rstrip(b"\0").decode()
        if failed:
            raise CompileError(f"NVRTC with {' '.join(flags)}:\n{log}")
        return log

    def bytes(self, what: str) -> bytes:
        """Return one of the program's results: what ``nvrtcGet…`` calls it."""
        size = ctypes.c_size_t()
        getattr(self._nvrtc, f"nvrtcGet{what}Size")(self._handle, ctypes.byref(size))
        buffer = ctypes.create_string_buffer(size.value)
        getattr(self._nvrtc, f"nvrtcGet{what}")(self._handle, buffer)
        return buffer.raw

    def destroy(self) -> None:
        """Free it."""
        self._nvrtc.nvrtcDestroyProgram(ctypes.byref(self._handle))


def _resources(log: str, entry: str) -> Resources:
    """Read the part of ptxas' report that is about a kernel."""
    reports = re.split(r"Compiling entry function '(\w+)'", log)
    found = dict(zip(reports[1::2], reports[2::2], strict=True))
    if entry not in found:
        known = ", ".join(found) or "none"
        raise CompileError(f"entry={entry!r} is not a kernel of this program (it has: {known})")

    def number(pattern: str) -> int:
        match = re.search(pattern, found[entry])
        return int(match[1]) if match else 0

    return Resources(
        registers=number(r"Used (\d+) registers"),
        spill_stores=number(r"(\d+) bytes spill stores"),
        spill_loads=number(r"(\d+) bytes spill loads"),
        stack=number(r"(\d+) bytes stack frame"),
        shared=number(r"(\d+) bytes smem"),
        barriers=number(r"used (\d+) barriers"),
    )
