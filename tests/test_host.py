"""The parts of the CPU engine: bands, products, loading, and a run of a plan."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import product
from types import FrameType
from typing import Any

import numpy as np
import pytest

import gpuconv as gc
from gpuconv import reference
from gpuconv.backends import host
from gpuconv.backends.host import linear
from gpuconv.backends.host.bands import PRODUCT, band, groups, multiply, reach
from gpuconv.backends.host.filter import Filter
from gpuconv.backends.host.idle import Idle, Leftovers
from gpuconv.backends.host.load import load
from gpuconv.backends.host.pieces import pieces
from gpuconv.border import MODES, span

RNG = np.random.default_rng(3)


def test_owns_what_numpy_does() -> None:
    assert host.owns(np.zeros(3))
    assert not host.owns([1, 2])
    assert host.asarray([1, 2]).tolist() == [1, 2]
    array = np.zeros(3)
    assert host.asarray(array) is array
    assert host.empty((2, 3), "uint8").shape == (2, 3)


@pytest.mark.parametrize(("count", "said"), [("1", "1 thread"), ("5", "5 threads")])
def test_the_device_says_its_threads(
    count: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPUCONV_NUM_THREADS", count)
    [device] = host.devices()
    assert device.available
    assert device.reason == ""
    assert device.name == "cpu"
    assert device.description.endswith(said)


def test_bands_are_correlations() -> None:
    for taps, count, stride, dilation in product((1, 2, 5), (1, 4), (1, 3), (1, 2)):
        weights = RNG.normal(size=taps)
        line = RNG.normal(size=reach(count, taps, stride, dilation))
        spread = np.zeros((taps - 1) * dilation + 1)
        spread[::dilation] = weights
        expected = np.correlate(line, spread, "valid")[::stride]
        np.testing.assert_allclose(band(weights, count, stride, dilation) @ line, expected)


def test_bands_keep_trailing_axes() -> None:
    weights = RNG.normal(size=(3, 2))
    both = band(weights, 4, 1, 1)
    for column in range(2):
        np.testing.assert_array_equal(both[..., column], band(weights[:, column], 4, 1, 1))


@pytest.mark.parametrize("axis", [0, 1])
def test_groups_are_slices(axis: int) -> None:
    array = RNG.normal(size=(20, 30))
    found = groups(array, axis, count=4, step=3, length=8)
    for i, group in enumerate(found):
        expected = np.take(array, range(3 * i, 3 * i + 8), axis)
        np.testing.assert_array_equal(group, expected)
    assert np.shares_memory(found, array)


def test_groups_never_leave_their_array() -> None:
    assert groups(np.zeros(8), 0, 3, 2, 4).shape == (3, 4)
    with pytest.raises(IndexError, match="3 runs of 5, 2 apart, leave an axis of 8"):
        groups(np.zeros(8), 0, 3, 2, 5)


@pytest.mark.parametrize("band_first", [True, False])
@pytest.mark.parametrize("length", [1, 7, 1024, 5000, 70000])
def test_products_in_pieces_are_the_product(band_first: bool, length: int) -> None:
    weights = RNG.integers(-9, 9, (4, 12)).astype(np.float32)
    pixels = RNG.integers(0, 99, (3, 12, length)).astype(np.float32)
    assert length < 70000 or weights.shape[0] * 12 * length > PRODUCT
    left, right = (weights, pixels) if band_first else (pixels.swapaxes(1, 2), weights.T)
    expected = np.matmul(left, right)
    out = np.full_like(expected, np.nan)
    multiply(left, right, out)
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("other", ["constant", "mirror"])
@pytest.mark.parametrize("rows", [(-2, 7), (1, 4), (-9, -1), (5, 19)])
def test_load_is_a_crop_of_the_padded_image(mode: str, other: str, rows: tuple[int, int]) -> None:
    image = RNG.integers(0, 9, (5, 6)).astype(">i2")
    names = {"nearest": "edge", "reflect": "symmetric", "mirror": "reflect"}
    padded = image.astype(float)
    for axis, border in enumerate((mode, other)):
        fill = {"constant_values": 7} if border == "constant" else {}
        width = [(20, 20) if i == axis else (0, 0) for i in (0, 1)]
        padded = np.pad(padded, width, names.get(border, border), **fill)  # type: ignore[call-overload]
    scratch = np.full((30, 40), -1.0)
    load(image, span(mode, *rows, 5), span(other, -4, 11, 6), 7, scratch)
    height = rows[1] - rows[0]
    expected = padded[20 + rows[0] : 20 + rows[1], 16:31]
    np.testing.assert_array_equal(scratch[:height, :15], expected)
    assert (scratch[height:] == -1).all()
    assert (scratch[:, 15:] == -1).all()


@pytest.mark.parametrize("form", ["dense", "separable"])
def test_a_plan_runs_as_it_is(form: Any) -> None:
    image = RNG.integers(0, 9, (2, 140, 1030)).astype(np.uint8)
    plan = gc.plan(image.shape, image.dtype, np.ones((5, 5)), method=form, out_dtype="int32")
    out = host.empty(plan.shape, plan.out_dtype)
    host.run(plan, image, out)
    np.testing.assert_array_equal(out, gc.convolve(image, np.ones((5, 5)), dtype="int32"))


def test_errors_of_numpy_are_as_the_caller_left_them() -> None:
    image = np.full((4, 4), np.finfo(np.float32).max, np.float32)
    with np.errstate(all="raise"):
        assert np.isinf(gc.convolve(image, np.ones((3, 3)))).all()
        with pytest.raises(FloatingPointError):
            np.float32(1) / np.zeros(1, np.float32)


@pytest.mark.parametrize("kernel", [np.ones((3, 3)), gc.kernels.gaussian(1), gc.kernels.box(5)])
def test_scratch_that_is_kept_carries_nothing_over(kernel: Any) -> None:
    image = np.random.default_rng(3).normal(size=(2, 45, 67)).astype(np.float32)
    bad = np.full_like(image, np.nan)
    expected = gc.convolve(image, kernel)
    assert np.isnan(gc.convolve(bad, kernel)).all()
    np.testing.assert_array_equal(gc.convolve(image, kernel), expected)
    gc.convolve(image, [[1, 2, 3]])
    np.testing.assert_array_equal(gc.convolve(image, kernel), expected)
    np.testing.assert_allclose(expected, reference.convolve(image, kernel), rtol=1e-4, atol=1e-5)


def test_scratch_is_kept_up_to_a_bound() -> None:
    idle = Idle(most=3 * 2**20)
    parts = tuple(pieces(gc.plan((8, 8), "float32", np.ones((3, 3)))))
    plans = [gc.plan((8, 8), "float32", np.full((3, 3), i)) for i in (1, 2, 3, 4)]
    for plan in plans:
        block = replace(linear.block_of(plan, 8, 8), pixels=np.empty(2**16, np.float32))
        idle.give(plan, parts, [{((8, 8), ()): Filter(plan, block, (8, 8), None)}])
    assert 0 < idle.bytes <= 3 * 2**20
    assert [idle.take(plan) is None for plan in plans] == [True, True, False, False]
    assert idle.take(plans[3]) is None  # in use
    idle.give(plans[0], parts, [])
    idle.clear()
    assert idle.take(plans[0]) is None


def test_a_call_that_fails_leaves_no_scratch_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    image, kernel = np.ones((20, 30), np.float32), gc.Kernel(np.ones((3, 3)))
    gc.convolve(image, kernel, method="dense")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Filter, "__call__", interrupt)
        before = linear._IDLE.bytes
        with pytest.raises(KeyboardInterrupt):
            gc.convolve(image, kernel, method="dense")
        assert linear._IDLE.bytes < before
    found = gc.convolve(image, kernel, method="dense")
    np.testing.assert_array_equal(found, np.full((20, 30), 9))


@pytest.mark.parametrize("total", [0.5, 1.0, 1.0009, 1.002, 1.5, 2.0])
@pytest.mark.parametrize("method", ["dense", "separable"])
def test_bytes_saturate_whatever_the_weights_come_to(total: float, method: str) -> None:
    column = np.array([0.25, 0.5, 0.25])
    kernel = gc.Kernel.separable(total * column, column)
    image = np.full((40, 50), 255, np.uint8)
    found = gc.correlate(image, kernel, border="nearest", method=method)
    assert np.all(found == min(round(255 * total), 255))


def test_bytes_of_weights_of_either_sign_saturate_at_both_ends() -> None:
    image = np.zeros((9, 9), np.uint8)
    image[4, 4] = 255
    found = gc.correlate(image, [[0, -1, 0], [0, 3, 0], [0, -1, 0]], border="nearest")
    assert found[3:6, 4].tolist() == [0, 255, 0]


def test_a_border_brighter_than_any_byte_saturates() -> None:
    image = np.full((6, 6), 200, np.uint8)
    found = gc.correlate(image, np.full((3, 3), 1 / 9), border="constant", cval=900)
    assert (found[0, 0], found[3, 3]) == (255, 200)


@pytest.mark.parametrize("taps", [31, 151])
def test_errors_of_like_sums_do_not_add_up_beside_nan(taps: int) -> None:
    image = np.full((taps + 8, taps + 8), 0.1, np.float32)
    image[-1, -1] = np.nan
    weights = np.full((taps, taps), 0.1)
    weights[0, 0] = 0.11  # neither separable nor a box
    sums = gc.correlate(image, weights, size="valid", method="dense")
    assert np.isnan(sums).sum() == 1
    total = weights.sum() * float(image[0, 0])
    allowed = (4 + weights.size / 32) * np.finfo(np.float32).eps * total
    np.testing.assert_allclose(np.delete(sums.ravel(), -1), total, rtol=0, atol=allowed)


def test_what_is_left_behind_is_found_at_once_among_thousands() -> None:
    idle = Idle(most=2**20)
    plans = [replace(gc.plan((5, 5 + i), "uint8", np.ones((2, 2)))) for i in range(3)]
    for plan in [*plans, plans[0]]:
        idle.give(plan, tuple(pieces(plan)), [])
    each = idle.bytes // 4
    assert idle.bytes == 4 * each
    assert [idle.take(plans[0]) is not None for _ in range(3)] == [True, True, False]
    assert idle.bytes == 2 * each
    many = [replace(plans[1]) for _ in range(3000)]
    for plan in many:
        idle.give(plan, tuple(pieces(plan)), [])
    assert 2**20 - each < idle.bytes <= 2**20
    assert idle.take(many[0]) is None  # the oldest went
    assert idle.take(many[-1]) is not None
    idle.clear()
    assert idle.bytes == 0


def interrupted(call: Callable[[], object], after: int) -> bool:
    """Make a call in which Ctrl-C comes after so many lines of `idle`, and return if it did."""
    source, lines = sys.modules[Leftovers.__module__].__file__, iter(range(after + 1))

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code.co_filename != source:
            return None
        # Python looks for signals when something was called: not while a lock is taken or let go.
        locks = linecache.getline(source, frame.f_lineno).strip() in ("with self._lock:", "try:")
        if event == "line" and not locks and next(lines, None) == after:
            raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


@pytest.mark.parametrize("method", ["take", "leave"])
def test_after_an_interrupt_what_is_left_behind_adds_up(method: str) -> None:
    one, other = object(), object()
    for after in range(100):
        left = Leftovers[object, str](most=3)
        left.leave(one, "by one", 2)
        arguments = {"take": (one,), "leave": (other, "by another", 2)}[method]
        came = interrupted(partial(getattr(left, method), *arguments), after)
        left.leave(one, "anew", 1)
        assert left.take(one) == "anew"
        while left.take(one) or left.take(other):
            pass
        assert left.bytes == 0
        if not came:
            break
    assert 5 < after < 99
