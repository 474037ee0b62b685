"""The choice between algorithms, of any kind of filter."""

from __future__ import annotations

import pytest

from gpuconv.cost import Prediction
from gpuconv.errors import ArgumentError
from gpuconv.task import elect

ANSWERS: dict[str, tuple[str, Prediction] | str] = {
    "slow": ("slowly", Prediction(3e-3, 0, 0)),
    "quick": ("quickly", Prediction(1e-3, 0, 0)),
    "never": "it cannot",
}


def test_the_fastest_is_chosen_and_each_other_has_a_reason() -> None:
    found, prediction, rejected = elect("auto", ANSWERS, ANSWERS.__getitem__)
    assert (found, prediction.seconds) == ("quickly", 1e-3)
    assert dict(rejected) == {"slow": "3 ms predicted, 3 times as long", "never": "it cannot"}


def test_the_first_of_equals_is_chosen() -> None:
    same = {name: (name, Prediction(1.0, 0, 0)) for name in ("one", "two")}
    assert elect("auto", same, same.__getitem__)[0] == "one"


def test_one_can_be_asked_for() -> None:
    found, _, rejected = elect("slow", ANSWERS, ANSWERS.__getitem__)
    assert found == "slowly"
    assert dict(rejected) == dict.fromkeys(("quick", "never"), "method='slow' was asked for")


def test_one_that_cannot_says_why() -> None:
    with pytest.raises(ArgumentError, match=r"method='never' cannot run this: it cannot; use"):
        elect("never", ANSWERS, ANSWERS.__getitem__)


def test_none_that_can_is_an_error_that_names_all_reasons() -> None:
    with pytest.raises(ArgumentError, match="no method can run this: never: it cannot"):
        elect("auto", ["never"], ANSWERS.__getitem__)
