"""Kernels that spread a point over a shape: the disk of a lens, the line of a moving camera."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.kernel import Kernel
from gpuconv.kernels._angle import direction
from gpuconv.kernels._check import affordable, number
from gpuconv.kernels._kept import kept

__all__ = ["disk", "motion_blur"]

Array = NDArray[Any]


@kept
def disk(radius: float, antialiased: bool = True) -> Kernel:
    """Blur as a lens out of focus does: average over a disk.

    Each pixel weighs the area of it that lies inside the circle, exactly; all are then divided by
    the sum. Not antialiased, pixels whose centres lie in the circle weigh 1 and the others 0.

    Parameters
    ----------
    radius : float
        Radius of the circle in pixels, greater than 0 (at least 0 where not antialiased), around
        the centre of the middle pixel.
    antialiased : bool, default True
        Whether pixels on the circle weigh the part of them that is inside.

    Returns
    -------
    Kernel
        Odd sides, the sum 1; not antialiased, integers with a divisor.

    References
    ----------
    MATLAB's ``fspecial("disk")``; ``skimage.morphology.disk`` for the one that is not antialiased.

    Examples
    --------
    >>> disk(1, antialiased=False)
    <Kernel disk(1) 3×3, anchor (1, 1)>
    [[0 1 0]
     [1 1 1]
     [0 1 0]] / 5
    >>> disk(1).weights.round(3).tolist()
    [[0.025, 0.145, 0.025], [0.145, 0.318, 0.145], [0.025, 0.145, 0.025]]
    """
    radius = number("radius", radius, at_least=0)
    name = f"disk({radius:g})"
    affordable(name, 2 * radius + 1, 2 * radius + 1)
    if antialiased:
        weights = _coverage(number("radius", radius, above=0))
        return Kernel(weights / weights.sum(), name=name)
    reach = int(radius)
    square = np.arange(-reach, reach + 1) ** 2
    inside = (square + square[:, None] <= radius**2).astype(np.int64)
    return Kernel(inside, divisor=int(inside.sum()), name=name)


def _coverage(radius: float) -> Array:
    """Return the area of each pixel that lies in the circle, from areas of rectangles in it.

    With A(x, y) the area of the circle within (0, 0) … (x, y), odd in x and in y, a pixel is
    A(right, bottom) − A(left, bottom) − A(right, top) + A(left, top).
    """
    reach = math.ceil(radius - 0.5)
    edge = np.arange(-reach - 0.5, reach + 1)
    area = _rectangle_in_circle(np.abs(edge), np.abs(edge)[:, None], radius)
    area *= np.sign(edge) * np.sign(edge)[:, None]
    covered = np.diff(np.diff(area, axis=0), axis=1)
    # Differences of areas up to r² leave some r²·1e-16 where a pixel is just outside.
    return np.where(covered < 1e-12 * max(1.0, radius**2), 0.0, covered)


def _rectangle_in_circle(x: Array, y: Array, radius: float) -> Array:
    """Return ∫₀ˣ min(y, √(r² − t²)) dt: flat up to where the circle dips below y, then the arc."""
    flat = np.minimum(x, np.sqrt(np.maximum(radius**2 - y**2, 0)))
    end = np.minimum(x, radius) + 0 * y
    result: Array = y * flat + _under_arc(end, radius) - _under_arc(flat, radius)
    return result


def _under_arc(t: Array, radius: float) -> Array:
    """Return the integral of √(r² − t²) from 0."""
    height = np.sqrt(np.maximum(radius**2 - t**2, 0))
    result: Array = (t * height + radius**2 * np.arcsin(np.minimum(t / radius, 1))) / 2
    return result


@kept
def motion_blur(length: float, angle: float = 0.0) -> Kernel:
    """Blur as a camera does that moves evenly in a straight line.

    Each pixel weighs the part of the line that lies within it: the time that a moving point spends
    over it. The line is centred on the middle pixel, so nothing is shifted, and it is
    antialiased by construction: a line at a slant shares its weight between the pixels it crosses.

    Parameters
    ----------
    length : float
        Length of the line in pixels, greater than 0; up to 1 the image stays as it is along the
        axes.
    angle : float, default 0.0
        Direction of the motion in degrees, counter-clockwise as seen in the picture: 0 is along
        the rows, 90 along the columns, 45 from the lower left to the upper right. The way there
        and the way back are the same.

    Returns
    -------
    Kernel
        Odd sides, the sum 1, the same when turned by 180°; along an axis one separable term, with
        integers where `length` is whole.

    References
    ----------
    R. Siddon, "Fast calculation of the exact radiological path for a three-dimensional CT array",
    Med. Phys. 12 (1985), for the lengths.

    Examples
    --------
    >>> motion_blur(5)
    <Kernel motion_blur(5, angle=0) 1×5, 1 separable term, anchor (0, 2)>
    [[1 1 1 1 1]] / 5
    >>> motion_blur(2, angle=90).weights.ravel().tolist()
    [0.25, 0.5, 0.25]
    >>> motion_blur(3, angle=45).weights.round(3).tolist()
    [[0.0, 0.0, 0.264], [0.0, 0.471, 0.0], [0.264, 0.0, 0.0]]
    """
    length = number("length", length, above=0)
    right, up = direction(number("angle", angle))
    name = f"motion_blur({length:g}, angle={angle:g})"
    if right == 0 or up == 0:
        row, divisor = _line_along_axis(length, name)
        parts = ([1], row) if up == 0 else (row, [1])
        return Kernel.separable(*parts, divisor=divisor, name=name)
    affordable(name, length * abs(up) + 2, length * abs(right) + 2)
    weights = _line(length, right, up)
    return Kernel(weights / weights.sum(), name=name)


def _line_along_axis(length: float, name: str) -> tuple[Array, float]:
    """Return the lengths in the pixels of a row, and what to divide them by."""
    affordable(name, length + 2)
    reach = math.ceil((length - 1) / 2) if length > 1 else 0
    row = np.ones(2 * reach + 1)
    row[0] = row[-1] = (length - (2 * reach - 1)) / 2 if reach else length
    # An even length covers its last pixels by half: in half pixels, all is whole.
    for unit in (1, 2):
        if (unit * length).is_integer() and (row * unit == np.rint(row * unit)).all():
            return np.rint(row * unit).astype(np.int64), int(unit * length)
    return row, length


def _line(length: float, right: float, up: float) -> Array:
    """Return the length of a slanted line within each pixel, cut at every border it crosses."""
    half = length / 2
    cuts = [np.array([-half, half])]
    for step in (abs(right), abs(up)):
        borders = np.arange(0.5, half * step, 1) / step
        cuts += [-borders, borders]
    # Lines through a corner cross two borders at once; rounding must not leave a piece between.
    where = np.unique(np.concatenate(cuts).round(9))
    middle, pieces = (where[1:] + where[:-1]) / 2, np.diff(where)
    x, y = (np.rint(middle * step).astype(int) for step in (right, -up))
    weights = np.zeros((2 * np.abs(y).max() + 1, 2 * np.abs(x).max() + 1))
    np.add.at(weights, (y + weights.shape[0] // 2, x + weights.shape[1] // 2), pieces)
    return weights
