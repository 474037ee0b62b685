"""The reference against SciPy: every border, size, anchor; NaN and infinity; complex numbers."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage, signal

from gpuconv import Kernel, reference
from gpuconv.border import MODES

SCIPY = {
    mode: mode if mode in ("nearest", "reflect", "mirror") else f"grid-{mode}" for mode in MODES
}
SHAPES = [(3, 3), (2, 2), (4, 3), (1, 5), (6, 1), (1, 1), (2, 7), (9, 9)]
PHOTO = np.random.default_rng(0).normal(size=(7, 6))


def weights_of(shape: tuple[int, ...]) -> NDArray[np.float64]:
    return np.random.default_rng(shape[0]).normal(size=shape)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_scipys_ndimage(mode: str, shape: tuple[int, int]) -> None:
    weights = weights_of(shape)
    for name in ("convolve", "correlate"):
        expected = getattr(ndimage, name)(PHOTO, weights, mode=SCIPY[mode], cval=1.5)
        found = getattr(reference, name)(PHOTO, weights, border=mode, cval=1.5)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (1, 5)])
def test_anchors_are_scipys_origins(mode: str, shape: tuple[int, int]) -> None:
    for y, x in product(range(shape[0]), range(shape[1])):
        kernel = Kernel(weights_of(shape), anchor=(y, x))
        origin = (y - shape[0] // 2, x - shape[1] // 2)
        for name in ("convolve", "correlate"):
            expected = getattr(ndimage, name)(
                PHOTO, kernel.weights, mode=SCIPY[mode], cval=-2, origin=origin
            )
            found = getattr(reference, name)(PHOTO, kernel, border=mode, cval=-2)
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("size", ["same", "valid", "full"])
@pytest.mark.parametrize("shape", [s for s in SHAPES if s[0] < 7])
@pytest.mark.parametrize(
    ("border", "boundary"), [("constant", "fill"), ("wrap", "wrap"), ("reflect", "symm")]
)
def test_it_is_scipys_convolve2d(
    size: str, shape: tuple[int, int], border: str, boundary: str
) -> None:
    if shape[1] > PHOTO.shape[1]:
        shape = (shape[0], PHOTO.shape[1])
    centre = ((shape[0] - 1) // 2, (shape[1] - 1) // 2)  # where convolve2d starts "same"
    kernel = Kernel(weights_of(shape), anchor=centre)
    expected = signal.convolve2d(PHOTO, kernel.weights, size, boundary, fillvalue=3)
    found = reference.convolve(PHOTO, kernel, size=size, border=border, cval=3)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


def test_correlate_is_scipys_correlate2d_without_the_conjugate() -> None:
    weights = weights_of((3, 4)) + 1j * weights_of((4, 3)).T
    image = PHOTO + 1j * PHOTO[::-1]
    for size in ("valid", "full"):
        expected = signal.correlate2d(image, weights.conj(), size)
        found = reference.correlate(image, weights, size=size, border="constant")
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dilation", [1, 2, (3, 1), (1, 4)])
@pytest.mark.parametrize("stride", [1, 2, (1, 3), 50])
@pytest.mark.parametrize("size", ["same", "valid", "full"])
def test_dilation_spreads_the_taps_and_strides_pick(dilation: Any, stride: Any, size: str) -> None:
    image = np.random.default_rng(2).normal(size=(13, 12))
    kernel = Kernel(weights_of((2, 3)), anchor=(0, 2))
    (dy, dx), (sy, sx) = np.broadcast_to(dilation, 2), np.broadcast_to(stride, 2)
    spread = np.zeros((dy + 1, 2 * dx + 1))
    spread[::dy, ::dx] = kernel.weights
    dense = Kernel(spread, anchor=(0, 2 * dx))
    options: dict[str, Any] = {"size": size, "border": "mirror"}
    expected = reference.convolve(image, dense, **options)[::sy, ::sx]
    found = reference.convolve(image, kernel, dilation=dilation, stride=stride, **options)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("mode", MODES)
def test_footprints_of_what_is_not_finite_are_scipys(bad: float, mode: str) -> None:
    image = PHOTO.copy()
    image[2, 3] = image[0, 0] = bad
    weights = np.array([[0, 1, 0, -1], [0, 0, 2, 0], [0.5, 0, 0, 0]])
    expected = ndimage.convolve(image, weights, mode=SCIPY[mode])
    found = reference.convolve(image, weights, border=mode)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)
    assert 0 < (~np.isfinite(found)).sum() < found.size


def test_infinities_that_cancel_are_nan() -> None:
    found = reference.correlate([[np.inf, np.inf, 1.0]], [[1, -1]], border="constant")
    np.testing.assert_array_equal(found, [[-np.inf, np.nan, np.inf]])


def test_a_kernel_of_zeros_gives_zeros_even_of_nan() -> None:
    assert reference.convolve([[np.nan, 1.0]], [[0, 0, 0]]).tolist() == [[0, 0]]


@pytest.mark.parametrize("cval", [-5, 300, 0.5, np.inf])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_the_fill_is_not_bent_to_the_dtype_of_the_image(cval: float, dtype: str) -> None:
    image = np.array([[1, 2], [3, 4]], dtype)
    found = reference.convolve(image, [[1, 0, 0]], border="constant", cval=cval, dtype="float64")
    assert found.tolist() == [[2, cval], [4, cval]]


def test_the_divisor_divides_the_sum() -> None:
    mean = Kernel(np.ones((1, 3)), divisor=3)
    assert reference.convolve([[1.0, 2, 6]], mean, size="valid").tolist() == [[3]]
    assert reference.convolve([[1, 2, 5]], mean, size="valid").tolist() == [[3]]  # 8 / 3 rounds up


@pytest.mark.parametrize(
    ("image", "weight", "expected"),
    [
        (np.array([[1, 3, 5]], np.uint8), 0.5, [0, 2, 2]),
        (np.array([[200, 100, 1]], np.uint8), 2, [255, 200, 2]),
        (np.array([[200, 100, 1]], np.uint8), -1, [0, 0, 0]),
        (np.array([[-100, 100, 1]], np.int8), 2, [-128, 127, 2]),
        (np.array([[2**62, -(2**62), 1]], np.int64), 4, [2**63 - 1, -(2**63), 4]),
        (np.array([[2**63, 0, 1]], np.uint64), 4, [2**64 - 1, 0, 4]),
        (np.array([[60000, -1, 1]], np.float16), 2, [np.inf, -2, 2]),
    ],
)
def test_results_are_stored_by_the_table(
    image: NDArray[Any], weight: float, expected: list[float]
) -> None:
    found = reference.convolve(image, [[weight]])
    assert found.dtype == image.dtype
    assert found.tolist() == [expected]


@pytest.mark.parametrize("size", ["same", "full", "valid"])
@pytest.mark.parametrize("shape", [(0, 4), (4, 0), (0, 0), (2, 0, 5), (0, 3, 3)])
def test_empty_stays_empty(size: str, shape: tuple[int, ...]) -> None:
    found = reference.convolve(np.zeros(shape), np.ones((3, 3)), size=size)
    grown = {"same": 0, "full": 2, "valid": -2}[size]
    expected = (*shape[:-2], *(n + grown if n else 0 for n in shape[-2:]))
    assert found.shape == expected


def test_leading_axes_are_a_batch() -> None:
    batch = np.random.default_rng(3).normal(size=(2, 3, 5, 4))
    found = reference.convolve(batch, weights_of((3, 3)))
    for at in np.ndindex(2, 3):
        np.testing.assert_array_equal(found[at], reference.convolve(batch[at], weights_of((3, 3))))


def test_the_image_is_not_written_to() -> None:
    image = np.array([[1.0, 2.0]])
    image.flags.writeable = False
    assert reference.convolve(image, [[1, 1, 1]], border="constant", cval=9).tolist() == [[12, 12]]
