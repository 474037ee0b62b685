"""Plans: which algorithm, why, at what cost; pure values that are cached, and can be called."""

from __future__ import annotations

import dataclasses
import pickle
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpuconv as gc
from gpuconv import reference
from gpuconv.algorithms import ALGORITHMS, METHODS
from gpuconv.call import _PREPARED
from gpuconv.cost import Machine
from gpuconv.errors import ArgumentError, ArgumentTypeError
from gpuconv.plan import _PLANS, Plan, make_plan
from gpuconv.request import Request

SHAPE = (480, 640)
RNG = np.random.default_rng(2)
FULL = RNG.normal(size=(101, 101))


def planned(kernel: Any, dtype: str = "float32", **options: Any) -> Plan:
    return gc.plan(options.pop("shape", SHAPE), dtype, kernel, **options)


# ------------------------------------------------------------------------ the choice


@pytest.mark.parametrize(
    ("kernel", "algorithm"),
    [
        (gc.kernels.gaussian(3), "separable"),
        (gc.kernels.gaussian(10), "separable"),
        (gc.kernels.box(101), "box"),
        (np.ones((101, 101)), "box"),
        (np.full((101, 101), 1 / 101), "box"),
        ([[7]], "scale"),
        ([[0, 0, 0], [0, 0, 0], [0, 0, 3]], "scale"),
        (RNG.normal(size=(3, 3)), "dense"),
        (RNG.normal(size=(5, 5)), "dense"),
        (FULL, "fft"),
        (RNG.normal(size=(31, 2)) @ RNG.normal(size=(2, 31)), "separable"),
        (gc.kernels.gaussian(2) - gc.kernels.gaussian(4), "separable"),
        (2 * gc.kernels.identity() - gc.kernels.gaussian(4), "separable"),
    ],
)
def test_each_kernel_has_its_algorithm(kernel: Any, algorithm: str) -> None:
    assert planned(kernel, shape=(4096, 4096)).algorithm == algorithm


@pytest.mark.parametrize("kernel", [gc.kernels.gaussian(3), gc.kernels.box(31), [[7]], FULL])
def test_every_other_algorithm_is_turned_down_with_a_reason(kernel: Any) -> None:
    plan = planned(kernel)
    names = [name for name, _ in plan.rejected]
    assert sorted([plan.algorithm, *names]) == sorted(ALGORITHMS)
    assert all(reason for _, reason in plan.rejected)
    assert all(f"not {name}" in plan.explain() for name in names)


def test_the_choice_finishes_first_by_its_own_prediction() -> None:
    plan = planned(gc.kernels.box(31))
    for name in ALGORITHMS:
        try:
            other = planned(gc.kernels.box(31), method=name)
        except ArgumentError:
            continue
        assert other.prediction.seconds >= plan.prediction.seconds


def test_differences_of_gaussians_are_one_pass_of_rank_two() -> None:
    plan = planned(gc.kernels.gaussian(2) - gc.kernels.gaussian(4), method="separable")
    assert len(plan.terms) == 2


def test_recursion_is_an_approximation_that_must_be_allowed() -> None:
    exact = dict(planned(gc.kernels.gaussian(40)).rejected)
    assert "accuracy" in exact["recursive"]
    fast = planned(gc.kernels.gaussian(40), accuracy="fast", method="recursive")
    assert fast.algorithm == "recursive"
    with pytest.raises(ArgumentError, match=r"method='recursive' cannot run this: .*accuracy"):
        planned(gc.kernels.gaussian(40), method="recursive")


@pytest.mark.parametrize(
    "kernel", [np.eye(3), [[1.5, 2], [3, 4]], gc.kernels.gaussian(1), RNG.normal(size=(4, 4))]
)
@pytest.mark.parametrize("method", ["dense", "separable", "fft"])
def test_a_method_that_is_asked_for_is_used(kernel: Any, method: Any) -> None:
    plan = planned(kernel, method=method)
    assert plan.algorithm == method
    assert {why for _, why in plan.rejected} == {f"method={method!r} was asked for"}
    if plan.terms:
        total = sum(np.outer(column, row) for column, row in plan.terms)
        np.testing.assert_allclose(total, plan.kernel.numerators, rtol=1e-6)


def test_integer_weights_are_never_split_into_fractions() -> None:
    said = (
        "method='separable' cannot run this: its integer weights are no sum of integer separable "
        "terms; use method='auto'"
    )
    with pytest.raises(ArgumentError, match=said):
        planned([[3, 2], [2, 3]], method="separable")
    assert planned([[3.5, 2], [2, 3]], method="separable").operations == 8


# ------------------------------------------------------------------------ what it says


