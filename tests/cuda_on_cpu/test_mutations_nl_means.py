"""Each barrier and bound of nl_means.cu is needed: test_mutations.py says more."""

from __future__ import annotations

import pytest

from cuda_on_cpu import missing
from cuda_on_cpu.harmless import harmful
from cuda_on_cpu.mutations import Mutation
from cuda_on_cpu.survival import assert_seen

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())


@pytest.mark.parametrize("mutation", harmful("nl_means"), ids=str)
def test_a_mutant_is_seen(mutation: Mutation) -> None:
    assert_seen(mutation)
