"""Ask the driver and CuPy what they have: a program for a process of its own.

A driver can crash or hang, and using it leaves CUDA's state in a process that may want to fork:
here that harms nobody. It is told nothing but where to find modules, and it judges nothing: after
each step it prints the facts so far, so that the last line tells how far it came.
"""

from __future__ import annotations

import ctypes
import json
import sys
from typing import Any

__all__ = ["ANSWER", "LIBRARY", "main"]

LIBRARY = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"

#: Begins the lines that are answers; libraries may print others.
ANSWER = "gpuconv answers "

#: CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR of the CUDA driver API.
_MAJOR, _MINOR = 75, 76

#: A kernel that shows that compiler, driver and GPU work together.
_KERNEL = 'extern "C" __global__ void seven(int* out) { out[threadIdx.x] = 7 * threadIdx.x; }'

Facts = dict[str, Any]


class _RefusedError(Exception):
    """A call of the driver did not return 0."""


def main() -> None:
    """Print what is found out, after each step of it."""
    sys.path[:] = json.loads(sys.stdin.read())
    facts: Facts = {}
    steps = {
        "starting the driver": _ask_driver,
        "importing CuPy": _ask_cupy,
        "running a first kernel": _run_kernel,
    }
    for doing, step in steps.items():
        _say(facts | {"doing": doing})
        if not step(facts):
            break
    _say(facts)


def _say(facts: Facts) -> None:
    print(f"\n{ANSWER}{json.dumps(facts)}", flush=True)


def _ask_driver(facts: Facts) -> bool:
    """Add the driver's version and its GPUs; return whether there are any."""
    facts["gpus"] = []
    try:
        library = ctypes.CDLL(LIBRARY)
        version, count = ctypes.c_int(), ctypes.c_int()
        _call(library, facts, "cuDriverGetVersion", ctypes.byref(version))
        facts["driver"] = version.value
        _call(library, facts, "cuInit", 0)
        _call(library, facts, "cuDeviceGetCount", ctypes.byref(count))
        facts["gpus"] = [_gpu(library, facts, ordinal) for ordinal in range(count.value)]
    except OSError as error:
        facts["unloadable"] = str(error)
    except _RefusedError:
        pass
    return bool(facts["gpus"])


def _call(library: ctypes.CDLL, facts: Facts, name: str, *arguments: Any) -> None:
    """Call the driver; note what it refuses or lacks, and give up."""
    function = getattr(library, name, None)
    if function is None:
        facts["symbol"] = name
        raise _RefusedError
    if code := function(*arguments):
        facts["call"], facts["code"] = name, code
        raise _RefusedError


def _gpu(library: ctypes.CDLL, facts: Facts, ordinal: int) -> Facts:
    device, memory = ctypes.c_int(), ctypes.c_size_t()
    name, numbers = ctypes.create_string_buffer(256), (ctypes.c_int(), ctypes.c_int())
    _call(library, facts, "cuDeviceGet", ctypes.byref(device), ordinal)
    _call(library, facts, "cuDeviceGetName", name, len(name), device)
    _call(library, facts, "cuDeviceTotalMem_v2", ctypes.byref(memory), device)
    for number, attribute in zip(numbers, (_MAJOR, _MINOR), strict=True):
        _call(library, facts, "cuDeviceGetAttribute", ctypes.byref(number), attribute, device)
    return {
        "name": name.value.decode(errors="replace"),
        "memory": memory.value,
        "capability": [number.value for number in numbers],
    }


def _ask_cupy(facts: Facts) -> bool:
    """Add the versions of CuPy and of the CUDA it was built for; return whether it imports."""
    try:
        import cupy

        facts["cupy"] = cupy.__version__
        facts["cuda"] = cupy.cuda.runtime.runtimeGetVersion()
    # A broken installation can raise anything, SystemExit too.
    except BaseException as error:
        facts["absent"] = isinstance(error, ModuleNotFoundError) and error.name == "cupy"
        facts["broken"] = f"{type(error).__name__}: {error}"
        return False
    return True


def _run_kernel(facts: Facts) -> bool:
    """Run the kernel on the newest GPU, and add what went wrong."""
    import cupy

    capabilities = [gpu["capability"] for gpu in facts["gpus"]]
    try:
        with cupy.cuda.Device(capabilities.index(max(capabilities))):
            out = cupy.zeros(32, "int32")
            cupy.RawModule(code=_KERNEL).get_function("seven")((1,), (32,), (out,))
            found = out.get().tolist()
    except BaseException as error:
        facts["failed"] = f"{type(error).__name__}: {error}"
    else:
        facts["wrong"] = found != [7 * i for i in range(32)]
    return True


if __name__ == "__main__":
    main()
