"""Convolution and correlation of arrays of any dimension, by sums or by transforms."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from gpuconv.arrays import Array
from gpuconv.errors import ArgumentError
from gpuconv.exchange import public
from gpuconv.scipy.arguments import room_like
from gpuconv.scipy.errors import tell
from gpuconv.scipy.signal import sums
from gpuconv.scipy.signal.choice import faster, safe, seconds
from gpuconv.scipy.signal.inputs import (
    check_mode,
    check_numeric,
    in_host_memory,
    pair_of,
    result_of,
    swapped,
)
from gpuconv.scipy.signal.reach import over_axes
from gpuconv.scipy.signal.spectral import transformed

__all__ = ["choose_conv_method", "convolve", "correlate"]

_METHODS = ("auto", "direct", "fft")


@public(reach=over_axes)
def convolve(in1: Any, in2: Any, mode: Any = "full", method: Any = "auto") -> Any:
    """Convolve two arrays of any dimension.

    Parameters
    ----------
    in1, in2 : array_like
        Of the same number of dimensions.
    mode : {"full", "same", "valid"}
        What is returned: the whole convolution, its middle of the size of `in1`, or what needs no
        zeros from outside.
    method : {"auto", "direct", "fft"}
        Whether to take sums, or Fourier transforms, or what is faster. Integers are exact in all
        three, modulo 2**bits.

    Returns
    -------
    ndarray
        Of the dtype that both have in common.

    Raises
    ------
    ArgumentError
        Dimensions differ, `mode` or `method` are none that are allowed, or for "valid" neither
        input is as large as the other in every dimension.

    Warns
    -----
    RuntimeWarning
        NaN or infinity came out of Fourier transforms.

    Examples
    --------
    >>> convolve([1, 2, 3], [0, 1, 0.5]).tolist()
    [0.0, 1.0, 2.5, 4.0, 1.5]
    """
    volume, kernel = pair_of(in1, in2)
    if volume.ndim == kernel.ndim == 0:
        return volume * kernel
    _check_dimensions("volume and kernel", volume, kernel)
    return _convolved(volume, kernel, check_mode(mode), _checked(method))


@public(reach=over_axes)
def correlate(in1: Any, in2: Any, mode: Any = "full", method: Any = "auto") -> Any:
    """Correlate two arrays of any dimension: Σ in1[l] · conj(in2[l − k]) for all lags k.

    Parameters
    ----------
    in1, in2, mode, method
        As for :func:`convolve`.

    Returns
    -------
    ndarray
        Of the dtype that both have in common. The whole correlation begins with the lag
        1 − (length of `in2`).

    Raises
    ------
    ArgumentError
        As for :func:`convolve`.

    Examples
    --------
    >>> correlate([1, 2, 3], [0, 1, 0.5]).tolist()
    [0.5, 2.0, 3.5, 3.0, 0.0]
    """
    first, second = pair_of(in1, in2)
    if first.ndim == second.ndim == 0:
        return first * np.conj(second) if second.dtype.kind == "c" else first * second
    _check_dimensions("in1 and in2", first, second)
    turned = second[(slice(None, None, -1),) * second.ndim]
    turned = np.conj(turned) if turned.dtype.kind == "c" else turned
    return _convolved(first, turned, check_mode(mode), _checked(method))


@public
def choose_conv_method(in1: Any, in2: Any, mode: Any = "full", measure: Any = False) -> Any:
    """Return which method of :func:`convolve` is expected to be the fastest.

    Parameters
    ----------
    in1, in2, mode
        As for :func:`convolve`.
    measure : bool, default False
        Whether to try both.

    Returns
    -------
    method : {"direct", "fft"}
    times : dict
        If `measure`, the seconds that each took.

    Raises
    ------
    ArgumentError
        `mode` is none that is allowed.

    Examples
    --------
    >>> choose_conv_method(np.ones(10), np.ones(3)), choose_conv_method([2**51], [4])
    ('direct', 'direct')
    """
    if measure:
        times = {
            method: seconds(lambda method=method: convolve(in1, in2, mode=mode, method=method))
            for method in ("fft", "direct")
        }
        return "fft" if times["fft"] < times["direct"] else "direct", times
    volume, kernel = pair_of(in1, in2)
    check_mode(mode)
    return "fft" if safe(volume, kernel) and faster(volume, kernel, mode) else "direct"


def _check_dimensions(names: str, first: Array, second: Array) -> None:
    if first.ndim != second.ndim:
        raise ArgumentError(
            f"{names} should have the same dimensionality: "
            f"they have {first.ndim} and {second.ndim} dimensions"
        )


def _checked(method: Any) -> str:
    if not isinstance(method, str) or method not in _METHODS:
        raise ArgumentError(
            f"Acceptable method flags are 'auto', 'direct', or 'fft', not method={method!r}"
        )
    return method


def _convolved(volume: Array, kernel: Array, mode: str, method: str) -> Array:
    if swapped(mode, volume.shape, kernel.shape):
        volume, kernel = kernel, volume
    if 0 in volume.shape or 0 in kernel.shape:
        return _of_nothing(volume, kernel, mode)
    dtype = np.result_type(volume, kernel)
    if dtype.kind in "iu":
        return sums.convolved(volume, kernel, mode, "auto")
    if dtype.kind == "b" and (method == "fft" or volume.ndim == 1):
        counts = sums.convolved(volume.astype(np.int64), kernel.astype(np.int64), mode)
        return cast(Array, counts != 0)
    if method == "auto" and not _chosen_by_engine(volume, kernel, dtype):
        half = dtype.char == "e" and volume.ndim > 1  # there are no sums of it
        transforms = half or (safe(volume, kernel) and faster(volume, kernel, mode))
        method = "fft" if transforms else "direct"
    if method == "fft":
        return _through_spectra(volume, kernel, mode, dtype)
    if volume.ndim > 1:
        check_numeric(dtype, "Unsupported type")
    return sums.convolved(volume, kernel, mode, method)


def _of_nothing(volume: Array, kernel: Array, mode: str) -> Array:
    """Return a convolution of which one input has no elements, where there is one."""
    if mode == "full" or (kernel.size == 0 and (mode == "same" or volume.ndim == 1)):
        empty = "a" if 0 in volume.shape else "v"
        raise ArgumentError(f"{empty} cannot be empty: shapes {volume.shape} and {kernel.shape}")
    shape = result_of(mode, volume.shape, kernel.shape)
    out = room_like(volume, shape, np.result_type(volume, kernel))
    out[...] = 0
    return out


def _chosen_by_engine(volume: Array, kernel: Array, dtype: np.dtype[Any]) -> bool:
    """Return whether the engine's own plan chooses between sums and transforms."""
    line = volume.ndim == 1 and in_host_memory(volume)
    return not line and volume.ndim <= 2 and dtype.char in "fd"


def _through_spectra(volume: Array, kernel: Array, mode: str, dtype: np.dtype[Any]) -> Array:
    made = transformed(volume, kernel, mode)
    if made.dtype.kind in "fc" and not np.isfinite(made).all():
        tell(
            "Use of fft convolution on input with NAN or inf results in NAN or inf output. "
            "Consider using method='direct' instead.",
            RuntimeWarning,
        )
    return made if made.dtype == dtype else made.astype(dtype)
