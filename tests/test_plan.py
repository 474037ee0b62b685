"""Plans: which algorithm, why, at what cost; pure values that are cached."""

from __future__ import annotations

import dataclasses
import pickle
from typing import Any

import numpy as np
import pytest

import gpuconv as gc
from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.plan import METHODS, Plan, make_plan

SHAPE = (480, 640)
RNG = np.random.default_rng(2)


def planned(kernel: Any, dtype: str = "float32", **options: Any) -> Plan:
    return gc.plan(SHAPE, dtype, kernel, **options)


@pytest.mark.parametrize(
    ("kernel", "algorithm", "operations"),
    [
        (gc.kernels.gaussian(3), "separable", 50),
        (gc.kernels.box(15), "separable", 30),
        (np.ones((15, 15)), "separable", 30),
        (np.full((15, 15), 1 / 225), "separable", 30),
        (gc.kernels.sobel_x(), "separable", 6),
        (gc.kernels.box(2), "dense", 4),
        (np.ones((1, 9)), "separable", 10),
        (np.ones((9, 1)), "dense", 9),
        ([[7]], "dense", 1),
        (RNG.normal(size=(5, 5)), "dense", 25),
        (np.eye(15), "dense", 225),
        (RNG.normal(size=(15, 2)) @ RNG.normal(size=(2, 15)), "separable", 60),
        (gc.Kernel.sum_of([([1, 2, 1], [1, 0, -1]), ([1, 0, -1], [1, 2, 1])]), "dense", 9),
        (np.zeros((9, 9)), "separable", 18),
    ],
)
def test_the_cheaper_algorithm_is_chosen(kernel: Any, algorithm: str, operations: int) -> None:
    plan = planned(kernel)
    assert (plan.algorithm, plan.operations) == (algorithm, operations)
    assert bool(plan.terms) == (algorithm == "separable")
    [(other, reason)] = plan.rejected
    assert {algorithm, other} == {"dense", "separable"}
    assert reason


@pytest.mark.parametrize(
    ("kernel", "method", "reason"),
    [
        (np.ones((15, 15)), "auto", "225 multiply-adds per pixel, separable takes 30"),
        (np.eye(15), "auto", "the kernel is no sum of 7 or fewer separable terms"),
        (gc.kernels.box(2), "auto", "4 multiply-adds per pixel, dense takes 4"),
        (np.ones((15, 15)), "dense", "method='dense' was asked for"),
        (np.ones((15, 15)), "separable", "method='separable' was asked for"),
    ],
)
def test_the_other_is_turned_down_with_a_reason(kernel: Any, method: Any, reason: str) -> None:
    plan = planned(kernel, method=method)
    assert [why for _, why in plan.rejected] == [reason]
    assert plan.explain().endswith(reason)


@pytest.mark.parametrize("kernel", [np.eye(3), [[1.5, 2], [3, 4]], gc.kernels.gaussian(1), [[5]]])
@pytest.mark.parametrize("method", ["dense", "separable"])
def test_a_method_that_is_asked_for_is_used(kernel: Any, method: Any) -> None:
    plan = planned(kernel, method=method)
    assert plan.algorithm == method
    if plan.terms:
        total = sum(np.outer(column, row) for column, row in plan.terms)
        np.testing.assert_allclose(total, plan.kernel.numerators, rtol=1e-6)


def test_integer_weights_are_never_split_into_fractions() -> None:
    said = (
        "method='separable' cannot run this kernel exactly: its integer weights are no sum of "
        "integer separable terms; use method='auto' or 'dense'"
    )
    with pytest.raises(ArgumentError, match=said):
        planned([[3, 2], [2, 3]], method="separable")
    assert planned([[3.5, 2], [2, 3]], method="separable").operations == 8


def test_a_convolution_is_planned_with_the_kernel_turned() -> None:
    kernel = gc.Kernel([[1, 2], [3, 4]], anchor=(0, 1))
    assert planned(kernel).kernel == kernel.flip()
    assert planned(kernel).y.offset == -1
    assert planned(kernel).x.offset == 0


