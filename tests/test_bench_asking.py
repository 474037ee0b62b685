"""What the adapters of the bench have in common."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks import filters
from benchmarks.cases import Case
from benchmarks.peers import asking
from benchmarks.suite.contract import Buffers, Unable

Array = NDArray[Any]


def test_a_filter_is_looked_up_by_what_it_is() -> None:
    table = {filters.Linear: "sums", filters.Gaussian: "its own"}
    assert asking.adapted(table, filters.Dense(3)) == "sums"
    assert asking.adapted(table, filters.Gaussian(1)) == "its own"
    with pytest.raises(Unable, match="has none"):
        asking.adapted(table, filters.Median(3))


@pytest.mark.parametrize("border", asking.NUMPY_BORDERS)
def test_an_image_is_padded_by_the_borders_own_rule(border: str) -> None:
    case = Case(filters.Median(5), "uint8", (4, 6, 3), border, "yxc")
    image = np.arange(72, dtype=np.uint8).reshape(case.shape)
    found = asking.padded(image, case, 2)
    assert found.shape == (8, 10, 3)
    row = {"constant": [0, 0], "mirror": [36, 18], "nearest": [0, 0], "reflect": [18, 0]}
    assert found[:2, 2, 0].tolist() == (row | {"wrap": [36, 54]})[border]


def test_floats_become_integers_rounded_and_saturated() -> None:
    out = np.empty(4, np.uint8)
    asking.rounded(np.array([-3.0, 0.5, 1.5, 300.0], np.float32), out)
    assert out.tolist() == [0, 0, 2, 255]
    kept = np.empty(2, np.float32)
    asking.rounded(np.array([-3.25, 300.5], np.float32), kept)
    assert kept.tolist() == [-3.25, 300.5]


def test_half_floats_are_cast_for_who_has_none() -> None:
    case = Case(filters.Median(3), "float16", (2, 3))
    image = np.ones(case.shape, np.float16)
    given = Buffers([image], [np.zeros_like(image)])

    def run(image: Array, out: Array) -> None:
        assert image.dtype == out.dtype == np.float32
        np.multiply(image, 3, out=out)

    asking.writing(case, given, run)(0)
    assert (given.outs[0] == 3).all()


@pytest.mark.parametrize("apart", [False, True])
def test_a_batch_is_filtered_as_one_or_image_by_image(apart: bool) -> None:
    case = Case(filters.Median(3), "uint8", (4, 2, 3), axes="nyx")
    image = np.arange(24, dtype=np.uint8).reshape(case.shape)
    given, shapes = Buffers([image], [np.zeros_like(image)]), list[tuple[int, ...]]()

    def run(each: Array, out: Array) -> None:
        shapes.append(each.shape)
        np.copyto(out, each)

    asking.writing(case, given, run, apart)(0)
    assert shapes == ([(2, 3)] * 4 if apart else [(4, 2, 3)])
    assert np.array_equal(given.outs[0], image)
