"""How the stand-ins for OpenCV's functions take their arguments, and what they refuse."""

from __future__ import annotations

import inspect
import pickle
import re
from typing import Any

import numpy as np
import pytest

import gpuconv as gc
from gpuconv import cv2
from gpuconv.cv2.differences import DIFFERENCES

FUNCTIONS = [name for name in cv2.__all__ if inspect.isfunction(getattr(cv2, name))]
WITH_DST = {
    "GaussianBlur": ((3, 3), 1),
    "Laplacian": (-1,),
    "Scharr": (-1, 1, 0),
    "Sobel": (-1, 1, 0),
    "bilateralFilter": (3, 9, 9),
    "blur": ((3, 3),),
    "boxFilter": (-1, (3, 3)),
    "filter2D": (-1, np.ones((3, 3)) / 9),
    "medianBlur": (3,),
    "sepFilter2D": (-1, np.ones(3), np.ones(3)),
}


@pytest.fixture
def image() -> Any:
    return np.random.default_rng(0).integers(0, 256, (7, 9), np.uint8)


# Names and order


@pytest.mark.parametrize("name", FUNCTIONS)
def test_parameters_are_those_of_opencv_in_its_order(name: str) -> None:
    theirs = getattr(pytest.importorskip("cv2"), name)
    if name == "CV_MAKETYPE":
        return
    told = re.match(rf"{name}\((.*?)\) ->", theirs.__doc__)
    assert told
    wanted = re.findall(r"\w+", told[1])
    ours = list(inspect.signature(getattr(cv2, name)).parameters)
    assert ours[: len(wanted)] == wanted
    assert {*ours[len(wanted) :]} <= {"hint"}  # which came with OpenCV 4.11


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_may_be_left_out_may_be_left_out(name: str) -> None:
    theirs = getattr(pytest.importorskip("cv2"), name)
    if name == "CV_MAKETYPE":
        return
    needed = re.findall(r"\w+", theirs.__doc__.split("\n")[0].partition("(")[2].partition("[")[0])
    given = inspect.signature(getattr(cv2, name)).parameters.values()
    ours = [each.name for each in given if each.default is inspect.Parameter.empty]
    assert ours == [name for name in needed if name != "retval"][: len(ours)]


def test_numbers_are_those_of_opencv_5() -> None:
    theirs = pytest.importorskip("cv2")
    for name in cv2.__all__:
        number = getattr(cv2, name)
        # Of version 4 types have other numbers, and hints came with 4.11.
        later = re.search(r"C[2-4]$|^ALGO_", name) and int(theirs.__version__[0]) < 5
        if isinstance(number, int) and not later:
            assert getattr(theirs, name) == number, name


def test_types_are_put_together_of_depth_and_channels() -> None:
    assert cv2.CV_MAKETYPE(cv2.CV_32F, 3) == cv2.CV_32FC3
    assert cv2.CV_8UC1 == cv2.CV_8U


def test_every_difference_is_that_of_a_function() -> None:
    assert {each.name for each in DIFFERENCES} <= {"*", *FUNCTIONS}


# Images


def test_an_array_of_one_axis_is_a_row() -> None:
    assert cv2.blur(np.arange(5, dtype=np.uint8), (3, 3)).shape == (1, 5)


def test_a_single_channel_is_left_out(image: Any) -> None:
    made = cv2.GaussianBlur(image[:, :, None], (3, 3), 0)
    assert np.array_equal(made, cv2.GaussianBlur(image, (3, 3), 0))


def test_integers_of_64_bits_become_those_of_32(image: Any) -> None:
    assert cv2.blur(image.astype(np.int64), (3, 3)).dtype == np.int32


def test_bytes_in_another_order_are_read_rightly(image: Any) -> None:
    there = image.astype(">u2")
    made = cv2.medianBlur(there, 3)
    assert np.array_equal(made, cv2.medianBlur(image, 3))
    assert np.array_equal(cv2.GaussianBlur(there, (5, 5), 0), cv2.GaussianBlur(image, (5, 5), 0))


@pytest.mark.parametrize("hint", [cv2.ALGO_HINT_DEFAULT, cv2.ALGO_HINT_APPROX])
def test_a_hint_makes_no_difference(image: Any, hint: int) -> None:
    made = cv2.GaussianBlur(image, (3, 3), 1, hint=hint)
    assert np.array_equal(made, cv2.GaussianBlur(image, (3, 3), 1))