def test_a_convolution_is_planned_with_the_kernel_turned() -> None:
    kernel = gc.Kernel([[1, 2], [3, 4]], anchor=(0, 1))
    assert planned(kernel).kernel == kernel.flip()
    assert planned(kernel).y.offset == -1
    assert planned(kernel).x.offset == 0


def test_margins_of_zeros_are_cut_away_and_change_nothing() -> None:
    weights = np.zeros((9, 9))
    weights[6:8, 2:5] = RNG.normal(size=(2, 3))
    image = RNG.normal(size=(20, 30))
    plan = gc.plan(image.shape, image.dtype, weights, border="wrap")
    assert plan.kernel.shape == (2, 3)
    expected = reference.convolve(image, weights, border="wrap")
    np.testing.assert_allclose(plan(image), expected, atol=1e-12)


def test_what_a_plan_tells() -> None:
    plan = gc.plan(
        (2, 480, 640, 3),
        "uint8",
        gc.kernels.box(5),
        channel_axis=-1,
        stride=(1, 2),
        method="separable",
    )
    assert plan.batch == (3, 2)
    assert plan.shape == (3, 2, 480, 320)
    assert plan.prediction.bytes == 2 * 3 * 480 * (640 + 320)
    assert plan.prediction.peak >= plan.prediction.bytes
    assert plan.border == ("reflect", "reflect")
    assert (plan.dtype, plan.accumulator, plan.out_dtype) == ("uint8", "float32", "uint8")
    text = plan.explain()
    for said in [
        f"  {plan.algorithm}\n",
        "5×5, 1 separable term, anchor (2, 2)",
        "(3, 2, 480, 640) → (3, 2, 480, 320), uint8 → float32 → uint8",
        "reflect along y, reflect along x",
        "multiply-adds per output pixel",
        "2.76 MB read and written",
        "predicted, at rates",
    ]:
        assert said in text
    assert "dense, anchor" in planned(np.eye(3), method="dense").explain()


def test_a_notebook_shows_a_table() -> None:
    plan = planned(gc.kernels.gaussian(3), border=("wrap", "constant"))
    html = plan._repr_html_()
    assert html.count("<tr>") == html.count("</tr>") == len(plan.rows())
    for what, said in plan.rows():
        assert what in html
        assert said.replace("'", "&#x27;").replace("<", "&lt;").replace(">", "&gt;") in html


# ------------------------------------------------------------------------ a value


def test_a_plan_is_a_frozen_value_and_cached() -> None:
    machine = planned(np.ones((3, 3))).machine
    plan = planned(np.ones((3, 3)))
    assert planned(np.ones((3, 3)), border="symmetric") == plan
    _PLANS.clear()
    again = planned(np.ones((3, 3)))
    assert again == plan
    assert hash(again) == hash(plan)
    assert len({plan, again, planned(np.ones((3, 3)), border="wrap")}) == 2
    assert plan != planned(np.ones((3, 3)), method="separable")
    assert plan != "a plan"
    assert plan.machine is machine
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.algorithm = "dense"  # type: ignore[misc]


def test_a_plan_survives_the_way_to_another_process(tmp_path: Path) -> None:
    plan = planned(gc.kernels.gaussian(2), border="mirror")
    assert pickle.loads(pickle.dumps(plan)) == plan
    (tmp_path / "plan").write_bytes(pickle.dumps(plan))
    code = (
        "import pickle, sys, gpuconv as gc\n"
        "plan = pickle.loads(open(sys.argv[1], 'rb').read())\n"
        f"same = gc.plan({SHAPE}, 'float32', gc.kernels.gaussian(2), border='mirror')\n"
        "print(plan == same, hash(plan) == hash(same), plan.kernel in {same.kernel})"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "plan")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == "True True True\n"


def test_the_same_question_has_the_same_answer_and_other_machines_others() -> None:
    plan = planned(gc.kernels.box(9))
    slow = Machine("host", "slow", 1, True, tuple((k, 2 * v) for k, v in plan.machine.rates))
    request = _request_of(plan)
    assert make_plan(request, plan.machine) is make_plan(request, plan.machine)
    other = make_plan(request, slow)
    assert other.machine is slow
    assert other.prediction.seconds > plan.prediction.seconds


def _request_of(plan: Plan) -> Any:
    shared = {f.name for f in dataclasses.fields(Request)} & set(vars(plan))
    values = {name: getattr(plan, name) for name in shared}
    return Request(**values, method="auto", accuracy="exact")


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


def test_plans_of_many_large_kernels_do_not_pile_up() -> None:
    for seed in range(40):
        planned(np.random.default_rng(seed).random((500, 500)), method="dense")
    for kept in (_PLANS, _PREPARED):
        assert 0 < kept.bytes <= kept.most
        assert len(kept) < 40


