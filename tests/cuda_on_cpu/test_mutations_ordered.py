"""Each barrier and bound of the kernel of sums in order is needed: test_mutations.py says more."""

from __future__ import annotations

import pytest

from cuda_on_cpu import missing
from cuda_on_cpu.harmless import harmful
from cuda_on_cpu.mutations import Mutation
from cuda_on_cpu.survival import assert_seen

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())


@pytest.mark.parametrize("mutation", harmful("ordered"), ids=str)
def test_a_mutant_is_seen(mutation: Mutation) -> None:
    assert_seen(mutation)