def test_truth_values_get_a_margin() -> None:
    made = cv2.copyMakeBorder(np.array([[True, False]]), 0, 0, 1, 1, cv2.BORDER_REPLICATE)
    assert made.dtype == bool
    assert made.tolist() == [[True, True, False, False]]


# dst


@pytest.mark.parametrize("name", WITH_DST)
def test_dst_is_written_and_returned(name: str, image: Any) -> None:
    function, rest = getattr(cv2, name), WITH_DST[name]
    wanted, room = function(image, *rest), np.zeros_like(image)
    assert function(image, *rest, room) is room
    assert np.array_equal(room, wanted)
    wide = np.zeros((7, 18), np.uint8)[:, ::2]
    assert function(image, *rest, dst=wide) is wide
    assert np.array_equal(wide, wanted)
    own = image.copy()
    assert function(own, *rest, dst=own) is own
    assert np.array_equal(own, wanted)


@pytest.mark.parametrize("name", WITH_DST)
def test_a_dst_that_does_not_fit_is_left_alone(name: str, image: Any) -> None:
    function, rest = getattr(cv2, name), WITH_DST[name]
    for room in (np.zeros((7, 9), np.float32), np.zeros((3, 3), np.uint8)):
        made = function(image, *rest, dst=room)
        assert made is not room
        assert made.dtype == np.uint8
        assert not room.any()


def test_a_dst_that_is_no_array_is_refused(image: Any) -> None:
    with pytest.raises(cv2.error, match="dst is of type list"):
        cv2.blur(image, (3, 3), dst=[[1]])


def test_the_result_of_one_channel_fits_a_dst_of_one_channel(image: Any) -> None:
    room = np.zeros((7, 9, 1), np.uint8)
    assert cv2.blur(image, (3, 3), dst=room) is room
    assert np.array_equal(room[..., 0], cv2.blur(image, (3, 3)))


def test_two_derivatives_are_written_where_they_are_asked_for(image: Any) -> None:
    rooms = np.zeros((7, 9), np.int16), np.zeros((7, 9), np.int16)
    made = cv2.spatialGradient(image, *rooms)
    assert made[0] is rooms[0]
    assert made[1] is rooms[1]
    assert np.array_equal(rooms[0], cv2.Sobel(image, cv2.CV_16S, 1, 0))


def test_kernels_are_written_where_they_are_asked_for() -> None:
    rooms = np.zeros((3, 1), np.float32), np.zeros((5, 1), np.float32)
    made = cv2.getDerivKernels(1, 0, 3, *rooms)
    assert made[0] is rooms[0]
    assert made[1] is not rooms[1]


# Options


def test_an_anchor_is_x_and_y(image: Any) -> None:
    kernel = np.zeros((2, 3))
    kernel[0, 2] = 1  # one row down and one pixel to the left of the last tap
    made = cv2.filter2D(image, -1, kernel, anchor=(1, 1), borderType=cv2.BORDER_REPLICATE)
    assert np.array_equal(made[1:, :-1], image[:-1, 1:])
    assert np.array_equal(cv2.filter2D(image, -1, kernel, None, (1, -1)), made_by_mirror(image))


def made_by_mirror(image: Any) -> Any:
    kernel = np.zeros((2, 3))
    kernel[0, 2] = 1
    return gc.correlate(image, gc.Kernel(kernel, anchor=(1, 1)), border="mirror")


def test_a_kernel_of_one_axis_is_a_row(image: Any) -> None:
    line = np.array([1, 2, -1])
    assert np.array_equal(cv2.filter2D(image, -1, line), cv2.filter2D(image, -1, line[None]))


def test_large_kernels_are_taken(image: Any) -> None:
    kernel = np.ones((31, 33))
    wanted = gc.correlate(image, kernel, border="mirror", dtype="float64")
    assert np.array_equal(cv2.filter2D(image, cv2.CV_64F, kernel), wanted)


def test_borders_wrap_where_opencv_has_no_such_border(image: Any) -> None:
    made = cv2.blur(image, (3, 1), borderType=cv2.BORDER_WRAP)
    assert made[0, 0] == round(int(image[0, [-1, 0, 1]].astype(int).sum()) / 3)


def test_one_row_is_not_smoothed_along_y() -> None:
    row = np.arange(1, 10, dtype=np.uint8)[None] * 20
    wanted = cv2.GaussianBlur(row, (5, 1), 0)
    assert np.array_equal(cv2.GaussianBlur(row, (5, 5), 0), wanted)


