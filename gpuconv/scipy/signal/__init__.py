"""Convolution, correlation and a few filters with the names and rules of ``scipy.signal``."""

from __future__ import annotations

from gpuconv.exchange import borrowing
from gpuconv.scipy.signal.convolution import choose_conv_method, convolve, correlate
from gpuconv.scipy.signal.planar import convolve2d, correlate2d, sepfir2d
from gpuconv.scipy.signal.ranks import medfilt, medfilt2d, order_filter
from gpuconv.scipy.signal.spectral import fftconvolve, oaconvolve
from gpuconv.scipy.signal.statistics import wiener

__all__ = [
    "choose_conv_method",
    "convolve",
    "convolve2d",
    "correlate",
    "correlate2d",
    "fftconvolve",
    "medfilt",
    "medfilt2d",
    "oaconvolve",
    "order_filter",
    "sepfir2d",
    "wiener",
]

#: All else that a program asks for.
__getattr__ = borrowing(__name__, "scipy.signal")