def test_what_a_plan_tells() -> None:
    plan = gc.plan((2, 480, 640, 3), "uint8", gc.kernels.box(5), channel_axis=-1, stride=(1, 2))
    assert plan.batch == (3, 2)
    assert plan.shape == (3, 2, 480, 320)
    assert plan.bytes_moved == 2 * 3 * 480 * (640 + 320)
    assert plan.border == ("reflect", "reflect")
    assert (plan.dtype, plan.accumulator, plan.out_dtype) == ("uint8", "float32", "uint8")
    text = plan.explain()
    for said in [
        "algorithm   separable",
        "kernel      5×5, 1 separable term(s), anchor (2, 2)",
        "image       (3, 2, 480, 640) → (3, 2, 480, 320), uint8 → float32 → uint8",
        "border      reflect along y, reflect along x",
        "operations  10 multiply-adds per output pixel",
        "memory      2.8 MB read and written",
        "not dense",
    ]:
        assert said in text
    assert "dense, anchor" in planned(np.eye(3)).explain()


def test_a_plan_is_a_frozen_value_and_cached() -> None:
    plan = planned(np.ones((3, 3)))
    assert planned(np.ones((3, 3))) is plan
    assert planned(np.ones((3, 3)), border="symmetric") is plan
    make_plan.cache_clear()
    again = planned(np.ones((3, 3)))
    assert again is not plan
    assert again == plan
    assert hash(again) == hash(plan)
    assert len({plan, again, planned(np.ones((3, 3)), border="wrap")}) == 2
    assert plan != planned(np.ones((3, 3)), method="separable")
    assert plan != "a plan"
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.algorithm = "dense"  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(plan)) == plan


def test_kernels_that_differ_in_one_thing_have_their_own_plans() -> None:
    kernels = [
        gc.Kernel([[1, 2]]),
        gc.Kernel([[1], [2]]),
        gc.Kernel([[1, 2]], anchor=(0, 0)),
        gc.Kernel([[1, 2]], divisor=2),
        gc.Kernel([[1, 2.5]]),
        gc.Kernel.separable([1], [1, 2]),
    ]
    assert len({planned(kernel) for kernel in kernels}) == len(kernels)


@pytest.mark.parametrize("dtype", ["uint8", "float64"])
@pytest.mark.parametrize(("taps", "stride"), [(3, 1), (301, 1), (5001, 1), (5001, 3)])
def test_tiles_are_as_wide_as_their_halo(taps: int, stride: int, dtype: str) -> None:
    plan = planned(np.ones((1, taps)), dtype, stride=stride)
    rows, columns = plan.tile
    assert rows * columns * stride**2 * plan.accumulator.itemsize >= 2**19 * 0.9
    assert columns * stride >= taps - stride


def test_sums_whose_terms_cancel_are_planned_wide() -> None:
    weights = np.zeros((21, 21), int)
    weights[-1] = weights[:, -1] = 1601  # turned by 180°, its largest weight comes first
    assert planned(weights, "uint8", method="dense").accumulator == np.float32
    assert planned(weights, "uint8").accumulator == np.float64


def test_complex_images_are_planned_by_component() -> None:
    plan = planned(np.ones((3, 3)), "complex64")
    assert (plan.dtype, plan.out_dtype) == ("float32", "float32")
    with pytest.raises(ArgumentError, match=r"kernel is complex; plan its \.real and its \.imag"):
        planned([[1j]])


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"size": "sane"}, ArgumentError, "size='sane' is not a size mode; did you mean 'same'"),
        ({"method": "fft"}, ArgumentError, "method='fft' is not a method .*'dense', 'separable'"),
        ({"border": "wrp"}, ArgumentError, "did you mean 'wrap'"),
        ({"out_dtype": "bool"}, ArgumentTypeError, "out_dtype=bool is not supported"),
        ({"channel_axis": 0}, ArgumentError, "image has 2 dimension"),
        ({"size": "valid", "dilation": 500}, ArgumentError, "covers 501 pixels and the image has"),
        ({"cval": "0"}, ArgumentTypeError, "cval='0' must be a number"),
    ],
)
def test_errors(options: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        planned([[1, 2], [3, 4]], **options)


def test_the_methods_are_those_of_the_documentation() -> None:
    assert METHODS == ("auto", "dense", "separable")
    assert '{"auto", "dense", "separable"}' in (gc.convolve.__doc__ or "")


def test_a_row_is_one_pass_along_it() -> None:
    assert planned([[1, 2, 4]], "uint8").algorithm == "separable"
    assert planned([[1], [2], [4]], "uint8").algorithm == "dense"
    assert planned([[3]], "uint8").algorithm == "dense"
