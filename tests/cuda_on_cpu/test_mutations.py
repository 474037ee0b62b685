"""Each barrier of each kernel is needed, and each bound is where it must be: moving one is seen.

Here the checker and the calls are what is tested: a mutant that survives means that one of them
does not look where the kernel could be wrong. Mutants of dense and separable kernels have files of
their own, as test processes share the work by files.
"""

from __future__ import annotations

import pytest

from cuda_on_cpu import missing
from cuda_on_cpu.calls import CALLS, Call
from cuda_on_cpu.harmless import HARMLESS, harmful, harmless
from cuda_on_cpu.mutations import Mutation, mutations
from cuda_on_cpu.survival import assert_seen, checked

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

_PARTS = (
    *("shared", "dense", "separable", "fourier", "box", "recursive", "masked", "bank"),
    "ordered",
    "rank",
    "bilateral",
    "canny",
    "nl_means",
)
ALL = [mutation for part in _PARTS for mutation in mutations(part)]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_a_call_is_right_and_passes_the_checker(call: Call) -> None:
    wrong, programs = checked(call)
    assert not wrong
    assert programs


@pytest.mark.parametrize("mutation", harmful("shared"), ids=str)
def test_a_mutant_of_what_kernels_share_is_seen(mutation: Mutation) -> None:
    assert_seen(mutation)


def test_what_is_harmless_is_still_there() -> None:
    there = {(each.file, each.code, *more) for each in ALL for more in ((), (each.after.strip(),))}
    assert set(HARMLESS) <= there


def test_no_barrier_is_harmless() -> None:
    without = [mutation for mutation in ALL if mutation.waits_less]
    assert len(without) > 5
    assert not [each for each in without if harmless(each)]
