"""Neighbourhood filters between a caller and an engine: arguments, channels, outputs, plans."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import gpuconv as gc
from gpuconv.errors import ArgumentError, ArgumentTypeError

MEDIAN = gc.Rank.median(3)
BILATERAL = gc.Bilateral.of(3, sigma_color=20.0)


def image_of(*shape: int, dtype: str = "uint8") -> Any:
    return np.random.default_rng(list(shape)).integers(0, 256, shape).astype(dtype)


def test_channels_of_a_rank_filter_are_images_of_their_own() -> None:
    image = image_of(12, 14, 3)
    found = gc.median(image, channel_axis=2)
    for channel in range(3):
        np.testing.assert_array_equal(found[..., channel], gc.median(image[..., channel]))


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -2])
def test_a_channel_axis_may_stand_anywhere(axis: int) -> None:
    image = image_of(2, 9, 8, 3)
    wanted = gc.bilateral(image, 3, sigma_color=20, channel_axis=3)
    found = gc.bilateral(np.moveaxis(image, 3, axis), 3, sigma_color=20, channel_axis=axis)
    np.testing.assert_array_equal(np.moveaxis(found, axis, 3), wanted)


def test_colours_are_compared_together() -> None:
    image = image_of(12, 14, 3)
    together = gc.bilateral(image, 3, sigma_color=20, channel_axis=2)
    apart = np.moveaxis(gc.bilateral(np.moveaxis(image, 2, 0), 3, sigma_color=20), 0, 2)
    assert (together != apart).any()


def test_a_gpuconv_image_tells_its_channel_axis() -> None:
    image = image_of(12, 14, 3)
    found = gc.median(gc.Image(image, "RGB"))
    np.testing.assert_array_equal(found, gc.median(image, channel_axis=2))


def test_the_image_can_be_its_own_output() -> None:
    image = image_of(20, 20)
    wanted = gc.median(image, 5)
    assert gc.median(image, 5, out=image) is image
    np.testing.assert_array_equal(image, wanted)


def test_an_output_can_overlap_the_image() -> None:
    room = image_of(21, 20)
    wanted = gc.median(room[1:])
    gc.median(room[1:], out=room[:-1])
    np.testing.assert_array_equal(room[:-1], wanted)


@pytest.mark.parametrize("shape", [(0, 4), (4, 0), (0, 3, 3), (2, 0, 3)])
def test_an_empty_image_has_an_empty_result(shape: tuple[int, ...]) -> None:
    assert gc.median(np.empty(shape, np.float32), 3).shape == shape


def test_a_plan_is_called_as_often_as_one_likes() -> None:
    image = image_of(12, 14, 3)
    plan = gc.plan(image.shape, image.dtype, BILATERAL, channel_axis=2, border="wrap")
    wanted = gc.bilateral(image, 3, sigma_color=20, channel_axis=2, border="wrap")
    np.testing.assert_array_equal(plan(image), wanted)
    out = np.empty_like(image)
    assert plan(image, out=out) is out
    np.testing.assert_array_equal(out, wanted)


def test_a_plan_is_a_value() -> None:
    plan, same = (gc.plan((8, 9), "uint8", MEDIAN) for _ in range(2))
    assert plan == same
    assert hash(plan) == hash(same)
    assert plan != gc.plan((8, 9), "uint8", MEDIAN, border="wrap")
    assert pickle.loads(pickle.dumps(plan)) == plan


def test_a_plan_says_what_it_is_for() -> None:
    plan = gc.plan((80, 90, 3), "uint8", BILATERAL, channel_axis=2)
    said = dict(plan.rows())
    assert said["filter"].endswith("3 channels together")
    assert said["image"] == "(3, 80, 90) → (3, 80, 90), uint8 → float32 → uint8"
    assert "bilateral" in repr(plan)
    assert "<table>" in plan._repr_html_()


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((8, 8), np.uint8), "this plan is for"),
        (np.zeros((8, 9), np.int16), "this plan is for"),
    ],
)
def test_a_plan_refuses_other_images(image: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        gc.plan((8, 9), "uint8", MEDIAN)(image)


def test_a_plan_has_no_mask() -> None:
    plan = gc.plan((8, 9), "uint8", MEDIAN)
    with pytest.raises(ArgumentError, match="no mask"):
        plan(np.zeros((8, 9), np.uint8), mask=np.ones((8, 9), bool))


@pytest.mark.parametrize(
    "options", [{"stride": 2}, {"size": "valid"}, {"masked": True}, {"accuracy": "fast"}]
)
def test_what_is_for_kernels_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match="are for kernels"):
        gc.plan((8, 9), "uint8", MEDIAN, **options)


@pytest.mark.parametrize(
    ("dtype", "cval"), [("uint8", -1), ("uint8", 256), ("uint8", 0.5), ("int16", np.nan)]
)
def test_a_border_of_integers_is_made_of_their_kind(dtype: str, cval: float) -> None:
    with pytest.raises(ArgumentError, match=rf"cval={float(cval)} is no pixel of dtype {dtype}"):
        gc.median(np.zeros((4, 4), dtype), border="constant", cval=cval)
    assert not gc.median(np.zeros((4, 4), dtype), border="wrap", cval=cval).any()


@pytest.mark.parametrize(
    ("dtype", "cval"), [("uint64", 2**64 - 1), ("int64", 2**53 + 1), ("int64", -(2**63) + 1)]
)
def test_a_border_of_large_integers_is_exact(dtype: str, cval: int) -> None:
    sign = 1 if cval > 0 else -1
    found = gc.rank(np.zeros((1, 1), dtype), -(sign > 0), border="constant", cval=cval)
    assert found.tolist() == [[cval]]


def test_complex_pixels_have_no_order() -> None:
    with pytest.raises(ArgumentTypeError, match="real pixels"):
        gc.median(np.zeros((4, 4), complex))


def test_truth_values_can_be_chosen_from_but_have_no_mean() -> None:
    image = image_of(9, 9) > 128
    out = np.empty_like(image)
    wanted = gc.median(image.astype(np.uint8)).astype(bool)
    for found in (gc.median(image), gc.median(image, out=out), out):
        assert found.dtype == bool
        np.testing.assert_array_equal(found, wanted)
    with pytest.raises(ArgumentTypeError, match="must be bool"):
        gc.median(image, out=np.empty((9, 9), np.uint8))
    with pytest.raises(ArgumentTypeError, match="out is of type list"):
        gc.median(image, out=image.tolist())
    with pytest.raises(ArgumentError, match=r"cval=7.0 is no pixel of dtype bool"):
        gc.median(image, border="constant", cval=7)
    assert gc.maximum(image, border="constant", cval=1)[0].all()
    with pytest.raises(ArgumentTypeError, match="not supported"):
        gc.bilateral(image, 3, sigma_color=1)


def test_masked_arrays_are_refused() -> None:
    with pytest.raises(ArgumentTypeError, match="mask would be ignored"):
        gc.median(np.ma.masked_equal(np.zeros((4, 4)), 0))


def test_an_unknown_method_is_told_with_those_there_are() -> None:
    with pytest.raises(ArgumentError, match=r"method='fft' is not a method .*sort"):
        gc.median(np.zeros((4, 4)), method="fft")


@pytest.mark.parametrize("out", [np.empty((4, 5), np.uint8), np.empty((4, 4), np.float32)])
def test_an_output_of_another_shape_or_dtype_is_refused(out: Any) -> None:
    with pytest.raises((ArgumentError, ArgumentTypeError), match="out has"):
        gc.median(np.zeros((4, 4), np.uint8), out=out)


def test_bytes_of_either_order_are_read() -> None:
    image = image_of(9, 9, dtype="uint16")
    np.testing.assert_array_equal(gc.median(image.astype(">u2")), gc.median(image))
