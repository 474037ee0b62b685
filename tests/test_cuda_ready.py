"""Calls that are made again: launched from what was found out the first time."""

from __future__ import annotations

from typing import Any

import cuda_on_cpu
import numpy as np
import pytest

import gpuconv as gc
from gpuconv.backends.cuda import execution, runtime

pytestmark = pytest.mark.skipif(bool(cuda_on_cpu.missing()), reason=cuda_on_cpu.missing())

IMAGE = np.arange(40 * 60, dtype=np.float32).reshape(40, 60)
PLAN = gc.plan(IMAGE.shape, "float32", gc.kernels.laplacian(), method="dense")
#: Its two passes need memory in between.
STEPS = gc.plan(IMAGE.shape, "float32", gc.kernels.gaussian(2), method="separable", stride=2)


def forbidden(*arguments: Any) -> None:
    """Stand for what must not be asked."""
    raise AssertionError("launches were worked out again")


@pytest.mark.parametrize("plan", [PLAN, STEPS], ids=["one launch", "two"])
def test_the_second_call_works_nothing_out(plan: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (np.zeros(plan.shape, np.float32) for _ in range(2))
    current = cuda_on_cpu.CpuRuntime()
    with runtime.use(current):
        execution.run(plan, IMAGE, first)
        monkeypatch.setattr(execution, "launches", forbidden)
        execution.run(plan, IMAGE, second)
    assert first.any()
    np.testing.assert_array_equal(first, second)


def test_arrays_that_lie_otherwise_are_another_call() -> None:
    swapped = IMAGE.astype(">f4")
    room = np.zeros((2, 41, 64), np.float32)
    with runtime.use(cuda_on_cpu.CpuRuntime()):
        wanted = np.zeros(PLAN.shape, np.float32)
        execution.run(PLAN, IMAGE, wanted)
        for image, out in (
            (swapped, room[0, :40, :60]),
            (np.asfortranarray(IMAGE), room[1, 1:, 3:63]),
        ):
            execution.run(PLAN, image, out)
            np.testing.assert_array_equal(out, wanted)


def test_kernels_of_another_runtime_are_not_launched() -> None:
    out = np.zeros(PLAN.shape, np.float32)
    runtimes = [cuda_on_cpu.CpuRuntime() for _ in range(2)]
    for current in runtimes:
        with runtime.use(current):
            execution.run(PLAN, IMAGE, out)
    assert [len(current.launches) for current in runtimes] == [1, 1]


def test_a_call_that_has_no_room_any_more_is_done_in_parts() -> None:
    current = cuda_on_cpu.CpuRuntime()
    first, second = (np.zeros(STEPS.shape, np.float32) for _ in range(2))
    with runtime.use(current):
        execution.run(STEPS, IMAGE, first)
        current.memory = 3000
        execution.run(STEPS, IMAGE, second)
    assert len(current.launches) > 4
    np.testing.assert_array_equal(first, second)
