"""scipy.ndimage: one thread, float64 sums, integers cut off after every pass."""

from __future__ import annotations

from importlib import import_module

from .. import filters
from ..cases import Case
from ..suite.contract import Buffers, Peer, Prepared, Unable

__all__ = ["PEERS"]

#: Levels that are lost by passes that cut off what is behind the point.
_CUT = "each pass cuts off what is behind the point"


def _prepare(case: Case, buffers: Buffers) -> Prepared:
    try:
        ndimage = import_module("scipy.ndimage")
    except ImportError as error:
        raise Unable(f"SciPy cannot be imported: {error}") from error
    images, outs, f = buffers.images, buffers.outs, case.filter
    if case.axes != "yx":
        raise Unable("not asked yet")
    whole = case.dtype in ("uint8", "uint16")
    if isinstance(f, filters.Gaussian):
        return Prepared(
            lambda i: ndimage.gaussian_filter(
                images[i], f.sigma, mode=case.border, radius=f.reach, output=outs[i]
            ),
            "ndimage.gaussian_filter",
            2.0 if whole else None,
            because=_CUT if whole else "",
        )
    if isinstance(f, filters.Linear):
        weights = f.weights
        return Prepared(
            lambda i: ndimage.correlate(images[i], weights, mode=case.border, output=outs[i]),
            "ndimage.correlate",
            because=_CUT if whole else "",
        )
    if isinstance(f, filters.Median):
        return Prepared(
            lambda i: ndimage.median_filter(images[i], f.side, mode=case.border, output=outs[i]),
            "ndimage.median_filter",
        )
    raise Unable("has none")


PEERS = (Peer("SciPy ndimage", ("scipy",), "cpu", _prepare),)
