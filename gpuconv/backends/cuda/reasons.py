"""What is wrong with a machine's CUDA, as sentences that say how to mend it. Pure: facts in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

__all__ = ["CUPY", "conflict", "of_gpu", "of_loading", "of_machine", "of_silence"]

#: The oldest CuPy whose wheels find the compiler that pip installs; pyproject.toml asks for it.
CUPY = (14, 2)

#: The oldest compute capability, Turing's: CUDA 13 begins there, and so do the instructions that
#: pack small integers (cvt.pack, PTX ISA).
_CAPABILITY = (7, 5)

#: What cuInit and its like return, from ``cuda.h`` (35 is what CUDA's runtime calls it).
_CODES = {
    2: "the GPU has no memory left to start with; see nvidia-smi for who holds it",
    34: "the libcuda that is found is a stub for linking; "
    "take the folder 'stubs' out of LD_LIBRARY_PATH",
    35: "the NVIDIA driver is too old for this CUDA; update the driver",
    46: "the GPU is held by another process (exclusive mode), or is not ready; see nvidia-smi",
    100: "the NVIDIA driver finds no GPU; if there is one, nvidia-smi says more "
    "(a container needs --gpus all)",
    304: "the operating system refused the driver; does /dev/nvidiactl exist and may you read it?",
    802: "the GPUs are not ready yet; is nvidia-fabricmanager running?",
    803: "the NVIDIA driver was updated and the old one still runs "
    "(version mismatch of driver and library); restart the machine",
    804: "the CUDA compatibility package does not support this GPU; "
    "take it out of LD_LIBRARY_PATH or update the driver",
    805: "the MPS server cannot be reached; start it, or unset CUDA_MPS_PIPE_DIRECTORY",
    999: "the NVIDIA driver failed for an unknown reason; restarting the machine often mends it",
}

Facts = dict[str, Any]


def of_machine(facts: Facts, visible: str | None, packages: Iterable[str]) -> str:
    """Return why no GPU of a machine can be used; "" if nothing speaks against it.

    Parameters
    ----------
    facts : dict
        The answers of :mod:`gpuconv.backends.cuda.ask`.
    visible : str or None
        CUDA_VISIBLE_DEVICES.
    packages : iterable of str
        The installed distributions that contain CuPy.
    """
    return _of_driver(facts, visible) or _of_cupy(facts, list(packages))


def _of_driver(facts: Facts, visible: str | None) -> str:
    if text := facts.get("unloadable"):
        return of_loading(text)
    if name := facts.get("symbol"):
        return f"libcuda lacks {name}: it is broken or no NVIDIA driver; install the driver again"
    if code := facts.get("code"):
        if code == 100 and visible is not None:
            return _hidden(visible)
        other = f"{facts['call']} failed with error {code}; see nvidia-smi"
        return (
            f"{_CODES[code]} (error {code})" if code in _CODES else f"the NVIDIA driver's {other}"
        )
    if not facts["gpus"]:
        return _CODES[100] if visible is None else _hidden(visible)
    return ""


def _hidden(visible: str) -> str:
    return f"CUDA_VISIBLE_DEVICES={visible!r} names no GPU of this machine; unset or change it"


def _of_cupy(facts: Facts, packages: list[str]) -> str:
    extra = "cuda13" if facts["driver"] >= 13000 else "cuda12"
    install = f"pip install 'gpuconv[{extra}]'"
    if facts.get("absent") and not packages:
        return f"CuPy is not installed: {install}"
    if text := facts.get("broken"):
        again = f"pip install --force-reinstall {packages[0]}" if packages else install
        return f"CuPy cannot be imported: {_line(text)}; {conflict(packages) or again}"
    version = tuple(int(number) for number in re.findall(r"\d+", facts["cupy"])[:2])
    if version < CUPY:
        wanted = ".".join(map(str, CUPY))
        return f"CuPy {facts['cupy']} is too old, {wanted} is needed: {install}"
    if facts["driver"] // 1000 < facts["cuda"] // 1000:
        return (
            f"the NVIDIA driver is too old: it runs up to CUDA {_dotted(facts['driver'])}, and "
            f"CuPy is built for CUDA {_dotted(facts['cuda'])}; update the driver, or replace CuPy: "
            f"pip uninstall {' '.join(packages) or 'cupy'}, then {install}"
        )
    return ""


def of_gpu(gpu: Facts, facts: Facts) -> str:
    """Return why one GPU of a machine, where nothing else is wrong, cannot be used."""
    if (capability := tuple(gpu["capability"])) < _CAPABILITY:
        shown = "its compute capability is {}.{}, {}.{} is needed"
        return shown.format(*capability, *_CAPABILITY) + "; use a newer GPU"
    if text := facts.get("failed"):
        cuda = facts["cuda"] // 1000
        # The compiler is CUDA's, and not part of CuPy's wheels: their extra brings it.
        compiler = f"; pip install 'cupy-cuda{cuda}x[ctk]'" if "nvrtc" in text.lower() else ""
        return f"CuPy cannot run a kernel on it: {_line(text)}{compiler}"
    if facts.get("wrong"):
        return "a first kernel gave wrong numbers; update the driver, or the GPU is defective"
    return ""


def of_loading(text: str) -> str:
    """Return what is wrong where the driver's library cannot be loaded.

    Examples
    --------
    >>> of_loading("libcuda.so.1: cannot open shared object file: No such file or directory")[:49]
    'no NVIDIA driver (libcuda) is installed on this m'
    """
    if "No such file" in text or "Could not find" in text:
        return (
            "no NVIDIA driver (libcuda) is installed on this machine; if it has an NVIDIA GPU, "
            "install the driver"
        )
    return f"the NVIDIA driver cannot be loaded: {_line(text)}; install it again"


def of_silence(doing: str, ending: str) -> str:
    """Return what is wrong where the probe ended without an answer.

    Examples
    --------
    >>> of_silence("importing CuPy", "crashed (SIGSEGV)")
    'a probe of the GPU crashed (SIGSEGV) while importing CuPy; does nvidia-smi work?'
    """
    return f"a probe of the GPU {ending}{doing and f' while {doing}'}; does nvidia-smi work?"


def conflict(packages: list[str]) -> str:
    """Return how to mend that several distributions of CuPy overwrite each other's files.

    Examples
    --------
    >>> conflict(["cupy-cuda13x"])
    ''
    """
    if len(packages) < 2:
        return ""
    found = ", ".join(packages)
    return f"several CuPy packages are installed ({found}): uninstall all, then install one"


def _dotted(version: int) -> str:
    """Return CUDA's 12080 as "12.8"."""
    return f"{version // 1000}.{version % 1000 // 10}"


def _line(text: str) -> str:
    """Return a library's message on one line, and not too long a one."""
    flat = " ".join(re.sub(r"={4,}|-{4,}", " ", text).split()).rstrip(".:;")
    return flat if len(flat) <= 300 else f"{flat[:300]}…"
