"""torchvision on a GPU: its Gaussian, a dense one, whose border is "mirror"; it returns tensors."""

from __future__ import annotations

from .. import filters
from ..cases import Case
from ..suite.contract import Buffers, Peer, Prepared, Unable
from .asking import imported
from .on_gpu import border_of, in_turn
from .tensors import Tensors

__all__ = ["PEERS"]

_FUNCTIONS = "torchvision.transforms.v2.functional"


def _prepare(case: Case, buffers: Buffers) -> Prepared:
    f = case.filter
    if not isinstance(f, filters.Gaussian):
        raise Unable("has none")
    border_of(case, {"mirror": "reflect"})
    blur = imported(_FUNCTIONS, "torchvision").gaussian_blur_image
    tensors, side, sigma = Tensors.of(case, buffers), [f.taps] * 2, [f.sigma] * 2
    call = in_turn(tensors, lambda image: blur(image, side, sigma))
    return Prepared(call, "gaussian_blur_image", *_halves(case), alike=tensors.image)


def _halves(case: Case) -> tuple[float | None, str, str]:
    if case.dtype != "float16":
        return None, "", ""
    return 1e-3, "largest", "its weights have 11 bits"


PEERS = (Peer("torchvision", ("torchvision",), "cuda", _prepare),)
