"""Each barrier of each kernel is needed, and each bound is where it must be: moving one is seen.

Here the checker and the calls are what is tested: a mutant that survives means that one of them
does not look where the kernel could be wrong.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import Any

import numpy as np
import pytest

from cuda_on_cpu import BuildError, CheckError, CpuRuntime, missing
from cuda_on_cpu.calls import CALLS, Call
from cuda_on_cpu.mutations import MutatedRuntime, Mutation, mutated, mutations
from gpuconv.backends.cuda import runtime

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

_BEYOND = "the entry is none that an output needs"
_NOTHING_LEFT = "the turn that is added has nothing to do"
_SLOWER = "it decides what is faster, not what is right"

#: Mutants that compute the same, and why.
HARMLESS = {
    "const bool known = position < -1 ? entry >= 0 : entry < before + after;": _BEYOND,
    "const bool known = position < 0 ? entry >= -1 : entry < before + after;": _BEYOND,
    "if (l + j <= columns)": "the weights beyond the last one are 0",
    "for (int k = 0; k <= g.rows; k += g.piece_rows)": _NOTHING_LEFT,
    "if (row < g.out_height && column <= g.out_width)": "write() knows the width too",
    "for (int y = blockIdx.y; y * TILE_HEIGHT <= g.out_height; y += gridDim.y) {": _NOTHING_LEFT,
    "for (int i = 0; i <= N; i += count) pack.words[i / count] = Word<T>::of(sums + i);": (
        "the CPU has no such words"
    ),
    "INLINE long long distance(long long step) { return step < -1 ? -step : step; }": _SLOWER,
    "constexpr int at_once = VECTOR <= 4 ? VECTOR : 4;": "min(4, 4) is 4 either way",
    "for (int r = 0; r <= window.rows; r += THREADS_Y) {": _NOTHING_LEFT,
    "if (distance(plane.row) <= distance(plane.column)) {": _SLOWER,
    "if (count > N) {": _SLOWER,
    "if (left > g.out_width) return;": _NOTHING_LEFT,
    "for (int i = 0; i <= WINDOW; ++i)": "the bit that is added is not looked at",
    "for (int s = blockIdx.y; s * g.segment <= g.out_height; s += gridDim.y) {": _NOTHING_LEFT,
}


def _same(result: Any, expected: Any) -> bool:
    if expected.dtype.kind in "iu":
        return bool(np.array_equal(result, expected))
    single = expected.astype(np.complex128 if expected.dtype.kind == "c" else np.float64)
    with np.errstate(invalid="ignore"):
        size = np.abs(single[np.isfinite(single)]).max(initial=1)
    tolerance = 1e-2 if expected.dtype == np.float16 else 2e-5
    return bool(np.allclose(result, single, rtol=0, atol=tolerance * size, equal_nan=True))


@cache
def _checked(call: Call) -> tuple[str, tuple[Any, ...]]:
    """Return what is wrong with a call, "" if nothing, and the programs that it runs."""
    with runtime.use(CpuRuntime(limits=call.limits)) as cpu:
        try:
            wrong = "" if _same(call.on("cuda"), call.expected) else "the result is wrong"
        except (BuildError, CheckError) as error:
            wrong = str(error)
    return wrong, tuple(dict.fromkeys(record.program for record in cpu.launches))


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_a_call_is_right_and_passes_the_checker(call: Call) -> None:
    wrong, programs = _checked(call)
    assert not wrong
    assert programs


#: Of each source the calls, those first that saw its last mutants: most often they see the next.
_order = defaultdict[str, list[Call]](lambda: list(CALLS))


def _seen(mutation: Mutation) -> bool:
    """Return whether any call sees the mutation."""
    order = _order[mutation.file]
    for call in list(order):
        if _killed(mutation, call):
            order.remove(call)
            order.insert(0, call)
            return True
    return False


def _killed(mutation: Mutation, call: Call) -> bool:
    """Return whether a call sees the mutation."""
    wrong, programs = _checked(call)
    if wrong or all(mutated(program.text, mutation) == program.text for program in programs):
        return False
    with runtime.use(MutatedRuntime(mutation, limits=call.limits)):
        try:
            return not _same(call.on("cuda"), call.expected)
        except (BuildError, CheckError):
            return True


@pytest.mark.parametrize("mutation", mutations(), ids=str)
def test_a_mutant_is_seen(mutation: Mutation) -> None:
    if mutation.code in HARMLESS:
        pytest.skip(f"harmless: {HARMLESS[mutation.code]}")
    assert _seen(mutation), (
        f"{mutation} survives every call: add one to cuda_on_cpu/calls.py that goes there, or the "
        "reason why it cannot matter to HARMLESS"
    )


def test_what_is_harmless_is_still_there() -> None:
    assert set(HARMLESS) <= {mutation.code for mutation in mutations()}
