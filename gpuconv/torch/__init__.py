"""Convolution as a layer of PyTorch's, with fixed weights and with gradients.

Functions of gpuconv take tensors as they are, but record no gradient. :class:`Filter` does: it
stands among the layers of a network and lets gradients through to what comes before.
"""

from __future__ import annotations

from gpuconv.torch.layer import Filter

__all__ = ["Filter"]
