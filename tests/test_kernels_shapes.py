"""Disks against scikit-image, areas against counting; lines against counting along them."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import skimage.morphology
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuconv.errors import ArgumentError
from gpuconv.kernels import disk, motion_blur

quick = settings(derandomize=True, max_examples=60, deadline=None)


def centred_mass(weights: np.ndarray) -> np.ndarray:
    """Return (y, x) of the centre of mass, from the middle."""
    grid = np.indices(weights.shape) - (np.array(weights.shape) // 2)[:, None, None]
    return np.asarray((grid * weights).sum(axis=(1, 2)))


# Disk


@pytest.mark.parametrize("radius", [0, 1, 2, 3, 7, 20])
def test_disk_of_whole_pixels_is_skimages(radius: int) -> None:
    kernel = disk(radius, antialiased=False)
    np.testing.assert_array_equal(kernel.numerators, skimage.morphology.disk(radius))
    assert kernel.divisor == kernel.numerators.sum()
    assert kernel.integer


@pytest.mark.parametrize("radius", [0.3, 0.5, 0.51, 0.7, 1, 1.5, 2.37, 5, 9.5])
def test_disk_weighs_pixels_by_the_area_inside(radius: float) -> None:
    kernel = disk(radius)
    reach, fine = kernel.shape[0] // 2, 200
    edge = (np.arange((2 * reach + 1) * fine) + 0.5) / fine - reach - 0.5
    inside = edge**2 + edge[:, None] ** 2 <= radius**2
    area = inside.reshape(2 * reach + 1, fine, -1, fine).mean(axis=(1, 3))
    np.testing.assert_allclose(kernel.weights * math.pi * radius**2, area, atol=2e-3)


@quick
@given(st.floats(0.05, 60))
def test_disk_is_even_and_adds_up(radius: float) -> None:
    weights = disk(radius).weights
    assert weights.sum() == pytest.approx(1, abs=1e-12)
    assert (weights >= 0).all()
    assert weights.max() <= 1.000001 / (math.pi * radius**2) or weights.shape == (1, 1)
    for other in (weights.T, weights[::-1], weights[:, ::-1]):
        np.testing.assert_allclose(weights, other, atol=1e-15)
    side = 2 * math.ceil(radius - 0.5) + 1
    assert weights.shape == (side, side)


def test_disk_has_no_dust_outside() -> None:
    weights = disk(500).weights
    y, x = np.mgrid[-500:501, -500:501]
    nearest = np.hypot(np.maximum(np.abs(x) - 0.5, 0), np.maximum(np.abs(y) - 0.5, 0))
    assert (weights[nearest > 500] == 0).all()
    farthest = np.hypot(np.abs(x) + 0.5, np.abs(y) + 0.5)
    np.testing.assert_allclose(weights[farthest < 500], 1 / (math.pi * 500**2), rtol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"radius": 0}, "radius=0.0 must be greater than 0"),
        ({"radius": -1}, "radius=-1 must be at least 0"),
        ({"radius": -1, "antialiased": False}, "radius=-1 must be at least 0"),
        ({"radius": math.nan}, "radius=nan must be finite"),
    ],
)
def test_disk_refuses(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ArgumentError, match=f"^{re.escape(message)}$"):
        disk(**arguments)  # type: ignore[arg-type]


# Motion blur


@pytest.mark.parametrize("length", [1, 3, 5, 15])
def test_odd_lengths_along_an_axis_are_ones(length: int) -> None:
    for angle, shape in [(0, (1, length)), (90, (length, 1)), (180, (1, length))]:
        kernel = motion_blur(length, angle)
        assert kernel.shape == shape
        assert kernel.divisor == length
        assert (kernel.numerators == 1).all()


@pytest.mark.parametrize(
    ("length", "row", "divisor"),
    [
        (2, [1, 2, 1], 4),
        (4, [1, 2, 2, 2, 1], 8),
        (0.5, [1], 1),
        (1.5, [0.25, 1, 0.25], 1.5),
        (2.5, [0.75, 1, 0.75], 2.5),
    ],
)
def test_other_lengths_along_an_axis(length: float, row: list[float], divisor: float) -> None:
    kernel = motion_blur(length)
    assert kernel.numerators.tolist() == [row]
    assert kernel.divisor == divisor
    assert len(kernel.terms) == 1


@pytest.mark.parametrize("length", [0.5, 1, 4, 9.7, 30])
@pytest.mark.parametrize("angle", [0, 10, 30, 45, 60, 90, 117, 135, 251, -20])
def test_each_pixel_weighs_the_time_spent_over_it(length: float, angle: float) -> None:
    count = 200_001
    way = (np.arange(count) + 0.5) / count * length - length / 2
    x = np.rint(way * math.cos(math.radians(angle))).astype(int)
    y = np.rint(-way * math.sin(math.radians(angle))).astype(int)
    weights = motion_blur(length, angle).weights
    spent = np.zeros(weights.shape)
    np.add.at(spent, (y + weights.shape[0] // 2, x + weights.shape[1] // 2), 1 / count)
    np.testing.assert_allclose(weights, spent, atol=3e-5)


@quick
@given(st.floats(0.1, 200), st.floats(-720, 720))
def test_motion_blur_shifts_nothing(length: float, angle: float) -> None:
    kernel = motion_blur(length, angle)
    weights = kernel.weights
    assert weights.sum() == pytest.approx(1, abs=1e-12)
    assert (weights >= 0).all()
    assert kernel.anchor == tuple(n // 2 for n in weights.shape)
    assert all(n % 2 == 1 for n in weights.shape)
    np.testing.assert_array_equal(weights, weights[::-1, ::-1])
    np.testing.assert_allclose(centred_mass(weights), 0, atol=1e-10)


def test_angles_turn_counter_clockwise_as_seen() -> None:
    rising = motion_blur(9, 30).weights
    assert rising[0, -1] > 0
    assert rising[-1, 0] > 0
    assert rising[0, 0] == rising[-1, -1] == 0
    falling = motion_blur(9, -30).weights
    np.testing.assert_allclose(falling, rising[::-1], atol=1e-15)
    np.testing.assert_allclose(motion_blur(9, 60).weights, rising.T[::-1, ::-1], atol=1e-15)
    np.testing.assert_allclose(motion_blur(9, 210).weights, rising, atol=1e-12)


def test_spread_along_and_across() -> None:
    weights = motion_blur(41, 25).weights
    y, x = np.indices(weights.shape) - (np.array(weights.shape) // 2)[:, None, None]
    right, up = math.cos(math.radians(25)), math.sin(math.radians(25))
    along, across = right * x - up * y, up * x + right * y
    assert (weights * along**2).sum() == pytest.approx(41**2 / 12, rel=0.01)
    assert (weights * across**2).sum() < 0.2


def test_a_diagonal_through_corners_touches_no_other_pixel() -> None:
    weights = motion_blur(5 * math.sqrt(2), 45).weights
    np.testing.assert_allclose(weights, np.eye(5)[::-1] / 5, atol=1e-9)
    assert np.count_nonzero(weights) == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"length": 0}, "length=0 must be greater than 0"),
        ({"length": math.inf}, "length=inf must be finite"),
        ({"length": 3, "angle": math.nan}, "angle=nan must be finite"),
    ],
)
def test_motion_blur_refuses(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ArgumentError, match=f"^{re.escape(message)}$"):
        motion_blur(**arguments)
