"""Calls that are made again: what is remembered of the first, and what is looked at each time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gpuconv as gc
from gpuconv.api import _known_kernel
from gpuconv.backends.host.threads import VARIABLE
from gpuconv.call import _PREPARED
from gpuconv.cost import cpu, planning_for
from gpuconv.errors import ArgumentError, ArgumentTypeError

IMAGE = np.arange(48, dtype=np.float32).reshape(6, 8)


def run_twice(image: Any, kernel: Any, **options: Any) -> Any:
    """Return the second of two equal calls."""
    first = gc.convolve(image, kernel, **options)
    second = gc.convolve(image, kernel, **options)
    np.testing.assert_array_equal(first, second)
    return second


def test_a_repeated_call_prepares_nothing() -> None:
    kernel = gc.kernels.gaussian(0.7)
    gc.convolve(IMAGE, kernel)
    before = len(_PREPARED)
    gc.convolve(IMAGE, kernel)
    gc.convolve(IMAGE + 1, gc.kernels.gaussian(0.7))
    assert len(_PREPARED) == before


def test_out_is_looked_at_each_time() -> None:
    out = np.empty_like(IMAGE)
    assert run_twice(IMAGE, np.ones((3, 3)), out=out) is out
    with pytest.raises(ArgumentError, match=r"out has shape \(6, 7\)"):
        gc.convolve(IMAGE, np.ones((3, 3)), out=out[:, :7])
    fixed = out.copy()
    fixed.flags.writeable = False
    with pytest.raises(ArgumentError, match="out is read-only"):
        gc.convolve(IMAGE, np.ones((3, 3)), out=fixed)
    with pytest.raises(ArgumentTypeError, match="out is of type list"):
        gc.convolve(IMAGE, np.ones((3, 3)), out=out.tolist())


def test_an_image_may_be_its_own_output_again_and_again() -> None:
    image, expected = IMAGE.copy(), IMAGE
    for _ in range(3):
        expected = gc.convolve(expected, [[0, 0, 1], [0, 1, 0], [1, 0, 0]])
        gc.convolve(image, [[0, 0, 1], [0, 1, 0], [1, 0, 0]], out=image)
        np.testing.assert_array_equal(image, expected)


def test_equal_is_not_the_same() -> None:
    colour = np.ones((6, 8, 2), np.uint8)
    run_twice(colour, np.ones((3, 3)), channel_axis=2)
    with pytest.raises(ArgumentTypeError, match=r"channel_axis=2\.0 must be an integer"):
        gc.convolve(colour, np.ones((3, 3)), channel_axis=2.0)  # type: ignore[arg-type]
    assert run_twice(colour, np.ones((3, 3)), dtype=np.dtype("int32")).dtype == "int32"
    assert run_twice(colour, np.ones((3, 3))).dtype == "uint8"
    masked = np.ma.masked_array(IMAGE, IMAGE > 40)
    assert not np.array_equal(run_twice(masked, np.ones((3, 3))), run_twice(IMAGE, np.ones((3, 3))))


def test_byte_order_and_strides_are_told_apart() -> None:
    expected = run_twice(IMAGE, np.ones((3, 3)))
    for image in (IMAGE.astype(">f4"), np.asfortranarray(IMAGE), IMAGE[::-1][::-1]):
        np.testing.assert_array_equal(run_twice(image, np.ones((3, 3))), expected)


def test_the_number_of_threads_may_change(monkeypatch: pytest.MonkeyPatch) -> None:
    units, run = list[int](), gc.backends.host.run

    def noted(plan: gc.Plan, *arrays: Any) -> None:
        units.append(plan.machine.units)
        run(plan, *arrays)

    shared = np.ones((3000, 1000), np.float32)  # worth a second thread
    monkeypatch.setattr(gc.backends.host, "run", noted)
    for count in ("1", "3", "1"):
        monkeypatch.setenv(VARIABLE, count)
        run_twice(shared, np.ones((3, 3)))
    assert units == [1, 1, 3, 3, 1, 1]
    monkeypatch.setenv(VARIABLE, "no")
    with pytest.raises(ArgumentError, match="GPUCONV_NUM_THREADS='no'"):
        gc.convolve(shared, np.ones((3, 3)))


def test_a_small_call_is_remembered_for_any_number_of_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machines = list[object]()
    monkeypatch.setenv(VARIABLE, "1")
    expected = run_twice(IMAGE, np.ones((5, 3)))
    monkeypatch.setattr(gc.backends.host, "machine", lambda: machines.append("asked"))
    monkeypatch.setenv(VARIABLE, "3")
    np.testing.assert_array_equal(run_twice(IMAGE, np.ones((5, 3))), expected)
    assert not machines


def test_a_call_for_another_machine_is_another_call() -> None:
    _PREPARED.clear()  # full of others, it would keep its length
    first = run_twice(IMAGE, np.ones((5, 3)))
    before = len(_PREPARED)
    with planning_for(cpu(7)):
        np.testing.assert_array_equal(run_twice(IMAGE, np.ones((5, 3))), first)
    assert len(_PREPARED) > before


@pytest.mark.parametrize("weights", [[[1, 2]], np.ones((3, 3)), np.ones((2, 2), ">f4")])
def test_equal_weights_are_the_same_kernel(weights: Any) -> None:
    kernel = _known_kernel(weights)
    assert kernel == gc.Kernel(weights)
    assert _known_kernel(np.array(weights)) is kernel


def test_weights_may_change_between_calls() -> None:
    weights = np.ones((3, 3))
    first = gc.convolve(IMAGE, weights)
    weights *= 2
    np.testing.assert_array_equal(gc.convolve(IMAGE, weights), 2 * first)


@pytest.mark.parametrize(
    "weights", [[[1, 2], [3]], [[2**70]], [["a"]], [[None]], [1, 2], [[np.nan]], []]
)
def test_weights_that_are_none_are_told_of_each_time(weights: Any) -> None:
    said = list[str]()
    for call in (gc.Kernel, _known_kernel, _known_kernel):
        with pytest.raises((ArgumentError, ArgumentTypeError)) as error:
            call(weights)
        said.append(str(error.value))
    assert len(set(said)) == 1


def test_large_weights_are_not_compared() -> None:
    weights = np.ones((99, 99))
    assert _known_kernel(weights) is not _known_kernel(weights)
    assert _known_kernel(weights) == _known_kernel(weights)