@pytest.mark.parametrize("sigmas", [(0, 3), (9, 0), (-1, 3), (1e-7, 3)])
def test_a_bilateral_filter_without_a_sigma_changes_nothing(
    image: Any, sigmas: tuple[float, float]
) -> None:
    made = cv2.bilateralFilter(image, 5, *sigmas)
    assert made is not image
    assert np.array_equal(made, image)


def test_none_is_what_is_not_given(image: Any) -> None:
    made = cv2.Sobel(image, cv2.CV_16S, 1, 0, None, None, None, None, None)
    assert np.array_equal(made, cv2.Sobel(image, cv2.CV_16S, 1, 0))
    made = cv2.GaussianBlur(image, None, 1, None, None, None)
    assert np.array_equal(made, cv2.GaussianBlur(image, (0, 0), 1))
    means = cv2.blur(image, (3, 3))
    assert np.array_equal(cv2.blur(image, (3, 3), None, None, None), means)
    named = {"anchor": None, "normalize": None, "borderType": None}
    assert np.array_equal(cv2.boxFilter(image, -1, (3, 3), **named), means)
    squares = cv2.sqrBoxFilter(image, cv2.CV_8U, (3, 3))
    assert np.array_equal(cv2.sqrBoxFilter(image, None, (3, 3), **named), squares)
    margin = cv2.copyMakeBorder(image, 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    assert np.array_equal(
        cv2.copyMakeBorder(image, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=None), margin
    )


@pytest.mark.parametrize(("kind", "depth"), [("CV_8UC3", "CV_8U"), ("CV_32FC3", "CV_32F")])
def test_a_type_with_channels_means_its_depth(image: Any, kind: str, depth: str) -> None:
    kernel = np.ones((3, 3))
    made = cv2.filter2D(image, getattr(cv2, kind), kernel[..., None])
    wanted = cv2.filter2D(image, getattr(cv2, depth), kernel)
    assert made.dtype == wanted.dtype
    assert np.array_equal(made, wanted)


@pytest.mark.parametrize("dtype", ["float16", "int8", "int32"])
def test_a_gaussian_of_one_pixel_takes_every_depth(dtype: str) -> None:
    pixels = np.arange(12).reshape(3, 4).astype(dtype)
    made = cv2.GaussianBlur(pixels, (1, 1), 2)
    assert made.dtype == pixels.dtype
    assert np.array_equal(made, pixels)


# Errors

REFUSED: dict[str, tuple[int, Any]] = {
    "!_src.empty()": (-215, lambda a: cv2.blur(np.zeros((0, 3)), (3, 3))),
    "!_src.empty() ": (-215, lambda a: cv2.blur(None, (3, 3))),
    "dims <= 2": (-215, lambda a: cv2.blur(np.zeros((2, 2, 2, 2)), (3, 3))),
    "len > 0": (-215, lambda a: cv2.borderInterpolate(3, 0, cv2.BORDER_REPLICATE)),
    "Unknown/unsupported border type ": (-5, lambda a: cv2.borderInterpolate(3, 5, 17)),
    "src data type = object": (-5, lambda a: cv2.blur(cv2, (3, 3))),
    "kernel is not finite": (-5, lambda a: cv2.filter2D(a, -1, np.full((3, 3), np.nan))),
    "src data type = complex128": (-5, lambda a: cv2.blur(a + 1j, (3, 3))),
    "ksize.width > 0 && ksize.height > 0": (-215, lambda a: cv2.blur(a, (0, 3))),
    "Can't parse 'ksize'": (-5, lambda a: cv2.blur(a, 3)),
    "Can't parse 'anchor'": (-5, lambda a: cv2.blur(a, (3, 3), anchor=(1, 1, 1))),
    "anchor.inside(Rect": (-215, lambda a: cv2.blur(a, (3, 3), anchor=(3, 0))),
    "Unknown/unsupported border type": (-5, lambda a: cv2.blur(a, (3, 3), borderType=5)),
    "ksize.width % 2 == 1": (-215, lambda a: cv2.GaussianBlur(a, (4, 3), 1)),
    "ksize.width > 0 && ksize.width": (-215, lambda a: cv2.GaussianBlur(a, (0, 0), 0)),
    "(=0), and destination format (=4)": (-213, lambda a: cv2.Sobel(a, cv2.CV_32S, 1, 0)),
    "(=4), and destination format (=4)": (
        -213,
        lambda a: cv2.GaussianBlur(a.astype(np.int32), (3, 3), 1),
    ),
    "(=1), and destination format (=1)": (
        -213,
        lambda a: cv2.filter2D(a.view(np.int8), -1, np.ones((3, 3))),
    ),
    "Argument 'ddepth'": (-5, lambda a: cv2.boxFilter(a, "uint8", (3, 3))),
    "!_kernel.empty()": (-215, lambda a: cv2.filter2D(a, -1, np.ones((0, 3)))),
    "kernel is not supported": (-5, lambda a: cv2.filter2D(a, -1, np.ones((3, 3, 2)))),
    "kernel.rows == 1 || kernel.cols == 1": (
        -215,
        lambda a: cv2.sepFilter2D(a, -1, np.ones((2, 2)), np.ones(2)),
    ),
    "ksize % 2 == 1": (-215, lambda a: cv2.medianBlur(a, 4)),
    "Argument 'ksize'": (-5, lambda a: cv2.medianBlur(a, 3.0)),
    "not larger than 31": (-211, lambda a: cv2.Sobel(a, -1, 1, 0, ksize=33)),
    "Argument 'dx'": (-5, lambda a: cv2.Sobel(a, -1, 1.0, 0)),
    "Argument 'sigmaX'": (-5, lambda a: cv2.GaussianBlur(a, (3, 3), "1")),
    "Argument 'delta'": (-5, lambda a: cv2.filter2D(a, -1, np.ones((3, 3)), delta=[1])),
    "Argument 'sigmaColor'": (-5, lambda a: cv2.bilateralFilter(a, 3, "9", 9)),
    "dx >= 0 && dy >= 0 && dx+dy > 0": (-215, lambda a: cv2.Sobel(a, -1, 0, 0)),
    "dx >= 0 && dy >= 0 && dx+dy == 1": (-215, lambda a: cv2.Scharr(a, -1, 1, 1)),
    "ksize > order": (-215, lambda a: cv2.Sobel(a, -1, 3, 0)),
    "ksize > order ": (-215, lambda a: cv2.Laplacian(a, -1, ksize=-1)),
    "src.type() == CV_8UC1": (-215, lambda a: cv2.spatialGradient(a.astype(float))),
    "ksize == 3": (-215, lambda a: cv2.spatialGradient(a, ksize=5)),
    "top >= 0": (-215, lambda a: cv2.copyMakeBorder(a, -1, 0, 0, 0, 0)),
    "longer than 4": (-5, lambda a: cv2.copyMakeBorder(a, 1, 0, 0, 0, 0, value=(1,) * 5)),
    "value[0] == value[1]": (
        -215,
        lambda a: cv2.copyMakeBorder(np.zeros((2, 2, 5)), 1, 1, 1, 1, 0, value=(1, 2)),
    ),
    "n > 0": (-215, lambda a: cv2.getGaussianKernel(0, 1)),
    "ktype == CV_32F": (-5, lambda a: cv2.getGaussianKernel(3, 1, cv2.CV_16S)),
}


@pytest.mark.parametrize("words", REFUSED)
def test_errors_have_the_words_and_numbers_of_opencv(words: str, image: Any) -> None:
    code, call = REFUSED[words]
    with pytest.raises(cv2.error, match=re.escape(words.strip())) as caught:
        call(image)
    assert caught.value.code == code
    assert isinstance(caught.value, gc.ArgumentError)
    assert caught.value.err in str(caught.value)
    assert f"in function '{caught.value.func}'" in caught.value.msg


def test_an_error_survives_the_way_between_processes() -> None:
    with pytest.raises(cv2.error) as caught:
        cv2.medianBlur(np.zeros((3, 3)), 2)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.code, again.func, str(again)) == (-215, "medianBlur", str(caught.value))


def test_a_margin_is_made_around_the_image_where_it_lies(image: Any) -> None:
    room = np.zeros((9, 12), np.uint8)
    room[1:8, 2:11] = image
    wanted = cv2.copyMakeBorder(image, 2, 0, 3, 0, cv2.BORDER_REFLECT)
    assert cv2.copyMakeBorder(room[1:8, 2:11], 2, 0, 3, 0, cv2.BORDER_REFLECT, room) is room
    assert np.array_equal(room, wanted)
