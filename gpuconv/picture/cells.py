"""What all pictures share: the weights as real numbers, their colours, their digits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gpuconv.errors import ArgumentError, ArgumentTypeError

__all__ = ["Array", "checked", "colours_of", "ink", "labels_of", "reduced"]

Array = NDArray[Any]

# RdBu from C. Brewer's ColorBrewer (colorbrewer2.org): it reads well for the colour-blind, and its
# lightness grows evenly on both sides. From the most negative to the most positive.
_COLOURS = np.array(
    [
        (33, 102, 172),
        (67, 147, 195),
        (146, 197, 222),
        (209, 229, 240),
        (255, 255, 255),
        (253, 219, 199),
        (244, 165, 130),
        (214, 96, 77),
        (178, 24, 43),
    ]
)


def checked(weights: ArrayLike) -> Array:
    """Return the weights as 2-D real numbers; complex ones as magnitudes."""
    array = np.asarray(weights)
    if array.dtype.kind not in "biufc":
        raise ArgumentTypeError(f"weights has dtype {array.dtype}; it must hold numbers")
    if array.ndim != 2 or array.size == 0:
        raise ArgumentError(
            f"weights has shape {array.shape}; it must have two dimensions and at least one weight"
        )
    if array.dtype.kind == "c":
        array = np.abs(array)
    return array.astype(np.float64)


def colours_of(weights: Array) -> Array:
    """Return the colour of each weight, uint8, (rows, columns, 3).

    The depth of a colour is the square root of the weight over the largest: evenly, the wide and
    shallow surroundings that make a sharpening or a band-pass kernel would be white.
    """
    largest = float(np.abs(weights).max()) or 1.0
    depth = np.sign(weights) * np.sqrt(np.abs(weights) / largest)
    where = (depth + 1) / 2 * (len(_COLOURS) - 1)
    stops = np.arange(len(_COLOURS))
    bands = [np.interp(where, stops, _COLOURS[:, band]) for band in range(3)]
    return np.stack(bands, axis=-1).round().astype(np.uint8)


def reduced(weights: Array, step: int) -> Array:
    """Return one weight for each step × step of them: the one of the largest magnitude."""
    if step == 1:
        return weights
    padded = np.pad(weights, [(0, -n % step) for n in weights.shape])
    rows, columns = (n // step for n in padded.shape)
    blocks = padded.reshape(rows, step, columns, step).swapaxes(1, 2).reshape(rows, columns, -1)
    strongest = np.abs(blocks).argmax(axis=-1)[..., None]
    result: Array = np.take_along_axis(blocks, strongest, axis=-1)[..., 0]
    return result


def ink(colour: Array) -> tuple[int, int, int]:
    """Return white or near-black, whichever reads better on `colour` (Rec. 709 luma)."""
    light = float(colour @ np.array([0.2126, 0.7152, 0.0722])) > 130
    return (40, 40, 40) if light else (255, 255, 255)


def labels_of(weights: Array, digits: int) -> Array:
    """Return each weight as text, all with the decimals that give the largest one its digits."""
    largest = float(np.abs(weights).max())
    exponent = math.floor(math.log10(largest)) if largest else 0
    if largest < 1e6 and (weights == np.rint(weights)).all():
        form = ".0f"
    elif -4 <= exponent < 6:
        form = f".{max(0, digits - 1 - exponent)}f"
    else:
        form = f".{digits - 1}e"
    # "z" turns −0.00 into 0.00.
    return np.array([f"{value:z{form}}" for value in weights.flat]).reshape(weights.shape)
