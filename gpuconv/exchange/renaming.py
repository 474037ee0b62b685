"""What names of modules mean, changed in all modules that have taken them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

__all__ = ["rename", "rename_everywhere"]


def rename_everywhere(instead: Mapping[int, Any], start: str = "") -> None:
    """Let names of all loaded modules mean other things.

    Parameters
    ----------
    instead : mapping from int
        By the identity of what a name means, what it is to mean.
    start : str
        Only modules whose names begin so.
    """
    for name, module in list(sys.modules.items()):
        held = getattr(module, "__dict__", None)
        # Anything may call itself a module; and of a thousand, nearly all have none.
        if name.startswith(start) and isinstance(held, dict):
            rename(held, instead)


def rename(held: dict[str, Any], instead: Mapping[int, Any]) -> None:
    """Let the names of one module mean other things.

    Examples
    --------
    >>> old, held = object(), {}
    >>> held["name"] = old
    >>> rename(held, {id(old): "new"})
    >>> held
    {'name': 'new'}
    """
    if instead.keys().isdisjoint(map(id, list(held.values()))):
        return
    for name, value in list(held.items()):
        if id(value) in instead:
            held[name] = instead[id(value)]
