"""A copy of the same bytes: the floor, since an image is read once and written once.

Two ways on a GPU, the driver's and a kernel; the faster counts.
"""

from __future__ import annotations

import numpy as np

from ..cases import Case
from ..suite.contract import Buffers, Peer, Prepared, Unable

__all__ = ["PEERS"]


def _by_ufunc(case: Case, buffers: Buffers) -> Prepared:
    images, outs = buffers.images, buffers.outs
    return Prepared(lambda i: np.positive(images[i], out=outs[i]), "cupy.positive", copies=True)


def _by_driver(case: Case, buffers: Buffers) -> Prepared:
    images, outs = buffers.images, buffers.outs
    if not hasattr(outs[0].data, "copy_from_device_async"):
        raise Unable("these arrays are not CuPy's")
    size = images[0].nbytes

    def call(i: int) -> None:
        outs[i].data.copy_from_device_async(images[i].data, size)

    return Prepared(call, "cudaMemcpyAsync", copies=True)


def _by_numpy(case: Case, buffers: Buffers) -> Prepared:
    images, outs = buffers.images, buffers.outs
    return Prepared(lambda i: np.copyto(outs[i], images[i]), "np.copyto", copies=True)


PEERS = (
    Peer("copy", ("numpy",), "cpu", _by_numpy),
    Peer("copy", ("cupy-cuda13x", "cupy-cuda12x"), "cuda", _by_driver),
    Peer("copy, by a kernel", ("cupy-cuda13x", "cupy-cuda12x"), "cuda", _by_ufunc),
)
