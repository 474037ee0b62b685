"""The classes of PyTorch's that ours derive from, where it is installed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from gpuconv.errors import MissingExtraError

__all__ = ["Function", "Module"]


class _Absent:
    """What stands in for a class that is not there: this module can be imported, not used."""

    def __init__(self) -> None:
        raise MissingExtraError("torch", "torch", "gpuconv.torch")


def _bases() -> tuple[Any, Any]:
    try:
        return import_module("torch.nn").Module, import_module("torch.autograd").Function
    except ImportError:
        return _Absent, _Absent


Module, Function = _bases()