# ------------------------------------------------------------------------ calling it


@pytest.mark.parametrize("dtype", ["uint8", "float32", "complex64"])
def test_a_plan_does_what_convolve_does(engine: str, dtype: str) -> None:
    image = (100 * RNG.random((3, 40, 50))).astype(dtype)
    kernel = gc.kernels.gaussian(1.5)
    options: dict[str, Any] = {"border": "mirror", "channel_axis": 0, "stride": 2}
    plan = gc.plan(image.shape, dtype, kernel, device=engine, **options)
    expected = gc.convolve(image, kernel, device=engine, **options)
    np.testing.assert_array_equal(plan(image), expected)
    out = np.empty_like(expected)
    assert plan(image, out=out) is out
    np.testing.assert_array_equal(out, expected)


def test_a_plan_is_for_one_shape_and_dtype() -> None:
    plan = gc.plan((8, 9), "float32", np.ones((3, 3)))
    with pytest.raises(ArgumentError, match=r"image has shape \(9, 8\) .* is for \(8, 9\)"):
        plan(np.zeros((9, 8), "float32"))
    with pytest.raises(ArgumentError, match=r"and dtype float64; this plan is for .* float32"):
        plan(np.zeros((8, 9)))
    with pytest.raises(ArgumentError, match="this plan has no mask"):
        plan(np.zeros((8, 9), "float32"), mask=np.ones((8, 9)))
    with pytest.raises(ArgumentError, match=r"not made by gpuconv\.plan cannot be called"):
        dataclasses.replace(plan, runner=None)(np.zeros((8, 9), "float32"))


def test_what_is_done_beside_the_sums_is_told() -> None:
    plain = dict(gc.plan(SHAPE, "float32", FULL[:3, :3]).rows())
    assert plain.keys().isdisjoint({"normalised", "epilogue"})
    more: dict[str, Any] = {"masked": True, "nan": "ignore", "epilogue": gc.Epilogue(scale=2)}
    told = dict(gc.plan(SHAPE, "float32", FULL[:3, :3], **more).rows())
    assert told["normalised"] == "as a mask and NaN may leave pixels out"
    assert told["epilogue"] == "Epilogue(scale=2.0)"


@pytest.mark.parametrize("shape", [512, None, "9x9", (9.5, 9), (9, -1), (2**62, 2)])
def test_a_shape_is_that_of_an_array(shape: Any) -> None:
    said = re.escape(f"shape={shape!r} must be a tuple of integers ≥ 0, (…, H, W), of at most ")
    with pytest.raises(ArgumentError, match=said):
        gc.plan(shape, "float32", np.ones((3, 3)))


def test_threads_share_a_plan() -> None:
    images = [RNG.random((200, 300)).astype("float32") for _ in range(6)]
    plan = gc.plan((200, 300), "float32", FULL[:15, :15])
    expected = [gc.convolve(image, FULL[:15, :15]) for image in images]
    found: list[Any] = [None] * len(images)

    def work(i: int) -> None:
        for _ in range(3):
            found[i] = plan(images[i])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(images))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


# ------------------------------------------------------------------------ dtypes, errors


def test_sums_whose_terms_cancel_are_planned_wide() -> None:
    weights = np.zeros((21, 21), int)
    weights[-1] = weights[:, -1] = 1601  # turned by 180°, its largest weight comes first
    assert planned(weights, "uint8", method="dense").accumulator == np.float32
    assert planned(weights, "uint8", method="separable").accumulator == np.float64


def test_complex_images_are_planned_by_component() -> None:
    plan = planned(np.ones((3, 3)), "complex64")
    assert (plan.dtype, plan.out_dtype) == ("float32", "float32")
    with pytest.raises(ArgumentError, match=r"kernel is complex; plan its \.real and its \.imag"):
        planned([[1j]])


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"size": "sane"}, ArgumentError, "size='sane' is not a size mode; did you mean 'same'"),
        ({"method": "fast"}, ArgumentError, "method='fast' is not a method .*'dense', 'separable'"),
        ({"accuracy": "exakt"}, ArgumentError, "accuracy='exakt' is not .*did you mean 'exact'"),
        ({"nan": "ignored"}, ArgumentError, "nan='ignored' is not .*did you mean 'ignore'"),
        ({"epilogue": 2}, ArgumentTypeError, "epilogue=2 must be a gpuconv.Epilogue, or None"),
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
    listed = ", ".join(f'"{name}"' for name in METHODS)
    assert f"{{{listed}}}" in " ".join((gc.convolve.__doc__ or "").split())
