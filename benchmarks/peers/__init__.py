"""Who is timed: a file for each library, with fair settings.

Fair is what its users would write who know it well: outputs that exist already where it takes
them, its native layout, the same border, weights in the image's precision. Nothing is imported
before it is asked for, and who is not installed is left out with a word.
"""

from __future__ import annotations

from importlib import import_module

from ..suite.contract import Peer

__all__ = ["FLOOR", "OURS", "peers"]

#: The peer that everyone is measured by, and a copy of the same bytes, which nobody can beat.
OURS, FLOOR = "gpuconv", "copy"

_FILES = (
    "ours",
    "plain_copy",
    "scipy_ndimage",
    "scipy_signal",
    "opencv",
    "scikit_image",
    "pillow",
    "libvips",
    "pytorch",
    "cupyx_ndimage",
    "cupyx_signal",
    "torch_vision",
    "cucim",
    "opencv_cuda",
    "npp",
    "cvcuda",
    "kornia",
)


def peers(device: str) -> list[Peer]:
    """Return those that run on a kind of device, "cpu" or "cuda"; gpuconv is the first."""
    files = (import_module(f".{name}", __name__) for name in _FILES)
    return [peer for each in files for peer in each.PEERS if peer.device == device]
