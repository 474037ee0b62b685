"""What the list of differences from OpenCV says is so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gpuconv as gc
from gpuconv import cv2 as ours
from gpuconv.cv2.differences import DIFFERENCES

theirs = pytest.importorskip("cv2")

#: Numbers of a row that OpenCV computes apart, at most, as they fill no vector.
TAIL = 16


def noise(dtype: Any, *shape: int) -> Any:
    limits, rng = np.iinfo(dtype), np.random.default_rng(11)
    return rng.integers(limits.min, limits.max, shape or (60, 83), dtype, endpoint=True)


def test_each_is_told_once() -> None:
    assert len({(each.name, each.how) for each in DIFFERENCES}) == len(DIFFERENCES)


def test_borrowed_functions_raise_opencvs_own_error() -> None:
    with pytest.raises(theirs.error) as caught:
        ours.cvtColor(np.zeros((2, 2)), theirs.COLOR_BGR2GRAY)
    assert not isinstance(caught.value, ours.error)


@pytest.mark.parametrize("name", ["blur", "boxFilter"])
def test_the_mean_of_two_bytes_does_not_overflow(name: str) -> None:
    white = np.full((3, 40), 255, np.uint8)
    rest = (-1, (2, 1)) if name == "boxFilter" else ((2, 1),)
    assert (getattr(ours, name)(white, *rest) == 255).all()
    assert (getattr(theirs, name)(white, *rest)[:, -8:] == 0).any()


def test_negative_means_become_0_as_bytes() -> None:
    dark = np.full((8, 64), -300, np.int16)
    assert not ours.boxFilter(dark, ours.CV_8U, (3, 3)).any()
    assert (theirs.boxFilter(dark, theirs.CV_8U, (3, 3)) == 255).any()


def test_sums_of_squares_saturate() -> None:
    bright = np.full((8, 64), 60000, np.uint16)
    assert (ours.sqrBoxFilter(bright, ours.CV_16U, (3, 3)) == 65535).all()
    assert not theirs.sqrBoxFilter(bright, theirs.CV_16U, (3, 3)).any()


def test_sums_of_32_bits_do_not_overflow() -> None:
    large = np.full((8, 64), 2**30, np.int32)
    assert (ours.blur(large, (3, 3)) == 2**30).all()
    assert not (theirs.blur(large, (3, 3)) == 2**30).any()


def test_large_sums_of_integers_are_exact() -> None:
    pixels = noise(np.uint16)
    row, column = ours.getDerivKernels(1, 0, 7, ktype=ours.CV_64F)
    wanted = gc.correlate(
        pixels.astype(np.int64), (column[:, 0], row[:, 0]), border="mirror", dtype="float64"
    )
    made = ours.Sobel(pixels, ours.CV_64F, 1, 0, ksize=7)
    assert np.abs(wanted).max() > 2**20
    assert np.array_equal(made, wanted)


def test_borders_wrap_in_every_filter() -> None:
    pixels = noise(np.uint8)
    around = np.pad(pixels, 1, mode="wrap")
    for name, rest in (("blur", ((3, 3),)), ("Sobel", (ours.CV_16S, 1, 0))):
        with pytest.raises(theirs.error, match="BORDER_WRAP"):
            getattr(theirs, name)(pixels, *rest, borderType=ours.BORDER_WRAP)
        made = getattr(ours, name)(pixels, *rest, borderType=ours.BORDER_WRAP)
        assert np.array_equal(made, getattr(theirs, name)(around, *rest)[1:-1, 1:-1])


@pytest.mark.parametrize(
    ("name", "rest", "image"),
    [
        ("medianBlur", (3,), noise(np.int32)),
        ("medianBlur", (7,), noise(np.uint16)),
        ("bilateralFilter", (5, 9.0, 2.0), noise(np.uint8, 9, 9, 4)),
        ("bilateralFilter", (5, 9.0, 2.0), noise(np.uint16, 9, 9)),
    ],
)
def test_more_is_taken_than_opencv_takes(name: str, rest: tuple[Any, ...], image: Any) -> None:
    with pytest.raises(theirs.error):
        getattr(theirs, name)(image, *rest)
    assert getattr(ours, name)(image, *rest).shape == image.shape


def test_lists_and_strides_are_taken() -> None:
    assert ours.blur([[1.0, 4.0]], (2, 1)).tolist() == [[2.5, 2.5]]
    with pytest.raises(theirs.error):
        theirs.blur([[1.0, 4.0]], (2, 1))


def test_halves_of_a_smoothing_filter_are_rounded_to_even_in_all_of_a_row() -> None:
    pixels, line = noise(np.uint8), np.array([0.25, 0.5, 0.25])
    made, wanted = (m.sepFilter2D(pixels, -1, line, line) for m in (ours, theirs))
    sums = theirs.sepFilter2D(pixels, theirs.CV_64F, line, line)
    assert np.array_equal(made, np.rint(sums))
    full = pixels.shape[1] // TAIL * TAIL
    assert np.array_equal(made[:, :full], wanted[:, :full])


def test_small_disks_are_rounded_as_opencvs_own_code_rounds_them() -> None:
    pixels = noise(np.uint8)
    theirs.setUseOptimized(False)
    try:
        wanted = theirs.bilateralFilter(pixels, 5, 60, 3)
    finally:
        theirs.setUseOptimized(True)
    made = ours.bilateralFilter(pixels, 5, 60, 3)
    assert np.count_nonzero(made != wanted) <= 1e-3 * made.size
