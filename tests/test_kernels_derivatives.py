"""Slopes against SciPy, scikit-image and OpenCV; finite differences against polynomials."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest
import scipy.ndimage as ndi
import skimage.data
import skimage.filters

from gpuconv import kernels
from gpuconv.errors import ArgumentError, ArgumentTypeError

IMAGE = skimage.data.camera()[::3, ::3].astype(float)


def apply(name: str, image: np.ndarray = IMAGE) -> np.ndarray:
    """Return the image convolved by SciPy with a kernel of the library."""
    return np.asarray(ndi.convolve(image, getattr(kernels, name)().weights))


@pytest.mark.parametrize("name", ["sobel", "prewitt"])
@pytest.mark.parametrize(("axis", "letter"), [(0, "y"), (1, "x")])
def test_scipy(name: str, axis: int, letter: str) -> None:
    expected = getattr(ndi, name)(IMAGE, axis=axis)
    np.testing.assert_allclose(apply(f"{name}_{letter}"), expected, atol=1e-11)


@pytest.mark.parametrize(("name", "scale"), [("sobel", 4), ("scharr", 16), ("prewitt", 3)])
@pytest.mark.parametrize(("suffix", "letter"), [("h", "y"), ("v", "x")])
def test_skimage(name: str, scale: int, suffix: str, letter: str) -> None:
    expected = getattr(skimage.filters, f"{name}_{suffix}")(IMAGE)
    np.testing.assert_allclose(apply(f"{name}_{letter}") / scale, expected, atol=1e-11)


def test_opencv() -> None:
    reflect = cv2.BORDER_REFLECT
    for letter, dx, dy in [("x", 1, 0), ("y", 0, 1)]:
        sobel = cv2.Sobel(IMAGE, cv2.CV_64F, dx, dy, borderType=reflect)
        np.testing.assert_allclose(apply(f"sobel_{letter}"), sobel, atol=1e-11)
        scharr = cv2.Scharr(IMAGE, cv2.CV_64F, dx, dy, borderType=reflect)
        np.testing.assert_allclose(apply(f"scharr_{letter}"), scharr, atol=1e-11)


@pytest.mark.parametrize(("name", "peer"), [("roberts_x", "pos"), ("roberts_y", "neg")])
def test_roberts_is_skimages(name: str, peer: str) -> None:
    expected = getattr(skimage.filters, f"roberts_{peer}_diag")(IMAGE)
    # skimage sets a border of one pixel to 0.
    np.testing.assert_allclose(apply(name)[1:-1, 1:-1], expected[1:-1, 1:-1], atol=1e-11)


@pytest.mark.parametrize(
    ("name", "response"), [("sobel_x", 8), ("scharr_x", 32), ("prewitt_x", 6), ("derivative_x", 1)]
)
def test_response_to_a_ramp(name: str, response: float) -> None:
    ramp = np.tile(np.arange(9.0), (9, 1))
    np.testing.assert_allclose(apply(name, ramp)[2:-2, 2:-2], response)
    np.testing.assert_allclose(apply(name, ramp.T)[2:-2, 2:-2], 0)
    np.testing.assert_allclose(apply(name[:-1] + "y", ramp.T)[2:-2, 2:-2], response)


def test_roberts_directions() -> None:
    y, x = np.mgrid[:9, :9].astype(float)
    assert (apply("roberts_x", x + y)[2:-2, 2:-2] == 2).all()
    assert (apply("roberts_x", x - y)[2:-2, 2:-2] == 0).all()
    assert (apply("roberts_y", y - x)[2:-2, 2:-2] == 2).all()
    assert (apply("roberts_y", x + y)[2:-2, 2:-2] == 0).all()


# Finite differences


@pytest.mark.parametrize(
    ("arguments", "row", "divisor", "anchor"),
    [
        ({}, [1, 0, -1], 2, 1),
        ({"accuracy": 4}, [-1, 8, 0, -8, 1], 12, 2),
        ({"accuracy": 6}, [1, -9, 45, 0, -45, 9, -1], 60, 3),
        ({"order": 2}, [1, -2, 1], 1, 1),
        ({"order": 2, "accuracy": 4}, [-1, 16, -30, 16, -1], 12, 2),
        ({"order": 3}, [1, -2, 0, 2, -1], 2, 2),
        ({"order": 4}, [1, -4, 6, -4, 1], 1, 2),
        ({"accuracy": 1, "scheme": "forward"}, [1, -1], 1, 1),
        ({"accuracy": 1, "scheme": "backward"}, [1, -1], 1, 0),
        ({"accuracy": 2, "scheme": "forward"}, [-1, 4, -3], 2, 2),
        ({"accuracy": 2, "scheme": "backward"}, [3, -4, 1], 2, 0),
        ({"order": 2, "accuracy": 1, "scheme": "forward"}, [1, -2, 1], 1, 2),
    ],
)
def test_textbook_differences(
    arguments: dict[str, int], row: list[int], divisor: int, anchor: int
) -> None:
    kernel = kernels.derivative_x(**arguments)  # type: ignore[arg-type]
    assert kernel.numerators.tolist() == [row]
    assert (kernel.divisor, kernel.anchor) == (divisor, (0, anchor))
    turned = kernels.derivative_y(**arguments)  # type: ignore[arg-type]
    assert turned.numerators.tolist() == [[value] for value in row]
    assert (turned.divisor, turned.anchor) == (divisor, (anchor, 0))


@pytest.mark.parametrize("scheme", ["central", "forward", "backward"])
@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("accuracy", range(1, 9))
def test_differences_are_exact_for_polynomials(scheme: str, order: int, accuracy: int) -> None:
    if scheme == "central" and accuracy % 2:
        return
    kernel = kernels.derivative_x(order, accuracy, scheme)  # type: ignore[arg-type]
    weights = kernel.numerators[0].tolist()
    # Convolution: tap j lies over the pixel at anchor − j.
    offsets = [kernel.anchor[1] - j for j in range(len(weights))]
    for degree in range(order + accuracy):
        total = sum(w * offset**degree for w, offset in zip(weights, offsets, strict=True))
        factorial = int(np.prod(range(1, order + 1)))
        assert total == (factorial * kernel.divisor if degree == order else 0)
    assert all(offset >= 0 for offset in offsets) or scheme != "forward"
    assert all(offset <= 0 for offset in offsets) or scheme != "backward"


def test_differences_measure_a_sine() -> None:
    x = np.linspace(0, 2, 201)
    image = np.tile(np.sin(x), (3, 1))
    for accuracy, bound in [(2, 2e-5), (4, 1e-9)]:
        weights = kernels.derivative_x(accuracy=accuracy).weights
        slope = ndi.convolve(image, weights)[1] / (x[1] - x[0])
        np.testing.assert_allclose(slope[4:-4], np.cos(x)[4:-4], atol=bound)


@pytest.mark.parametrize("name", ["derivative_x", "derivative_y"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"order": 0}, "order=0 must be at least 1"),
        ({"order": 5}, "order=5 must be at most 4"),
        ({"accuracy": 0}, "accuracy=0 must be at least 1"),
        ({"accuracy": 9}, "accuracy=9 must be at most 8"),
        (
            {"accuracy": 3},
            "accuracy=3 must be even with scheme='central', whose odd errors cancel",
        ),
        (
            {"scheme": "centre"},
            "scheme='centre' is not a finite-difference scheme; did you mean 'central'? "
            "(one of 'central', 'forward', 'backward')",
        ),
    ],
)
def test_differences_refuse(name: str, arguments: dict[str, int], message: str) -> None:
    with pytest.raises(ArgumentError, match=f"^{re.escape(message)}$"):
        getattr(kernels, name)(**arguments)


def test_differences_refuse_fractions() -> None:
    with pytest.raises(ArgumentTypeError, match=r"^order=1\.5 is of type float; it must be an int"):
        kernels.derivative_x(1.5)  # type: ignore[arg-type]
