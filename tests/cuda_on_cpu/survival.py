"""Whether the calls of calls.py see what is wrong with a kernel."""

from __future__ import annotations

from functools import cache
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from cuda_on_cpu.build import BuildError
from cuda_on_cpu.calls import CALLS, OF_PARTS, Call
from cuda_on_cpu.kernel import CheckError
from cuda_on_cpu.mutations import MutatedRuntime, Mutation, compiled_lines, part_of
from cuda_on_cpu.runtime import CpuRuntime
from gpuconv.backends.cuda import runtime

__all__ = ["assert_seen", "checked", "killer"]


def _same(result: Any, expected: Any, least: float) -> bool:
    if expected.dtype.kind in "iu":
        return bool(np.array_equal(result, expected))
    single = expected.astype(np.complex128 if expected.dtype.kind == "c" else np.float64)
    with np.errstate(invalid="ignore"):
        size = np.abs(single[np.isfinite(single)]).max(initial=1)
    tolerance = max(least, 1e-2 if expected.dtype == np.float16 else 2e-5)
    return bool(np.allclose(result, single, rtol=0, atol=tolerance * size, equal_nan=True))


def _wrong(call: Call) -> str:
    """Return what is wrong with a call on the runtime in use; "" if nothing."""
    # Results that come near the kernel's come as near on other ways.
    least = 2e-4 if call.options.get("accuracy") == "fast" else 0
    try:
        return "" if _same(call.on("cuda"), call.expected, least) else "the result is wrong"
    except (BuildError, CheckError) as error:
        return str(error)


@cache
def checked(call: Call) -> tuple[str, tuple[Any, ...]]:
    """Return what is wrong with a call, "" if nothing, and the programs that it runs."""
    with runtime.use(CpuRuntime(limits=call.limits)) as cpu:
        wrong = _wrong(call)
    return wrong, tuple(dict.fromkeys(record.program for record in cpu.launches))


def _reaches(call: Call, mutation: Mutation) -> bool:
    """Return whether a program of the call has the line, and the call is right without it."""
    wrong, programs = checked(call)
    place = mutation.file, mutation.number
    return not wrong and any(place in compiled_lines(program.text) for program in programs)


def _kills(call: Call, mutation: Mutation) -> bool:
    """Return whether the call sees the mutation."""
    with (
        TemporaryDirectory() as place,
        runtime.use(MutatedRuntime(mutation, place, limits=call.limits)),
    ):
        return bool(_wrong(call))


#: Of each source the calls, those first that saw its last mutants: most often they see the next.
_order = dict[str, list[Call]]()


def _order_of(file: str) -> list[Call]:
    """Return the calls, in the order in which they are made: first those of the source's part."""
    if file not in _order:
        near = OF_PARTS.get(part_of(file), [])
        _order[file] = [*near, *(call for call in CALLS if call not in near)]
    return _order[file]


def killer(mutation: Mutation) -> Call | None:
    """Return the first call that sees the mutation; None if it survives them all."""
    order = _order_of(mutation.file)
    for call in list(order):
        if _reaches(call, mutation) and _kills(call, mutation):
            order.remove(call)
            order.insert(0, call)
            return call
    return None


def assert_seen(mutation: Mutation) -> None:
    """Fail where the mutation survives every call."""
    assert killer(mutation), (
        f"{mutation} survives every call: add one to cuda_on_cpu/calls.py that goes there, or the "
        "reason why it cannot matter to cuda_on_cpu/harmless.py"
    )
