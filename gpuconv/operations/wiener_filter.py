"""Wiener's filter: a blur undone in one step, as far as the noise allows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from gpuconv import backends
from gpuconv.algorithms.fourier import good_sizes
from gpuconv.arrays import Array
from gpuconv.backends import host
from gpuconv.backends.transfer import Transfer
from gpuconv.epilogue import NOTHING, Epilogue
from gpuconv.errors import DeviceError
from gpuconv.exchange import public
from gpuconv.kernel import KernelLike
from gpuconv.operations.frame import ESTIMATE, Frame, Span, check_border, check_psf
from gpuconv.operations.inverse import Inverse
from gpuconv.operations.validation import cross_validated

__all__ = ["wiener"]

#: Points that are transformed at once: 64 MiB of float32.
_POINTS = 2**24

#: What is estimated around an image reaches so many sides of the PSF, and is improved so often. Of
#: 1 to 4 sides, and of 0 to 20 steps, on four photographs with four PSFs and four noises: more gain
#: little in the band along the frame where the inside was good, and lose where the noise is high.
_SIDES, _STEPS = 4, 3


@public
def wiener(
    image: ArrayLike,
    psf: KernelLike,
    balance: float | Literal["auto"] | None = None,
    *,
    noise: float | None = None,
    clip: bool = False,
    border: str | tuple[str, str] = ESTIMATE,
    cval: float = 0,
    channel_axis: int | None = None,
    dtype: DTypeLike | None = None,
    out: Array | None = None,
    device: str | None = None,
) -> Array:
    """Undo a known blur by Wiener's filter.

    With F the spectrum of the image, H that of the PSF and R that of the Laplacian, the result has
    the spectrum F · H* / (|H|² + balance · |R|² + noise), H* being the conjugate of H.

    Parameters
    ----------
    image : array_like of shape (…, H, W)
        Real pixels of any dtype but bool, as :func:`gpuconv.convolve` takes them.
    psf : Kernel, array_like or tuple (column, row)
        The point spread function: what a point of light became, such as
        :func:`gpuconv.kernels.motion_blur` or :func:`~gpuconv.kernels.disk`. Its anchor is where
        the point was, ``(rows // 2, columns // 2)`` by default. It is taken as it is; one that sums
        to 1 keeps the brightness.
    balance : float or "auto", optional
        How much to prefer smooth results, at least 0: more for more noise. As in scikit-image. The
        default is "auto" where `noise` is not given: from 0.005 on, what predicts the image best
        (generalised cross-validation, over its middle, once for all planes).
    noise : float, optional
        The noise's power over the image's, the same at all frequencies, at least 0: the K of
        F/H · |H|² / (|H|² + K). One of the two must be above 0.
    clip : bool, default False
        Whether to limit results to −1 … 1.
    border : str or (str, str), default "estimate"
        What the PSF mixed into the image from outside the frame. "estimate": unknown, and found
        out together with the result, so that nothing rings at the frame. Else a mode of
        :func:`gpuconv.convolve`; "wrap" is scikit-image's.
    cval : float, default 0
        The value outside in mode "constant".
    channel_axis : int, optional
        Axis of the colour channels, each restored for itself.
    dtype : dtype, optional
        Of the result; the default is that of `out`, else the image's. Integers are rounded and
        saturated. All is computed in float32 for pixels of up to 16 bits and float32, else in
        float64.
    out : ndarray, optional
        Where to write; it may be the image itself.
    device : {None, "auto", "cpu", "cuda", "cuda:N"}
        Where to compute; None and "auto" leave the image where it is.

    Returns
    -------
    ndarray
        The restored image; `out` if given. NaN and infinity spread over their whole tile.

    Raises
    ------
    ArgumentError, ArgumentTypeError, DeviceError
        As for :func:`gpuconv.convolve`; or `psf` is complex or does not sum to more than 0, or
        both `balance` and `noise` are 0.

    Notes
    -----
    For "estimate", the picture is continued beyond its frame until it meets itself, as on a torus;
    then what lies outside is replaced by the restored picture blurred again, which is what the
    camera would have seen there (each step of that is one of expectation maximisation for pixels
    that are missing). With another border but "wrap" the same is done farther outside.

    Images beyond 2²⁴ pixels, and those that a GPU has no room for, are restored in tiles: no
    more than 400 MB are taken beside image and result in float32, twice that in float64. Tiles
    overlap by as many pixels as the filter's weights reach, all but a thousandth of Σ|w|, and by at
    most 256. For a slanted motion of 15 pixels and balance 0.01, tiles and the whole then differ
    by up to 0.009 of the range, and by 0.0006 in root mean square; for balance 0.1 by 0.0014 and
    0.00007. Along the frame, where surroundings are estimated from less, it is up to 0.03.

    References
    ----------
    .. [1] B. R. Hunt, "The application of constrained least squares estimation to image restoration
       by digital computer", IEEE Trans. Computers C-22 (1973), for the Laplacian.
    .. [2] S. J. Reeves, "Fast image restoration without boundary artifacts", IEEE Trans. Image
       Processing 14 (2005), for pixels outside as unknowns.

    Examples
    --------
    >>> import numpy as np
    >>> import gpuconv as gc
    >>> picture = np.zeros((32, 32))
    >>> picture[12:20, 12:20] = 1
    >>> psf = gc.kernels.motion_blur(7, angle=30)
    >>> blurred = gc.convolve(picture, psf)
    >>> restored = gc.wiener(blurred, psf, balance=1e-4)
    >>> round(gc.psnr(blurred, picture)), round(gc.psnr(restored, picture))
    (19, 28)
    """
    kernel, modes = check_psf(psf), check_border(border, cval)
    limits = Epilogue(low=-1, high=1) if clip else NOTHING
    with backends.select(image, device).place(image, device):
        frame = Frame.of(image, channel_axis, dtype, out, device)
        if (balance is None and noise is None) or (isinstance(balance, str) and balance == "auto"):
            balance = cross_validated(frame, kernel) if 0 not in frame.shape else 1.0
        wanted = Inverse.of(kernel, balance, noise, modes, float(cval))
        if 0 not in frame.shape:
            _restore(frame, wanted, frame.pixels, frame.target, limits, _POINTS)
    return frame.result


def _restore(
    frame: Frame, wanted: Inverse, pixels: Any, target: Any, limits: Epilogue, most: int
) -> None:
    """Restore planes (…, H, W), of which no more than `most` points are in memory at once."""
    if pixels.ndim > 2 and prod(pixels.shape) > most:
        for plane, result in zip(pixels, target, strict=True):
            _restore(frame, wanted, plane, result, limits, most)
        return
    if _restored(frame, wanted, pixels, target, limits, most):
        return
    smaller = min(most, prod(pixels.shape)) // 2
    if smaller < wanted.reach() ** 2:
        raise DeviceError(
            f"the device has too little free memory to restore tiles of {most} pixels; free arrays "
            "on it, or use device='cpu'"
        )
    _restore(frame, wanted, pixels, target, limits, smaller)


def _restored(
    frame: Frame, wanted: Inverse, pixels: Any, target: Any, limits: Epilogue, most: int
) -> bool:
    """Return whether there was the memory to restore it; if not, none of it is held on return."""
    tiles = list(_tiles(wanted, pixels.shape[-2:], most))
    size = tiles[0][0].period, tiles[0][1].period
    # As long as these are held, engines keep their values, from tile to tile.
    steps = [wanted.transfer(size, frame.summed, filling=each) for each in (True, False)]
    try:
        for tile in tiles:
            _store(frame, _filtered(frame, wanted, steps, pixels, tile), target, limits, tile)
    except MemoryError:
        if frame.engine is host:
            raise
        return False
    return True


@dataclass(frozen=True)
class _Cut:
    """A tile along one axis: outputs, the source they are made from, and the period around it."""

    out: Span
    source: Span
    period: int


def _tiles(wanted: Inverse, size: tuple[int, int], most: int) -> Iterator[tuple[_Cut, ...]]:
    """Yield what to restore together, along y and along x: all of one period."""
    whole = prod(size) <= most
    cuts = []
    for axis, n in enumerate(size):
        mode = wanted.border[axis] if wanted.border else ESTIMATE
        if whole and mode == "wrap":
            # Transforms of one pixel are none; two of the same are one, twice.
            cuts.append([_Cut((0, n), (0, max(n, 2)), max(n, 2))])
            continue
        around = _SIDES * wanted.psf.shape[axis]
        reach = 0 if whole and mode == ESTIMATE else wanted.reach()
        # Square tiles overlap least.
        side = n if whole else max(int(most**0.5) - 2 * reach - around, reach)
        spans = [_sourced(n, span, reach, mode == ESTIMATE) for span in _spans(n, side)]
        least = max(source[1] for _, source in spans) + around
        cuts.append([_Cut(*span, good_sizes(least, least)[0]) for span in spans])
    yield from product(*cuts)


def _spans(n: int, side: int) -> Iterator[Span]:
    """Yield pieces of an axis, of about the same length, none longer than `side`."""
    count = -(-n // side)
    for i in range(count):
        start = i * n // count
        yield start, (i + 1) * n // count - start


def _sourced(n: int, out: Span, reach: int, inside: bool) -> tuple[Span, Span]:
    """Return outputs and what they are made from: `reach` pixels more on both sides."""
    first, stop = out[0] - reach, out[0] + out[1] + reach
    if inside:
        first, stop = max(first, 0), min(stop, n)
    return out, (first, stop - first)


def _filtered(
    frame: Frame, wanted: Inverse, steps: list[Transfer], pixels: Any, tile: tuple[_Cut, ...]
) -> Any:
    """Return a tile in the corner of a sheet of one period, restored."""
    (y, x), (filling, last) = tile, steps
    sheet = frame.engine.empty((*pixels.shape[:-2], y.period, x.period), frame.summed)
    inner = sheet[..., : y.source[1], : x.source[1]]
    border = wanted.border or ("nearest", "nearest")
    frame.load(pixels, inner, y.source, x.source, border, wanted.cval)
    if inner.shape != sheet.shape:
        _surround(frame, filling, sheet, inner)
    frame.engine.run_circular(sheet, last)
    return sheet


def _store(frame: Frame, sheet: Any, target: Any, limits: Epilogue, tile: tuple[_Cut, ...]) -> None:
    y, x = tile
    rows, columns = (_part(cut.out[0] - cut.source[0], cut.out[1]) for cut in tile)
    result = target[..., _part(*y.out), _part(*x.out)]
    frame.store(sheet[..., rows, columns], result, limits)


def _part(first: int, count: int) -> slice:
    return slice(first, first + count)


def _surround(frame: Frame, filling: Transfer, sheet: Any, inner: Any) -> None:
    """Fill the ring around an image with what the camera would have seen there."""
    known = inner.copy()
    _close(frame, sheet, inner)
    for _ in range(_STEPS):
        frame.engine.run_circular(sheet, filling)
        inner[...] = known


def _close(frame: Frame, sheet: Any, inner: Any) -> None:
    """Continue an image in the corner of a sheet, along straight lines, until it meets itself."""
    high, wide = inner.shape[-2:]
    across, down = (
        frame.engine.asarray((np.arange(1, n + 1) / (n + 1)).astype(frame.summed))
        for n in (sheet.shape[-1] - wide, sheet.shape[-2] - high)
    )
    first, last = inner[..., :1], inner[..., -1:]
    with np.errstate(all="ignore"):
        sheet[..., :high, wide:] = last + (first - last) * across
        top, bottom = sheet[..., :1, :], sheet[..., high - 1 : high, :]
        sheet[..., high:, :] = bottom + (top - bottom) * down[:, None]
