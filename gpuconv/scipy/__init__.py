"""SciPy's names and rules on gpuconv's engines: change the import, and nothing else.

``from gpuconv.scipy import ndimage, signal`` stands for ``from scipy import ndimage, signal``.
Where the import cannot be changed, :func:`use` changes what SciPy's own names mean for a while.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from gpuconv.exchange import borrowing
from gpuconv.scipy.patching import use

__all__ = ["ndimage", "signal", "use"]


def __getattr__(name: str) -> Any:
    if name in ("ndimage", "signal"):
        return import_module(f"gpuconv.scipy.{name}")
    return borrowing(__name__, "scipy")(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
