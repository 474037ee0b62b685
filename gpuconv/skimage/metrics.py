"""What scikit-image lets other libraries compute today: how far two images differ."""

from __future__ import annotations

from typing import Any

import numpy as np

from gpuconv.arrays import Array
from gpuconv.errors import ArgumentError
from gpuconv.exchange import borrowing, public
from gpuconv.scipy.arguments import array_of
from gpuconv.skimage.pixels import float_dtype

__all__ = ["mean_squared_error", "normalized_root_mse"]

__getattr__ = borrowing(__name__, "skimage.metrics")


@public
def mean_squared_error(image0: Any, image1: Any) -> Any:
    """Return the mean of the squared differences: ``skimage.metrics.mean_squared_error``.

    Parameters
    ----------
    image0, image1 : array_like
        Real pixels, of the same shape.

    Returns
    -------
    float
        Summed in float64.

    Raises
    ------
    ArgumentError
        The images have different shapes, or are complex.

    Examples
    --------
    >>> float(mean_squared_error([[1, 2]], [[1, 4]]))
    2.0
    """
    return _error(*_floats(image0, image1))


@public
def normalized_root_mse(
    image_true: Any, image_test: Any, *, normalization: str = "euclidean"
) -> Any:
    """Return how far an image is from the true one: ``skimage.metrics.normalized_root_mse``.

    Parameters
    ----------
    image_true, image_test : array_like
        Real pixels, of the same shape.
    normalization : {"euclidean", "min-max", "mean"}
        What the root of the mean squared error is divided by: the root of the mean square, the
        range or the mean of the true image.

    Returns
    -------
    float
        The quotient.

    Raises
    ------
    ArgumentError
        The images have different shapes, or `normalization` is another.

    Examples
    --------
    >>> float(normalized_root_mse([[2.0, 4.0]], [[1.0, 5.0]], normalization="min-max"))
    0.5
    """
    true, test = _floats(image_true, image_test)
    match normalization.lower():
        case "euclidean":
            divisor = np.sqrt(np.mean(np.square(true), dtype=np.float64))
        case "min-max":
            divisor = true.max() - true.min()
        case "mean":
            divisor = true.mean()
        case _:
            raise ArgumentError(
                f"Unsupported norm_type: normalization={normalization!r} "
                "(one of 'euclidean', 'min-max', 'mean')"
            )
    return np.sqrt(_error(true, test)) / divisor


def _floats(first: Any, second: Any) -> tuple[Array, Array]:
    a, b = array_of(first), array_of(second)
    if a.shape != b.shape:
        raise ArgumentError(
            f"Input images must have the same dimensions: their shapes are {a.shape} and {b.shape}"
        )
    dtype = np.result_type(float_dtype(a.dtype), float_dtype(b.dtype))
    return a.astype(dtype, copy=False), b.astype(dtype, copy=False)


def _error(first: Array, second: Array) -> Any:
    difference = np.subtract(first, second)
    return np.mean(np.square(difference, out=difference), dtype=np.float64)
